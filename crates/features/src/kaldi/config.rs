//! Settings, under kaldi-native-fbank's names and with its defaults.

use serde::{Deserialize, Serialize};

use super::{KaldiCmvn, KaldiWindow};

/// Implementation whose defaults and rules apply where the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KaldiDialect {
    /// kaldi-native-fbank: MFCCs begin with the energy, which has no floor; lengths in samples are computed in f32;
    /// a band without a bin is an error.
    #[default]
    KaldiNativeFbank,
    /// torchaudio.compliance.kaldi: MFCCs begin with c0, an energy has the floor 1; lengths in samples are
    /// computed in f64; a band without a bin is silent; a clip shorter than a frame is an error.
    Torchaudio,
}

/// Framing, and processing of a frame before the Fourier transform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KaldiFrameConfig {
    /// Hop between frames, milliseconds; truncated to whole samples.
    pub frame_shift_ms: f64,
    /// Length of a frame, milliseconds; truncated to whole samples.
    pub frame_length_ms: f64,
    /// Amount of noise added to the samples; must be 0, because noise makes runs differ.
    pub dither: f64,
    /// Pre-emphasis coefficient, applied within each frame; 0 for no filter.
    pub preemph_coeff: f64,
    /// Subtracts the mean of each frame first.
    pub remove_dc_offset: bool,
    /// Window function.
    pub window_type: KaldiWindow,
    /// Pads frames with zeros to a power of two before the transform.
    pub round_to_power_of_two: bool,
    /// Constant of the window "blackman".
    pub blackman_coeff: f64,
    /// Uses whole frames only; otherwise there is one frame per shift and the clip is mirrored about its ends.
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

/// Mel bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KaldiMelConfig {
    /// M, the number of bands.
    pub num_bins: usize,
    /// Lower edge of the lowest band, Hz.
    pub low_freq: f64,
    /// Upper edge of the highest band, Hz; 0 or less is relative to half the sample rate.
    pub high_freq: f64,
}

impl Default for KaldiMelConfig {
    fn default() -> KaldiMelConfig {
        KaldiMelConfig { num_bins: 23, low_freq: 20.0, high_freq: 0.0 }
    }
}

/// Log mel energies.
///
/// The mean of each frame is subtracted; the frame is filtered (x\[n\] - 0.97 x\[n - 1\]), windowed and transformed.
/// The power |X|^2 is summed under triangles linear in Kaldi's mel; the features are ln(max(energy, eps)).
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
    /// Implementation whose defaults and rules apply.
    pub dialect: KaldiDialect,
    /// Framing.
    pub frame_opts: KaldiFrameConfig,
    /// Mel bands.
    pub mel_opts: KaldiMelConfig,
    /// Puts the log energy of the frame before the bands.
    pub use_energy: bool,
    /// Floor of the energy of a frame; 0 for none. The dialect's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_floor: Option<f64>,
    /// Takes the energy before the filter and the window.
    pub raw_energy: bool,
    /// Puts the energy after the bands.
    pub htk_compat: bool,
    /// Returns logarithms of the band energies.
    pub use_log_fbank: bool,
    /// Uses ln(max(energy, eps)); otherwise ln(energy + eps).
    pub use_log_floor: bool,
    /// eps of the logarithm.
    pub eps: f64,
    /// Sums the power |X|^2; otherwise the magnitude |X|.
    pub use_power: bool,
    /// Highest order of the deltas after the features: 0, 1 or 2.
    pub deltas: usize,
    /// Normalization over the utterance, deltas included.
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
/// [`KaldiFbankConfig`]'s logarithms, liftered, with the energy of the frame in place of c0.
///
/// Coefficient i is multiplied by 1 + (Q/2) sin(pi i / Q). Deltas of order 1 weight the frames -2..2 by
/// (-2, -1, 0, 1, 2) / 10; those of order 2 weight the frames -4..4 by (4, 4, 1, -4, -10, -4, 1, 4, 4) / 100, a
/// single filter over the features. Beyond the ends the edge frame is repeated.
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
    /// Implementation whose defaults and rules apply.
    pub dialect: KaldiDialect,
    /// Framing.
    pub frame_opts: KaldiFrameConfig,
    /// Mel bands.
    pub mel_opts: KaldiMelConfig,
    /// C, the number of coefficients.
    pub num_ceps: usize,
    /// Replaces c0 by the log energy of the frame; the dialect's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_energy: Option<bool>,
    /// Floor of the energy of a frame; 0 for none. The dialect's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_floor: Option<f64>,
    /// Takes the energy before the filter and the window.
    pub raw_energy: bool,
    /// Length of the lifter; 0 for none.
    pub cepstral_lifter: f64,
    /// Puts c0 (times sqrt(2)) or the energy after the other coefficients.
    pub htk_compat: bool,
    /// Highest order of the deltas after the features: 0, 1 or 2.
    pub deltas: usize,
    /// Normalization over the utterance, deltas included.
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
    /// Returns true if the energy replaces c0.
    pub(super) fn with_energy(&self) -> bool {
        self.use_energy.unwrap_or(self.dialect == KaldiDialect::KaldiNativeFbank)
    }

    /// Returns the settings of the underlying log energies, and of the energy that may replace c0.
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
    /// Returns the floor of the energy of a frame; 0 for none.
    pub(super) fn min_energy(&self) -> f64 {
        self.energy_floor.unwrap_or(match self.dialect {
            KaldiDialect::KaldiNativeFbank => 0.0,
            KaldiDialect::Torchaudio => 1.0,
        })
    }
}
