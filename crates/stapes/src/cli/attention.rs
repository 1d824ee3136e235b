//! `stapes attention`: plots the attention weights of a model.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use stapes::features::FeatureConfig;
use stapes::infer::{Classifier, ClipExtractor, Input, Model};
use stapes::nn::loss::argmax;
use stapes::recording_view::{self, attention, frame_view};
use stapes::report::visible;
use stapes::run::Run;

use super::console::Console;
use super::paths::{create_folder, file_names, output, write_file};

/// Suffix of the plots' file names.
const EXTENSION: &str = ".attention.png";

/// Plot a model's attention weights over the features of recordings
#[derive(Args)]
#[command(after_help = "Example:\n  stapes attention runs/attention-rnn bed.wav cat.wav")]
pub(crate) struct Attention {
    /// Run folder or model file of a model with attention
    run: PathBuf,
    /// Recordings with distinct file names
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Output folder for bed.wav.attention.png etc.; overwrites existing files [default: runs/attention, or the next free name]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Attention {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let model = Run::load_model(&self.run)?;
        let names = file_names(&self.files, EXTENSION)?;
        let Input::Recordings(config) = &model.input else {
            bail!(
                "{}: the model reads frames, not recordings; use a model of recordings",
                self.run.display()
            );
        };
        let mut plotter = Plotter {
            model: &model,
            config,
            extractor: ClipExtractor::new(config)?,
            classifier: Classifier::new(&model)?,
        };
        if plotter.classifier.attention().is_none() {
            bail!(
                "{}: the model has no attention; train one with head = \"attention\" in [model.recurrent], or \
                 [model.attention-rnn]",
                self.run.display()
            );
        }
        let out = output(self.out, Path::new("attention"));
        create_folder(&out)?;
        let mut failed = 0;
        for (file, name) in self.files.iter().zip(names) {
            match plotter.plot(file, name, &out) {
                Ok(line) => {
                    let text = |key: &str| visible(line[key].as_str().unwrap_or_default());
                    console.print(&format!("{}\t{}\t{}", text("png"), text("label"), text("file")));
                    console.json(&line);
                }
                Err(error) => {
                    failed += 1;
                    let reason = super::message(&error);
                    console.file_error(file, &reason);
                    console.json(&json!({ "file": file.display().to_string(), "error": reason }));
                }
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

/// A model with its feature extractor.
struct Plotter<'a> {
    model: &'a Model,
    config: &'a FeatureConfig,
    extractor: ClipExtractor,
    classifier: Classifier<'a>,
}

impl Plotter<'_> {
    /// Plots the attention weights of a recording and returns the JSON line about it.
    fn plot(&mut self, file: &Path, name: &OsStr, out: &Path) -> Result<Value> {
        let path = || file.display().to_string();
        let clip = stapes::audio::read(file)?;
        let frames = self.extractor.extract(&clip).with_context(path)?;
        let attention = attention(&mut self.classifier, &frames).with_context(path)?;
        let recording_view::Attention { probabilities, weights } =
            attention.context("the model has no attention")?;
        let best = argmax(&probabilities);
        let hop_seconds = 1.0 / self.config.frames_per_second();
        let label = &self.model.labels[best];
        let title = format!("{}: {label} ({:.3}); line: attention", name.display(), probabilities[best]);
        let view = frame_view(self.extractor.front_end(), frames.values().to_vec(), frames.width(), &title);
        let mut png = name.to_owned();
        png.push(EXTENSION);
        let png = out.join(png);
        write_file(&png, &view.png(Some(&weights)).with_context(path)?)?;
        Ok(json!({
            "file": path(), "png": png.display().to_string(), "label": label,
            "probability": probabilities[best], "hop_seconds": hop_seconds, "weights": weights,
        }))
    }
}
