//! Options of keyword detection in windows.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use stapes::infer::{Keyword, KeywordOptions, KeywordSettings, Model};

use super::run_options::{parse_positive, parse_time};

/// Options of keyword detection; the defaults are those of the model file.
#[derive(Args)]
pub(crate) struct KeywordArgs {
    /// Keyword to detect, with the threshold of its smoothed score [default: those of the model file]; repeatable
    #[arg(long, value_name = "LABEL=P", value_parser = parse_keyword)]
    keyword: Vec<(String, Option<f32>)>,
    /// Length of the windows of a model of clips [default: that of the model file, else the fixed length of its clips]
    #[arg(long, value_name = "SECONDS", value_parser = parse_positive)]
    window: Option<f64>,
    /// Time between two windows [default: that of the model file, else 0.1]
    #[arg(long, value_name = "SECONDS", value_parser = parse_positive)]
    hop: Option<f64>,
    /// Scores of keywords are averaged over this time [default: that of the model file, else 0.3]
    #[arg(long, value_name = "SECONDS", value_parser = parse_time)]
    smoothing: Option<f64>,
    /// Time after a keyword in which it is not detected again [default: that of the model file, else 1]
    #[arg(long, value_name = "SECONDS", value_parser = parse_time)]
    refractory: Option<f64>,
}

/// Parses `LABEL` or `LABEL=P`.
pub(super) fn parse_keyword(text: &str) -> Result<(String, Option<f32>), String> {
    let Some((label, threshold)) = text.rsplit_once('=') else { return Ok((text.to_owned(), None)) };
    let threshold = threshold.parse().ok().filter(|threshold| (0.0..=1.0).contains(threshold));
    match threshold {
        Some(threshold) => Ok((label.to_owned(), Some(threshold))),
        None => Err("expected a label and a number from 0 to 1, such as yes=0.9".into()),
    }
}

impl KeywordArgs {
    /// Returns true if an option is given.
    pub(crate) fn is_given(&self) -> bool {
        let times = [self.window, self.hop, self.smoothing, self.refractory];
        !self.keyword.is_empty() || times.iter().any(Option::is_some)
    }

    /// Returns true if a keyword has a threshold.
    pub(crate) fn has_thresholds(&self) -> bool {
        self.keyword.iter().any(|(_, threshold)| threshold.is_some())
    }

    /// Returns the settings: the options, else those of the model file, else the defaults. The thresholds are those of the model
    /// file. `name` is that of the model.
    pub(crate) fn settings(&self, model: &Model, name: &Path) -> Result<KeywordSettings> {
        let defaults = KeywordSettings::of_model(model);
        let window = self.window.or(defaults.as_ref().map(|defaults| defaults.window_seconds));
        let Some(window) = window else {
            bail!("{}: give --window, the length of the clips in seconds, such as --window 1", name.display())
        };
        let defaults = defaults.unwrap_or_else(|| KeywordSettings::with_window(window));
        Ok(KeywordSettings {
            window_seconds: window,
            hop_seconds: self.hop.unwrap_or(defaults.hop_seconds),
            smoothing_seconds: self.smoothing.unwrap_or(defaults.smoothing_seconds),
            refractory_seconds: self.refractory.unwrap_or(defaults.refractory_seconds),
            thresholds: defaults.thresholds,
        })
    }

    /// Returns the labels of the keywords: those that are given, else those of the model file.
    pub(crate) fn labels(&self, settings: &KeywordSettings) -> Vec<String> {
        match self.keyword.is_empty() {
            true => settings.thresholds.keys().cloned().collect(),
            false => self.keyword.iter().map(|(label, _)| label.clone()).collect(),
        }
    }

    /// Returns the threshold of a keyword: the one that is given, else that of the model file.
    fn threshold(&self, label: &str, settings: &KeywordSettings) -> Result<f32> {
        let given =
            self.keyword.iter().find(|(known, _)| known == label).and_then(|(_, threshold)| *threshold);
        given.or(settings.thresholds.get(label).copied()).with_context(|| {
            format!(
                "--keyword {label}: the model file has no threshold of this keyword; give one, such as --keyword yes=0.9, or \
                 choose it with `stapes eval --stream --target-fa-per-hour`"
            )
        })
    }

    /// Returns the options of detection with the thresholds of the keywords; without keywords, the list is empty.
    pub(crate) fn options(&self, model: &Model, settings: &KeywordSettings) -> Result<KeywordOptions> {
        let labels = self.labels(settings);
        let thresholds = labels.iter().map(|label| {
            // An unknown label is a fault before a missing threshold.
            class_of(model, label)?;
            self.threshold(label, settings)
        });
        let thresholds = thresholds.collect::<Result<Vec<f32>>>()?;
        keyword_options(model, &labels, &thresholds, settings)
    }
}

/// Returns the options of detection of labels with their thresholds.
pub(crate) fn keyword_options(
    model: &Model,
    labels: &[String],
    thresholds: &[f32],
    settings: &KeywordSettings,
) -> Result<KeywordOptions> {
    let keyword =
        |(label, &threshold): (&String, &f32)| Ok(Keyword { class: class_of(model, label)?, threshold });
    let keywords = labels.iter().zip(thresholds).map(keyword).collect::<Result<Vec<Keyword>>>()?;
    if let Some(label) = (1..labels.len()).find(|&at| labels[..at].contains(&labels[at])) {
        bail!("--keyword {}: the keyword is given twice; give it once", labels[label]);
    }
    let KeywordSettings { smoothing_seconds, refractory_seconds, .. } = *settings;
    Ok(KeywordOptions { keywords, smoothing_seconds, refractory_seconds })
}

fn class_of(model: &Model, label: &str) -> Result<usize> {
    let class = model.labels.iter().position(|known| known == label);
    class.with_context(|| {
        format!("--keyword {label}: the model has no such label, only {}", model.labels.join(", "))
    })
}
