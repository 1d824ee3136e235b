//! Speech segments in long recordings.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::json;
use stapes::FileClassifier;
use stapes::data::{LabeledRecording, Subset};
use stapes::features::FrameTimes;
use stapes::infer::{Input, Model};
use stapes::metrics::{EventMatcher, SpeechErrors};
use stapes::report::{StreamReport, terminal};
use stapes::stream_evaluation::{SpeechEvaluation, SpeechRecording};

use super::outputs::FoundError;
use super::{Recordings, StreamArgs, described};
use crate::cli::console::Console;
use crate::cli::predict::with_path;

/// Label of speech if the model has several classes of it.
const SPEECH: &str = "speech";

/// Recordings with their speech.
struct Results<'a> {
    recordings: Vec<(&'a LabeledRecording, SpeechRecording)>,
    times: FrameTimes,
    threshold: f64,
    collar_seconds: f64,
}

/// Evaluates the speech segments of a frame-level model.
pub(super) fn evaluate(
    args: &StreamArgs,
    model: &Model,
    run: &Path,
    place: &Path,
    console: &Console,
) -> Result<u8> {
    if args.keywords.is_given() || args.tolerance.is_some() || args.target_fa_per_hour.is_some() {
        bail!(
            "{}: labels frames; --tolerance, --target-fa-per-hour and the options of keywords are for models of clips",
            run.display()
        );
    }
    let options = args.speech.options()?;
    let Input::Recordings(features) = &model.input else { bail!("{}: reads frames", run.display()) };
    let (times, threshold) = (features.frame_times()?, options.threshold);
    let collar_seconds = args.collar.unwrap_or(EventMatcher::default().collar_seconds);
    let channel = args.channel.channel;
    let set = Recordings::open(place, Subset::Test, console)?;
    let (recordings, code) = set.process(console, |recording| {
        let path = &recording.path;
        let found =
            with_path(FileClassifier::new(model)?.with_channel(channel).speech(path, &options), path)?;
        SpeechRecording::new(&found, &recording.segments, &model.labels, times, threshold)
            .map_err(|fault| anyhow::anyhow!("{}: {fault}", path.display()))
    })?;
    let results = Results { recordings, times, threshold, collar_seconds };
    results.print(console)?;
    let summary = results.described();
    let evaluation = results.evaluate(&model.labels)?;
    let SpeechEvaluation { segments, durations, boundary_errors, frames, .. } = &evaluation;
    let text = terminal::speech(segments, collar_seconds, durations, *boundary_errors, frames);
    console.print(&format!("{summary}\n\n{text}"));
    let report = report(run, &summary, &text, collar_seconds);
    args.outputs().write(
        report,
        &results.errors(),
        &|error, start, end| results.scores(error, start, end),
        console,
    )?;
    console.json(&evaluation);
    Ok(code)
}

/// Returns the page without errors; `text` has lines `name: value`.
fn report(run: &Path, summary: &str, text: &str, collar_seconds: f64) -> StreamReport {
    StreamReport {
        title: format!("Speech segments of {}", run.display()),
        summary: format!("{summary}."),
        created_at: stapes::run::now(),
        notes: vec![format!("Errors of at most {:.0} ms are not listed.", 1000.0 * collar_seconds)],
        heads: vec!["measure".into(), "value".into()],
        rows: text.lines().filter_map(measure).collect(),
        explanation: Vec::new(),
        det: Vec::new(),
        errors: Vec::new(),
    }
}

/// Returns the name and the value of a line `name: value`.
fn measure(line: &str) -> Option<Vec<String>> {
    let (name, value) = line.split_once(": ")?;
    Some(vec![name.into(), value.into()])
}

impl Results<'_> {
    fn described(&self) -> String {
        let without = self.recordings.iter().filter(|(_, speech)| speech.labeled.is_empty()).count();
        let seconds: f64 = self.recordings.iter().map(|(_, speech)| speech.seconds).sum();
        described(self.recordings.len(), seconds / 3600.0, without)
    }

    fn evaluate(&self, labels: &[String]) -> Result<SpeechEvaluation> {
        let name = if labels.len() == 2 { &*labels[1] } else { SPEECH };
        let classes = [labels[0].clone(), name.to_owned()];
        let recordings: Vec<SpeechRecording> = self.recordings.iter().map(|(_, one)| one.clone()).collect();
        let matcher = EventMatcher { collar_seconds: self.collar_seconds };
        Ok(SpeechEvaluation::new(&recordings, &classes, &matcher)?)
    }

    /// Prints the segments of each recording as JSON lines.
    fn print(&self, console: &Console) -> Result<()> {
        for (recording, speech) in &self.recordings {
            let durations = SpeechErrors::new(&speech.labeled, &speech.detected, speech.seconds)?;
            console.json_with(|| {
                json!({
                    "file": recording.path.display().to_string(),
                    "seconds": speech.seconds,
                    "labeled": speech.labeled,
                    "detected": speech.detected,
                    "durations": durations,
                })
            });
        }
        Ok(())
    }

    /// Returns the errors that are longer than the collar.
    fn errors(&self) -> Vec<FoundError<'_>> {
        let mut errors = Vec::new();
        for (recording, speech) in &self.recordings {
            errors.extend(speech.errors(self.collar_seconds).into_iter().map(|error| FoundError {
                recording,
                kind: if error.is_missed { "miss" } else { "false alarm" },
                label: SPEECH,
                start_seconds: error.event.start_seconds,
                end_seconds: error.event.end_seconds,
                score: None,
                is_false_accept: !error.is_missed,
            }));
        }
        errors
    }

    /// Returns the scores of the frames in a part of a recording.
    fn scores(&self, error: &FoundError<'_>, start: f64, end: f64) -> (Vec<f64>, Vec<f32>, f64) {
        let is_it = |one: &&(&LabeledRecording, SpeechRecording)| one.0.path == error.recording.path;
        let scores = self.recordings.iter().find(is_it).map_or(&[][..], |(_, one)| &one.frames.scores[..]);
        let frames =
            scores.iter().enumerate().map(|(frame, score)| (self.times.center_seconds(frame), *score));
        let (times, scores) = frames.filter(|(time, _)| (start..=end).contains(time)).unzip();
        (times, scores, self.threshold)
    }
}
