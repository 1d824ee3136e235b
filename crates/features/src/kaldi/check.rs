//! Which settings make a front end, and what follows from them.

use super::{
    KaldiCmvn, KaldiDialect, KaldiFbankConfig, KaldiFrameConfig, KaldiMelConfig, KaldiMfccConfig, KaldiWindow,
};
use crate::FeatureError;
use crate::check::{LONGEST_FRAME, demand, rate};
use crate::mel::MelScale;
use crate::stream::needs_whole_clip;

/// More would be a typing error, and the search for empty bands slow.
const MOST_BANDS: usize = 1 << 12;
const MOST_DELTAS: usize = 2;

/// Lengths in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    pub frame: usize,
    pub hop: usize,
    /// Of the transform.
    pub points: usize,
}

impl KaldiFrameConfig {
    /// Milliseconds as whole samples.
    fn samples(&self, ms: f64, dialect: KaldiDialect, sample_rate_hz: u32) -> usize {
        match dialect {
            KaldiDialect::KaldiNativeFbank => (sample_rate_hz as f32 * 0.001 * ms as f32) as usize,
            KaldiDialect::Torchaudio => (f64::from(sample_rate_hz) * ms * 0.001) as usize,
        }
    }

    pub(super) fn lengths(&self, dialect: KaldiDialect, sample_rate_hz: u32) -> Lengths {
        let frame = self.samples(self.frame_length_ms, dialect, sample_rate_hz);
        // Too long a frame is refused; until then its power of two must have a number.
        let padded = frame.min(LONGEST_FRAME).next_power_of_two();
        Lengths {
            frame,
            hop: self.samples(self.frame_shift_ms, dialect, sample_rate_hz),
            points: if self.round_to_power_of_two { padded } else { frame },
        }
    }

    fn check(&self, dialect: KaldiDialect, sample_rate_hz: u32) -> Result<(), FeatureError> {
        rate(sample_rate_hz, 1)?;
        let lengths = self.lengths(dialect, sample_rate_hz);
        let rule = format!("must be 2 to {LONGEST_FRAME} samples of {sample_rate_hz} Hz; use 25");
        let held = (2..=LONGEST_FRAME).contains(&lengths.frame);
        demand(held, "frame_opts.frame_length_ms", self.frame_length_ms, &rule)?;
        let rule = format!("must be 1 to {LONGEST_FRAME} samples of {sample_rate_hz} Hz; use 10");
        let held = (1..=LONGEST_FRAME).contains(&lengths.hop);
        demand(held, "frame_opts.frame_shift_ms", self.frame_shift_ms, &rule)?;
        let rule = format!(
            "must be an even number of samples, not {}, without round_to_power_of_two; set that to true",
            lengths.frame
        );
        let even = lengths.points.is_multiple_of(2);
        demand(even, "frame_opts.frame_length_ms", self.frame_length_ms, &rule)?;
        let rule = "must be 0: with added noise no two runs agree";
        demand(self.dither == 0.0, "frame_opts.dither", self.dither, rule)?;
        let rule = "must be within 0..=1; use 0.97, or 0 for none";
        let held = (0.0..=1.0).contains(&self.preemph_coeff);
        demand(held, "frame_opts.preemph_coeff", self.preemph_coeff, rule)?;
        let rule = "must be finite; use 0.42";
        demand(self.blackman_coeff.is_finite(), "frame_opts.blackman_coeff", self.blackman_coeff, rule)?;
        let foreign = matches!(self.window_type, KaldiWindow::Hann | KaldiWindow::Sine);
        let rule = "must be a window of torchaudio, or dialect = \"kaldi-native-fbank\"; use \"hanning\"";
        let known = !(foreign && dialect == KaldiDialect::Torchaudio);
        demand(known, "frame_opts.window_type", format!("{:?}", self.window_type).to_lowercase(), rule)
    }
}

impl KaldiMelConfig {
    /// Where the highest band ends.
    pub(crate) fn highest_hz(&self, sample_rate_hz: u32) -> f64 {
        let nyquist_hz = f64::from(sample_rate_hz) / 2.0;
        if self.high_freq > 0.0 { self.high_freq } else { nyquist_hz + self.high_freq }
    }

    fn check(&self, dialect: KaldiDialect, sample_rate_hz: u32) -> Result<(), FeatureError> {
        let fewest = if dialect == KaldiDialect::Torchaudio { 4 } else { 3 };
        let rule = format!("must be within {fewest}..={MOST_BANDS}; use 23");
        demand((fewest..=MOST_BANDS).contains(&self.num_bins), "mel_opts.num_bins", self.num_bins, &rule)?;
        let nyquist_hz = f64::from(sample_rate_hz) / 2.0;
        let highest_hz = self.highest_hz(sample_rate_hz);
        let rule = format!(
            "must be at most {nyquist_hz} Hz, half the sample rate, and leave a band above 0; use 0 for the whole"
        );
        let held = highest_hz > 0.0 && highest_hz <= nyquist_hz;
        demand(held, "mel_opts.high_freq", self.high_freq, &rule)?;
        let rule = format!("must be at least 0 and below the highest band's end of {highest_hz} Hz; use 0");
        let held = self.low_freq >= 0.0 && self.low_freq < highest_hz;
        demand(held, "mel_opts.low_freq", self.low_freq, &rule)
    }

    /// The weights of each band over the transform's bins: triangles linear in mel, the last bin left out.
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
            let [left, centre, right] = [0, 1, 2].map(|edge| lowest + (band + edge) as f64 * step);
            let weight = |&mel: &f64| {
                if mel <= left || mel >= right {
                    0.0
                } else if mel <= centre {
                    (mel - left) / (centre - left)
                } else {
                    (right - mel) / (right - centre)
                }
            };
            bins.iter().map(weight).collect()
        })
    }

    /// Whether some band would have no bin.
    fn has_empty_band(&self, points: usize, sample_rate_hz: u32) -> bool {
        self.triangles(points, sample_rate_hz).any(|band| band.iter().all(|&weight| weight == 0.0))
    }
}

impl KaldiFbankConfig {
    pub(super) fn lengths(&self, sample_rate_hz: u32) -> Lengths {
        self.frame_opts.lengths(self.dialect, sample_rate_hz)
    }

    /// From one frame to the next, samples.
    pub(crate) fn hop(&self, sample_rate_hz: u32) -> usize {
        self.lengths(sample_rate_hz).hop
    }

    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.frame_opts.check(self.dialect, sample_rate_hz)?;
        self.mel_opts.check(self.dialect, sample_rate_hz)?;
        self.check_bands(sample_rate_hz)?;
        let floor = self.least_energy();
        let rule = "must be at least 0 and finite; 0 is no floor";
        demand(floor >= 0.0 && floor <= f64::from(f32::MAX), "energy_floor", floor, rule)?;
        let least = f64::from(f32::MIN_POSITIVE);
        let rule = format!("must be at least {least:e} and finite; Kaldi's is 1.1920929e-7");
        demand(self.eps >= least && self.eps <= f64::from(f32::MAX), "eps", self.eps, &rule)?;
        let rule = format!("must be 0, 1 or 2; use {MOST_DELTAS}");
        demand(self.deltas <= MOST_DELTAS, "deltas", self.deltas, &rule)
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
        let rule = format!("must leave each band one of the transform's {points} points; {choice}");
        Err(FeatureError::setting("mel_opts.num_bins", num_bins, rule))
    }

    /// Checks that nothing waits for the end of the clip.
    pub(super) fn check_stream(&self) -> Result<(), FeatureError> {
        let value = match self.cmvn {
            KaldiCmvn::None => return Ok(()),
            KaldiCmvn::Mean => "mean",
            KaldiCmvn::MeanVar => "meanvar",
        };
        let instead = "use cmvn = \"none\", and normalisation = \"per-coefficient\" in the recipe, whose means \
                       come from the training clips";
        Err(needs_whole_clip("cmvn", value, instead))
    }
}

impl KaldiMfccConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.fbank().check(sample_rate_hz)?;
        let bands = self.mel_opts.num_bins;
        let rule = format!("must be within 1..={bands} (mel_opts.num_bins); use {bands}");
        demand((1..=bands).contains(&self.num_ceps), "num_ceps", self.num_ceps, &rule)?;
        let held = self.cepstral_lifter >= 0.0 && self.cepstral_lifter.is_finite();
        let rule = "must be at least 0 and finite; 0 is no lifter";
        demand(held, "cepstral_lifter", self.cepstral_lifter, rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut KaldiMfccConfig)) -> String {
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
    fn every_impossible_setting_is_named_with_its_value_and_the_rule() {
        assert_eq!(
            refused(|c| c.frame_opts.dither = 0.00003),
            "frame_opts.dither = 0.00003: must be 0: with added noise no two runs agree"
        );
        assert!(
            refused(|c| c.frame_opts.frame_length_ms = 0.0).starts_with("frame_opts.frame_length_ms = 0: ")
        );
        assert!(
            refused(|c| c.frame_opts.frame_length_ms = 1e12).starts_with("frame_opts.frame_length_ms = ")
        );
        assert!(
            refused(|c| c.frame_opts.frame_shift_ms = f64::NAN)
                .starts_with("frame_opts.frame_shift_ms = NaN")
        );
        assert!(
            refused(|c| {
                c.frame_opts.round_to_power_of_two = false;
                c.frame_opts.frame_length_ms = 25.1;
            })
            .contains("must be an even number of samples, not 401")
        );
        assert!(
            refused(|c| c.frame_opts.preemph_coeff = 1.5).starts_with("frame_opts.preemph_coeff = 1.5: ")
        );
        assert!(refused(|c| c.mel_opts.num_bins = 2).starts_with("mel_opts.num_bins = 2: must be within 3"));
        assert!(refused(|c| c.mel_opts.low_freq = 8000.0).starts_with("mel_opts.low_freq = 8000: "));
        assert!(refused(|c| c.mel_opts.high_freq = 8001.0).starts_with("mel_opts.high_freq = 8001: "));
        assert!(refused(|c| c.mel_opts.high_freq = -8000.0).starts_with("mel_opts.high_freq = -8000: "));
        assert_eq!(
            refused(|c| c.num_ceps = 24),
            "num_ceps = 24: must be within 1..=23 (mel_opts.num_bins); use 23"
        );
        assert!(refused(|c| c.cepstral_lifter = -1.0).starts_with("cepstral_lifter = -1: "));
        assert!(refused(|c| c.energy_floor = Some(-1.0)).starts_with("energy_floor = -1: "));
        assert!(refused(|c| c.deltas = 3).starts_with("deltas = 3: must be 0, 1 or 2"));
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
    fn a_band_without_a_bin_is_refused_with_the_most_that_fit_and_silent_in_torchaudio() {
        let bands = |num_bins, dialect| KaldiFbankConfig {
            dialect,
            mel_opts: KaldiMelConfig { num_bins, ..Default::default() },
            ..Default::default()
        };
        assert!(bands(80, KaldiDialect::KaldiNativeFbank).check(8000).is_ok());
        let error = bands(128, KaldiDialect::KaldiNativeFbank).check(16_000).unwrap_err().to_string();
        assert!(error.starts_with("mel_opts.num_bins = 128: must leave each band"), "{error}");
        let fitting: usize = error.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(bands(fitting, KaldiDialect::KaldiNativeFbank).check(16_000).is_ok());
        assert!(bands(128, KaldiDialect::Torchaudio).check(16_000).is_ok());
    }

    #[test]
    fn normalisation_over_the_utterance_cannot_be_streamed_and_says_what_can() {
        let config = KaldiFbankConfig { cmvn: KaldiCmvn::MeanVar, ..Default::default() };
        let error = config.check_stream().unwrap_err().to_string();
        assert!(
            error.starts_with(
                "cmvn = meanvar needs the whole clip and cannot be streamed: use cmvn = \"none\""
            )
        );
    }
}
