//! `stapes features`: features of recordings as arrays and plots.

mod arrays;
mod list;
mod settings;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};
use stapes::features::{FeatureConfig, Normalization};
use stapes::recording_view::frame_view;
use stapes::report::visible;

use super::console::Console;
use super::paths::{create_folder, file_names, output, write_file};
use arrays::Frames;

/// Files per thread that are computed before their results are printed.
const BATCH: usize = 64;

/// Export features as .npy files, with an optional plot
///
/// Arrays have the layout and the number type of the preset's toolkit: [features, frames] in float32 (librosa,
/// torchaudio), [frames, features] in float64 (psf) or float32 (kaldi, waveform). Deltas, stacking and normalization that
/// the toolkit lacks are computed in float32. Recordings of other sample rates are resampled to the preset's.
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes features log-mel one.wav two.flac --out frames --png\n  \
    stapes features psf-mfcc recordings/*.wav --out frames --set numcep=20\n  \
    stapes features --list psf-mfcc")]
pub(crate) struct Features {
    /// Preset; `stapes features --list` prints all
    #[arg(required_unless_present = "list")]
    preset: Option<String>,
    /// Recordings with distinct file names
    #[arg(value_name = "FILE", required_unless_present = "list")]
    files: Vec<PathBuf>,
    /// Output folder for one.wav.npy etc.; overwrites existing files [default: runs/PRESET, or the next free name]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Override a setting, by its full key or an unambiguous end of it, such as n_mels=80; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Also plot the features, as one.wav.png etc.
    #[arg(long)]
    png: bool,
    /// List the presets (or one preset) with all settings, defaults and units
    #[arg(long)]
    list: bool,
}

impl Features {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        if self.list {
            return list::show(self.preset.as_deref(), console);
        }
        // clap requires both without --list.
        let preset = self.preset.unwrap_or_default();
        let out = output(self.out, Path::new(&preset));
        let config = settings::override_preset(&preset, &self.set)?;
        if config.normalization == Normalization::PerCoefficient {
            bail!(
                "normalization = per-coefficient needs statistics of training frames, which this command does not have; \
                 use per-utterance"
            );
        }
        if let Some(warning) = config.warning() {
            console.warning(&warning);
        }
        let names = file_names(&self.files, ".npy")?;
        create_folder(&out)?;
        let job = Job { extractor: arrays::ClipExtractor::new(&config)?, config, out, png: self.png };
        let inputs: Vec<(&Path, &OsStr)> = self.files.iter().map(PathBuf::as_path).zip(names).collect();
        let mut failed = 0;
        for inputs in inputs.chunks(BATCH * rayon::current_num_threads()) {
            let results: Vec<Result<Value>> = inputs
                .par_iter()
                .map_init(
                    || job.extractor.clone(),
                    |extractor, (file, name)| job.export(extractor, file, name),
                )
                .collect();
            for ((file, _), result) in inputs.iter().zip(results) {
                failed += usize::from(result.is_err());
                print_result(console, file, result);
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

/// Settings of the export.
struct Job {
    config: FeatureConfig,
    extractor: arrays::ClipExtractor,
    out: PathBuf,
    png: bool,
}

impl Job {
    /// Writes the files of a recording and returns the JSON line about them.
    fn export(&self, extractor: &mut arrays::ClipExtractor, file: &Path, name: &OsStr) -> Result<Value> {
        let clip = stapes::audio::read(file)?;
        let frames = extractor.extract(&clip).with_context(|| file.display().to_string())?;
        let layout = self.config.front_end.layout();
        let npy = self.output(name, ".npy");
        write_file(&npy, &frames.npy(layout)?)?;
        let mut line = json!({
            "file": file.display().to_string(), "npy": npy.display().to_string(),
            "shape": frames.shape(layout), "dtype": frames.dtype(),
        });
        if self.png {
            let path = self.output(name, ".png");
            let title = name.to_string_lossy();
            let png = self.plot(&frames, &title).with_context(|| file.display().to_string())?;
            write_file(&path, &png)?;
            line["png"] = json!(path.display().to_string());
        }
        Ok(line)
    }

    fn output(&self, name: &OsStr, extension: &str) -> PathBuf {
        let mut name = name.to_owned();
        name.push(extension);
        self.out.join(name)
    }

    fn plot(&self, frames: &Frames, title: &str) -> Result<Vec<u8>> {
        Ok(frame_view(&self.config.init()?, frames.values().to_vec(), frames.width(), title).png(None)?)
    }
}

fn print_result(console: &Console, file: &Path, result: Result<Value>) {
    match result {
        Ok(line) => {
            let dtype = line["dtype"].as_str().unwrap_or_default();
            let npy = visible(line["npy"].as_str().unwrap_or_default());
            console.print(&format!("{npy}\t{}\t{dtype}", line["shape"]));
            console.json(&line);
        }
        Err(error) => {
            let reason = super::message(&error);
            console.file_error(file, &reason);
            console.json(&json!({ "file": file.display().to_string(), "error": reason }));
        }
    }
}
