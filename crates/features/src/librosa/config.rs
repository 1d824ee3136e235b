//! Settings, with librosa's names and defaults.
//!
//! As in librosa, the settings of mel bands are also those of decibels, and these are also those of cepstra.
//! Each is defined once, in the macros `mel_config` and `mel_db_config`.

use crate::dct::DctNorm;
use crate::decibel::{Decibels, Reference};
use crate::framing::PadMode;
use crate::mel::MelNorm;
use crate::serde_scalar::number_or_none;
use crate::settings_macro::config;
use crate::window::Window;

config! {
    /// Magnitudes of the short-time Fourier transform: |stft(y)|.
    ///
    /// Frame t is multiplied by a periodic window (in the middle of n_fft points, if it is shorter) and
    /// transformed; with `center` it is centered on sample t hop_length and there are
    /// 1 + (L + 2 (n_fft / 2) - n_fft) / hop_length frames. Product and transform are f64; for f32 samples
    /// the spectrum is rounded to f32 before its magnitude is computed.
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
    pub struct LibrosaStftConfig {
        /// Length of a frame and of its transform.
        n_fft: usize = 2048, "samples";
        /// Length of the window; n_fft if absent.
        win_length: Option<usize> = None, "samples";
        /// Hop between frames; win_length / 4 if absent.
        hop_length: Option<usize> = None, "samples";
        /// Window function: hann, hamming, blackman or rectangular.
        window: Window = Window::Hann, "";
        /// Centers frame t on sample t hop_length; otherwise it starts there.
        center: bool = true, "";
        /// Padding beyond the ends of the clip, with center: constant (zeros) or reflect.
        pad_mode: PadMode = PadMode::Constant, "";
    }
}

/// Defines a configuration with the settings of mel bands between those in braces; `$norm` names their norm.
macro_rules! mel_config {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident { $($before:tt)* } $norm:ident { $($after:tt)* }
    ) => {
        config! {
            $(#[$attribute])*
            pub struct $name {
                $($before)*
                /// Length of a frame and of its transform.
                n_fft: usize = 2048, "samples";
                /// Hop between frames.
                hop_length: usize = 512, "samples";
                /// Length of the window; n_fft if absent.
                win_length: Option<usize> = None, "samples";
                /// Window function: hann, hamming, blackman or rectangular.
                window: Window = Window::Hann, "";
                /// Centers frame t on sample t hop_length; otherwise it starts there.
                center: bool = true, "";
                /// Padding beyond the ends of the clip, with center: constant (zeros) or reflect.
                pad_mode: PadMode = PadMode::Constant, "";
                /// Exponent of the magnitude: 1 for magnitude, 2 for power.
                power: f64 = 2.0, "";
                /// M, the number of mel bands.
                n_mels: usize = 128, "";
                /// Lower edge of the lowest band.
                fmin: f64 = 0.0, "Hz";
                /// Upper edge of the highest band; half the sample rate if absent.
                fmax: Option<f64> = None, "Hz";
                /// Uses HTK's mel scale instead of Slaney's.
                htk: bool = false, "";
                /// Normalization of the triangles: slaney, none, inf or the p of a p-norm.
                $norm: MelNorm = MelNorm::Slaney, "";
                $($after)*
            }
        }

        impl $name {
            /// Returns the settings of the mel bands.
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
                    norm: self.$norm,
                }
            }
        }
    };
}

/// Defines a configuration with the settings in braces, then those of mel bands in decibels.
macro_rules! mel_db_config {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident { $($before:tt)* } $norm:ident
    ) => {
        mel_config! {
            $(#[$attribute])*
            pub struct $name { $($before)* } $norm {
                /// Power that maps to 0 dB: a number, or max for the clip's largest.
                reference as "ref": Reference = Reference::Power(1.0), "";
                /// Floor of the power.
                amin: f64 = 1e-10, "";
                /// Floor relative to the clip's peak; none for no floor.
                #[serde(with = "number_or_none")]
                top_db: Option<f64> = Some(80.0), "dB";
            }
        }

        impl $name {
            /// Returns the conversion to decibels.
            pub(super) fn decibels(&self) -> Decibels {
                Decibels { reference: self.reference, min_power: self.amin, top_db: self.top_db }
            }
        }
    };
}

mel_config! {
    /// Mel band energies: a power of the magnitudes of [`LibrosaStftConfig`], summed under triangles.
    ///
    /// The edges of the triangles are n_mels + 2 points equally spaced in mel from fmin to fmax; the weights
    /// are f32.
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
    pub struct LibrosaMelConfig {} norm {}
}

mel_db_config! {
    /// Mel bands in decibels: power_to_db of the energies S of [`LibrosaMelConfig`].
    ///
    /// 10 log10(max(amin, S)) - 10 log10(max(amin, |ref|)), clipped at top_db below the largest value of the
    /// whole clip, silent padding included. The floor therefore needs the whole clip.
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
    pub struct LibrosaMelDbConfig {} norm
}

mel_db_config! {
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
    pub struct LibrosaMfccConfig {
        /// C, the number of coefficients.
        n_mfcc: usize = 20, "";
        /// Scale of the cosine transform: ortho or none.
        norm: DctNorm = DctNorm::Ortho, "";
        /// Length of the lifter; 0 for none.
        lifter: f64 = 0.0, "";
    } mel_norm
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
