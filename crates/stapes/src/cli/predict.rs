//! `stapes predict`: what a model says of files, or of their moments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value, json};
use stapes::eval::visible;
use stapes::experiment::frame_classes;
use stapes::features::Features;
use stapes::infer::{Model, Classifier, FrameTimes, Input};
use stapes::nn::loss::argmax;
use stapes::run::Run;

use super::console::Console;

/// Print the label and its probability for each file, or where in it what is heard
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes predict runs/fsdd recording.wav\n  \
    stapes predict model.safetensors one.wav two.wav --json\n\n\
    A model that decides for every frame, such as one of voice activity, prints a line for each interval:\n  \
    start end label file, times in seconds; with --json also the probabilities of every frame.")]
pub(crate) struct Predict {
    /// The folder of a run, or a model file
    run: PathBuf,
    /// Recordings; for a model that reads frames, text files with a frame a line, its values between commas or
    /// blanks
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Predict {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let bundle = Run::model(&self.run)?;
        let mut classifier = Classifier::new(&bundle)?;
        let of_frames = bundle.network()?.objective().is_frame_level();
        let mut failed = 0;
        for file in &self.files {
            let name = file.display().to_string();
            let predicted = match of_frames {
                true => intervals(&bundle, &mut classifier, file, console),
                false => classify(&bundle, &mut classifier, file).map(|(probabilities, _)| {
                    let best = argmax(&probabilities);
                    let (label, probability) = (&bundle.labels[best], probabilities[best]);
                    console.print(&format!("{}\t{probability:.4}\t{}", visible(label), visible(&name)));
                    console.json(&prediction(&bundle, json!({ "file": name }), &probabilities));
                }),
            };
            if let Err(error) = predicted {
                failed += 1;
                let reason = super::message(&error);
                console.file_error(file, &reason);
                console.json(&json!({ "file": name, "error": reason }));
            }
        }
        console.json(&json!({ "files": self.files.len(), "failed": failed }));
        Ok(match failed {
            0 => super::DONE,
            failed if failed < self.files.len() => super::SOME_FAILED,
            _ => super::NOTHING_DONE,
        })
    }
}

/// Prints the intervals of a file that are not of the first class, which is what there is when there is nothing: a line
/// `start end label file` each, times in seconds. As JSON all intervals, and the probabilities of every frame.
fn intervals(bundle: &Model, classifier: &mut Classifier<'_>, file: &Path, console: &Console) -> Result<()> {
    let name = file.display().to_string();
    let Input::Recordings(features) = &bundle.input else {
        anyhow::bail!(
            "{name}: the model decides for every frame, and frames without a recording have no times"
        );
    };
    let times = FrameTimes::of(features)?;
    let (probabilities, seconds) = classify(bundle, classifier, file)?;
    let classes = frame_classes(&probabilities, bundle.labels.len());
    let spans = times.spans(&classes, seconds);
    let mut found = false;
    for span in spans.iter().filter(|span| span.class != 0) {
        found = true;
        let (label, name) = (visible(&bundle.labels[span.class]), visible(&name));
        console.print(&format!("{:.3}\t{:.3}\t{label}\t{name}", span.start_seconds, span.end_seconds));
    }
    if !found {
        console.eprint(&format!("{}: nothing but {}", visible(&name), visible(&bundle.labels[0])));
    }
    let spans: Vec<Value> = spans
        .iter()
        .map(|span| json!({ "start": span.start_seconds, "end": span.end_seconds, "label": bundle.labels[span.class] }))
        .collect();
    let of_class =
        |class| probabilities.iter().skip(class).step_by(bundle.labels.len()).map(|&p| json!(p)).collect();
    let all: Map<String, Value> =
        bundle.labels.iter().cloned().enumerate().map(|(class, label)| (label, of_class(class))).collect();
    console.json(&json!({
        "file": name, "seconds": seconds, "intervals": spans, "first_frame_seconds": times.center_seconds(0),
        "hop_seconds": times.hop_seconds(), "frames": classes.len(), "probabilities": all,
    }));
    Ok(())
}

/// A JSON line about what was predicted: `about` with the label, its probability and those of all labels.
pub(super) fn prediction(bundle: &Model, about: Value, probabilities: &[f32]) -> Value {
    let best = argmax(probabilities);
    let all: Map<String, Value> = bundle
        .labels
        .iter()
        .cloned()
        .zip(probabilities.iter().map(|&probability| json!(probability)))
        .collect();
    let mut line = about;
    line["label"] = json!(bundle.labels[best]);
    line["probability"] = json!(probabilities[best]);
    line["probabilities"] = Value::Object(all);
    line
}

/// The probabilities for a file, and how long it is, s (frames have no length: 0).
fn classify(bundle: &Model, classifier: &mut Classifier<'_>, file: &Path) -> Result<(Vec<f32>, f64)> {
    let place = || file.display().to_string();
    match &bundle.input {
        Input::Recordings(_) => {
            let clip = stapes::audio::read(file)?;
            let seconds = clip.samples.len() as f64 / f64::from(clip.sample_rate_hz);
            Ok((classifier.classify(&clip).with_context(place)?, seconds))
        }
        Input::Frames(_) => Ok((classifier.classify_frames(&read_frames(file)?).with_context(place)?, 0.0)),
    }
}

/// Bytes of a text with frames: an hour and more of them.
const MAX_FRAMES_TEXT: u64 = 256 << 20;

/// The values of a line, between commas or blanks; what is missing between two commas is an empty one.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let columns = line.split(',').map(str::trim);
    let commas = line.contains(',');
    columns.flat_map(move |column| {
        let missing = (commas && column.is_empty()).then_some(column);
        missing.into_iter().chain(column.split_whitespace())
    })
}

/// Reads a text file with a frame a line.
fn read_frames(file: &Path) -> Result<Features> {
    let text = stapes_files::read_text_or_stream(file, MAX_FRAMES_TEXT)
        .with_context(|| format!("{}: cannot read the frames", file.display()))?;
    let mut values = Vec::new();
    let mut width = 0;
    for (line, text) in text.lines().enumerate() {
        let before = values.len();
        for word in words(text) {
            let value = word.parse().ok().filter(|value: &f32| value.is_finite());
            values.push(value.with_context(|| {
                let word: String = word.chars().take(20).collect();
                format!("{}: line {}: {word:?} is not a finite number; correct it", file.display(), line + 1)
            })?);
        }
        let here = values.len() - before;
        if here == 0 {
            continue;
        }
        if width != 0 && here != width {
            anyhow::bail!(
                "{}: line {}: {here} values, the lines before have {width}",
                file.display(),
                line + 1
            );
        }
        width = here;
    }
    if width == 0 {
        anyhow::bail!(
            "{}: no frames: expected a frame a line, its values between commas or blanks",
            file.display()
        );
    }
    Ok(Features::new(width, values))
}
