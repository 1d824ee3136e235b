//! `stapes features`: the frames of recordings as arrays and pictures.

mod arrays;
mod list;
mod settings;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};
use stapes::eval::{FramePicture, visible};
use stapes::features::{FeatureConfig, Normalization};
use stapes::shown::axis;

use super::console::Console;
use arrays::Frames;

/// Files that are done before the first of them is told, a thread.
const AT_ONCE: usize = 64;

/// Compute the frames of recordings: an .npy file each, and a picture
///
/// The arrays have the layout and the type of numbers of the toolkit that a preset names: [features, frames] in
/// float32 (librosa, torchaudio), [frames, features] in float64 (psf) or float32 (kaldi, waveform). Deltas,
/// stacking and normalization that a toolkit does not have itself are computed in float32. Recordings of another
/// rate are resampled to the preset's.
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes features log-mel one.wav two.flac --out frames --png\n  \
    stapes features psf-mfcc recordings/*.wav --out frames --set numcep=20\n  \
    stapes features --list psf-mfcc")]
pub(crate) struct Features {
    /// Where to start from; `stapes features --list` shows all
    #[arg(required_unless_present = "list")]
    preset: Option<String>,
    /// Recordings; no two of the same name
    #[arg(value_name = "FILE", required_unless_present = "list")]
    files: Vec<PathBuf>,
    /// The folder for one.wav.npy and so on; made if it is not there, and files of these names replaced
    #[arg(long, value_name = "DIR", required_unless_present = "list")]
    out: Option<PathBuf>,
    /// Change a setting; its last part is enough where that says which: n_mels=80
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Draw a picture of each, one.wav.png and so on
    #[arg(long)]
    png: bool,
    /// Show the presets and all their settings with defaults and units; of one preset if it is named
    #[arg(long)]
    list: bool,
}

impl Features {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        if self.list {
            return list::show(self.preset.as_deref(), console);
        }
        // The command line requires both unless it is to list.
        let (preset, out) = (self.preset.unwrap_or_default(), self.out.unwrap_or_default());
        let config = settings::configured(&preset, &self.set)?;
        if config.normalization == Normalization::PerCoefficient {
            bail!(
                "normalization = per-coefficient is fitted to a model's training frames, and there are none \
                 here: use per-utterance"
            );
        }
        let names = names(&self.files, ".npy")?;
        make_folder(&out)?;
        let job = Job { extractor: arrays::ClipExtractor::new(&config)?, config, out, png: self.png };
        let inputs: Vec<(&Path, &OsStr)> = self.files.iter().map(PathBuf::as_path).zip(names).collect();
        let mut failed = 0;
        for inputs in inputs.chunks(AT_ONCE * rayon::current_num_threads()) {
            let done: Vec<Result<Value>> = inputs
                .par_iter()
                .map_init(|| job.extractor.clone(), |extractor, (file, name)| job.one(extractor, file, name))
                .collect();
            for ((file, _), done) in inputs.iter().zip(done) {
                failed += usize::from(done.is_err());
                tell(console, file, done);
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

/// What is done with each recording.
struct Job {
    config: FeatureConfig,
    extractor: arrays::ClipExtractor,
    out: PathBuf,
    png: bool,
}

impl Job {
    /// Writes what is wanted of a recording, and tells it as a JSON line does.
    fn one(&self, extractor: &mut arrays::ClipExtractor, file: &Path, name: &OsStr) -> Result<Value> {
        let clip = stapes::audio::read(file)?;
        let frames = extractor.extract(&clip).with_context(|| file.display().to_string())?;
        let layout = self.config.front_end.layout();
        let written = self.beside(name, ".npy");
        write(&written, &frames.npy(layout)?)?;
        let mut line = json!({
            "file": file.display().to_string(), "npy": written.display().to_string(),
            "shape": frames.shape(layout), "dtype": frames.dtype(),
        });
        if self.png {
            let picture = self.beside(name, ".png");
            let title = name.to_string_lossy();
            let png = self.picture(&frames, &title).with_context(|| file.display().to_string())?;
            write(&picture, &png)?;
            line["png"] = json!(picture.display().to_string());
        }
        Ok(line)
    }

    fn beside(&self, name: &OsStr, extension: &str) -> PathBuf {
        let mut name = name.to_owned();
        name.push(extension);
        self.out.join(name)
    }

    fn picture(&self, frames: &Frames, title: &str) -> Result<Vec<u8>> {
        let picture = FramePicture {
            title,
            values: &frames.values(),
            width: frames.width(),
            frame_s: 1.0 / self.config.frames_per_second(),
            axis: axis(&self.config),
            quantity: self.config.quantity(),
            weights: None,
        };
        Ok(picture.png()?)
    }
}

/// The files' names, which those of the results are made of.
pub(super) fn names<'a>(files: &'a [PathBuf], extension: &str) -> Result<Vec<&'a OsStr>> {
    let mut seen: HashMap<OsString, &Path> = HashMap::new();
    let mut names = Vec::new();
    for file in files {
        let Some(name) = file.file_name() else { bail!("{}: no file's name", file.display()) };
        if let Some(other) = seen.insert(name.to_owned(), file) {
            bail!(
                "{} and {} would both become {}{extension}: write them into two folders",
                other.display(),
                file.display(),
                name.display()
            );
        }
        names.push(name);
    }
    Ok(names)
}

/// Makes a folder for results, if it is not there.
pub(super) fn make_folder(out: &Path) -> Result<()> {
    if out.exists() && !out.is_dir() {
        bail!("{}: is a file: give --out a folder", out.display());
    }
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot make the folder", out.display()))
}

pub(super) fn write(path: &Path, contents: &[u8]) -> Result<()> {
    stapes_files::write_atomic(path, contents)
        .with_context(|| format!("{}: cannot be written", path.display()))
}

fn tell(console: &Console, file: &Path, done: Result<Value>) {
    match done {
        Ok(line) => {
            let dtype = line["dtype"].as_str().unwrap_or_default();
            let npy = visible(line["npy"].as_str().unwrap_or_default());
            console.say(&format!("{npy}\t{}\t{dtype}", line["shape"]));
            console.emit(&line);
        }
        Err(error) => {
            let reason = super::message(&error);
            console.file_error(file, &reason);
            console.emit(&json!({ "file": file.display().to_string(), "error": reason }));
        }
    }
}
