//! Feature configuration: the `[features]` section of a recipe.

use crate::check::{require, require_sample_rate};
use crate::deltas::DeltasConfig;
use crate::front_ends::FrontEndConfig;
use crate::normalization::Normalization;
use crate::serde_scalar::words;
use crate::settings_macro::config;
use crate::stacking::StackingConfig;
use crate::{FeatureError, FrontEnd};

/// Maximum fixed length, samples (17 minutes at 16 kHz). Every clip, however short, costs the time and memory of this length.
const MAX_CLIP_LENGTH: usize = 1 << 24;
/// Maximum number of values of a clip of fixed length (256 MiB), and of samples that are transformed for it (seconds).
const MAX_CLIP_VALUES: usize = 1 << 26;
const MAX_CLIP_WORK: usize = 1 << 28;
/// Maximum number of frames that contain a sample, and of values per sample: every sample of a recording costs their time and
/// memory.
const MAX_OVERLAP: usize = 1 << 10;

/// Maximum sample rate in Hz: twice the highest of common converters.
const MAX_SAMPLE_RATE_HZ: u32 = 1_536_000;

/// Scale of the samples that a front end receives, for a 16-bit sample x.
///
/// The scale changes only the first cepstral coefficient, except where a floor applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// x itself, -32768..=32767, as scipy.io.wavfile reads it.
    Int16,
    /// x / 32768, as librosa.load and torchaudio.load return it.
    #[default]
    Unit,
}

words! {
    Scale {
        Int16 = "int16",
        Unit = "unit",
    }
}

impl Scale {
    /// Appends samples in [-1, 1], converted to this scale.
    pub(crate) fn append(self, unit_samples: &[f32], scaled: &mut Vec<f32>) {
        match self {
            Scale::Unit => scaled.extend_from_slice(unit_samples),
            // A power of two: exact.
            Scale::Int16 => scaled.extend(unit_samples.iter().map(|sample| sample * 32768.0)),
        }
    }
}

config! {
    /// Feature pipeline: scale, fixed length, front end, deltas, stacking and normalization, in this order.
    ///
    /// # Example
    /// ```
    /// use stapes_features::{DeltasConfig, FeatureConfig};
    ///
    /// let config = FeatureConfig { deltas: Some(DeltasConfig::default()), ..Default::default() };
    /// let mut front_end = config.init()?;
    /// let features = front_end.extract(&[0.25; 16_000])?;
    /// assert_eq!((features.frames(), features.width()), (32, 40));
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub struct FeatureConfig {
        /// Sample rate that the front end assumes.
        sample_rate_hz: u32 = 16_000, "Hz";
        /// Scale of the samples: unit for [-1, 1], int16 for 32768 times that.
        scale: Scale = Scale::Unit, "";
        /// Length to which clips are cut or zero-padded before anything else; unchanged if absent.
        fixed_length_samples: Option<usize> = None, "samples";
        /// Front end.
        front_end: FrontEndConfig = FrontEndConfig::default(), { FrontEndConfig };
        /// Deltas appended as further columns; none if absent.
        deltas: Option<DeltasConfig> = None, { DeltasConfig };
        /// Frames stacked with their neighbors, then subsampled.
        #[serde(skip_serializing_if = "StackingConfig::is_none")]
        stacking: StackingConfig = StackingConfig::default(), { StackingConfig };
        /// Normalization: none, per-coefficient, per-utterance, per-utterance-mean, cmvn or cmvn-mean.
        normalization: Normalization = Normalization::None, "";
    }
}

impl FeatureConfig {
    /// Checks all settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`]:
    /// `features.front_end.librosa-mfcc.hop_length = 0: must be at least 1; use 1`.
    pub fn check(&self) -> Result<(), FeatureError> {
        self.init().map(drop)
    }

    /// Builds the front end with these settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`FeatureConfig::check`].
    pub fn init(&self) -> Result<FrontEnd, FeatureError> {
        FrontEnd::new(self).map_err(|error| error.with_prefix("features"))
    }

    /// Returns the warning of the reference toolkit about these settings, if it has one.
    ///
    /// # Example
    /// ```
    /// use stapes_features::{FeatureConfig, FrontEndConfig, PsfMfccConfig};
    ///
    /// let front_end = FrontEndConfig::PsfMfcc(PsfMfccConfig::default());
    /// let config = FeatureConfig { sample_rate_hz: 48_000, front_end, ..Default::default() };
    /// assert!(config.warning().unwrap().contains("1200 samples"));
    /// assert_eq!(FeatureConfig { sample_rate_hz: 16_000, ..config }.warning(), None);
    /// ```
    pub fn warning(&self) -> Option<String> {
        self.front_end.kind().warning(self.sample_rate_hz)
    }

    /// Returns the number of frames per second of audio.
    pub fn frames_per_second(&self) -> f64 {
        let hop = self.front_end.kind().hop(self.sample_rate_hz) * self.stacking.every;
        f64::from(self.sample_rate_hz) / hop as f64
    }

    /// Checks the settings that come before the front end.
    pub(crate) fn check_clip(&self) -> Result<(), FeatureError> {
        require_sample_rate(self.sample_rate_hz, 1)?;
        let rule = format!("must be at most {MAX_SAMPLE_RATE_HZ}; use the recordings' own, such as 16000");
        require(self.sample_rate_hz <= MAX_SAMPLE_RATE_HZ, "sample_rate_hz", self.sample_rate_hz, &rule)?;
        if let Some(length) =
            self.fixed_length_samples.filter(|length| !(1..=MAX_CLIP_LENGTH).contains(length))
        {
            let rule = format!(
                "must be within 1..={MAX_CLIP_LENGTH}, because even a short clip takes the time of this length; remove the key \
                 to keep each clip's length"
            );
            return Err(FeatureError::setting("fixed_length_samples", length, rule));
        }
        Ok(())
    }

    /// Names the front end in an error about one of its settings.
    pub(crate) fn front_end_error(&self, error: FeatureError) -> FeatureError {
        error.with_prefix(self.front_end.name()).with_prefix("front_end")
    }

    /// Checks that the work per sample is bounded.
    fn check_overlap(&self) -> Result<(), FeatureError> {
        let front_end = self.front_end.kind();
        let (hop, length) = (front_end.hop(self.sample_rate_hz), front_end.frame_length(self.sample_rate_hz));
        let least = length.div_ceil(MAX_OVERLAP);
        if hop >= least {
            return Ok(());
        }
        let value = format!("frames of {length} samples every {hop} samples");
        let rule = format!(
            "each sample would be in more than {MAX_OVERLAP} frames, and a second of sound would take seconds; set the hop to \
             at least {least} samples, or use shorter frames"
        );
        Err(FeatureError::setting(self.front_end.name(), value, rule).with_prefix("front_end"))
    }

    /// Checks that the work and memory per sample are bounded, and that a fixed length gives at least one frame, enough frames
    /// for the deltas, and bounded work.
    pub(crate) fn check_frames(&self, front_end: &FrontEnd) -> Result<(), FeatureError> {
        self.check_overlap()?;
        let hop = self.front_end.kind().hop(self.sample_rate_hz) * self.stacking.every;
        if front_end.width() / MAX_OVERLAP > hop {
            let value = format!("frames of {} values every {hop} samples", front_end.width());
            let rule = format!(
                "must be at most {MAX_OVERLAP} values per sample, because a recording would fill the memory; stack fewer frames"
            );
            return Err(FeatureError::setting("stacking", value, rule));
        }
        let Some(length) = self.fixed_length_samples else { return Ok(()) };
        let frames = front_end.base_frames_for(length);
        if frames == 0 {
            let rule = "must be enough for one frame; use at least the frame's length";
            return Err(FeatureError::setting("fixed_length_samples", length, rule));
        }
        // Neither product overflows 64 bits: the factors are at most 2^26 and 2^28.
        let work = frames * self.front_end.kind().frame_length(self.sample_rate_hz);
        let values = frames * front_end.width();
        if work > MAX_CLIP_WORK || values > MAX_CLIP_VALUES {
            let most =
                |limit: usize, amount: usize| (length as u128 * limit as u128 / amount as u128) as usize;
            let most = most(MAX_CLIP_WORK, work).min(most(MAX_CLIP_VALUES, values));
            let rule = format!(
                "gives {frames} frames for every clip, too many for its time and memory; use at most {most}, or a larger hop"
            );
            return Err(FeatureError::setting("fixed_length_samples", length, rule));
        }
        match &self.deltas {
            Some(deltas) if frames < deltas.min_frames() => {
                let widest = (frames - 1) / 2 * 2 + 1;
                let choice = if widest < 3 { String::new() } else { format!("{widest}, or ") };
                let rule = format!(
                    "must be at most the {frames} frames of {length} samples; use {choice}mode = \"nearest\""
                );
                Err(FeatureError::setting("deltas.width", deltas.width(), rule))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
