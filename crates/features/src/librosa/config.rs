//! Settings, under librosa's names and with its defaults.

use serde::{Deserialize, Serialize};

use crate::dct::DctNorm;
use crate::decibel::Reference;
use crate::framing::PadMode;
use crate::mel::MelNorm;
use crate::serde_scalar::number_or_none;
use crate::window::Window;

/// Magnitudes of the short-time Fourier transform: |stft(y)|.
///
/// Frame t is multiplied by a periodic window (in the middle of n_fft points, if it is shorter) and
/// transformed; with `center` it is centered on sample t hop_length and there are
/// 1 + (L + 2 (n_fft / 2) - n_fft) / hop_length frames. Product and transform are f64; for f32 samples the
/// spectrum is rounded to f32 before its magnitude is computed.
///
/// # Shapes
/// samples \[L\] -> \[T, n_fft / 2 + 1\], the transpose of librosa's
///
/// # Example
/// ```
/// use stapes_features::{Extractor, LibrosaStftConfig};
///
/// let mut stft = LibrosaStftConfig { n_fft: 8, ..Default::default() }.init()?;
/// let magnitudes = stft.extract(&[0.0, 0.0, 0.0, 0.0, 1.0])?;
/// assert_eq!((magnitudes.frames(), magnitudes.width()), (3, 5));
/// assert_eq!(magnitudes.frame(2)[0], 1.0); // the impulse in the middle of frame 2
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// librosa.stft 0.9 to 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LibrosaStftConfig {
    /// Length of a frame and of its transform, samples.
    pub n_fft: usize,
    /// Length of the window, samples; n_fft if absent.
    pub win_length: Option<usize>,
    /// Hop between frames, samples; win_length / 4 if absent.
    pub hop_length: Option<usize>,
    /// Window function.
    pub window: Window,
    /// Centers frame t on sample t hop_length; otherwise it starts there.
    pub center: bool,
    /// Padding beyond the ends of the clip, with `center`.
    pub pad_mode: PadMode,
}

impl Default for LibrosaStftConfig {
    fn default() -> LibrosaStftConfig {
        LibrosaStftConfig {
            n_fft: 2048,
            win_length: None,
            hop_length: None,
            window: Window::Hann,
            center: true,
            pad_mode: PadMode::Constant,
        }
    }
}

/// Mel band energies: a power of the magnitudes of [`LibrosaStftConfig`], summed under triangles.
///
/// The edges of the triangles are n_mels + 2 points equally spaced in mel from fmin to fmax; the weights are f32.
///
/// # Shapes
/// samples \[L\] -> \[T, n_mels\], the transpose of librosa's
///
/// # Example
/// ```
/// use stapes_features::{Extractor, LibrosaMelConfig};
///
/// let mut mel = LibrosaMelConfig { n_mels: 40, ..Default::default() }.init(16_000)?;
/// let energies = mel.extract(&[0.0f32; 1600])?;
/// assert_eq!((energies.frames(), energies.width()), (4, 40));
/// assert_eq!(energies.values(), [0.0; 160]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// librosa.feature.melspectrogram and librosa.filters.mel 0.9 to 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LibrosaMelConfig {
    /// Length of a frame and of its transform, samples.
    pub n_fft: usize,
    /// Hop between frames, samples.
    pub hop_length: usize,
    /// Length of the window, samples; n_fft if absent.
    pub win_length: Option<usize>,
    /// Window function.
    pub window: Window,
    /// Centers frame t on sample t hop_length; otherwise it starts there.
    pub center: bool,
    /// Padding beyond the ends of the clip, with `center`.
    pub pad_mode: PadMode,
    /// Exponent of the magnitude: 1 for magnitude, 2 for power.
    pub power: f64,
    /// Returns M, the number of bands.
    pub n_mels: usize,
    /// Lower edge of the lowest band, Hz.
    pub fmin: f64,
    /// Upper edge of the highest band, Hz; half the sample rate if absent.
    pub fmax: Option<f64>,
    /// Uses HTK's mel scale instead of Slaney's.
    pub htk: bool,
    /// Normalization of the triangles.
    pub norm: MelNorm,
}

impl Default for LibrosaMelConfig {
    fn default() -> LibrosaMelConfig {
        LibrosaMelDbConfig::default().mel()
    }
}

/// Mel bands in decibels: power_to_db of the energies S of [`LibrosaMelConfig`].
///
/// 10 log10(max(amin, S)) - 10 log10(max(amin, |ref|)), clipped at top_db below the largest value of the whole
/// clip, silent padding included. The floor therefore needs the whole clip.
///
/// # Shapes
/// samples \[L\] -> \[T, n_mels\], the transpose of librosa's
///
/// # Units
/// dB
///
/// # Example
/// ```
/// use stapes_features::{Extractor, LibrosaMelDbConfig};
///
/// let mut mel_db = LibrosaMelDbConfig::default().init(16_000)?;
/// assert_eq!(mel_db.extract(&[0.0f32; 16_000])?.values(), [-100.0; 32 * 128]);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// librosa.power_to_db and librosa.feature.melspectrogram 0.9 to 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LibrosaMelDbConfig {
    /// Length of a frame and of its transform, samples.
    pub n_fft: usize,
    /// Hop between frames, samples.
    pub hop_length: usize,
    /// Length of the window, samples; n_fft if absent.
    pub win_length: Option<usize>,
    /// Window function.
    pub window: Window,
    /// Centers frame t on sample t hop_length; otherwise it starts there.
    pub center: bool,
    /// Padding beyond the ends of the clip, with `center`.
    pub pad_mode: PadMode,
    /// Exponent of the magnitude: 1 for magnitude, 2 for power.
    pub power: f64,
    /// Returns M, the number of bands.
    pub n_mels: usize,
    /// Lower edge of the lowest band, Hz.
    pub fmin: f64,
    /// Upper edge of the highest band, Hz; half the sample rate if absent.
    pub fmax: Option<f64>,
    /// Uses HTK's mel scale instead of Slaney's.
    pub htk: bool,
    /// Normalization of the triangles.
    pub norm: MelNorm,
    /// Power that maps to 0 dB.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// Floor of the power.
    pub amin: f64,
    /// Floor relative to the clip's peak, dB; "none" for no floor.
    #[serde(with = "number_or_none")]
    pub top_db: Option<f64>,
}

impl Default for LibrosaMelDbConfig {
    fn default() -> LibrosaMelDbConfig {
        LibrosaMfccConfig::default().mel_db()
    }
}

/// Mel-frequency cepstral coefficients: the first rows of the cosine transform of the decibels of
/// [`LibrosaMelDbConfig`].
///
/// With `lifter` = l > 0, coefficient n is multiplied by 1 + (l/2) sin(pi (n + 1) / l). There is no
/// pre-emphasis, and the first coefficient is included. n_mfcc > n_mels gives n_mels coefficients.
///
/// # Shapes
/// samples \[L\] -> \[T, n_mfcc\], the transpose of librosa's
///
/// # Example
/// ```
/// use stapes_features::{Extractor, LibrosaMfccConfig};
///
/// let mut mfcc = LibrosaMfccConfig::default().init(16_000)?;
/// let silence = mfcc.extract(&[0.0f32; 16_000])?;
/// assert_eq!((silence.frames(), silence.width()), (32, 20));
/// assert!((silence.frame(0)[0] + 100.0 * 128f32.sqrt()).abs() < 1e-3);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// librosa.feature.mfcc 0.9 to 1.0 (dct_type 2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LibrosaMfccConfig {
    /// C, the number of coefficients.
    pub n_mfcc: usize,
    /// Scale of the cosine transform.
    pub norm: DctNorm,
    /// Length of the lifter; 0 for none.
    pub lifter: f64,
    /// Length of a frame and of its transform, samples.
    pub n_fft: usize,
    /// Hop between frames, samples.
    pub hop_length: usize,
    /// Length of the window, samples; n_fft if absent.
    pub win_length: Option<usize>,
    /// Window function.
    pub window: Window,
    /// Centers frame t on sample t hop_length; otherwise it starts there.
    pub center: bool,
    /// Padding beyond the ends of the clip, with `center`.
    pub pad_mode: PadMode,
    /// Exponent of the magnitude: 1 for magnitude, 2 for power.
    pub power: f64,
    /// Returns M, the number of bands.
    pub n_mels: usize,
    /// Lower edge of the lowest band, Hz.
    pub fmin: f64,
    /// Upper edge of the highest band, Hz; half the sample rate if absent.
    pub fmax: Option<f64>,
    /// Uses HTK's mel scale instead of Slaney's.
    pub htk: bool,
    /// Normalization of the triangles.
    pub mel_norm: MelNorm,
    /// Power that maps to 0 dB.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// Floor of the power.
    pub amin: f64,
    /// Floor relative to the clip's peak, dB; "none" for no floor.
    #[serde(with = "number_or_none")]
    pub top_db: Option<f64>,
}

impl Default for LibrosaMfccConfig {
    fn default() -> LibrosaMfccConfig {
        LibrosaMfccConfig {
            n_mfcc: 20,
            norm: DctNorm::Ortho,
            lifter: 0.0,
            n_fft: 2048,
            hop_length: 512,
            win_length: None,
            window: Window::Hann,
            center: true,
            pad_mode: PadMode::Constant,
            power: 2.0,
            n_mels: 128,
            fmin: 0.0,
            fmax: None,
            htk: false,
            mel_norm: MelNorm::Slaney,
            reference: Reference::Power(1.0),
            amin: 1e-10,
            top_db: Some(80.0),
        }
    }
}

impl LibrosaMfccConfig {
    /// Returns the settings of the underlying decibels.
    pub fn mel_db(&self) -> LibrosaMelDbConfig {
        LibrosaMelDbConfig {
            n_fft: self.n_fft,
            hop_length: self.hop_length,
            win_length: self.win_length,
            window: self.window,
            center: self.center,
            pad_mode: self.pad_mode,
            power: self.power,
            n_mels: self.n_mels,
            fmin: self.fmin,
            fmax: self.fmax,
            htk: self.htk,
            norm: self.mel_norm,
            reference: self.reference,
            amin: self.amin,
            top_db: self.top_db,
        }
    }
}

impl LibrosaMelDbConfig {
    /// Returns the settings of the underlying energies.
    pub fn mel(&self) -> LibrosaMelConfig {
        LibrosaMelConfig {
            n_fft: self.n_fft,
            hop_length: self.hop_length,
            win_length: self.win_length,
            window: self.window,
            center: self.center,
            pad_mode: self.pad_mode,
            power: self.power,
            n_mels: self.n_mels,
            fmin: self.fmin,
            fmax: self.fmax,
            htk: self.htk,
            norm: self.norm,
        }
    }
}

impl LibrosaMelConfig {
    /// Returns the settings of the underlying spectrum.
    pub fn stft(&self) -> LibrosaStftConfig {
        LibrosaStftConfig {
            n_fft: self.n_fft,
            win_length: self.win_length,
            hop_length: Some(self.hop_length),
            window: self.window,
            center: self.center,
            pad_mode: self.pad_mode,
        }
    }
}
