//! `stapes predict`: classifies files or their frames.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use stapes::audio::AudioError;
use stapes::experiment::argmax_frames;
use stapes::features::Features;
use stapes::infer::{Classifier, InferError, Input, Model};
use stapes::nn::loss::argmax;
use stapes::report::visible;
use stapes::run::Run;
use stapes::{Error, FileClassifier, FileProbabilities};

use super::console::Console;

/// Classify recordings (frame-level models: print detected segments)
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes predict runs/fsdd recording.wav\n  \
    stapes predict model.safetensors one.wav two.wav --json\n\n\
    Output: one line per file, `label probability file`. Frame-level models, such as voice activity detectors, print one line\n\
    per segment, `start end label file`, in seconds; --json adds the probabilities of every frame.")]
pub(crate) struct Predict {
    /// Run folder or model file
    run: PathBuf,
    /// Recordings; for models of frames, text files with one frame per line, values separated by commas or spaces
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Predict {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let model = Run::load_model(&self.run)?;
        let mut classifier = InputClassifier::new(&model)?;
        let is_frame_level = model.network()?.objective().is_frame_level();
        let mut failed = 0;
        for file in &self.files {
            let name = file.display().to_string();
            let predicted = match is_frame_level {
                true => print_segments(&model, &mut classifier, file, console),
                false => classifier.classify(file).map(|FileProbabilities { probabilities, seconds, is_cut, .. }| {
                    if is_cut {
                        console.eprint(&format!(
                            "warning: {}: only the first {seconds:.3} s were read, the length of the model's clips; cut the recording",
                            visible(&name)
                        ));
                    }
                    let best = argmax(&probabilities);
                    let (label, probability) = (&model.labels[best], probabilities[best]);
                    console.print(&format!("{}\t{probability:.4}\t{}", visible(label), visible(&name)));
                    console.json(&with_prediction(&model, json!({ "file": name }), &probabilities));
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

/// Prints the segments of a file, one line `start end label file` each, times in seconds, except those of the first class,
/// the background. The JSON line has all segments and the probabilities of every frame.
fn print_segments(
    model: &Model,
    classifier: &mut InputClassifier<'_>,
    file: &Path,
    console: &Console,
) -> Result<()> {
    let name = file.display().to_string();
    let Input::Recordings(features) = &model.input else {
        anyhow::bail!(
            "{name}: the times of frames without a recording are unknown; use a frame-level model of recordings"
        );
    };
    let times = features.frame_times()?;
    let FileProbabilities { probabilities, seconds, .. } = classifier.classify(file)?;
    let classes = argmax_frames(&probabilities, model.labels.len());
    let segments = times.segments(&classes, seconds);
    let mut found = false;
    for segment in segments.iter().filter(|segment| segment.class != 0) {
        found = true;
        let (label, name) = (visible(&model.labels[segment.class]), visible(&name));
        console.print(&format!("{:.3}\t{:.3}\t{label}\t{name}", segment.start_seconds, segment.end_seconds));
    }
    if !found {
        console.eprint(&format!("{}: only {}", visible(&name), visible(&model.labels[0])));
    }
    let segments: Vec<Value> = segments
        .iter()
        .map(|segment| {
            let label = &model.labels[segment.class];
            json!({ "start": segment.start_seconds, "end": segment.end_seconds, "label": label })
        })
        .collect();
    let frames = FrameProbabilities { labels: &model.labels, probabilities: &probabilities };
    console.json(&SegmentLine {
        file: &name,
        seconds,
        segments,
        first_frame_seconds: times.center_seconds(0),
        hop_seconds: times.hop_seconds(),
        frames: classes.len(),
        probabilities: frames,
    });
    Ok(())
}

/// JSON line of a frame-level model; it is written without a copy of the probabilities, which may be those of hours.
#[derive(serde::Serialize)]
struct SegmentLine<'a> {
    file: &'a str,
    seconds: f64,
    segments: Vec<Value>,
    first_frame_seconds: f64,
    hop_seconds: f64,
    frames: usize,
    probabilities: FrameProbabilities<'a>,
}

/// Probabilities of all frames, [T, K], as a list for each label.
struct FrameProbabilities<'a> {
    labels: &'a [String],
    probabilities: &'a [f32],
}

impl Serialize for FrameProbabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let classes = self.labels.len();
        let mut map = serializer.serialize_map(Some(classes))?;
        for (class, label) in self.labels.iter().enumerate() {
            map.serialize_entry(label, &OfClass { probabilities: self.probabilities, classes, class })?;
        }
        map.end()
    }
}

/// Probabilities of one class.
struct OfClass<'a> {
    probabilities: &'a [f32],
    classes: usize,
    class: usize,
}

impl Serialize for OfClass<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.probabilities.iter().skip(self.class).step_by(self.classes))
    }
}

/// Adds the label, its probability and those of all labels to a JSON line.
pub(super) fn with_prediction(model: &Model, mut line: Value, probabilities: &[f32]) -> Value {
    let best = argmax(probabilities);
    let all: Map<String, Value> = model
        .labels
        .iter()
        .cloned()
        .zip(probabilities.iter().map(|&probability| json!(probability)))
        .collect();
    line["label"] = json!(model.labels[best]);
    line["probability"] = json!(probabilities[best]);
    line["probabilities"] = Value::Object(all);
    line
}

/// Classifier of the files that a model reads: sound files, or text files of frames.
enum InputClassifier<'a> {
    Recordings(FileClassifier<'a>),
    Frames(Classifier<'a>),
}

impl InputClassifier<'_> {
    fn new(model: &Model) -> Result<InputClassifier<'_>> {
        Ok(match &model.input {
            Input::Recordings(_) => InputClassifier::Recordings(FileClassifier::new(model)?),
            Input::Frames(_) => InputClassifier::Frames(Classifier::new(model)?),
        })
    }

    /// Returns the probabilities for a file; the length of frames is 0 s.
    fn classify(&mut self, file: &Path) -> Result<FileProbabilities> {
        let path = || file.display().to_string();
        match self {
            InputClassifier::Recordings(classifier) => {
                let found = classifier.classify(file);
                // The path is in the errors of reading.
                match &found {
                    Err(Error::Infer(InferError::Audio(AudioError::Resample { .. }))) => {
                        found.with_context(path)
                    }
                    Err(Error::Infer(InferError::Audio(_)) | Error::TooLong { .. }) => Ok(found?),
                    _ => found.with_context(path),
                }
            }
            InputClassifier::Frames(classifier) => {
                let probabilities = classifier.classify_frames(&read_frames(file)?).with_context(path)?;
                Ok(FileProbabilities::of_frames(probabilities))
            }
        }
    }
}

/// Maximum size of a text file of frames in bytes: more than an hour of frames.
const MAX_FRAMES_TEXT: u64 = 256 << 20;

/// Splits a line into values separated by commas or spaces; a missing value between two commas is an empty word.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let columns = line.split(',').map(str::trim);
    let commas = line.contains(',');
    columns.flat_map(move |column| {
        let missing = (commas && column.is_empty()).then_some(column);
        missing.into_iter().chain(column.split_whitespace())
    })
}

/// Reads a text file with one frame per line.
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
                "{}: line {}: {here} values instead of {width} as in the lines before; correct the line",
                file.display(),
                line + 1
            );
        }
        width = here;
    }
    if width == 0 {
        anyhow::bail!(
            "{}: the file has no frames; write one frame per line, values separated by commas or spaces",
            file.display()
        );
    }
    Ok(Features::new(width, values))
}
