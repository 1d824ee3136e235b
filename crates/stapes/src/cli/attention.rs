//! `stapes attention`: what a model with attention looks at.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use stapes::eval::{FramePicture, visible};
use stapes::features::FeatureConfig;
use stapes::infer::{Model, Classifier, ClipExtractor, Input};
use stapes::nn::loss::argmax;
use stapes::run::Run;
use stapes::shown::{self, attention, axis};

use super::console::Console;
use super::features;

/// What is put behind the name of a recording.
const EXTENSION: &str = ".attention.png";

/// Draw a model's attention to each frame over the features of recordings
#[derive(Args)]
#[command(after_help = "Example:\n  stapes attention runs/attention-rnn bed.wav cat.wav --out pictures")]
pub(crate) struct Attention {
    /// The folder of a run, or a model file, of a model with attention
    run: PathBuf,
    /// Recordings; no two of the same name
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder for bed.wav.attention.png and so on; made if it is not there, and files of these names replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Attention {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let bundle = Run::model(&self.run)?;
        let names = features::names(&self.files, EXTENSION)?;
        let Input::Recordings(config) = &bundle.input else {
            bail!("{}: the model reads frames and no recordings", self.run.display());
        };
        let mut reader = Reader {
            bundle: &bundle,
            config,
            extractor: ClipExtractor::new(config)?,
            classifier: Classifier::new(&bundle)?,
        };
        if reader.classifier.attention().is_none() {
            bail!(
                "{}: the model has no attention: train one with head = \"attention\" in [model.recurrent], or \
                 [model.attention-rnn]",
                self.run.display()
            );
        }
        features::create_folder(&self.out)?;
        let mut failed = 0;
        for (file, name) in self.files.iter().zip(names) {
            match reader.draw(file, name, &self.out) {
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

/// A model and what it takes to show its attention.
struct Reader<'a> {
    bundle: &'a Model,
    config: &'a FeatureConfig,
    extractor: ClipExtractor,
    classifier: Classifier<'a>,
}

impl Reader<'_> {
    /// Draws the attention to one recording, and tells it as a JSON line does.
    fn draw(&mut self, file: &Path, name: &OsStr, out: &Path) -> Result<Value> {
        let place = || file.display().to_string();
        let clip = stapes::audio::read(file)?;
        let frames = self.extractor.extract(&clip).with_context(place)?;
        let said = attention(&mut self.classifier, &frames).with_context(place)?;
        let shown::Attention { probabilities, weights } = said.context("the model has no attention")?;
        let best = argmax(&probabilities);
        let frame_s = 1.0 / self.config.frames_per_second();
        let label = &self.bundle.labels[best];
        let title = format!("{}: {label} ({:.3}); line: attention", name.display(), probabilities[best]);
        let picture = FramePicture {
            title: &title,
            values: frames.values(),
            width: frames.width(),
            frame_s,
            axis: axis(self.config),
            quantity: self.config.quantity(),
            weights: Some(&weights),
        };
        let mut written = name.to_owned();
        written.push(EXTENSION);
        let written = out.join(written);
        features::write(&written, &picture.png().with_context(place)?)?;
        Ok(json!({
            "file": place(), "png": written.display().to_string(), "label": label,
            "probability": probabilities[best], "frame_seconds": frame_s, "weights": weights,
        }))
    }
}
