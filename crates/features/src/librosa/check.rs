//! Which settings make a front end.

use super::{LibrosaMelConfig, LibrosaMelDbConfig, LibrosaMfccConfig, LibrosaStftConfig};
use crate::FeatureError;
use crate::check::{LONGEST_FRAME, MOST_BANDS, band, demand, rate, within};
use crate::decibel::Reference;
use crate::mel::MelNorm;

impl LibrosaStftConfig {
    /// The window's length in samples.
    pub(super) fn window_length(&self) -> usize {
        self.win_length.unwrap_or(self.n_fft)
    }

    /// From one frame to the next, in samples.
    pub(super) fn hop(&self) -> usize {
        self.hop_length.unwrap_or(self.window_length() / 4)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self) -> Result<(), FeatureError> {
        within("n_fft", self.n_fft, 1, LONGEST_FRAME)?;
        if let Some(win_length) = self.win_length {
            within("win_length", win_length, 1, self.n_fft).map_err(|error| error.because("n_fft"))?;
        }
        if self.hop_length.is_none() {
            let rule = "must be set where win_length / 4 is below 1; use 1";
            return demand(self.hop() > 0, "hop_length", "win_length / 4", rule);
        }
        demand(self.hop() > 0, "hop_length", self.hop(), "must be at least 1; use 1")
    }
}

impl LibrosaMelConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        rate(sample_rate_hz, 1)?;
        self.stft().check()?;
        positive("power", self.power)?;
        within("n_mels", self.n_mels, 1, MOST_BANDS)?;
        let highest_hz = self.fmax.unwrap_or(f64::from(sample_rate_hz) / 2.0);
        band(["fmin", "fmax"], (self.fmin, highest_hz), sample_rate_hz)?;
        match self.norm {
            MelNorm::P(p) => {
                demand(p > 0.0, "norm", p, "must be \"slaney\", \"none\" or above 0; use \"slaney\"")
            }
            MelNorm::Slaney | MelNorm::None => Ok(()),
        }
    }
}

impl LibrosaMelDbConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.mel().check(sample_rate_hz)?;
        if let Reference::Power(power) = self.reference {
            demand(power.is_finite(), "ref", power, "must be a finite number or \"max\"; use 1")?;
        }
        // Below this it is 0 as an f32, whose logarithm is infinite.
        let least = f64::from(f32::from_bits(1));
        let rule = format!("must be at least {least:e} and finite; librosa's is 1e-10");
        demand(self.amin >= least && self.amin <= f64::from(f32::MAX), "amin", self.amin, &rule)?;
        match self.top_db {
            Some(top_db) => demand(
                top_db >= 0.0 && top_db.is_finite(),
                "top_db",
                top_db,
                "must be at least 0 and finite, or \"none\"; librosa's is 80",
            ),
            None => Ok(()),
        }
    }
}

impl LibrosaMfccConfig {
    /// Checks the settings against each other and against the sample rate.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        self.mel_db().check(sample_rate_hz).map_err(|error| error.renamed("norm", "mel_norm"))?;
        within("n_mfcc", self.n_mfcc, 1, MOST_BANDS)?;
        demand(
            self.lifter >= 0.0 && self.lifter.is_finite(),
            "lifter",
            self.lifter,
            "must be at least 0 and finite; 0 is no lifter",
        )
    }
}

fn positive(key: &str, value: f64) -> Result<(), FeatureError> {
    demand(value > 0.0 && value.is_finite(), key, value, "must be above 0 and finite; use 1 or 2")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut LibrosaMfccConfig)) -> String {
        let mut config = LibrosaMfccConfig::default();
        change(&mut config);
        config.check(16_000).unwrap_err().to_string()
    }

    #[test]
    fn every_impossible_setting_is_named_with_its_value_and_the_rule() {
        assert_eq!(refused(|c| c.hop_length = 0), "hop_length = 0: must be at least 1; use 1");
        assert_eq!(refused(|c| c.n_fft = 0), "n_fft = 0: must be within 1..=4194304; use 1");
        assert_eq!(
            refused(|c| c.n_fft = 1 << 40),
            "n_fft = 1099511627776: must be within 1..=4194304; use 4194304"
        );
        assert_eq!(
            refused(|c| c.win_length = Some(4096)),
            "win_length = 4096: must be within 1..=2048; use 2048 (n_fft is the bound)"
        );
        assert!(refused(|c| c.win_length = Some(0)).starts_with("win_length = 0: must be within"));
        assert_eq!(
            refused(|c| c.fmax = Some(9000.0)),
            "fmax = 9000: must be above 0 and at most 8000 Hz, half the sample rate; use 8000 or leave it out"
        );
        assert!(refused(|c| c.fmax = Some(f64::NAN)).starts_with("fmax = NaN: must be above 0"));
        assert_eq!(
            refused(|c| c.fmin = 8000.0),
            "fmin = 8000: must be at least 0 and below fmax = 8000 Hz; use 0"
        );
        assert!(refused(|c| c.fmin = -1.0).starts_with("fmin = -1: "));
        assert!(refused(|c| c.n_mels = 0).starts_with("n_mels = 0: "));
        assert!(refused(|c| c.n_mfcc = 0).starts_with("n_mfcc = 0: "));
        assert!(refused(|c| c.power = 0.0).starts_with("power = 0: must be above 0"));
        assert!(refused(|c| c.mel_norm = MelNorm::P(-1.0)).starts_with("mel_norm = -1: "));
        assert!(refused(|c| c.reference = Reference::Power(f64::INFINITY)).starts_with("ref = inf: "));
        assert!(refused(|c| c.amin = 0.0).starts_with("amin = 0: "));
        assert!(refused(|c| c.amin = 1e-60).starts_with("amin = 0.000"));
        assert!(refused(|c| c.top_db = Some(-1.0)).starts_with("top_db = -1: "));
        assert!(refused(|c| c.lifter = -1.0).starts_with("lifter = -1: "));
        assert!(
            LibrosaMfccConfig::default().check(0).unwrap_err().to_string().starts_with("sample_rate_hz = 0")
        );
    }

    #[test]
    fn a_short_window_needs_its_own_hop() {
        let config = LibrosaStftConfig { n_fft: 3, ..Default::default() };
        assert!(
            config.check().unwrap_err().to_string().starts_with("hop_length = win_length / 4: must be set")
        );
        assert!(LibrosaStftConfig { hop_length: Some(1), ..config }.check().is_ok());
        assert_eq!(LibrosaStftConfig::default().hop(), 512);
    }

    #[test]
    fn more_coefficients_than_bands_are_allowed() {
        let config = LibrosaMfccConfig { n_mfcc: 50, n_mels: 40, ..Default::default() };
        assert!(config.check(16_000).is_ok());
    }
}
