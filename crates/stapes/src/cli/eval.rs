//! `stapes eval`: evaluates a run's model.

mod stream;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use stapes::apply_overrides;
use stapes::experiment;
use stapes::infer::{Input, prediction_row};
use stapes::nn::loss::argmax;
use stapes::report::{CsvCell, csv_text};
use stapes::train::Labels;

use super::console::Console;
use super::eval_data::{EvalData, EvalSubset};
use super::paths::{check_extension, write_file};
use super::progress;
use stream::StreamArgs;

/// Evaluate a model on a subset of its data, on all labeled examples of other data, or on long recordings
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes eval runs/fsdd --split test\n  \
    stapes eval runs/fsdd --data new/recordings --split all --predictions new.csv\n  \
    stapes eval runs/words --stream meetings --keyword yes=0.9\n  \
    stapes eval runs/words --stream test --choose-on validation --target-fa-per-hour 0.5 --keyword yes\n  \
    stapes eval runs/vad --stream meetings --collar 0.1")]
pub(crate) struct Eval {
    /// Run folder; with --split all or --stream also a model file
    run: PathBuf,
    /// Subset of the data; all: every labeled example, without a split
    #[arg(long, value_enum, default_value_t = EvalSubset::Test)]
    split: EvalSubset,
    /// Folder of the data set, with --split all also any class folders or manifest [default: as used in training]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the prediction of every example (or frame) to a CSV file
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Override a key of [features], such as front_end.librosa-mel-db.htk=true, to measure the effect of features that differ
    /// from training
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Evaluate the model as integers, as in C code of `stapes export --int8`: calibrated on at most 200 examples of the training
    /// subset, or with --split all of the data
    #[arg(long, conflicts_with = "stream")]
    int8: bool,
    #[command(flatten)]
    stream: StreamArgs,
}

/// Returns the predictions as CSV: the file, for frame-level labels the frame, the true label, the predicted label with its
/// probability, and the probabilities of all labels.
fn predictions_csv(names: &[String], ids: &[&str], labels: &Labels, probabilities: &[Vec<f32>]) -> String {
    let mut header = vec!["file"];
    if matches!(labels, Labels::PerFrame(_)) {
        header.push("frame");
    }
    header.extend(["true_label", "label", "probability"]);
    let header = header.into_iter().map(CsvCell::from);
    let header: Vec<CsvCell> = header.chain(names.iter().map(|name| CsvCell::from(&**name))).collect();
    let values = |label: usize, row: &[f32]| {
        let best = argmax(row);
        let text = [label, best].map(|class| CsvCell::from(&*names[class]));
        text.into_iter()
            .chain([row[best]].iter().chain(row).map(|&value| CsvCell::from(value)))
            .collect::<Vec<_>>()
    };
    let rows = ids.iter().enumerate().flat_map(|(at, id)| {
        let (file, row) = (CsvCell::from(*id), &probabilities[at]);
        match labels {
            Labels::PerExample(classes) => vec![[vec![file], values(classes[at], row)].concat()],
            Labels::PerFrame(classes) => {
                let frames = classes[at].iter().zip(row.chunks_exact(names.len())).enumerate();
                let line = |(frame, (&class, row)): (usize, (&usize, &[f32]))| {
                    [vec![file.clone(), CsvCell::from(&*frame.to_string())], values(class, row)].concat()
                };
                frames.map(line).collect()
            }
        }
    });
    csv_text(std::iter::once(header).chain(rows))
}

/// Returns the JSON line about a recording with frame-level labels.
fn recording_line(id: &str, names: &[String], labels: &[usize], probabilities: &[f32]) -> Value {
    let predicted = experiment::argmax_frames(probabilities, names.len());
    let correct = labels.iter().zip(&predicted).filter(|(label, class)| label == class).count();
    json!({
        "example": id, "frames": labels.len(), "correct": correct, "accuracy": correct as f64 / labels.len() as f64,
        "true_labels": run_lengths(labels, names), "labels": run_lengths(&predicted, names),
    })
}

/// Run-length encodes classes: the first frame and the label of each run.
fn run_lengths(classes: &[usize], names: &[String]) -> Vec<Value> {
    let starts = (0..classes.len()).filter(|&t| t == 0 || classes[t] != classes[t - 1]);
    starts.map(|t| json!([t, names[classes[t]]])).collect()
}

/// Returns the input with overrides of its front end.
fn override_front_end(input: &Input, overrides: &[String]) -> Result<Input> {
    let Input::Recordings(config) = input else {
        bail!("--set changes the front end, but the model reads frames, which have none; remove --set");
    };
    let changed = apply_overrides(config.clone(), overrides).map_err(anyhow::Error::msg)?;
    changed.check()?;
    if changed.init()?.width() != config.init()?.width() {
        bail!(
            "--set: frames would have {} values, but the model reads {}",
            changed.init()?.width(),
            config.init()?.width()
        );
    }
    Ok(Input::Recordings(changed))
}

impl Eval {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        if let Some(place) = &self.stream.stream {
            return self.stream.run(&self.run, place, console);
        }
        self.stream.check_unused()?;
        let stop = progress::stop_on_interrupt();
        if let Some(path) = &self.predictions {
            check_extension("--predictions", path, "csv")?;
        }
        if let Some(parent) = self.predictions.as_deref().and_then(Path::parent)
            && parent != Path::new("")
            && !parent.is_dir()
        {
            bail!("{}: no such folder for --predictions; create it", parent.display());
        }
        let mut data = EvalData::open(&self.run, self.split, self.data.as_deref(), console)?;
        if !self.set.is_empty() {
            data.model.input = override_front_end(&data.model.input, &self.set)?;
        }
        let loaded = data.load(&data.indices, &stop)?;
        let EvalData { model, dataset, .. } = &data;
        let probabilities = match self.int8 {
            true => experiment::classify_quantized(model, &data.quantize(&stop)?, &loaded, &stop)?,
            false => experiment::classify(model, &loaded, &stop)?,
        };
        let evaluation = experiment::evaluate(&model.labels, &loaded.labels, &probabilities)?;
        let id = |index: usize| &dataset.examples[index].id;
        for (at, (&index, row)) in loaded.indices.iter().zip(&probabilities).enumerate() {
            console.json_with(|| match &loaded.labels {
                Labels::PerExample(classes) => {
                    let line = json!({ "example": id(index), "true_label": model.labels[classes[at]] });
                    prediction_row(model, line, row)
                }
                Labels::PerFrame(classes) => recording_line(id(index), &model.labels, &classes[at], row),
            });
        }
        if let Some(path) = &self.predictions {
            let ids: Vec<&str> = loaded.indices.iter().map(|&index| &**id(index)).collect();
            write_file(
                path,
                predictions_csv(&model.labels, &ids, &loaded.labels, &probabilities).as_bytes(),
            )?;
        }
        console.print(&stapes::report::terminal::evaluation(&evaluation));
        console.json(&evaluation);
        console.skipped(&loaded.skipped);
        Ok(if loaded.skipped.is_empty() { super::DONE } else { super::SOME_FAILED })
    }
}
