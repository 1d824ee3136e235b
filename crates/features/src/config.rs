//! From a clip to a model's input: everything a recipe says about features.

use serde::{Deserialize, Serialize};

use crate::delta::{DeltaConfig, DeltaMode};
use crate::librosa::{LibrosaMelDbConfig, LibrosaMfccConfig};
use crate::normalise::Normalisation;
use crate::{FeatureError, FrontEnd};

/// A longer fixed length would be a typing error: 4.6 hours at 16 kHz.
const LONGEST_CLIP: usize = 1 << 28;
const HIGHEST_DELTA: usize = 2;

/// In what numbers a front end sees a 16-bit sample x.
///
/// The cepstra of both are equal but for the first coefficient, except where a floor acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// x itself, -32768..=32767; what scipy.io.wavfile reads.
    Int16,
    /// x / 32768; what librosa.load and torchaudio.load give.
    #[default]
    Unit,
}

/// Which toolkit's features, with its settings; the name is the key: `[features.front_end.librosa-mfcc]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FrontEndConfig {
    /// Mel-frequency cepstral coefficients.
    LibrosaMfcc(LibrosaMfccConfig),
    /// Mel bands in decibels.
    LibrosaMelDb(LibrosaMelDbConfig),
}

impl Default for FrontEndConfig {
    fn default() -> FrontEndConfig {
        FrontEndConfig::LibrosaMfcc(LibrosaMfccConfig::default())
    }
}

impl FrontEndConfig {
    /// The name in recipes.
    pub fn name(&self) -> &'static str {
        match self {
            FrontEndConfig::LibrosaMfcc(_) => "librosa-mfcc",
            FrontEndConfig::LibrosaMelDb(_) => "librosa-mel-db",
        }
    }

    /// From one frame to the next, in samples.
    pub(crate) fn hop(&self) -> usize {
        match self {
            FrontEndConfig::LibrosaMfcc(config) => config.hop_length,
            FrontEndConfig::LibrosaMelDb(config) => config.hop_length,
        }
    }

    fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        match self {
            FrontEndConfig::LibrosaMfcc(config) => config.check(sample_rate_hz),
            FrontEndConfig::LibrosaMelDb(config) => config.check(sample_rate_hz),
        }
    }
}

/// What becomes of a clip: scale, fixed length, front end, deltas, normalisation, in this order.
///
/// # Example
/// ```
/// use stapes_features::{DeltaConfig, FeatureConfig};
///
/// let config = FeatureConfig { deltas: Some(DeltaConfig::default()), ..Default::default() };
/// let mut front_end = config.init()?;
/// let features = front_end.extract(&[0.25; 16_000])?;
/// assert_eq!((features.frames(), features.width()), (32, 40));
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureConfig {
    /// The rate that the front end takes samples to have, Hz.
    pub sample_rate_hz: u32,
    /// The numbers that the front end sees.
    pub scale: Scale,
    /// Clips are cut to this many samples, or zeros appended, before anything else; as they are if absent.
    pub fixed_length_samples: Option<usize>,
    /// Which features.
    pub front_end: FrontEndConfig,
    /// Deltas appended as further columns: of orders 1 to `order` (0, 1 or 2); none if absent.
    pub deltas: Option<DeltaConfig>,
    /// How the features are brought to a common scale.
    pub normalisation: Normalisation,
}

impl Default for FeatureConfig {
    fn default() -> FeatureConfig {
        FeatureConfig {
            sample_rate_hz: 16_000,
            scale: Scale::default(),
            fixed_length_samples: None,
            front_end: FrontEndConfig::default(),
            deltas: None,
            normalisation: Normalisation::default(),
        }
    }
}

impl FeatureConfig {
    /// Checks all settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`]: `features.front_end.librosa-mfcc.hop_length = 0: must be at least 1`.
    pub fn check(&self) -> Result<(), FeatureError> {
        self.init().map(drop)
    }

    /// The front end of these settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`FeatureConfig::check`].
    pub fn init(&self) -> Result<FrontEnd, FeatureError> {
        self.check_values().map_err(|error| error.within("features"))?;
        let front_end = FrontEnd::new(self)?;
        self.check_frames(&front_end).map_err(|error| error.within("features"))?;
        Ok(front_end)
    }

    /// How many frames a second of audio gives.
    pub fn frames_per_second(&self) -> f64 {
        f64::from(self.sample_rate_hz) / self.front_end.hop() as f64
    }

    fn check_values(&self) -> Result<(), FeatureError> {
        if self.sample_rate_hz == 0 {
            return Err(FeatureError::setting("sample_rate_hz", 0, "must be at least 1"));
        }
        if let Some(length) = self.fixed_length_samples.filter(|length| !(1..=LONGEST_CLIP).contains(length))
        {
            let rule = format!("must be within 1..={LONGEST_CLIP}; leave it out to keep each clip's length");
            return Err(FeatureError::setting("fixed_length_samples", length, rule));
        }
        self.front_end
            .check(self.sample_rate_hz)
            .map_err(|error| error.within(self.front_end.name()).within("front_end"))?;
        let Some(deltas) = self.deltas.as_ref().filter(|deltas| deltas.order > 0) else { return Ok(()) };
        if deltas.order > HIGHEST_DELTA {
            let rule = format!("must be 0, 1 or 2; use {HIGHEST_DELTA}");
            return Err(FeatureError::setting("deltas.order", deltas.order, rule));
        }
        deltas.check().map_err(|error| error.within("deltas"))
    }

    /// Checks what follows from a fixed length: whether it gives a frame, and enough for the deltas.
    fn check_frames(&self, front_end: &FrontEnd) -> Result<(), FeatureError> {
        let Some(length) = self.fixed_length_samples else { return Ok(()) };
        let frames = front_end.frames_for(length);
        if frames == 0 {
            let rule = "must be enough for one frame; use at least the frame's length";
            return Err(FeatureError::setting("fixed_length_samples", length, rule));
        }
        match &self.deltas {
            Some(deltas) if deltas.order > 0 && deltas.mode == DeltaMode::Interp && frames < deltas.width => {
                let widest = (frames - 1) / 2 * 2 + 1;
                let choice = if widest < 3 { String::new() } else { format!("{widest}, or ") };
                let rule = format!(
                    "must be at most the {frames} frames of {length} samples; use {choice}mode = \"nearest\""
                );
                Err(FeatureError::setting("deltas.width", deltas.width, rule))
            }
            _ => Ok(()),
        }
    }
}
