//! Settings, with python_speech_features' names and defaults.
//!
//! The settings of the mel energies are also those of their logarithms and of cepstra; each is defined once,
//! in the macro `fbank_config`.

use serde::{Deserialize, Serialize};

use super::{PsfFft, PsfWindow};
use crate::settings_macro::config;

/// Defines a configuration with the settings of mel energies and, in braces, those after `winstep` and
/// `preemph`.
macro_rules! fbank_config {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident { $($after_winstep:tt)* } { $($after_preemph:tt)* }
    ) => {
        config! {
            $(#[$attribute])*
            pub struct $name {
                /// Length of a frame.
                winlen: f64 = 0.025, "s";
                /// Hop between frames.
                winstep: f64 = 0.01, "s";
                $($after_winstep)*
                /// M, the number of mel bands.
                nfilt: usize = 26, "";
                /// Length of the transform; auto for the smallest power of two not below the frame length.
                nfft: PsfFft = PsfFft::Points(512), "samples";
                /// Lower edge of the lowest band.
                lowfreq: f64 = 0.0, "Hz";
                /// Upper edge of the highest band; half the sample rate if absent or 0.
                highfreq: Option<f64> = None, "Hz";
                /// Pre-emphasis coefficient; 0 for no filter.
                preemph: f64 = 0.97, "";
                $($after_preemph)*
                /// Window function: rectangular, hamming, hanning, blackman or bartlett.
                winfunc: PsfWindow = PsfWindow::Rectangular, "";
                /// Highest order of psf's deltas after the features: 0, 1 or 2 (the delta of order 1).
                deltas: usize = 0, "";
                /// Reach of those deltas in each direction.
                delta_reach as "N": usize = 2, "frames";
            }
        }

        impl $name {
            /// Returns the settings of the mel energies.
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
    };
}

fbank_config! {
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
    pub struct PsfFbankConfig {} {}
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PsfLogFbankConfig {
    /// Settings of the energies.
    pub fbank: PsfFbankConfig,
}

fbank_config! {
    /// Mel-frequency cepstral coefficients: the first rows of the orthonormal cosine transform of the
    /// logarithms of [`PsfLogFbankConfig`].
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
    pub struct PsfMfccConfig {
        /// C, the number of coefficients.
        numcep: usize = 13, "";
    } {
        /// Length of the lifter; 0 or less for none.
        ceplifter: f64 = 22.0, "";
        /// Replaces coefficient 0 by the log power of the frame.
        #[serde(alias = "append_energy")]
        append_energy as "appendEnergy": bool = true, "";
    }
}
