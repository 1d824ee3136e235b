//! Keywords in long recordings, with thresholds that may be chosen on other recordings.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use stapes::audio::Channel;
use stapes::data::{LabeledRecording, Subset};
use stapes::infer::{KeywordSettings, Model};
use stapes::metrics::{KeywordCounts, KeywordMatcher, KeywordOperatingPoint, KeywordScores};
use stapes::report::terminal::{self, KeywordRow};
use stapes::report::{KeywordCurve, StreamReport};
use stapes::stream_evaluation::{
    FileKeywords, KeywordErrorKind, KeywordRecording, count_keywords, keyword_sweep,
};
use stapes_files::number::rounded_seconds;

use super::outputs::{FoundError, Outputs};
use super::thresholds::other_recordings;
use super::{Recordings, StreamArgs, described, worst};
use crate::cli::DONE;
use crate::cli::console::Console;
use crate::cli::keyword_args::keyword_options;
use crate::cli::predict::with_path;

/// Keywords to detect, and how they are compared with labels.
pub(super) struct Detection<'a> {
    pub(super) model: &'a Model,
    pub(super) labels: Vec<String>,
    pub(super) settings: KeywordSettings,
    pub(super) matcher: KeywordMatcher,
    /// Channel of the recordings.
    pub(super) channel: Channel,
}

/// Recordings with their detections.
pub(super) struct Detected<'a> {
    labeled: Vec<&'a LabeledRecording>,
    pub(super) recordings: Vec<KeywordRecording>,
    pub(super) code: u8,
}

impl Detected<'_> {
    /// Returns the duration of the recordings, h.
    pub(super) fn hours(&self) -> f64 {
        self.recordings.iter().map(|recording| recording.found.seconds).sum::<f64>() / 3600.0
    }

    pub(super) fn described(&self) -> String {
        let is_without = |recording: &&KeywordRecording| recording.segments.iter().all(Vec::is_empty);
        described(self.recordings.len(), self.hours(), self.recordings.iter().filter(is_without).count())
    }
}

impl Detection<'_> {
    /// Detects the keywords in recordings at these thresholds.
    pub(super) fn detect<'a>(
        &self,
        set: &'a Recordings,
        thresholds: &[f32],
        console: &Console,
    ) -> Result<Detected<'a>> {
        let options = keyword_options(self.model, &self.labels, thresholds, &self.settings)?;
        let labels: Vec<&str> = self.labels.iter().map(|label| &**label).collect();
        let (results, code) = set.process(console, |recording| {
            let path = &recording.path;
            let found =
                with_path(FileKeywords::new(self.model, path, self.channel, &self.settings, &options), path)?;
            KeywordRecording::new(found, &labels, &recording.segments)
                .map_err(|fault| anyhow::anyhow!("{}: {fault}", path.display()))
        })?;
        let (labeled, recordings) = results.into_iter().unzip();
        Ok(Detected { labeled, recordings, code })
    }

    /// Returns the error rates of each keyword at all thresholds.
    fn sweeps(&self, recordings: &[KeywordRecording]) -> Result<Vec<Vec<KeywordOperatingPoint>>> {
        let refractory = self.settings.refractory_seconds;
        let sweep = |keyword| Ok(keyword_sweep(recordings, keyword, refractory, &self.matcher)?);
        (0..self.labels.len()).map(sweep).collect()
    }

    /// Returns the errors in all recordings.
    fn errors<'a>(&'a self, detected: &Detected<'a>) -> Result<Vec<FoundError<'a>>> {
        let mut errors = Vec::new();
        for (&recording, keywords) in detected.labeled.iter().zip(&detected.recordings) {
            let found = keywords.errors(&self.matcher, self.settings.window_seconds)?;
            errors.extend(found.into_iter().map(|error| FoundError {
                recording,
                kind: match error.kind {
                    KeywordErrorKind::Miss => "miss",
                    KeywordErrorKind::FalseAccept => "false accept",
                    KeywordErrorKind::Repeated => "repeated detection",
                },
                label: &self.labels[error.keyword],
                start_seconds: error.start_seconds,
                end_seconds: error.end_seconds,
                score: error.score,
                is_false_accept: error.kind == KeywordErrorKind::FalseAccept,
            }));
        }
        Ok(errors)
    }

    /// Prints the detections and errors of each recording as JSON lines.
    fn print_recordings(&self, detected: &Detected<'_>, errors: &[FoundError<'_>], console: &Console) {
        for (recording, KeywordRecording { found, .. }) in detected.labeled.iter().zip(&detected.recordings) {
            console.json_with(|| {
                let detections = found.detections.iter().map(|one| {
                    json!({ "label": self.labels[one.keyword], "seconds": rounded_seconds(one.seconds), "score": one.score })
                });
                let errors = errors.iter().filter(|error| error.recording.path == recording.path).map(|error| {
                    json!({
                        "kind": error.kind,
                        "label": error.label,
                        "start": rounded_seconds(error.start_seconds),
                        "end": rounded_seconds(error.end_seconds),
                        "score": error.score,
                    })
                });
                json!({
                    "file": recording.path.display().to_string(),
                    "seconds": found.seconds,
                    "detections": detections.collect::<Vec<_>>(),
                    "errors": errors.collect::<Vec<_>>(),
                })
            });
        }
    }
}

/// Result of a keyword.
struct KeywordResult {
    label: String,
    threshold: f32,
    counts: KeywordCounts,
    scores: KeywordScores,
    sweep: Vec<KeywordOperatingPoint>,
}

/// Results of all keywords.
struct Evaluated {
    keywords: Vec<KeywordResult>,
    total: KeywordScores,
}

impl Evaluated {
    fn new(detection: &Detection<'_>, thresholds: &[f32], detected: &Detected<'_>) -> Result<Evaluated> {
        let counts = count_keywords(&detected.recordings, thresholds.len(), &detection.matcher)?;
        let mut total = KeywordCounts::default();
        counts.iter().for_each(|counts| total.add_keyword(counts));
        let sweeps = detection.sweeps(&detected.recordings)?;
        let mut keywords = Vec::new();
        for (keyword, (counts, sweep)) in counts.into_iter().zip(sweeps).enumerate() {
            let (label, threshold) = (detection.labels[keyword].clone(), thresholds[keyword]);
            keywords.push(KeywordResult { label, threshold, scores: counts.scores(), counts, sweep });
        }
        Ok(Evaluated { keywords, total: total.scores() })
    }

    /// Returns the rows of the table, with one of all keywords if there are several.
    fn rows(&self) -> Vec<KeywordRow<'_>> {
        let mut rows: Vec<KeywordRow<'_>> = Vec::new();
        for KeywordResult { label, threshold, scores, .. } in &self.keywords {
            rows.push(KeywordRow { label, threshold: Some(*threshold), scores });
        }
        if rows.len() > 1 {
            rows.push(KeywordRow { label: "all", threshold: None, scores: &self.total });
        }
        rows
    }

    /// Returns the results as the last JSON line.
    fn json(&self, detection: &Detection<'_>, chosen: &[KeywordOperatingPoint]) -> Value {
        let KeywordSettings { window_seconds, hop_seconds, smoothing_seconds, refractory_seconds, .. } =
            detection.settings;
        let keyword = |result: &KeywordResult| {
            let mut line = json!(result.scores);
            line["label"] = json!(result.label);
            line["threshold"] = json!(result.threshold);
            line["det"] = json!(result.sweep);
            line
        };
        json!({
            "keywords": self.keywords.iter().map(keyword).collect::<Vec<_>>(),
            "all": self.total,
            "chosen": chosen,
            "interval": terminal::KEYWORD_NOTES[0],
            "window_seconds": window_seconds,
            "hop_seconds": hop_seconds,
            "smoothing_seconds": smoothing_seconds,
            "refractory_seconds": refractory_seconds,
            "tolerance_seconds": detection.matcher.tolerance_seconds,
        })
    }

    /// Writes the page and the clips of false accepts.
    fn write(
        &self,
        report: StreamReport,
        errors: &[FoundError<'_>],
        detected: &Detected<'_>,
        outputs: &Outputs<'_>,
        console: &Console,
    ) -> Result<()> {
        let scores = |error: &FoundError<'_>, start: f64, end: f64| {
            let keyword = self.keywords.iter().position(|result| result.label == error.label);
            let keyword = keyword.unwrap_or_default();
            let is_it = |one: &&LabeledRecording| one.path == error.recording.path;
            let at = detected.labeled.iter().position(is_it).unwrap_or_default();
            let FileKeywords { ends, scores, .. } = &detected.recordings[at].found;
            let range = ends.partition_point(|time| *time < start)..ends.partition_point(|time| *time <= end);
            let threshold = f64::from(self.keywords[keyword].threshold);
            (ends[range.clone()].to_vec(), scores[keyword][range].to_vec(), threshold)
        };
        outputs.write(report, errors, &scores, console)
    }

    /// Returns the page without errors.
    fn report(&self, detected: &Detected<'_>, run: &Path) -> StreamReport {
        let curve = |result: &KeywordResult| KeywordCurve {
            label: result.label.clone(),
            chosen: result.counts.operating_point(result.threshold),
            points: result.sweep.clone(),
        };
        let notes =
            terminal::KEYWORD_NOTES.map(String::from).into_iter().chain(terminal::repeated(&self.rows()));
        StreamReport {
            title: format!("Keywords of {}", run.display()),
            summary: format!("{}.", detected.described()),
            created_at: stapes::run::now(),
            notes: Vec::new(),
            heads: terminal::KEYWORD_HEADS.map(String::from).to_vec(),
            rows: self.rows().iter().map(|row| terminal::keyword_cells(row, row.label)).collect(),
            explanation: notes.map(|note| format!("{note}.")).collect(),
            det: self.keywords.iter().map(curve).collect(),
            errors: Vec::new(),
        }
    }
}

/// Evaluates the keywords of a model of clips.
pub(super) fn evaluate(
    args: &StreamArgs,
    model: &Model,
    run: &Path,
    place: &Path,
    console: &Console,
) -> Result<u8> {
    let detection = detection(args, model, run)?;
    let set = Recordings::open(place, Subset::Test, console)?;
    note_labels(&set, model, &detection.labels, console);
    let (chosen, choice_code) = match args.target_fa_per_hour {
        Some(target) => detection.choose(&other_recordings(args, &set, console)?, target, console)?,
        None => (Vec::new(), DONE),
    };
    let thresholds: Vec<f32> = match args.target_fa_per_hour {
        Some(_) => chosen.iter().map(|point| point.threshold).collect(),
        None => {
            let options = args.keywords.options(model, &detection.settings)?;
            options.keywords.iter().map(|keyword| keyword.threshold).collect()
        }
    };
    let detected = detection.detect(&set, &thresholds, console)?;
    let evaluated = Evaluated::new(&detection, &thresholds, &detected)?;
    let errors = detection.errors(&detected)?;
    detection.print_recordings(&detected, &errors, console);
    console.print(&format!("{}\n\n{}", detected.described(), terminal::keywords(&evaluated.rows())));
    evaluated.write(evaluated.report(&detected, run), &errors, &detected, &args.outputs(), console)?;
    if args.save_thresholds {
        detection.save(run, &chosen, console)?;
    }
    console.json(&evaluated.json(&detection, &chosen));
    Ok(worst([choice_code, detected.code]))
}

/// Returns what is to be detected; checks that the options are those of keywords and fit together.
fn detection<'a>(args: &StreamArgs, model: &'a Model, run: &Path) -> Result<Detection<'a>> {
    if args.collar.is_some() || args.speech.is_given() {
        bail!(
            "{}: a model of clips; --collar and the options of speech segments are for frame-level models",
            run.display()
        );
    }
    if args.target_fa_per_hour.is_some() && args.keywords.has_thresholds() {
        bail!("--keyword LABEL=P: --target-fa-per-hour chooses the thresholds; write --keyword LABEL");
    }
    let settings = args.keywords.settings(model, run)?;
    let labels = args.keywords.labels(&settings);
    if labels.is_empty() {
        bail!(
            "give --keyword for each keyword, with a threshold, such as --keyword yes=0.9, or without one and with \
             --target-fa-per-hour"
        );
    }
    let tolerance_seconds = args.tolerance.unwrap_or(KeywordMatcher::default().tolerance_seconds);
    let channel = args.channel.channel;
    Ok(Detection { model, labels, settings, matcher: KeywordMatcher { tolerance_seconds }, channel })
}

/// Warns about keywords that are never labeled, and labels that the model does not have.
fn note_labels(set: &Recordings, model: &Model, labels: &[String], console: &Console) {
    let unknown = set.labels_except(&model.labels);
    if !unknown.is_empty() {
        console.warning(&format!(
            "labels that the model does not have are other sounds: {}",
            unknown.iter().take(10).cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    for label in labels {
        let is_labeled = |one: &LabeledRecording| one.segments.iter().any(|segment| segment.label == *label);
        if !set.recordings.iter().any(is_labeled) {
            console.warning(&format!(
                "{label}: no segment has this label, so every detection is a false accept and misses are unknown"
            ));
        }
    }
}
