//! `stapes new --task wake-word`: data and recipe of a wake word.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use stapes::report::{shell_word, visible};
use stapes::{Voices, WakeWord};

use super::super::console::{Console, visible_path};
use super::super::input_files::{self, InputFile, is_recording};
use super::super::paths::{create_folder, write_file};
use super::super::progress;
use super::print_recipe;

/// Number of synthetic voices unless another is given.
const VOICES: usize = 300;

/// File that marks a folder of clips, which may be replaced.
const NOTE: &str = "README.txt";
const NOTE_TEXT: &str = "Clips that `stapes new --task wake-word` cut; --force replaces this folder.\n";

/// Options of a wake word.
#[derive(Args)]
pub(super) struct WakeWordArgs {
    /// With --task wake-word: recordings of any length without the word, such as speech, music and noise; repeatable
    #[arg(long, value_name = "PATH")]
    negatives: Vec<PathBuf>,
    /// With --task wake-word: recordings that a model took for the word, of `stapes eval --export-false-accepts`; repeatable
    #[arg(long, value_name = "PATH")]
    hard_negatives: Vec<PathBuf>,
    /// With --task wake-word: number of synthetic voices of espeak-ng [default: 300 if it is installed, else 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=2000))]
    voices: Option<u16>,
}

/// The recipe of a wake word that is wanted.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    /// Path of the recipe.
    pub(super) path: &'a Path,
    /// Recordings of the word.
    pub(super) data: &'a PathBuf,
    pub(super) force: bool,
}

impl WakeWordArgs {
    /// Checks that no option is given for another task.
    pub(super) fn check_unused(&self) -> Result<()> {
        if self.voices.is_some() || !self.negatives.is_empty() || !self.hard_negatives.is_empty() {
            bail!(
                "--negatives, --hard-negatives and --voices are for --task wake-word; add it, or remove them"
            );
        }
        Ok(())
    }

    pub(super) fn run(&self, wanted: &Wanted<'_>, stop: &AtomicBool, console: &Console) -> Result<u8> {
        let Wanted { name, path, data, force } = wanted;
        let files = |paths: &[PathBuf]| -> Result<Vec<PathBuf>> {
            if paths.is_empty() {
                return Ok(Vec::new());
            }
            let files = input_files::find(paths, None, is_recording)?.all()?;
            let is_missing = |file: &&InputFile| !file.path.exists();
            if let Some(missing) = files.iter().find(is_missing) {
                bail!("{}: does not exist; check the path", missing.path.display());
            }
            Ok(files.into_iter().map(|file| file.path).collect())
        };
        let recordings = files(std::slice::from_ref(*data))?;
        let (negatives, hard_negatives) = (files(&self.negatives)?, files(&self.hard_negatives)?);
        let voices = match self.voices {
            Some(0) => None,
            Some(_) => Some(Voices::find().context(
                "--voices: espeak-ng was not found; install it, or use --voices 0 and recordings without the word (--negatives)",
            )?),
            None => Voices::find(),
        };
        if voices.is_none() && negatives.is_empty() {
            bail!(
                "there is nothing to tell the word from; give folders of recordings without the word with --negatives, or install \
                 espeak-ng"
            );
        }
        let data_folder = format!("{name}-data");
        let folder = path.with_file_name(&data_folder);
        if folder.symlink_metadata().is_ok() {
            let inputs = recordings.iter().chain(&negatives).chain(&hard_negatives);
            remove(&folder, *force, inputs)?;
        }
        create_folder(&folder)?;
        write_file(&folder.join(NOTE), NOTE_TEXT.as_bytes())?;
        let word = WakeWord {
            word: name,
            recordings: &recordings,
            negatives: &negatives,
            hard_negatives: &hard_negatives,
            voices: voices.as_ref(),
            voice_count: self.voices.map_or(VOICES, usize::from),
            seed: 1,
        };
        let bar = progress::bar(0, "recordings");
        let written = word.write(&folder, &data_folder, stop, &|done, total| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        });
        bar.finish_and_clear();
        let written = match written {
            Ok(written) => written,
            Err(error) => {
                // Half of the clips are of no use; what cannot be removed remains.
                let _ = fs::remove_dir_all(&folder);
                return Err(error.into());
            }
        };
        write_file(path, written.recipe.as_bytes())?;
        print_recipe(path, &written.reasons, &written.warnings, console);
        let streams = folder.join("streams").display().to_string();
        let words = [&format!("runs/{name}"), &streams, &(*name).to_owned()].map(|word| shell_word(word));
        let [run, streams, word] = words.each_ref().map(|word| visible(word));
        console.print(&format!(
            "  stapes eval {run} --stream {streams}/test --choose-on {streams}/validation --keyword {word} \\\n      \
             --target-fa-per-hour 0.5 --save-thresholds"
        ));
        console.status(&format!("clips of the word and of others: {}", visible_path(&folder)));
        console.json(&json!({
            "recipe": path.display().to_string(), "data_folder": folder.display().to_string(),
            "reasons": written.reasons, "warnings": written.warnings,
        }));
        Ok(super::super::DONE)
    }
}

/// Removes a folder of clips that this command wrote before, unless it contains inputs.
fn remove<'a>(folder: &Path, force: bool, mut inputs: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    let shown = folder.display();
    if !force {
        bail!("{shown}: exists; choose another name, or replace it with --force");
    }
    let is_ours = stapes_files::read_to_string(&folder.join(NOTE)).is_ok_and(|text| text == NOTE_TEXT);
    if !is_ours || folder.is_symlink() {
        bail!(
            "{shown}: was not written by this command and is not replaced; choose another name, or move it"
        );
    }
    let inside = folder.canonicalize()?;
    if let Some(input) =
        inputs.find(|input| input.canonicalize().is_ok_and(|input| input.starts_with(&inside)))
    {
        bail!("{}: is inside {shown}, which would be replaced; move it to another place", input.display());
    }
    fs::remove_dir_all(folder).with_context(|| format!("{shown}: cannot remove"))
}
