//! Keywords of a model file: thresholds, windows, smoothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decisions::{Keyword, KeywordOptions};
use crate::model::{Input, Model};

/// Settings of keyword detection that belong to a model: `stapes eval --stream --save-thresholds` chooses the thresholds with the
/// other settings, and programs that listen for keywords use all of them by default.
///
/// # Units
/// s
///
/// # Example
/// ```
/// use stapes_infer::KeywordSettings;
///
/// let thresholds = [("yes".to_string(), 0.93)].into();
/// let settings = KeywordSettings { thresholds, ..KeywordSettings::with_window(1.0) };
/// assert_eq!((settings.hop_seconds, settings.smoothing_seconds, settings.refractory_seconds), (0.1, 0.3, 1.0));
/// assert_eq!(settings.check(&["no".into(), "yes".into()]), Ok(()));
/// assert!(settings.check(&["no".into()]).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeywordSettings {
    /// Length of the windows.
    pub window_seconds: f64,
    /// Time between two windows.
    pub hop_seconds: f64,
    /// Time over which scores are averaged.
    pub smoothing_seconds: f64,
    /// Time after a detection in which the keyword is not detected again.
    pub refractory_seconds: f64,
    /// Threshold of the smoothed score of each keyword, by its label.
    pub thresholds: BTreeMap<String, f32>,
}

/// Shortest window and hop, and longest time.
const MIN_SECONDS: f64 = 1e-3;
const MAX_SECONDS: f64 = 1e9;

impl KeywordSettings {
    /// Returns the defaults for windows of this length, without keywords.
    pub fn with_window(window_seconds: f64) -> KeywordSettings {
        let KeywordOptions { smoothing_seconds, refractory_seconds, .. } = KeywordOptions::default();
        KeywordSettings {
            window_seconds,
            hop_seconds: 0.1,
            smoothing_seconds,
            refractory_seconds,
            thresholds: BTreeMap::new(),
        }
    }

    /// Returns the settings of a model file; else, if its clips have a fixed length, the defaults for windows of this length.
    pub fn of_model(model: &Model) -> Option<KeywordSettings> {
        if let Some(stored) = &model.keywords {
            return Some(stored.clone());
        }
        let Input::Recordings(features) = &model.input else { return None };
        let samples = features.fixed_length_samples?;
        Some(KeywordSettings::with_window(samples as f64 / f64::from(features.sample_rate_hz)))
    }

    /// Returns the options of detection for a model with these labels, in their order.
    pub fn options(&self, labels: &[String]) -> KeywordOptions {
        let keyword = |(class, label)| {
            let threshold = *self.thresholds.get::<String>(label)?;
            Some(Keyword { class, threshold })
        };
        KeywordOptions {
            keywords: labels.iter().enumerate().filter_map(keyword).collect(),
            smoothing_seconds: self.smoothing_seconds,
            refractory_seconds: self.refractory_seconds,
        }
    }

    /// Checks the numbers, and that all keywords are labels of the model; returns the fault.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn check(&self, labels: &[String]) -> Result<(), String> {
        for (name, seconds, min) in [
            ("window_seconds", self.window_seconds, MIN_SECONDS),
            ("hop_seconds", self.hop_seconds, MIN_SECONDS),
            ("smoothing_seconds", self.smoothing_seconds, 0.0),
            ("refractory_seconds", self.refractory_seconds, 0.0),
        ] {
            if !(min..=MAX_SECONDS).contains(&seconds) {
                return Err(format!("keywords.{name} = {seconds}: must be from {min} to {MAX_SECONDS}"));
            }
        }
        for (label, threshold) in &self.thresholds {
            if !labels.contains(label) {
                return Err(format!("the keyword {label:?} is not a label of the model"));
            }
            if !(0.0..=1.0).contains(threshold) {
                return Err(format!("the threshold of {label:?} is {threshold}: must be from 0 to 1"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_checked() {
        let labels = ["no".to_owned(), "yes".to_owned()];
        let settings = KeywordSettings {
            thresholds: [("yes".to_owned(), 0.5)].into(),
            ..KeywordSettings::with_window(1.0)
        };
        assert_eq!(settings.check(&labels), Ok(()));
        for (wrong, part) in [
            (KeywordSettings { window_seconds: 0.0, ..settings.clone() }, "window_seconds = 0"),
            (KeywordSettings { hop_seconds: f64::NAN, ..settings.clone() }, "hop_seconds = NaN"),
            (KeywordSettings { smoothing_seconds: -1.0, ..settings.clone() }, "smoothing_seconds = -1"),
            (
                KeywordSettings { refractory_seconds: f64::INFINITY, ..settings.clone() },
                "refractory_seconds = inf",
            ),
            (
                KeywordSettings { thresholds: [("no".into(), 1.5)].into(), ..settings.clone() },
                "\"no\" is 1.5",
            ),
            (
                KeywordSettings { thresholds: [("no".into(), f32::NAN)].into(), ..settings.clone() },
                "\"no\" is NaN",
            ),
            (
                KeywordSettings { thresholds: [("on".into(), 0.5)].into(), ..settings.clone() },
                "\"on\" is not a label",
            ),
        ] {
            let fault = wrong.check(&labels).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
    }
}
