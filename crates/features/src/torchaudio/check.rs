//! Checks of the settings, and values derived from them.

use super::{TorchaudioMelConfig, TorchaudioMelDbConfig, TorchaudioMfccConfig};
use crate::FeatureError;
use crate::check::{MAX_BANDS, MAX_FRAME_LENGTH, require, require_band, require_sample_rate, require_within};
use crate::mel::{MelNorm, MelScale};

impl TorchaudioMelConfig {
    /// Returns the length of the window, samples.
    pub(super) fn window_length(&self) -> usize {
        self.win_length.unwrap_or(self.n_fft)
    }

    /// Returns the hop between frames, samples.
    pub(crate) fn hop(&self) -> usize {
        self.hop_length.unwrap_or(self.window_length() / 2)
    }

    /// Returns the center of the window of frame 0, samples.
    pub(super) fn first_center(&self) -> f64 {
        let unpadded = if self.center { 0.0 } else { self.n_fft as f64 / 2.0 };
        unpadded - self.pad as f64
    }

    /// Returns the upper edge of the highest band, Hz.
    pub(crate) fn highest_hz(&self, sample_rate_hz: u32) -> f64 {
        self.f_max.unwrap_or(f64::from(sample_rate_hz / 2))
    }

    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        require_sample_rate(sample_rate_hz, 2)?;
        require_within("n_fft", self.n_fft, 1, MAX_FRAME_LENGTH)?;
        if let Some(win_length) = self.win_length {
            require_within("win_length", win_length, 1, self.n_fft)
                .map_err(|error| error.with_bound("n_fft"))?;
        }
        match self.hop_length {
            None => {
                let rule = "must be set where win_length / 2 is below 1; use 1";
                require(self.hop() > 0, "hop_length", "win_length / 2", rule)?;
            }
            Some(hop_length) => {
                require(hop_length > 0, "hop_length", hop_length, "must be at least 1; use 1")?
            }
        }
        require_within("pad", self.pad, 0, MAX_FRAME_LENGTH)?;
        require_within("n_mels", self.n_mels, 1, MAX_BANDS)?;
        let rule = "must be above 0 and finite; use 1 or 2";
        require(self.power > 0.0 && self.power.is_finite(), "power", self.power, rule)?;
        self.check_bands(sample_rate_hz)
    }

    fn check_bands(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        require_band(["f_min", "f_max"], (self.f_min, self.highest_hz(sample_rate_hz)), sample_rate_hz)?;
        if let MelNorm::P(p) = self.norm {
            return Err(FeatureError::setting("norm", p, "must be \"slaney\" or \"none\"; use \"slaney\""));
        }
        let rule = "must be \"htk\" or \"slaney\"; use \"htk\"";
        require(self.mel_scale != MelScale::Kaldi, "mel_scale", "kaldi", rule)
    }
}

impl TorchaudioMelDbConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.mel().check(sample_rate_hz)?;
        floor(self.top_db)
    }
}

impl TorchaudioMfccConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.melkwargs.check(sample_rate_hz).map_err(|error| match error {
            FeatureError::Setting { ref key, .. } if key == "sample_rate_hz" => error,
            other => other.with_prefix("melkwargs"),
        })?;
        floor(self.top_db)?;
        require_within("n_mfcc", self.n_mfcc, 1, self.melkwargs.n_mels)
            .map_err(|error| error.with_bound("n_mels"))
    }
}

fn floor(top_db: Option<f64>) -> Result<(), FeatureError> {
    let rule = "must be at least 0 and finite, or \"none\"; torchaudio's MFCC has 80";
    match top_db {
        Some(top_db) => require(top_db >= 0.0 && top_db.is_finite(), "top_db", top_db, rule),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(change: impl FnOnce(&mut TorchaudioMfccConfig)) -> String {
        let mut config = TorchaudioMfccConfig::default();
        change(&mut config);
        config.check(16_001).unwrap_err().to_string()
    }

    #[test]
    fn invalid_settings_are_reported_with_value_and_rule() {
        assert_eq!(
            rejected(|c| c.n_mfcc = 129),
            "n_mfcc = 129: must be within 1..=128; use 128 (n_mels is the bound)"
        );
        assert!(rejected(|c| c.n_mfcc = 0).starts_with("n_mfcc = 0: must be within 1..=128; use 1"));
        assert!(rejected(|c| c.top_db = Some(-1.0)).starts_with("top_db = -1: must be at least 0"));
        assert_eq!(
            rejected(|c| c.melkwargs.win_length = Some(512)),
            "melkwargs.win_length = 512: must be within 1..=400; use 400 (n_fft is the bound)"
        );
        assert_eq!(
            rejected(|c| c.melkwargs.n_fft = 1 << 40),
            "melkwargs.n_fft = 1099511627776: must be within 1..=65536; use 65536"
        );
        assert_eq!(
            rejected(|c| c.melkwargs.f_max = Some(9000.0)),
            "melkwargs.f_max = 9000: must be above 0 and at most 8000.5 Hz, half the sample rate; \
             use 8000.5 or remove the key"
        );
        assert_eq!(
            rejected(|c| c.melkwargs.f_min = 8000.0),
            "melkwargs.f_min = 8000: must be at least 0 and below f_max = 8000 Hz; use 0"
        );
        type Change = fn(&mut TorchaudioMelConfig);
        let changes: [(Change, &str); 11] = [
            (|c| c.n_fft = 0, "n_fft = 0: must be within 1..="),
            (|c| c.win_length = Some(0), "win_length = 0: must be within 1..=400; use 1"),
            (|c| c.hop_length = Some(0), "hop_length = 0: must be at least 1; use 1"),
            (|c| c.win_length = Some(1), "hop_length = win_length / 2: must be set"),
            (|c| c.pad = 1 << 30, "pad = 1073741824: must be within 0..=65536; use 65536"),
            (|c| c.n_mels = 0, "n_mels = 0: must be within 1..="),
            (|c| c.power = 0.0, "power = 0: must be above 0"),
            (|c| c.f_min = f64::NAN, "f_min = NaN: must be at least 0"),
            (|c| c.f_max = Some(0.0), "f_max = 0: must be above 0"),
            (|c| c.norm = MelNorm::P(2.0), "norm = 2: must be \"slaney\" or \"none\""),
            (|c| c.mel_scale = MelScale::Kaldi, "mel_scale = kaldi: must be \"htk\" or \"slaney\""),
        ];
        for (change, expected) in changes {
            let error = rejected(|config| change(&mut config.melkwargs));
            assert!(error.starts_with(&format!("melkwargs.{expected}")), "{error}");
        }
        for rate_hz in [0, 1] {
            let error = TorchaudioMfccConfig::default().check(rate_hz).unwrap_err().to_string();
            assert!(error.starts_with(&format!("sample_rate_hz = {rate_hz}: ")), "{error}");
        }
    }

    #[test]
    fn hop_defaults_to_half_the_window() {
        let hop = |win_length, hop_length| {
            TorchaudioMelConfig { win_length, hop_length, ..Default::default() }.hop()
        };
        assert_eq!(hop(None, None), 200);
        assert_eq!(hop(Some(301), None), 150);
        assert_eq!(hop(Some(301), Some(7)), 7);
    }
}
