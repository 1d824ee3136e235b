//! Feature configuration: the `[features]` section of a recipe.

use serde::{Deserialize, Serialize};

use crate::check::{require, require_sample_rate};
use crate::deltas::DeltasConfig;
use crate::front_end_kind::FrontEndKind;
use crate::kaldi::{KaldiFbankConfig, KaldiMfccConfig};
use crate::layout::Layout;
use crate::librosa::{LibrosaMelDbConfig, LibrosaMfccConfig};
use crate::normalization::Normalization;
use crate::psf::{PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig};
use crate::settings_macro::{Settings, Table, config};
use crate::stacking::StackingConfig;
use crate::torchaudio::{TorchaudioMelDbConfig, TorchaudioMfccConfig};
use crate::waveform::WaveformConfig;
use crate::{FeatureError, FrontEnd};

/// Maximum fixed length, samples (4.6 hours at 16 kHz); a larger value is a typing error.
const MAX_CLIP_LENGTH: usize = 1 << 28;

/// Maximum sample rate in Hz: twice the highest of common converters.
const MAX_SAMPLE_RATE_HZ: u32 = 1_536_000;

/// Scale of the samples that a front end receives, for a 16-bit sample x.
///
/// The scale changes only the first cepstral coefficient, except where a floor applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// x itself, -32768..=32767, as scipy.io.wavfile reads it.
    Int16,
    /// x / 32768, as librosa.load and torchaudio.load return it.
    #[default]
    Unit,
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

/// Front end of one of the toolkits, with its settings; the name is the key:
/// `[features.front_end.librosa-mfcc]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FrontEndConfig {
    /// Mel-frequency cepstral coefficients of librosa.
    LibrosaMfcc(LibrosaMfccConfig),
    /// Mel bands in decibels of librosa.
    LibrosaMelDb(LibrosaMelDbConfig),
    /// Mel-frequency cepstral coefficients of python_speech_features.
    PsfMfcc(PsfMfccConfig),
    /// Log mel energies of python_speech_features.
    #[serde(rename = "psf-logfbank")]
    PsfLogFbank(PsfLogFbankConfig),
    /// Mel energies of python_speech_features.
    PsfFbank(PsfFbankConfig),
    /// Mel-frequency cepstral coefficients of Kaldi.
    KaldiMfcc(KaldiMfccConfig),
    /// Log mel energies of Kaldi.
    KaldiFbank(KaldiFbankConfig),
    /// Mel-frequency cepstral coefficients of torchaudio.
    TorchaudioMfcc(TorchaudioMfccConfig),
    /// Mel bands in decibels of torchaudio.
    TorchaudioMelDb(TorchaudioMelDbConfig),
    /// Raw samples.
    Waveform(WaveformConfig),
}

impl Default for FrontEndConfig {
    fn default() -> FrontEndConfig {
        FrontEndConfig::LibrosaMfcc(LibrosaMfccConfig::default())
    }
}

impl FrontEndConfig {
    /// Returns the settings behind the common interface.
    pub(crate) fn kind(&self) -> &dyn FrontEndKind {
        match self {
            FrontEndConfig::LibrosaMfcc(config) => config,
            FrontEndConfig::LibrosaMelDb(config) => config,
            FrontEndConfig::PsfMfcc(config) => config,
            FrontEndConfig::PsfLogFbank(config) => config,
            FrontEndConfig::PsfFbank(config) => config,
            FrontEndConfig::KaldiMfcc(config) => config,
            FrontEndConfig::KaldiFbank(config) => config,
            FrontEndConfig::TorchaudioMfcc(config) => config,
            FrontEndConfig::TorchaudioMelDb(config) => config,
            FrontEndConfig::Waveform(config) => config,
        }
    }

    /// Returns the name in recipes.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// Returns the layout of the reference toolkit's feature matrix.
    ///
    /// # Example
    /// ```
    /// use stapes_features::{FrontEndConfig, Layout};
    ///
    /// assert_eq!(FrontEndConfig::default().layout(), Layout::FeaturesFirst);
    /// ```
    pub fn layout(&self) -> Layout {
        self.kind().layout()
    }
}

// Empty: the settings depend on the front end; see `FrontEndKind::settings`.
impl Settings for FrontEndConfig {
    const TABLE: Table = &[];
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
        self.check_values().map_err(|error| error.with_prefix("features"))?;
        let front_end = FrontEnd::new(self)?;
        self.check_frames(&front_end).map_err(|error| error.with_prefix("features"))?;
        Ok(front_end)
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

    fn check_values(&self) -> Result<(), FeatureError> {
        require_sample_rate(self.sample_rate_hz, 1)?;
        let rule = format!("must be at most {MAX_SAMPLE_RATE_HZ}; use the recordings' own, such as 16000");
        require(self.sample_rate_hz <= MAX_SAMPLE_RATE_HZ, "sample_rate_hz", self.sample_rate_hz, &rule)?;
        if let Some(length) =
            self.fixed_length_samples.filter(|length| !(1..=MAX_CLIP_LENGTH).contains(length))
        {
            let rule =
                format!("must be within 1..={MAX_CLIP_LENGTH}; remove the key to keep each clip's length");
            return Err(FeatureError::setting("fixed_length_samples", length, rule));
        }
        self.front_end
            .kind()
            .check(self.sample_rate_hz)
            .map_err(|error| error.with_prefix(self.front_end.name()).with_prefix("front_end"))?;
        if let Some(deltas) = &self.deltas {
            deltas.check().map_err(|error| error.with_prefix("deltas"))?;
        }
        self.stacking.check().map_err(|error| error.with_prefix("stacking"))
    }

    /// Checks that a fixed length gives at least one frame and enough frames for the deltas.
    fn check_frames(&self, front_end: &FrontEnd) -> Result<(), FeatureError> {
        let Some(length) = self.fixed_length_samples else { return Ok(()) };
        let frames = front_end.base_frames_for(length);
        if frames == 0 {
            let rule = "must be enough for one frame; use at least the frame's length";
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
