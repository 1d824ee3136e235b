//! `stapes new`: writes a first recipe for recordings or frames.

mod wake_word;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;
use stapes::report::{shell_word, visible};
use stapes::{NewRecipe, Task};

use super::console::{Console, visible_path};
use super::paths::{create_folder, write_file};
use super::progress;
use wake_word::{WakeWordArgs, Wanted};

/// Look at recordings and write a recipe for them
///
/// The data is a folder with one folder per class, of recordings or of arrays of frames (.npy, .csv), or a manifest. The recipe
/// trains as it is, with comments to change it.
#[derive(Args)]
#[command(after_help = "Example:\n  stapes new digits --data recordings\n  stapes train digits")]
pub(crate) struct New {
    /// Name of the recipe; the file is NAME.toml
    name: PathBuf,
    /// Folder of the recordings or of arrays of frames, or a manifest
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Task [default: from the labels and the lengths of the recordings]; wake-word: the recordings are of one word, NAME
    #[arg(long, value_parser = task())]
    task: Option<TaskArgument>,
    #[command(flatten)]
    wake_word: WakeWordArgs,
    /// Replace an existing recipe
    #[arg(long)]
    force: bool,
}

/// Task of a new recipe.
#[derive(Clone, Copy)]
enum TaskArgument {
    Data(Task),
    WakeWord,
}

const WAKE_WORD: &str = "wake-word";

/// Parses the name of a task.
fn task() -> impl TypedValueParser<Value = TaskArgument> {
    PossibleValuesParser::new(Task::NAMES.iter().copied().chain([WAKE_WORD])).try_map(|name| match &*name {
        WAKE_WORD => Ok(TaskArgument::WakeWord),
        name => name.parse().map(TaskArgument::Data),
    })
}

impl New {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let (path, name) = self.path()?;
        if !self.force && path.symlink_metadata().is_ok() {
            bail!("{}: exists; choose another name, or replace it with --force", path.display());
        }
        let task = match self.task {
            Some(TaskArgument::WakeWord) => {
                let word = Wanted { name: &name, path: &path, data: &self.data, force: self.force };
                return self.wake_word.run(&word, &stop, console);
            }
            Some(TaskArgument::Data(task)) => Some(task),
            None => None,
        };
        self.wake_word.check_unused()?;
        // The recipe contains the path as given if it is beside the recipe.
        let data = match path.parent() {
            Some(parent) if parent != Path::new("") => std::path::absolute(&self.data)?,
            _ => self.data.clone(),
        };
        let bar = progress::bar(0, "recordings");
        let recipe = NewRecipe::for_data(&name, &data, task, &stop, &|done, total| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        });
        bar.finish_and_clear();
        let recipe = recipe?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            create_folder(folder)?;
        }
        write_file(&path, recipe.text.as_bytes())?;
        print_recipe(&path, &recipe.reasons, &recipe.warnings, console);
        console.json(&json!({
            "recipe": path.display().to_string(), "reasons": recipe.reasons, "warnings": recipe.warnings,
        }));
        Ok(super::DONE)
    }

    /// Returns the path of the recipe, and its name without extension.
    fn path(&self) -> Result<(PathBuf, String)> {
        let Some(name) = self.name.file_name() else {
            bail!("{}: the path has no file name; give a name such as digits", self.name.display())
        };
        let name = name.to_string_lossy();
        if name.contains(char::is_control) {
            bail!(
                "{}: a name has no line breaks and other control characters; choose another",
                visible(&name)
            );
        }
        let name = name.strip_suffix(".toml").unwrap_or(&name);
        Ok((self.name.with_file_name(format!("{name}.toml")), name.to_owned()))
    }
}

/// Prints what a recipe contains and why, and the next command.
fn print_recipe(path: &Path, reasons: &[String; 3], warnings: &[String], console: &Console) {
    warnings.iter().for_each(|warning| console.warning(warning));
    for (part, reason) in ["data", "features", "model"].iter().zip(reasons) {
        console.print(&format!("{part:<9} {reason}"));
    }
    let argument = shell_word(&path.with_extension("").display().to_string());
    console.print(&format!("\nwrote {}; next:\n  stapes train {}", visible_path(path), visible(&argument)));
}
