//! Checks of the settings, and values derived from them.

use super::{PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig};
use crate::FeatureError;
use crate::check::{MAX_BANDS, MAX_FRAME_LENGTH, require, require_band, require_sample_rate, require_within};

const MAX_DELTA_ORDER: usize = 2;
const MAX_DELTA_REACH: usize = 4999;

impl PsfFbankConfig {
    /// Returns the length of a frame, samples, before rounding.
    fn exact_frame(&self, sample_rate_hz: u32) -> f64 {
        self.winlen * f64::from(sample_rate_hz)
    }

    /// Returns the length of a frame, samples: rounded, halves up.
    pub(super) fn frame(&self, sample_rate_hz: u32) -> usize {
        self.exact_frame(sample_rate_hz).round() as usize
    }

    /// Returns the hop between frames, samples: rounded, halves up.
    pub(crate) fn hop(&self, sample_rate_hz: u32) -> usize {
        (self.winstep * f64::from(sample_rate_hz)).round() as usize
    }

    /// Returns the length of the transform, points.
    pub(super) fn points(&self, sample_rate_hz: u32) -> usize {
        self.nfft.points(self.exact_frame(sample_rate_hz))
    }

    /// Returns the toolkit's warning about a frame longer than the transform.
    pub(super) fn long_frame_warning(&self, sample_rate_hz: u32) -> Option<String> {
        let (frame, points) = (self.frame(sample_rate_hz), self.points(sample_rate_hz));
        (frame > points).then(|| {
            format!(
                "frames of winlen = {} s are {frame} samples at {sample_rate_hz} Hz, but nfft = {points}: the last {} samples of each \
                 frame are ignored, as in python_speech_features; increase nfft to {}, or set it to \"auto\"",
                self.winlen,
                frame - points,
                frame.next_power_of_two()
            )
        })
    }

    /// Returns the upper edge of the highest band, Hz.
    pub(crate) fn highest_hz(&self, sample_rate_hz: u32) -> f64 {
        self.highfreq.filter(|&highest_hz| highest_hz != 0.0).unwrap_or(f64::from(sample_rate_hz) / 2.0)
    }

    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        require_sample_rate(sample_rate_hz, 1)?;
        let min = 1.0 / f64::from(sample_rate_hz);
        let max = MAX_FRAME_LENGTH as f64 / f64::from(sample_rate_hz);
        let rule = format!("must be within {min}..={max} s: 1 to {MAX_FRAME_LENGTH} samples; use 0.025");
        let valid = |samples: usize| (1..=MAX_FRAME_LENGTH).contains(&samples);
        require(self.winlen > 0.0 && valid(self.frame(sample_rate_hz)), "winlen", self.winlen, &rule)?;
        let rule = format!("must be within {min}..={max} s: 1 to {MAX_FRAME_LENGTH} samples; use 0.01");
        require(self.winstep > 0.0 && valid(self.hop(sample_rate_hz)), "winstep", self.winstep, &rule)?;
        require_within("nfft", self.points(sample_rate_hz), 1, MAX_FRAME_LENGTH)?;
        require_within("nfilt", self.nfilt, 1, MAX_BANDS)?;
        let edges_hz = (self.lowfreq, self.highest_hz(sample_rate_hz));
        require_band(["lowfreq", "highfreq"], edges_hz, sample_rate_hz)?;
        require(
            self.preemph.is_finite(),
            "preemph",
            self.preemph,
            "must be finite; use 0.97, or 0 for none",
        )?;
        let rule = format!("must be 0, 1 or 2; use {MAX_DELTA_ORDER}");
        require(self.deltas <= MAX_DELTA_ORDER, "deltas", self.deltas, &rule)?;
        require_within("N", self.delta_reach, 1, MAX_DELTA_REACH)
    }
}

impl PsfLogFbankConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.fbank.check(sample_rate_hz)
    }
}

impl PsfMfccConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.fbank().check(sample_rate_hz)?;
        require_within("numcep", self.numcep, 1, MAX_BANDS)?;
        let rule = "must be finite; use 22, or 0 for none";
        require(self.ceplifter.is_finite(), "ceplifter", self.ceplifter, rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PsfFft;

    #[test]
    fn lengths_are_rounded_halves_up_and_auto_transform_fits_a_frame() {
        let config = PsfFbankConfig { nfft: PsfFft::Auto, ..Default::default() };
        for (rate_hz, expected) in [
            (8000, (200, 80, 256)),
            (16_000, (400, 160, 512)),
            (22_050, (551, 221, 1024)),
            (10_240, (256, 102, 256)),
        ] {
            assert_eq!((config.frame(rate_hz), config.hop(rate_hz), config.points(rate_hz)), expected);
        }
        assert_eq!(PsfFbankConfig::default().points(8000), 512);
    }

    #[test]
    fn invalid_settings_are_reported_with_value_and_rule() {
        let rejected = |change: &dyn Fn(&mut PsfMfccConfig)| {
            let mut config = PsfMfccConfig::default();
            change(&mut config);
            config.check(8000).unwrap_err().to_string()
        };
        assert!(rejected(&|c| c.winlen = 0.0).starts_with("winlen = 0: must be within 0.000125..="));
        assert!(rejected(&|c| c.winlen = f64::NAN).starts_with("winlen = NaN: "));
        assert!(rejected(&|c| c.winlen = 1e9).starts_with("winlen = 1000000000: "));
        assert!(rejected(&|c| c.winstep = 1e-5).starts_with("winstep = 0.00001: "));
        assert_eq!(rejected(&|c| c.nfft = PsfFft::Points(0)), "nfft = 0: must be within 1..=65536; use 1");
        assert_eq!(rejected(&|c| c.nfilt = 0), "nfilt = 0: must be within 1..=1024; use 1");
        assert_eq!(rejected(&|c| c.numcep = 0), "numcep = 0: must be within 1..=1024; use 1");
        assert_eq!(
            rejected(&|c| c.highfreq = Some(4001.0)),
            "highfreq = 4001: must be above 0 and at most 4000 Hz, half the sample rate; use 4000 or remove the key"
        );
        assert_eq!(
            rejected(&|c| c.lowfreq = 4000.0),
            "lowfreq = 4000: must be at least 0 and below highfreq = 4000 Hz; use 0"
        );
        assert!(rejected(&|c| c.preemph = f64::INFINITY).starts_with("preemph = inf: "));
        assert!(rejected(&|c| c.ceplifter = f64::NAN).starts_with("ceplifter = NaN: "));
        assert_eq!(rejected(&|c| c.deltas = 3), "deltas = 3: must be 0, 1 or 2; use 2");
        assert_eq!(rejected(&|c| c.delta_reach = 0), "N = 0: must be within 1..=4999; use 1");
        assert!(PsfMfccConfig::default().check(0).is_err());
        let zero = PsfMfccConfig { highfreq: Some(0.0), numcep: 40, ..Default::default() };
        assert!(zero.check(8000).is_ok());
    }
}
