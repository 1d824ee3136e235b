//! Settings, under kaldi-native-fbank's names and with its defaults.

use crate::serde_scalar::words;

use super::{KaldiCmvn, KaldiWindow};
use crate::settings_macro::config;

/// Implementation whose defaults and rules apply where the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KaldiDialect {
    /// kaldi-native-fbank: MFCCs begin with the energy, which has no floor; lengths in samples are computed
    /// in f32; a band without a bin is an error.
    #[default]
    KaldiNativeFbank,
    /// torchaudio.compliance.kaldi: MFCCs begin with c0, an energy has the floor 1; lengths in samples are
    /// computed in f64; a band without a bin is silent; a clip shorter than a frame is an error.
    Torchaudio,
}

words! {
    KaldiDialect {
        KaldiNativeFbank = "kaldi-native-fbank",
        Torchaudio = "torchaudio",
    }
}

config! {
    /// Framing, and processing of a frame before the Fourier transform.
    pub struct KaldiFrameConfig {
        /// Hop between frames; truncated to whole samples.
        frame_shift_ms: f64 = 10.0, "ms";
        /// Length of a frame; truncated to whole samples.
        frame_length_ms: f64 = 25.0, "ms";
        /// Amount of noise added to the samples; must be 0, because noise makes runs differ.
        dither: f64 = 0.0, "";
        /// Pre-emphasis coefficient, applied within each frame; 0 for no filter.
        preemph_coeff: f64 = 0.97, "";
        /// Subtracts the mean of each frame first.
        remove_dc_offset: bool = true, "";
        /// Window function: povey, hanning, hamming, hann, rectangular, sine or blackman.
        window_type: KaldiWindow = KaldiWindow::Povey, "";
        /// Pads frames with zeros to a power of two before the transform.
        round_to_power_of_two: bool = true, "";
        /// Constant of the window blackman.
        blackman_coeff: f64 = 0.42, "";
        /// Uses whole frames only; otherwise one frame per shift, and the clip is mirrored about its ends.
        snip_edges: bool = true, "";
    }
}

config! {
    /// Mel bands.
    pub struct KaldiMelConfig {
        /// M, the number of mel bands.
        num_bins: usize = 23, "";
        /// Lower edge of the lowest band.
        low_freq: f64 = 20.0, "Hz";
        /// Upper edge of the highest band; 0 or less is relative to half the sample rate.
        high_freq: f64 = 0.0, "Hz";
    }
}

config! {
    /// Log mel energies.
    ///
    /// The mean of each frame is subtracted; the frame is filtered (x\[n\] - 0.97 x\[n - 1\]), windowed and
    /// transformed. The power |X|^2 is summed under triangles linear in Kaldi's mel; the features are
    /// ln(max(energy, eps)).
    ///
    /// # Shapes
    /// samples \[L\] -> \[T, (num_bins + use_energy) (1 + deltas)\]; with `snip_edges` T = 0 below one
    /// frame's length
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
    pub struct KaldiFbankConfig {
        /// Defaults and rules of kaldi-native-fbank or torchaudio.
        dialect: KaldiDialect = KaldiDialect::KaldiNativeFbank, "";
        /// Framing.
        frame_opts: KaldiFrameConfig = KaldiFrameConfig::default(), { KaldiFrameConfig };
        /// Mel bands.
        mel_opts: KaldiMelConfig = KaldiMelConfig::default(), { KaldiMelConfig };
        /// Puts the log energy of the frame before the bands.
        use_energy: bool = false, "";
        /// Floor of the energy of a frame; 0 for none, the dialect's default if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        energy_floor: Option<f64> = None, "";
        /// Takes the energy before the filter and the window.
        raw_energy: bool = true, "";
        /// Puts the energy after the bands.
        htk_compat: bool = false, "";
        /// Returns logarithms of the band energies.
        use_log_fbank: bool = true, "";
        /// Uses ln(max(energy, eps)); otherwise ln(energy + eps).
        use_log_floor: bool = true, "";
        /// eps of the logarithm.
        eps: f64 = f64::from(f32::EPSILON), "";
        /// Sums the power |X|^2; otherwise the magnitude |X|.
        use_power: bool = true, "";
        /// Highest order of Kaldi's deltas after the features: 0, 1 or 2.
        deltas: usize = 0, "";
        /// Normalization over the utterance, deltas included: none, mean or meanvar.
        cmvn: KaldiCmvn = KaldiCmvn::None, "";
    }
}

config! {
    /// Mel-frequency cepstral coefficients: the first rows of the orthonormal cosine transform of
    /// [`KaldiFbankConfig`]'s logarithms, liftered, with the energy of the frame in place of c0.
    ///
    /// Coefficient i is multiplied by 1 + (Q/2) sin(pi i / Q). Deltas of order 1 weight the frames -2..2 by
    /// (-2, -1, 0, 1, 2) / 10; those of order 2 weight the frames -4..4 by (4, 4, 1, -4, -10, -4, 1, 4, 4) /
    /// 100, a single filter over the features. Beyond the ends the edge frame is repeated.
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
    pub struct KaldiMfccConfig {
        /// Defaults and rules of kaldi-native-fbank or torchaudio.
        dialect: KaldiDialect = KaldiDialect::KaldiNativeFbank, "";
        /// Framing.
        frame_opts: KaldiFrameConfig = KaldiFrameConfig::default(), { KaldiFrameConfig };
        /// Mel bands.
        mel_opts: KaldiMelConfig = KaldiMelConfig::default(), { KaldiMelConfig };
        /// C, the number of coefficients, at most mel_opts.num_bins.
        num_ceps: usize = 13, "";
        /// Replaces c0 by the log energy of the frame; the dialect's default if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        use_energy: Option<bool> = None, "";
        /// Floor of the energy of a frame; 0 for none, the dialect's default if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        energy_floor: Option<f64> = None, "";
        /// Takes the energy before the filter and the window.
        raw_energy: bool = true, "";
        /// Length of the lifter; 0 for none.
        cepstral_lifter: f64 = 22.0, "";
        /// Puts c0 (times sqrt(2)) or the energy after the other coefficients.
        htk_compat: bool = false, "";
        /// Highest order of Kaldi's deltas after the features: 0, 1 or 2.
        deltas: usize = 0, "";
        /// Normalization over the utterance, deltas included: none, mean or meanvar.
        cmvn: KaldiCmvn = KaldiCmvn::None, "";
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

impl KaldiFrameConfig {
    /// Returns the center of the window of frame 0, samples.
    pub(super) fn first_center(&self, sample_rate_hz: u32) -> f64 {
        let window_ms = if self.snip_edges { self.frame_length_ms } else { self.frame_shift_ms };
        window_ms / 1e3 * f64::from(sample_rate_hz) / 2.0
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
