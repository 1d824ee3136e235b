//! Checks of the settings, and values derived from them.

use super::{LibrosaMelConfig, LibrosaMelDbConfig, LibrosaMfccConfig, LibrosaStftConfig};
use crate::FeatureError;
use crate::check::{MAX_BANDS, MAX_FRAME_LENGTH, require, require_band, require_sample_rate, require_within};
use crate::decibel::{Decibels, Reference};
use crate::mel::{MelNorm, MelScale};

impl LibrosaStftConfig {
    /// Returns the length of the window, samples.
    pub(super) fn window_length(&self) -> usize {
        self.win_length.unwrap_or(self.n_fft)
    }

    /// Returns the hop between frames, samples.
    pub(super) fn hop(&self) -> usize {
        self.hop_length.unwrap_or(self.window_length() / 4)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self) -> Result<(), FeatureError> {
        require_within("n_fft", self.n_fft, 1, MAX_FRAME_LENGTH)?;
        if let Some(win_length) = self.win_length {
            require_within("win_length", win_length, 1, self.n_fft)
                .map_err(|error| error.with_bound("n_fft"))?;
        }
        if self.hop_length.is_none() {
            let rule = "must be set where win_length / 4 is below 1; use 1";
            return require(self.hop() > 0, "hop_length", "win_length / 4", rule);
        }
        require(self.hop() > 0, "hop_length", self.hop(), "must be at least 1; use 1")
    }
}

impl LibrosaMelConfig {
    /// Returns the mel scale.
    pub(super) fn scale(&self) -> MelScale {
        if self.htk { MelScale::Htk } else { MelScale::Slaney }
    }

    /// Returns the upper edge of the highest band, Hz.
    pub(super) fn highest_hz(&self, sample_rate_hz: u32) -> f64 {
        self.fmax.unwrap_or(f64::from(sample_rate_hz) / 2.0)
    }

    /// Returns the edges of the triangles, n_mels + 2 frequencies in Hz.
    pub(super) fn edges_hz(&self, sample_rate_hz: u32) -> Vec<f64> {
        self.scale().spaced_hz(self.n_mels + 2, self.fmin, self.highest_hz(sample_rate_hz))
    }

    /// Returns the center of the window of frame 0, samples.
    pub(super) fn first_center(&self) -> f64 {
        if self.center { 0.0 } else { self.n_fft as f64 / 2.0 }
    }

    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        require_sample_rate(sample_rate_hz, 1)?;
        self.stft().check()?;
        positive("power", self.power)?;
        require_within("n_mels", self.n_mels, 1, MAX_BANDS)?;
        require_band(["fmin", "fmax"], (self.fmin, self.highest_hz(sample_rate_hz)), sample_rate_hz)?;
        match self.norm {
            MelNorm::P(p) => {
                require(p > 0.0, "norm", p, "must be \"slaney\", \"none\" or above 0; use \"slaney\"")
            }
            MelNorm::Slaney | MelNorm::None => Ok(()),
        }
    }
}

impl LibrosaMelDbConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.mel().check(sample_rate_hz)?;
        check_decibels(&self.decibels())
    }
}

pub(super) fn check_decibels(decibels: &Decibels) -> Result<(), FeatureError> {
    if let Reference::Power(power) = decibels.reference {
        require(power.is_finite(), "ref", power, "must be a finite number or \"max\"; use 1")?;
    }
    // A smaller value is 0 in f32, whose logarithm is infinite.
    let min = f64::from(f32::from_bits(1));
    let amin = decibels.min_power;
    let rule = format!("must be at least {min:e} and finite; librosa's is 1e-10");
    require(amin >= min && amin <= f64::from(f32::MAX), "amin", amin, &rule)?;
    let rule = "must be at least 0 and finite, or \"none\"; librosa's is 80";
    decibels
        .top_db
        .map_or(Ok(()), |top_db| require(top_db >= 0.0 && top_db.is_finite(), "top_db", top_db, rule))
}

impl LibrosaMfccConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.mel().check(sample_rate_hz).map_err(|error| error.renamed("norm", "mel_norm"))?;
        check_decibels(&self.decibels())?;
        self.check_cepstra()
    }

    /// Checks the settings of the cepstra.
    pub(super) fn check_cepstra(&self) -> Result<(), FeatureError> {
        require_within("n_mfcc", self.n_mfcc, 1, MAX_BANDS)?;
        require(
            self.lifter >= 0.0 && self.lifter.is_finite(),
            "lifter",
            self.lifter,
            "must be at least 0 and finite; 0 disables the lifter",
        )
    }
}

fn positive(key: &str, value: f64) -> Result<(), FeatureError> {
    require(value > 0.0 && value.is_finite(), key, value, "must be above 0 and finite; use 1 or 2")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(change: impl FnOnce(&mut LibrosaMfccConfig)) -> String {
        let mut config = LibrosaMfccConfig::default();
        change(&mut config);
        config.check(16_000).unwrap_err().to_string()
    }

    #[test]
    fn invalid_settings_are_reported_with_value_and_rule() {
        assert_eq!(rejected(|c| c.hop_length = 0), "hop_length = 0: must be at least 1; use 1");
        assert_eq!(rejected(|c| c.n_fft = 0), "n_fft = 0: must be within 1..=65536; use 1");
        assert_eq!(
            rejected(|c| c.n_fft = 1 << 40),
            "n_fft = 1099511627776: must be within 1..=65536; use 65536"
        );
        assert_eq!(
            rejected(|c| c.win_length = Some(4096)),
            "win_length = 4096: must be within 1..=2048; use 2048 (n_fft is the bound)"
        );
        assert!(rejected(|c| c.win_length = Some(0)).starts_with("win_length = 0: must be within"));
        assert_eq!(
            rejected(|c| c.fmax = Some(9000.0)),
            "fmax = 9000: must be above 0 and at most 8000 Hz, half the sample rate; use 8000 or remove the key"
        );
        assert!(rejected(|c| c.fmax = Some(f64::NAN)).starts_with("fmax = NaN: must be above 0"));
        assert_eq!(
            rejected(|c| c.fmin = 8000.0),
            "fmin = 8000: must be at least 0 and below fmax = 8000 Hz; use 0"
        );
        assert!(rejected(|c| c.fmin = -1.0).starts_with("fmin = -1: "));
        assert!(rejected(|c| c.n_mels = 0).starts_with("n_mels = 0: "));
        assert!(rejected(|c| c.n_mfcc = 0).starts_with("n_mfcc = 0: "));
        assert!(rejected(|c| c.power = 0.0).starts_with("power = 0: must be above 0"));
        assert!(rejected(|c| c.mel_norm = MelNorm::P(-1.0)).starts_with("mel_norm = -1: "));
        assert!(rejected(|c| c.reference = Reference::Power(f64::INFINITY)).starts_with("ref = inf: "));
        assert!(rejected(|c| c.amin = 0.0).starts_with("amin = 0: "));
        assert!(rejected(|c| c.amin = 1e-60).starts_with("amin = 0.000"));
        assert!(rejected(|c| c.top_db = Some(-1.0)).starts_with("top_db = -1: "));
        assert!(rejected(|c| c.lifter = -1.0).starts_with("lifter = -1: "));
        assert!(
            LibrosaMfccConfig::default().check(0).unwrap_err().to_string().starts_with("sample_rate_hz = 0")
        );
    }

    #[test]
    fn short_window_needs_explicit_hop() {
        let config = LibrosaStftConfig { n_fft: 3, ..Default::default() };
        assert!(
            config.check().unwrap_err().to_string().starts_with("hop_length = win_length / 4: must be set")
        );
        assert!(LibrosaStftConfig { hop_length: Some(1), ..config }.check().is_ok());
        assert_eq!(LibrosaStftConfig::default().hop(), 512);
    }

    #[test]
    fn more_coefficients_than_bands_are_valid() {
        let config = LibrosaMfccConfig { n_mfcc: 50, n_mels: 40, ..Default::default() };
        assert!(config.check(16_000).is_ok());
    }
}
