//! `stapes quickstart`: a first run on built-in data.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use stapes::data::Source;
use stapes::report::{CsvCell, csv_text, visible};
use stapes::run::{IfExists, RunFolder};
use stapes::train::SingleProcess;
use stapes::{Error, Recipe};

use super::console::{Console, visible_path};
use super::paths::output;
use super::progress;
use super::recipe_argument::{self, RecipeOverrides};
use super::run_options::RunOptions;
use super::train::exit_code;

/// Train a model on a built-in data set: identify nine speakers by their vowel /ae/
#[derive(Args)]
#[command(after_help = "Example:\n  stapes quickstart --seed 3")]
pub(crate) struct Quickstart {
    /// Run folder to create [default: runs/quickstart, or the next free name]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    #[command(flatten)]
    overrides: RecipeOverrides,
}

impl Quickstart {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let recipe = recipe_argument::read(Path::new("quickstart"), &self.overrides)?;
        let out = output(self.out, Path::new("quickstart"));
        let example = example(&recipe)?;
        let options = RunOptions {
            data: None,
            cache: None,
            start: None,
            existing: IfExists::Refuse,
            checkpoint_every: Duration::from_secs(30),
            stop: &progress::stop_on_interrupt(),
            console,
            communicator: &SingleProcess,
            resume_advice,
        };
        let result = options.train(recipe, RunFolder::open(&out, options.existing)?).map_err(|error| {
            // The recipe is built in, and this command does not resume.
            match error.downcast::<Error>() {
                Ok(Error::Resumable { folder, source }) => {
                    anyhow::anyhow!("{source}\n{}", resume_advice(&folder))
                }
                Ok(other) => other.into(),
                Err(other) => other,
            }
        })?;
        let path = result.folder.join("example.csv");
        stapes_files::write_atomic(&path, example.as_bytes()).with_context(|| path.display().to_string())?;
        let run = visible_path(&result.folder);
        let program = super::process_arguments().first().cloned().unwrap_or_else(|| "stapes".into());
        let program = visible(&program.to_string_lossy()).into_owned();
        console.print(&format!(
            "\nNext:\n  open {run}/report.html in a browser\n  \
             {program} eval {run} --split test\n  \
             {program} predict {run} {run}/example.csv\n  \
             {program} train my.toml --data recordings --out runs/my   (your own recordings, see README.md)"
        ));
        Ok(exit_code(&result))
    }
}

/// Returns how to continue a stopped run: with its recipe, because this command always starts a new run.
fn resume_advice(run: &Path) -> String {
    let run = visible_path(run);
    format!("continue it with `stapes train {run}/recipe.toml --out {run} --resume`")
}

/// Returns the first test utterance as CSV, for `predict`.
fn example(recipe: &Recipe) -> Result<String> {
    let dataset = recipe.data.open(None)?;
    let split = recipe.data.split(&dataset, recipe.seed)?;
    let frames = match &dataset.examples[split.test[0]].source {
        Source::Frames(frames) => frames,
        other => anyhow::bail!("the built-in data set consists of frames, not of {other:?}"),
    };
    let cells = |frame: usize| frames.frame(frame).iter().map(|&value| CsvCell::from(value));
    Ok(csv_text((0..frames.frames()).map(cells)))
}
