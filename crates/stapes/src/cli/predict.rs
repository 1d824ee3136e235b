//! `stapes predict`: what a model says of files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value, json};
use stapes::features::Features;
use stapes::infer::{Bundle, Classifier, Input};
use stapes::nn::loss::best_class;
use stapes::run::Run;

use super::console::Console;

/// Print the label and its probability for each file
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes predict runs/fsdd recording.wav\n  \
    stapes predict model.safetensors one.wav two.wav --json")]
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
        let mut failed = 0;
        for file in &self.files {
            let name = file.display().to_string();
            match classify(&bundle, &mut classifier, file) {
                Ok(probabilities) => {
                    let best = best_class(&probabilities);
                    let (label, probability) = (&bundle.labels[best], probabilities[best]);
                    console.say(&format!("{label}\t{probability:.4}\t{name}"));
                    console.emit(&prediction(&bundle, json!({ "file": name }), &probabilities));
                }
                Err(error) => {
                    failed += 1;
                    let reason = super::message(&error);
                    console.note(&format!("error: {reason}"));
                    console.emit(&json!({ "file": name, "error": reason }));
                }
            }
        }
        console.emit(&json!({ "files": self.files.len(), "failed": failed }));
        Ok(match failed {
            0 => super::DONE,
            failed if failed < self.files.len() => super::SOME_FAILED,
            _ => super::NOTHING_DONE,
        })
    }
}

/// A JSON line about what was predicted: `about` with the label, its probability and those of all labels.
pub(super) fn prediction(bundle: &Bundle, about: Value, probabilities: &[f32]) -> Value {
    let best = best_class(probabilities);
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

fn classify(bundle: &Bundle, classifier: &mut Classifier<'_>, file: &Path) -> Result<Vec<f32>> {
    let place = || file.display().to_string();
    match &bundle.input {
        Input::Recordings(_) => {
            let clip = stapes::audio::read(file)?;
            classifier.classify(&clip).with_context(place)
        }
        Input::Frames(_) => classifier.classify_frames(&read_frames(file)?).with_context(place),
    }
}

/// Reads a text file with a frame a line.
fn read_frames(file: &Path) -> Result<Features> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{}: cannot read the frames", file.display()))?;
    let mut values = Vec::new();
    let mut width = 0;
    for (line, text) in text.lines().enumerate() {
        let before = values.len();
        for word in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
            let value: f32 =
                word.parse().ok().filter(|value: &f32| value.is_finite()).with_context(|| {
                    format!("{}: line {}: {word:?} is no finite number", file.display(), line + 1)
                })?;
            values.push(value);
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
