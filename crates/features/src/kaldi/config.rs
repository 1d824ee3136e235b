//! Settings, under kaldi-native-fbank's names and with its defaults.

use serde::{Deserialize, Serialize};

use super::{KaldiCmvn, KaldiWindow};

/// Which program's defaults and rules hold where the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KaldiDialect {
    /// Kaldi's own: MFCCs begin with the energy, which has no floor; lengths in samples are computed in f32; a
    /// band without a bin is refused.
    #[default]
    KaldiNativeFbank,
    /// torchaudio.compliance.kaldi: MFCCs begin with c0, an energy has the floor 1; lengths in samples are
    /// computed in f64; a band without a bin is silent; a clip shorter than a frame is refused.
    Torchaudio,
}

/// How samples are cut into frames and what is done to a frame before its spectrum is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KaldiFrameConfig {
    /// From one frame to the next, milliseconds; samples beyond whole ones are dropped.
    pub frame_shift_ms: f64,
    /// Length of a frame, milliseconds; samples beyond whole ones are dropped.
    pub frame_length_ms: f64,
    /// Amount of noise added to the samples; must be 0, for with noise no two runs agree.
    pub dither: f64,
    /// How much of the sample before is taken off each sample of a frame; 0 for no filter.
    pub preemph_coeff: f64,
    /// Whether the frame's mean is taken off first.
    pub remove_dc_offset: bool,
    /// Shape of the window.
    pub window_type: KaldiWindow,
    /// Whether zeros fill the frame up to a power of two before its transform.
    pub round_to_power_of_two: bool,
    /// The constant of the window "blackman".
    pub blackman_coeff: f64,
    /// Whether only whole frames count; otherwise there is one for each shift, and the clip is mirrored about
    /// its ends.
    pub snip_edges: bool,
}

impl Default for KaldiFrameConfig {
    fn default() -> KaldiFrameConfig {
        KaldiFrameConfig {
            frame_shift_ms: 10.0,
            frame_length_ms: 25.0,
            dither: 0.0,
            preemph_coeff: 0.97,
            remove_dc_offset: true,
            window_type: KaldiWindow::Povey,
            round_to_power_of_two: true,
            blackman_coeff: 0.42,
            snip_edges: true,
        }
    }
}

/// Where the mel bands lie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KaldiMelConfig {
    /// M, the number of bands.
    pub num_bins: usize,
    /// Where the lowest band begins, Hz.
    pub low_freq: f64,
    /// Where the highest band ends, Hz; 0 or less counts from half the sample rate.
    pub high_freq: f64,
}

impl Default for KaldiMelConfig {
    fn default() -> KaldiMelConfig {
        KaldiMelConfig { num_bins: 23, low_freq: 20.0, high_freq: 0.0 }
    }
}

/// Logarithms of mel energies.
///
/// Each frame loses its mean, is filtered (x\[n\] - 0.97 x\[n - 1\]), windowed and transformed; the power |X|^2 is
/// summed under triangles that are linear in Kaldi's mel, and ln(max(energy, eps)) taken.
///
/// # Shapes
/// samples \[L\] -> \[T, (num_bins + use_energy) (1 + deltas)\]; with `snip_edges` T = 0 below one frame's length
///
/// # Example
/// ```
/// use stapes_features::{Extractor, KaldiFbankConfig};
///
/// let mut fbank = KaldiFbankConfig::default().init(16_000)?;
/// let silence = fbank.extract(&[0.0; 16_000])?;
/// assert_eq!((silence.frames(), silence.width()), (98, 23));
/// assert!((silence.frame(0)[0] + 15.942385).abs() < 1e-5);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// kaldi-native-fbank 1.23.0, OnlineFbank; torchaudio.compliance.kaldi.fbank 2.11.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KaldiFbankConfig {
    /// Whose defaults and rules.
    pub dialect: KaldiDialect,
    /// Frames.
    pub frame_opts: KaldiFrameConfig,
    /// Bands.
    pub mel_opts: KaldiMelConfig,
    /// Whether the logarithm of the frame's energy stands before the bands.
    pub use_energy: bool,
    /// The least energy of a frame; 0 for none. The dialect's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_floor: Option<f64>,
    /// Whether the energy is that of the frame before the filter and the window.
    pub raw_energy: bool,
    /// Whether the energy stands behind the bands.
    pub htk_compat: bool,
    /// Whether logarithms are taken of the bands' energies.
    pub use_log_fbank: bool,
    /// Whether the logarithm is ln(max(energy, eps)); otherwise ln(energy + eps).
    pub use_log_floor: bool,
    /// The eps of the logarithm.
    pub eps: f64,
    /// Whether the bands sum the power |X|^2; otherwise the magnitude |X|.
    pub use_power: bool,
    /// How many orders of deltas follow the features in each frame: 0, 1 or 2.
    pub deltas: usize,
    /// What is taken out over the utterance, deltas included.
    pub cmvn: KaldiCmvn,
}

impl Default for KaldiFbankConfig {
    fn default() -> KaldiFbankConfig {
        KaldiFbankConfig {
            dialect: KaldiDialect::KaldiNativeFbank,
            frame_opts: KaldiFrameConfig::default(),
            mel_opts: KaldiMelConfig::default(),
            use_energy: false,
            energy_floor: None,
            raw_energy: true,
            htk_compat: false,
            use_log_fbank: true,
            use_log_floor: true,
            eps: f64::from(f32::EPSILON),
            use_power: true,
            deltas: 0,
            cmvn: KaldiCmvn::None,
        }
    }
}

/// Mel-frequency cepstral coefficients: the first rows of the orthonormal cosine transform of
/// [`KaldiFbankConfig`]'s logarithms, lifted, with the frame's energy in place of c0.
///
/// Coefficient i is multiplied by 1 + (Q/2) sin(pi i / Q). Deltas of order 1 weigh the frames -2..2 by
/// (-2, -1, 0, 1, 2) / 10; those of order 2 weigh the frames -4..4 by (4, 4, 1, -4, -10, -4, 1, 4, 4) / 100, one
/// filter over the features themselves. Beyond the ends the edge frame stands again and again.
///
/// # Shapes
/// samples \[L\] -> \[T, num_ceps (1 + deltas)\]; with `snip_edges` T = 0 below one frame's length
///
/// # Example
/// ```
/// use stapes_features::{Extractor, KaldiMfccConfig};
///
/// let mut mfcc = KaldiMfccConfig { deltas: 2, ..Default::default() }.init(8000)?;
/// let silence = mfcc.extract(&[0.0; 8000])?;
/// assert_eq!((silence.frames(), silence.width()), (98, 39));
/// assert!((silence.frame(0)[0] + 15.942385).abs() < 1e-5); // the energy
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// kaldi-native-fbank 1.23.0, OnlineMfcc and compute_deltas; torchaudio.compliance.kaldi.mfcc 2.11.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KaldiMfccConfig {
    /// Whose defaults and rules.
    pub dialect: KaldiDialect,
    /// Frames.
    pub frame_opts: KaldiFrameConfig,
    /// Bands.
    pub mel_opts: KaldiMelConfig,
    /// C, the number of coefficients.
    pub num_ceps: usize,
    /// Whether the logarithm of the frame's energy takes the place of c0; the dialect's choice if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_energy: Option<bool>,
    /// The least energy of a frame; 0 for none. The dialect's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_floor: Option<f64>,
    /// Whether the energy is that of the frame before the filter and the window.
    pub raw_energy: bool,
    /// Length of the lifter; 0 for none.
    pub cepstral_lifter: f64,
    /// Whether c0 (times sqrt(2)) or the energy stands behind the other coefficients.
    pub htk_compat: bool,
    /// How many orders of deltas follow the features in each frame: 0, 1 or 2.
    pub deltas: usize,
    /// What is taken out over the utterance, deltas included.
    pub cmvn: KaldiCmvn,
}

impl Default for KaldiMfccConfig {
    fn default() -> KaldiMfccConfig {
        KaldiMfccConfig {
            dialect: KaldiDialect::KaldiNativeFbank,
            frame_opts: KaldiFrameConfig::default(),
            mel_opts: KaldiMelConfig::default(),
            num_ceps: 13,
            use_energy: None,
            energy_floor: None,
            raw_energy: true,
            cepstral_lifter: 22.0,
            htk_compat: false,
            deltas: 0,
            cmvn: KaldiCmvn::None,
        }
    }
}

impl KaldiMfccConfig {
    /// Whether the energy takes the place of c0.
    pub(super) fn with_energy(&self) -> bool {
        self.use_energy.unwrap_or(self.dialect == KaldiDialect::KaldiNativeFbank)
    }

    /// The settings of the logarithms beneath the cepstra, and of the energy that may replace c0.
    pub fn fbank(&self) -> KaldiFbankConfig {
        KaldiFbankConfig {
            dialect: self.dialect,
            frame_opts: self.frame_opts.clone(),
            mel_opts: self.mel_opts.clone(),
            use_energy: self.with_energy(),
            energy_floor: self.energy_floor,
            raw_energy: self.raw_energy,
            htk_compat: self.htk_compat,
            deltas: self.deltas,
            cmvn: self.cmvn,
            ..KaldiFbankConfig::default()
        }
    }
}

impl KaldiFbankConfig {
    /// The least energy of a frame; 0 for none.
    pub(super) fn least_energy(&self) -> f64 {
        self.energy_floor.unwrap_or(match self.dialect {
            KaldiDialect::KaldiNativeFbank => 0.0,
            KaldiDialect::Torchaudio => 1.0,
        })
    }
}
