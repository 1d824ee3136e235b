//! Settings, under python_speech_features' names and with its defaults.

use serde::{Deserialize, Serialize};

use super::{PsfFft, PsfWindow};

/// Mel band energies, with triangles linear over the indices of the transform's bins.
///
/// 1. y\[0\] = x\[0\], y\[n\] = x\[n\] - preemph x\[n - 1\].
/// 2. Frames of winlen every winstep, both rounded to samples; zeros complete the last frame.
/// 3. The power of each windowed frame is |X|^2 / nfft.
/// 4. nfilt + 2 points equally spaced in HTK's mel from lowfreq to highfreq are rounded down to the bins
///    floor((nfft + 1) f / rate), the edges of triangles of height 1.
/// 5. An energy of exactly 0 becomes 2^-52.
///
/// # Shapes
/// samples \[L\] -> \[T, nfilt (1 + deltas)\]; T = 1 up to one frame's length, then 1 + ceil((L - N) / H)
///
/// # Example
/// ```
/// use stapes_features::{Extractor, PsfFbankConfig};
///
/// let energies = PsfFbankConfig::default().init(8000)?.extract(&[0.0f64; 6000])?;
/// assert_eq!((energies.frames(), energies.width()), (74, 26));
/// assert_eq!(energies.frame(0)[0], f64::EPSILON);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// python_speech_features.fbank 0.6 (first result) and `delta`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PsfFbankConfig {
    /// Length of a frame, seconds.
    pub winlen: f64,
    /// Hop between frames, seconds.
    pub winstep: f64,
    /// Returns M, the number of bands.
    pub nfilt: usize,
    /// Length of the transform, points; "auto" for the smallest power of two not below the frame length.
    pub nfft: PsfFft,
    /// Lower edge of the lowest band, Hz.
    pub lowfreq: f64,
    /// Upper edge of the highest band, Hz; half the sample rate if absent or 0.
    pub highfreq: Option<f64>,
    /// Pre-emphasis coefficient; 0 for no filter.
    pub preemph: f64,
    /// Window function.
    pub winfunc: PsfWindow,
    /// Highest order of the deltas after the features: 0, 1 or 2; order 2 is the delta of order 1.
    pub deltas: usize,
    /// Reach of the delta filter in each direction, frames.
    #[serde(rename = "N")]
    pub delta_reach: usize,
}

impl Default for PsfFbankConfig {
    fn default() -> PsfFbankConfig {
        PsfMfccConfig::default().fbank()
    }
}

/// Natural logarithms of the energies of [`PsfFbankConfig`].
///
/// # Shapes
/// samples \[L\] -> \[T, nfilt (1 + deltas)\]
///
/// # Example
/// ```
/// use stapes_features::{Extractor, PsfLogFbankConfig};
///
/// let silence = PsfLogFbankConfig::default().init(8000)?.extract(&[0.0f64; 200])?;
/// assert_eq!((silence.frames(), silence.width()), (1, 26));
/// assert!((silence.frame(0)[0] + 36.04365338911715).abs() < 1e-12);
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// python_speech_features.logfbank 0.6; `winfunc` is newer than 0.6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PsfLogFbankConfig {
    /// Length of a frame, seconds.
    pub winlen: f64,
    /// Hop between frames, seconds.
    pub winstep: f64,
    /// Returns M, the number of bands.
    pub nfilt: usize,
    /// Length of the transform, points; "auto" for the smallest power of two not below the frame length.
    pub nfft: PsfFft,
    /// Lower edge of the lowest band, Hz.
    pub lowfreq: f64,
    /// Upper edge of the highest band, Hz; half the sample rate if absent or 0.
    pub highfreq: Option<f64>,
    /// Pre-emphasis coefficient; 0 for no filter.
    pub preemph: f64,
    /// Window function.
    pub winfunc: PsfWindow,
    /// Highest order of the deltas after the features: 0, 1 or 2; order 2 is the delta of order 1.
    pub deltas: usize,
    /// Reach of the delta filter in each direction, frames.
    #[serde(rename = "N")]
    pub delta_reach: usize,
}

impl Default for PsfLogFbankConfig {
    fn default() -> PsfLogFbankConfig {
        PsfFbankConfig::default().log()
    }
}

/// Mel-frequency cepstral coefficients: the first rows of the orthonormal cosine transform of the logarithms of
/// [`PsfLogFbankConfig`].
///
/// With `ceplifter` = Q > 0, coefficient n is multiplied by 1 + (Q/2) sin(pi n / Q). With `appendEnergy`,
/// coefficient 0 is then replaced by the log power of the frame. numcep > nfilt gives nfilt coefficients.
///
/// # Shapes
/// samples \[L\] -> \[T, numcep (1 + deltas)\]
///
/// # Example
/// ```
/// use stapes_features::{Extractor, PsfMfccConfig};
///
/// let mut mfcc = PsfMfccConfig { deltas: 2, ..Default::default() }.init(8000)?;
/// let samples: Vec<f64> = (0..6000).map(|n| (f64::from(n) * 0.3).sin() * 1000.0).collect();
/// let features = mfcc.extract(&samples)?;
/// assert_eq!((features.frames(), features.width()), (74, 39));
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
///
/// # Source
/// python_speech_features.mfcc 0.6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PsfMfccConfig {
    /// Length of a frame, seconds.
    pub winlen: f64,
    /// Hop between frames, seconds.
    pub winstep: f64,
    /// C, the number of coefficients.
    pub numcep: usize,
    /// Returns M, the number of bands.
    pub nfilt: usize,
    /// Length of the transform, points; "auto" for the smallest power of two not below the frame length.
    pub nfft: PsfFft,
    /// Lower edge of the lowest band, Hz.
    pub lowfreq: f64,
    /// Upper edge of the highest band, Hz; half the sample rate if absent or 0.
    pub highfreq: Option<f64>,
    /// Pre-emphasis coefficient; 0 for no filter.
    pub preemph: f64,
    /// Length of the lifter; 0 or less for none.
    pub ceplifter: f64,
    /// Replaces coefficient 0 by the log power of the frame.
    #[serde(rename = "appendEnergy", alias = "append_energy")]
    pub append_energy: bool,
    /// Window function.
    pub winfunc: PsfWindow,
    /// Highest order of the deltas after the features: 0, 1 or 2; order 2 is the delta of order 1.
    pub deltas: usize,
    /// Reach of the delta filter in each direction, frames.
    #[serde(rename = "N")]
    pub delta_reach: usize,
}

impl Default for PsfMfccConfig {
    fn default() -> PsfMfccConfig {
        PsfMfccConfig {
            winlen: 0.025,
            winstep: 0.01,
            numcep: 13,
            nfilt: 26,
            nfft: PsfFft::Points(512),
            lowfreq: 0.0,
            highfreq: None,
            preemph: 0.97,
            ceplifter: 22.0,
            append_energy: true,
            winfunc: PsfWindow::Rectangular,
            deltas: 0,
            delta_reach: 2,
        }
    }
}

impl PsfMfccConfig {
    /// Returns the settings of the underlying energies.
    pub fn fbank(&self) -> PsfFbankConfig {
        PsfFbankConfig {
            winlen: self.winlen,
            winstep: self.winstep,
            nfilt: self.nfilt,
            nfft: self.nfft,
            lowfreq: self.lowfreq,
            highfreq: self.highfreq,
            preemph: self.preemph,
            winfunc: self.winfunc,
            deltas: self.deltas,
            delta_reach: self.delta_reach,
        }
    }
}

impl PsfLogFbankConfig {
    /// Returns the settings of the underlying energies.
    pub fn fbank(&self) -> PsfFbankConfig {
        PsfFbankConfig {
            winlen: self.winlen,
            winstep: self.winstep,
            nfilt: self.nfilt,
            nfft: self.nfft,
            lowfreq: self.lowfreq,
            highfreq: self.highfreq,
            preemph: self.preemph,
            winfunc: self.winfunc,
            deltas: self.deltas,
            delta_reach: self.delta_reach,
        }
    }
}

impl PsfFbankConfig {
    /// Returns the settings of the logarithms of these energies.
    pub fn log(&self) -> PsfLogFbankConfig {
        PsfLogFbankConfig {
            winlen: self.winlen,
            winstep: self.winstep,
            nfilt: self.nfilt,
            nfft: self.nfft,
            lowfreq: self.lowfreq,
            highfreq: self.highfreq,
            preemph: self.preemph,
            winfunc: self.winfunc,
            deltas: self.deltas,
            delta_reach: self.delta_reach,
        }
    }
}
