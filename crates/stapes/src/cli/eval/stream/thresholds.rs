//! Thresholds of keywords, chosen on other recordings than those that are evaluated, and stored in the model file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use stapes::data::{LabeledRecording, Subset};
use stapes::infer::{KeywordSettings, Model};
use stapes::metrics::KeywordOperatingPoint;
use stapes::report::visible;
use stapes::run::MODEL;
use stapes::stream_evaluation::choose_threshold;

use super::keywords::{Detected, Detection};
use super::{Recordings, StreamArgs, duration};
use crate::cli::console::{Console, percent_or_dash, visible_path};

impl Detection<'_> {
    /// Chooses the threshold of each keyword on recordings.
    pub(super) fn choose(
        &self,
        set: &Recordings,
        target: f64,
        console: &Console,
    ) -> Result<(Vec<KeywordOperatingPoint>, u8)> {
        // Above every score: only the scores are needed.
        let detected = self.detect(set, &vec![f32::INFINITY; self.labels.len()], console)?;
        let mut chosen = Vec::new();
        for (keyword, label) in self.labels.iter().enumerate() {
            let refractory = self.settings.refractory_seconds;
            let point = choose_threshold(&detected.recordings, keyword, refractory, &self.matcher, target)?;
            let Some(point) = point else {
                bail!(
                    "{}: {label} has more than {target} false accepts per hour at every threshold; allow more, or train with such \
                     recordings as another class",
                    set.place.display()
                );
            };
            chosen.push(point);
        }
        let hours = detected.hours();
        if target * hours < 1.0 {
            let enough = if target > 0.0 {
                format!("on {} or more", duration(1.0 / target))
            } else {
                "on more".into()
            };
            console.warning(&format!(
                "{target} false accepts per hour are none in {}; choose the thresholds {enough}",
                duration(hours)
            ));
        }
        self.print_chosen(set, &detected, &chosen, console);
        Ok((chosen, detected.code))
    }

    fn print_chosen(
        &self,
        set: &Recordings,
        detected: &Detected<'_>,
        chosen: &[KeywordOperatingPoint],
        console: &Console,
    ) {
        let place = set.place.display().to_string();
        console.status(&format!("thresholds chosen on {} ({}):", visible(&place), detected.described()));
        for (label, point) in self.labels.iter().zip(chosen) {
            console.status(&format!(
                "  {} {:.4}: {:.2} false accepts per hour, {} missed",
                visible(label),
                point.threshold,
                point.false_accepts_per_hour,
                percent_or_dash(point.miss_rate)
            ));
        }
    }

    /// Stores the thresholds in the model file, with the settings that they were chosen with. Thresholds of other keywords remain.
    pub(super) fn save(&self, run: &Path, chosen: &[KeywordOperatingPoint], console: &Console) -> Result<()> {
        let path = if run.is_dir() { run.join(MODEL) } else { run.to_owned() };
        let mut settings = self.settings.clone();
        let thresholds = self.labels.iter().cloned().zip(chosen.iter().map(|point| point.threshold));
        settings.thresholds.extend(thresholds);
        let KeywordSettings { window_seconds, hop_seconds, .. } = settings;
        let model = Model { keywords: Some(settings), ..self.model.clone() };
        model.save(&path).with_context(|| path.display().to_string())?;
        console.status(&format!(
            "{}: thresholds stored, for windows of {window_seconds} s every {hop_seconds} s",
            visible_path(&path)
        ));
        Ok(())
    }
}

/// Opens the recordings to choose thresholds on. None of them may be evaluated.
pub(super) fn other_recordings(
    args: &StreamArgs,
    evaluated: &Recordings,
    console: &Console,
) -> Result<Recordings> {
    let place = args.choose_on.as_deref().unwrap_or(&evaluated.place);
    let has_split = evaluated.recordings.iter().any(|recording| recording.subset.is_some());
    if args.choose_on.is_none() && !has_split {
        bail!(
            "--target-fa-per-hour chooses thresholds on other recordings than it evaluates; give --choose-on DIR, or a manifest with \
             a column split (validation and test)"
        );
    }
    let other = Recordings::open(place, Subset::Validation, console)?;
    let absolute = |recording: &LabeledRecording| {
        recording.path.canonicalize().unwrap_or_else(|_| recording.path.clone())
    };
    let paths: HashMap<PathBuf, &str> =
        evaluated.recordings.iter().map(|recording| (absolute(recording), &*recording.id)).collect();
    let shared: Vec<&str> =
        other.recordings.iter().filter_map(|recording| paths.get(&absolute(recording)).copied()).collect();
    if let Some(first) = shared.first() {
        bail!(
            "{first}: this recording is evaluated and in --choose-on ({} in all); thresholds that are chosen on evaluated recordings \
             look better than they are, so give other recordings",
            shared.len()
        );
    }
    Ok(other)
}
