//! Settings, with torchaudio's names and defaults.
//!
//! The settings of the mel energies are also those of the decibels; each is defined once, in the macro
//! `mel_config`.

use super::SpectrumNorm;
use crate::dct::DctNorm;
use crate::framing::PadMode;
use crate::mel::{MelNorm, MelScale};
use crate::serde_scalar::number_or_none;
use crate::settings_macro::config;
use crate::window::Window;

/// Defines a configuration with the settings in braces, then those of mel energies.
macro_rules! mel_config {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident { $($before:tt)* }
    ) => {
        config! {
            $(#[$attribute])*
            pub struct $name {
                $($before)*
                /// Length of a frame and of its transform.
                n_fft: usize = 400, "samples";
                /// Length of the window; n_fft if absent.
                win_length: Option<usize> = None, "samples";
                /// Hop between frames; win_length / 2 if absent.
                hop_length: Option<usize> = None, "samples";
                /// Lower edge of the lowest band.
                f_min: f64 = 0.0, "Hz";
                /// Upper edge of the highest band; half the sample rate, rounded down, if absent.
                f_max: Option<f64> = None, "Hz";
                /// Number of zeros at each end of the clip.
                pad: usize = 0, "samples";
                /// M, the number of mel bands.
                n_mels: usize = 128, "";
                /// Window function: hann, hamming, blackman or rectangular.
                #[serde(alias = "window_fn")]
                window: Window = Window::Hann, "";
                /// Exponent of the magnitude: 1 for magnitude, 2 for power.
                power: f64 = 2.0, "";
                /// Divisor of the spectrum: false (none), true (the window's norm) or frame_length.
                normalized: SpectrumNorm = SpectrumNorm::None, "";
                /// Centers frame t on sample t hop_length; otherwise it starts there.
                center: bool = true, "";
                /// Padding beyond the ends of the clip, with center: reflect or constant (zeros).
                pad_mode: PadMode = PadMode::Reflect, "";
                /// Normalization of the triangles: slaney for unit area, none for a peak of 1.
                norm: MelNorm = MelNorm::None, "";
                /// Mel scale: htk or slaney.
                #[serde(with = "scale_word")]
                mel_scale: MelScale = MelScale::Htk, "";
            }
        }

        impl $name {
            /// Returns the settings of the mel energies.
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
    };
}

mel_config! {
    /// Mel band energies: sums of |X|^power under triangles.
    ///
    /// The clip is padded with `pad` zeros at each end. Frame t is multiplied by a periodic window (in the
    /// middle of n_fft points, if it is shorter) and transformed; with `center` it is centered on sample t
    /// hop_length and there are 1 + (L + 2 pad + 2 (n_fft / 2) - n_fft) / hop_length frames. The triangles
    /// are linear in Hz.
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
    pub struct TorchaudioMelConfig {}
}

mel_config! {
    /// Mel bands in decibels: 10 log10(max(energy, 1e-10)) of the energies of [`TorchaudioMelConfig`],
    /// clipped at `top_db` below the clip's largest value.
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
    pub struct TorchaudioMelDbConfig {
        /// Floor relative to the clip's peak; none for no floor.
        #[serde(with = "number_or_none")]
        top_db: Option<f64> = None, "dB";
    }
}

config! {
    /// Mel-frequency cepstral coefficients: the first rows of the cosine transform of decibels, or with
    /// `log_mels` of ln(energy + 1e-6).
    ///
    /// The decibels are those of [`TorchaudioMelDbConfig`] with `top_db`, which torchaudio fixes at 80. As
    /// there, the settings of the energies have their own table: `melkwargs = { n_fft = 512, n_mels = 40 }`.
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
    pub struct TorchaudioMfccConfig {
        /// C, the number of coefficients, at most n_mels.
        n_mfcc: usize = 40, "";
        /// Scale of the cosine transform: ortho or none.
        norm: DctNorm = DctNorm::Ortho, "";
        /// Uses ln(energy + 1e-6) instead of decibels.
        log_mels: bool = false, "";
        /// Floor relative to the clip's peak; none for no floor.
        #[serde(with = "number_or_none")]
        top_db: Option<f64> = Some(80.0), "dB";
        /// Settings of the mel energies.
        melkwargs: TorchaudioMelConfig = TorchaudioMelConfig::default(), { TorchaudioMelConfig };
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
