//! Checks of the settings, and values derived from them.

use super::{
    KaldiCmvn, KaldiDialect, KaldiFbankConfig, KaldiFrameConfig, KaldiMelConfig, KaldiMfccConfig, KaldiWindow,
};
use crate::FeatureError;
use crate::check::{MAX_FRAME_LENGTH, require, require_sample_rate};
use crate::mel::MelScale;
use crate::stream::needs_whole_clip;

/// Maximum number of bands; more are a typing error, and the search for empty bands would be slow.
const MAX_BANDS: usize = 1 << 12;
const MAX_DELTA_ORDER: usize = 2;

/// Lengths in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    pub frame: usize,
    pub hop: usize,
    /// Length of the Fourier transform.
    pub points: usize,
}

impl KaldiFrameConfig {
    /// Converts milliseconds to whole samples.
    fn samples(&self, ms: f64, dialect: KaldiDialect, sample_rate_hz: u32) -> usize {
        match dialect {
            KaldiDialect::KaldiNativeFbank => (sample_rate_hz as f32 * 0.001 * ms as f32) as usize,
            KaldiDialect::Torchaudio => (f64::from(sample_rate_hz) * ms * 0.001) as usize,
        }
    }

    pub(super) fn lengths(&self, dialect: KaldiDialect, sample_rate_hz: u32) -> Lengths {
        let frame = self.samples(self.frame_length_ms, dialect, sample_rate_hz);
        // Longer frames are rejected later; the bound keeps the power of two from overflowing.
        let padded = frame.min(MAX_FRAME_LENGTH).next_power_of_two();
        Lengths {
            frame,
            hop: self.samples(self.frame_shift_ms, dialect, sample_rate_hz),
            points: if self.round_to_power_of_two { padded } else { frame },
        }
    }

    fn check(&self, dialect: KaldiDialect, sample_rate_hz: u32) -> Result<(), FeatureError> {
        require_sample_rate(sample_rate_hz, 1)?;
        let lengths = self.lengths(dialect, sample_rate_hz);
        let rule = format!("must be 2 to {MAX_FRAME_LENGTH} samples of {sample_rate_hz} Hz; use 25");
        let valid = (2..=MAX_FRAME_LENGTH).contains(&lengths.frame);
        require(valid, "frame_opts.frame_length_ms", self.frame_length_ms, &rule)?;
        let rule = format!("must be 1 to {MAX_FRAME_LENGTH} samples of {sample_rate_hz} Hz; use 10");
        let valid = (1..=MAX_FRAME_LENGTH).contains(&lengths.hop);
        require(valid, "frame_opts.frame_shift_ms", self.frame_shift_ms, &rule)?;
        let rule = format!(
            "must be an even number of samples, not {}, without round_to_power_of_two; set that to true",
            lengths.frame
        );
        let even = lengths.points.is_multiple_of(2);
        require(even, "frame_opts.frame_length_ms", self.frame_length_ms, &rule)?;
        let rule = "must be 0; noise makes runs differ";
        require(self.dither == 0.0, "frame_opts.dither", self.dither, rule)?;
        let rule = "must be within 0..=1; use 0.97, or 0 for none";
        let valid = (0.0..=1.0).contains(&self.preemph_coeff);
        require(valid, "frame_opts.preemph_coeff", self.preemph_coeff, rule)?;
        let rule = "must be finite; use 0.42";
        require(self.blackman_coeff.is_finite(), "frame_opts.blackman_coeff", self.blackman_coeff, rule)?;
        let native_only = matches!(self.window_type, KaldiWindow::Hann | KaldiWindow::Sine);
        let rule = "must be a window of torchaudio, or dialect = \"kaldi-native-fbank\"; use \"hanning\"";
        let known = !(native_only && dialect == KaldiDialect::Torchaudio);
        require(known, "frame_opts.window_type", format!("{:?}", self.window_type).to_ascii_lowercase(), rule)
    }
}

impl KaldiMelConfig {
    /// Returns the upper edge of the highest band, Hz.
    pub(crate) fn highest_hz(&self, sample_rate_hz: u32) -> f64 {
        let nyquist_hz = f64::from(sample_rate_hz) / 2.0;
        if self.high_freq > 0.0 { self.high_freq } else { nyquist_hz + self.high_freq }
    }

    fn check(&self, dialect: KaldiDialect, sample_rate_hz: u32) -> Result<(), FeatureError> {
        let min = if dialect == KaldiDialect::Torchaudio { 4 } else { 3 };
        let rule = format!("must be within {min}..={MAX_BANDS}; use 23");
        require((min..=MAX_BANDS).contains(&self.num_bins), "mel_opts.num_bins", self.num_bins, &rule)?;
        let nyquist_hz = f64::from(sample_rate_hz) / 2.0;
        let highest_hz = self.highest_hz(sample_rate_hz);
        let rule = format!(
            "must be at most {nyquist_hz} Hz, half the sample rate, and above 0 Hz; use 0 for half the sample rate"
        );
        let valid = highest_hz > 0.0 && highest_hz <= nyquist_hz;
        require(valid, "mel_opts.high_freq", self.high_freq, &rule)?;
        let rule =
            format!("must be at least 0 and below {highest_hz} Hz, the upper edge of the bands; use 0");
        let valid = self.low_freq >= 0.0 && self.low_freq < highest_hz;
        require(valid, "mel_opts.low_freq", self.low_freq, &rule)
    }

    /// Returns the weights of each band over the transform's bins: triangles linear in mel, without the last
    /// bin.
    ///
    /// # Shapes
    /// -> \[M, points / 2\]
    pub(super) fn triangles(&self, points: usize, sample_rate_hz: u32) -> impl Iterator<Item = Vec<f64>> {
        let lowest = MelScale::Kaldi.mel(self.low_freq);
        let highest = MelScale::Kaldi.mel(self.highest_hz(sample_rate_hz));
        let step = (highest - lowest) / (self.num_bins + 1) as f64;
        let bin_hz = f64::from(sample_rate_hz) / points as f64;
        let bins: Vec<f64> = (0..points / 2).map(|bin| MelScale::Kaldi.mel(bin as f64 * bin_hz)).collect();
        (0..self.num_bins).map(move |band| {
            let [left, center, right] = [0, 1, 2].map(|edge| lowest + (band + edge) as f64 * step);
            let weight = |&mel: &f64| {
                if mel <= left || mel >= right {
                    0.0
                } else if mel <= center {
                    (mel - left) / (center - left)
                } else {
                    (right - mel) / (right - center)
                }
            };
            bins.iter().map(weight).collect()
        })
    }

    /// Returns true if some band contains no bin.
    fn has_empty_band(&self, points: usize, sample_rate_hz: u32) -> bool {
        self.triangles(points, sample_rate_hz).any(|band| band.iter().all(|&weight| weight == 0.0))
    }
}

impl KaldiFbankConfig {
    pub(super) fn lengths(&self, sample_rate_hz: u32) -> Lengths {
        self.frame_opts.lengths(self.dialect, sample_rate_hz)
    }

    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.frame_opts.check(self.dialect, sample_rate_hz)?;
        self.mel_opts.check(self.dialect, sample_rate_hz)?;
        self.check_bands(sample_rate_hz)?;
        let floor = self.min_energy();
        let rule = "must be at least 0 and finite; 0 disables the floor";
        require(floor >= 0.0 && floor <= f64::from(f32::MAX), "energy_floor", floor, rule)?;
        let min = f64::from(f32::MIN_POSITIVE);
        let rule = format!("must be at least {min:e} and finite; Kaldi's is 1.1920929e-7");
        require(self.eps >= min && self.eps <= f64::from(f32::MAX), "eps", self.eps, &rule)?;
        let rule = format!("must be 0, 1 or 2; use {MAX_DELTA_ORDER}");
        require(self.deltas <= MAX_DELTA_ORDER, "deltas", self.deltas, &rule)
    }

    fn check_bands(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        let points = self.lengths(sample_rate_hz).points;
        let empty = |num_bins: usize| {
            KaldiMelConfig { num_bins, ..self.mel_opts.clone() }.has_empty_band(points, sample_rate_hz)
        };
        let num_bins = self.mel_opts.num_bins;
        if self.dialect == KaldiDialect::Torchaudio || !empty(num_bins) {
            return Ok(());
        }
        let choice = match (3..num_bins).rev().find(|&fewer| !empty(fewer)) {
            Some(fewer) => format!("use {fewer}"),
            None => "use longer frames".to_owned(),
        };
        let rule =
            format!("must leave at least one of the transform's {points} points in each band; {choice}");
        Err(FeatureError::setting("mel_opts.num_bins", num_bins, rule))
    }

    /// Checks that no setting needs the whole clip.
    pub(super) fn check_stream(&self) -> Result<(), FeatureError> {
        let value = match self.cmvn {
            KaldiCmvn::None => return Ok(()),
            KaldiCmvn::Mean => "mean",
            KaldiCmvn::MeanVar => "meanvar",
        };
        let alternative = "use cmvn = \"none\", and normalization = \"per-coefficient\" in the recipe, whose means \
                       come from the training clips";
        Err(needs_whole_clip("cmvn", value, alternative))
    }
}

impl KaldiMfccConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.fbank().check(sample_rate_hz)?;
        let bands = self.mel_opts.num_bins;
        let rule = format!("must be within 1..={bands} (mel_opts.num_bins); use {bands}");
        require((1..=bands).contains(&self.num_ceps), "num_ceps", self.num_ceps, &rule)?;
        let valid = self.cepstral_lifter >= 0.0 && self.cepstral_lifter.is_finite();
        let rule = "must be at least 0 and finite; 0 disables the lifter";
        require(valid, "cepstral_lifter", self.cepstral_lifter, rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(change: impl FnOnce(&mut KaldiMfccConfig)) -> String {
        let mut config = KaldiMfccConfig::default();
        change(&mut config);
        config.check(16_000).unwrap_err().to_string()
    }

    #[test]
    fn lengths_are_truncated() {
        for (rate_hz, frame, hop, points) in
            [(8000, 200, 80, 256), (16_000, 400, 160, 512), (22_050, 551, 220, 1024)]
        {
            for dialect in [KaldiDialect::KaldiNativeFbank, KaldiDialect::Torchaudio] {
                let lengths = KaldiFrameConfig::default().lengths(dialect, rate_hz);
                assert_eq!(lengths, Lengths { frame, hop, points });
            }
        }
        let unpadded = KaldiFrameConfig { round_to_power_of_two: false, ..Default::default() };
        assert_eq!(unpadded.lengths(KaldiDialect::KaldiNativeFbank, 8000).points, 200);
        let short = KaldiFrameConfig { frame_length_ms: 4.1, ..Default::default() };
        assert_eq!(short.lengths(KaldiDialect::Torchaudio, 10_000).frame, 41);
    }

    #[test]
    fn invalid_settings_are_reported_with_value_and_rule() {
        assert_eq!(
            rejected(|c| c.frame_opts.dither = 0.00003),
            "frame_opts.dither = 0.00003: must be 0; noise makes runs differ"
        );
        assert!(
            rejected(|c| c.frame_opts.frame_length_ms = 0.0).starts_with("frame_opts.frame_length_ms = 0: ")
        );
        assert!(
            rejected(|c| c.frame_opts.frame_length_ms = 1e12).starts_with("frame_opts.frame_length_ms = ")
        );
        assert!(
            rejected(|c| c.frame_opts.frame_shift_ms = f64::NAN)
                .starts_with("frame_opts.frame_shift_ms = NaN")
        );
        assert!(
            rejected(|c| {
                c.frame_opts.round_to_power_of_two = false;
                c.frame_opts.frame_length_ms = 25.1;
            })
            .contains("must be an even number of samples, not 401")
        );
        assert!(
            rejected(|c| c.frame_opts.preemph_coeff = 1.5).starts_with("frame_opts.preemph_coeff = 1.5: ")
        );
        assert!(rejected(|c| c.mel_opts.num_bins = 2).starts_with("mel_opts.num_bins = 2: must be within 3"));
        assert!(rejected(|c| c.mel_opts.low_freq = 8000.0).starts_with("mel_opts.low_freq = 8000: "));
        assert!(rejected(|c| c.mel_opts.high_freq = 8001.0).starts_with("mel_opts.high_freq = 8001: "));
        assert!(rejected(|c| c.mel_opts.high_freq = -8000.0).starts_with("mel_opts.high_freq = -8000: "));
        assert_eq!(
            rejected(|c| c.num_ceps = 24),
            "num_ceps = 24: must be within 1..=23 (mel_opts.num_bins); use 23"
        );
        assert!(rejected(|c| c.cepstral_lifter = -1.0).starts_with("cepstral_lifter = -1: "));
        assert!(rejected(|c| c.energy_floor = Some(-1.0)).starts_with("energy_floor = -1: "));
        assert!(rejected(|c| c.deltas = 3).starts_with("deltas = 3: must be 0, 1 or 2"));
        assert!(KaldiFbankConfig { eps: 0.0, ..Default::default() }.check(8000).is_err());
        assert!(KaldiMfccConfig::default().check(0).is_err());
        let hann = |dialect| KaldiFbankConfig {
            dialect,
            frame_opts: KaldiFrameConfig { window_type: KaldiWindow::Hann, ..Default::default() },
            ..Default::default()
        };
        assert!(hann(KaldiDialect::KaldiNativeFbank).check(8000).is_ok());
        let error = hann(KaldiDialect::Torchaudio).check(8000).unwrap_err().to_string();
        assert!(error.starts_with("frame_opts.window_type = hann: "), "{error}");
    }

    #[test]
    fn empty_bands_are_rejected_by_kaldi_and_silent_in_torchaudio() {
        let bands = |num_bins, dialect| KaldiFbankConfig {
            dialect,
            mel_opts: KaldiMelConfig { num_bins, ..Default::default() },
            ..Default::default()
        };
        assert!(bands(80, KaldiDialect::KaldiNativeFbank).check(8000).is_ok());
        let error = bands(128, KaldiDialect::KaldiNativeFbank).check(16_000).unwrap_err().to_string();
        assert!(error.starts_with("mel_opts.num_bins = 128: must leave at least one"), "{error}");
        let fitting: usize = error.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(bands(fitting, KaldiDialect::KaldiNativeFbank).check(16_000).is_ok());
        assert!(bands(128, KaldiDialect::Torchaudio).check(16_000).is_ok());
    }

    #[test]
    fn utterance_normalization_cannot_be_streamed() {
        let config = KaldiFbankConfig { cmvn: KaldiCmvn::MeanVar, ..Default::default() };
        let error = config.check_stream().unwrap_err().to_string();
        assert!(
            error.starts_with(
                "cmvn = meanvar needs the whole clip and cannot be streamed; use cmvn = \"none\""
            )
        );
    }
}
