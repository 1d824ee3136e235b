//! Settings, under torchaudio's names and with its defaults.

use serde::{Deserialize, Serialize};

use super::SpectrumNorm;
use crate::dct::DctNorm;
use crate::framing::PadMode;
use crate::mel::{MelNorm, MelScale};
use crate::serde_scalar::number_or_none;
use crate::window::Window;

/// Mel band energies: sums of |X|^power under triangles.
///
/// The clip is padded with `pad` zeros at each end. Frame t is multiplied by a periodic window (in the middle of n_fft
/// points, if it is shorter) and transformed; with `center` it is centered on sample t hop_length and there are
/// 1 + (L + 2 pad + 2 (n_fft / 2) - n_fft) / hop_length frames. The triangles are linear in Hz.
///
/// # Shapes
/// samples \[L\] -> \[T, n_mels\], the transpose of torchaudio's
///
/// # Example
/// ```
/// use stapes_features::{Extractor, TorchaudioMelConfig};
///
/// let config = TorchaudioMelConfig { n_mels: 40, ..Default::default() };
/// let energies = config.init(16_000)?.extract(&[0.0; 16_000])?;
/// assert_eq!((energies.frames(), energies.width()), (81, 40));
/// assert_eq!(energies.values(), [0.0; 81 * 40]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// torchaudio.transforms.MelSpectrogram 2.11.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TorchaudioMelConfig {
    /// Length of a frame and of its transform, samples.
    pub n_fft: usize,
    /// Length of the window, samples; n_fft if absent.
    pub win_length: Option<usize>,
    /// Hop between frames, samples; win_length / 2 if absent.
    pub hop_length: Option<usize>,
    /// Lower edge of the lowest band, Hz.
    pub f_min: f64,
    /// Upper edge of the highest band, Hz; half the sample rate, rounded down, if absent.
    pub f_max: Option<f64>,
    /// Number of zeros at each end of the clip.
    pub pad: usize,
    /// Returns M, the number of bands.
    pub n_mels: usize,
    /// Window function.
    #[serde(alias = "window_fn")]
    pub window: Window,
    /// Exponent of the magnitude: 1 for magnitude, 2 for power.
    pub power: f64,
    /// Normalization of the spectrum.
    pub normalized: SpectrumNorm,
    /// Centers frame t on sample t hop_length; otherwise it starts there.
    pub center: bool,
    /// Padding beyond the ends of the clip, with `center`.
    pub pad_mode: PadMode,
    /// Normalization of the triangles: "slaney" for unit area, "none" for a peak of 1.
    pub norm: MelNorm,
    /// Mel scale: "htk" or "slaney".
    #[serde(with = "scale_word")]
    pub mel_scale: MelScale,
}

impl Default for TorchaudioMelConfig {
    fn default() -> TorchaudioMelConfig {
        TorchaudioMelConfig {
            n_fft: 400,
            win_length: None,
            hop_length: None,
            f_min: 0.0,
            f_max: None,
            pad: 0,
            n_mels: 128,
            window: Window::Hann,
            power: 2.0,
            normalized: SpectrumNorm::None,
            center: true,
            pad_mode: PadMode::Reflect,
            norm: MelNorm::None,
            mel_scale: MelScale::Htk,
        }
    }
}

/// Mel bands in decibels: 10 log10(max(energy, 1e-10)) of the energies of [`TorchaudioMelConfig`], clipped at
/// `top_db` below the clip's largest value.
///
/// # Shapes
/// samples \[L\] -> \[T, n_mels\], the transpose of torchaudio's
///
/// # Units
/// dB
///
/// # Example
/// ```
/// use stapes_features::{Extractor, TorchaudioMelDbConfig};
///
/// let mut mel_db = TorchaudioMelDbConfig::default().init(16_000)?;
/// assert_eq!(mel_db.extract(&[0.0; 16_000])?.values(), [-100.0; 81 * 128]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// torchaudio.transforms.AmplitudeToDB("power", top_db) of MelSpectrogram 2.11, per clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TorchaudioMelDbConfig {
    /// Floor relative to the clip's peak, dB; "none" for no floor.
    #[serde(with = "number_or_none")]
    pub top_db: Option<f64>,
    /// Length of a frame and of its transform, samples.
    pub n_fft: usize,
    /// Length of the window, samples; n_fft if absent.
    pub win_length: Option<usize>,
    /// Hop between frames, samples; win_length / 2 if absent.
    pub hop_length: Option<usize>,
    /// Lower edge of the lowest band, Hz.
    pub f_min: f64,
    /// Upper edge of the highest band, Hz; half the sample rate, rounded down, if absent.
    pub f_max: Option<f64>,
    /// Number of zeros at each end of the clip.
    pub pad: usize,
    /// Returns M, the number of bands.
    pub n_mels: usize,
    /// Window function.
    #[serde(alias = "window_fn")]
    pub window: Window,
    /// Exponent of the magnitude: 1 for magnitude, 2 for power.
    pub power: f64,
    /// Normalization of the spectrum.
    pub normalized: SpectrumNorm,
    /// Centers frame t on sample t hop_length; otherwise it starts there.
    pub center: bool,
    /// Padding beyond the ends of the clip, with `center`.
    pub pad_mode: PadMode,
    /// Normalization of the triangles: "slaney" for unit area, "none" for a peak of 1.
    pub norm: MelNorm,
    /// Mel scale: "htk" or "slaney".
    #[serde(with = "scale_word")]
    pub mel_scale: MelScale,
}

impl Default for TorchaudioMelDbConfig {
    fn default() -> TorchaudioMelDbConfig {
        TorchaudioMelDbConfig::from_mel(TorchaudioMelConfig::default(), None)
    }
}

impl TorchaudioMelDbConfig {
    /// Builds the settings of the decibels of these energies, with or without a floor.
    pub fn compute(mel: TorchaudioMelConfig, top_db: Option<f64>) -> TorchaudioMelDbConfig {
        TorchaudioMelDbConfig {
            top_db,
            n_fft: mel.n_fft,
            win_length: mel.win_length,
            hop_length: mel.hop_length,
            f_min: mel.f_min,
            f_max: mel.f_max,
            pad: mel.pad,
            n_mels: mel.n_mels,
            window: mel.window,
            power: mel.power,
            normalized: mel.normalized,
            center: mel.center,
            pad_mode: mel.pad_mode,
            norm: mel.norm,
            mel_scale: mel.mel_scale,
        }
    }

    /// Returns the settings of the underlying energies.
    pub fn mel(&self) -> TorchaudioMelConfig {
        TorchaudioMelConfig {
            n_fft: self.n_fft,
            win_length: self.win_length,
            hop_length: self.hop_length,
            f_min: self.f_min,
            f_max: self.f_max,
            pad: self.pad,
            n_mels: self.n_mels,
            window: self.window,
            power: self.power,
            normalized: self.normalized,
            center: self.center,
            pad_mode: self.pad_mode,
            norm: self.norm,
            mel_scale: self.mel_scale,
        }
    }
}

/// Mel-frequency cepstral coefficients: the first rows of the cosine transform of decibels, or with `log_mels`
/// of ln(energy + 1e-6).
///
/// The decibels are those of [`TorchaudioMelDbConfig`] with `top_db`, which torchaudio fixes at 80. As there,
/// the settings of the energies have their own table: `melkwargs = { n_fft = 512, n_mels = 40 }`.
///
/// # Shapes
/// samples \[L\] -> \[T, n_mfcc\], the transpose of torchaudio's
///
/// # Example
/// ```
/// use stapes_features::{Extractor, TorchaudioMfccConfig};
///
/// let mut mfcc = TorchaudioMfccConfig { n_mfcc: 13, ..Default::default() }.init(16_000)?;
/// let silence = mfcc.extract(&[0.0; 16_000])?;
/// assert_eq!((silence.frames(), silence.width()), (81, 13));
/// assert!((silence.frame(0)[0] + 100.0 * 128f32.sqrt()).abs() < 1e-3);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// torchaudio.transforms.MFCC 2.11 (dct_type 2), per clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TorchaudioMfccConfig {
    /// C, the number of coefficients.
    pub n_mfcc: usize,
    /// Scale of the cosine transform.
    pub norm: DctNorm,
    /// Uses natural logarithms instead of decibels.
    pub log_mels: bool,
    /// Floor relative to the clip's peak, dB; "none" for no floor.
    #[serde(with = "number_or_none")]
    pub top_db: Option<f64>,
    /// Settings of the mel energies.
    pub melkwargs: TorchaudioMelConfig,
}

impl Default for TorchaudioMfccConfig {
    fn default() -> TorchaudioMfccConfig {
        TorchaudioMfccConfig {
            n_mfcc: 40,
            norm: DctNorm::Ortho,
            log_mels: false,
            top_db: Some(80.0),
            melkwargs: TorchaudioMelConfig::default(),
        }
    }
}

/// Serde of the two mel scales of torchaudio.
mod scale_word {
    use serde::{Deserializer, Serializer};

    use crate::mel::MelScale;
    use crate::serde_scalar::{Scalar, deserialize_scalar};

    pub(super) fn serialize<S: Serializer>(scale: &MelScale, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match scale {
            MelScale::Slaney => "slaney",
            MelScale::Htk => "htk",
            MelScale::Kaldi => "kaldi",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MelScale, D::Error> {
        deserialize_scalar(deserializer, "\"htk\" or \"slaney\"", |scalar| match scalar {
            Scalar::Word("htk") => Some(MelScale::Htk),
            Scalar::Word("slaney") => Some(MelScale::Slaney),
            _ => None,
        })
    }
}
