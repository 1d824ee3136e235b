//! `stapes quickstart`: a first run that needs nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use stapes::Recipe;
use stapes::data::Source;
use stapes::eval::{CsvCell, csv_text, visible};
use stapes::run::{self, Existing, RunFolder};
use stapes::train::SingleProcess;

use super::console::{Console, place};
use super::progress;
use super::train::{RecipeOverrides, RunOptions};

/// The recipe that quickstart follows.
const RECIPE: &str = include_str!("../../../../recipes/quickstart.toml");

/// Train on a real data set that is built in: nine speakers told apart by how they say /ae/
#[derive(Args)]
#[command(after_help = "Example:\n  stapes quickstart --seed 3")]
pub(crate) struct Quickstart {
    /// The folder of the run [default: runs/quickstart, or the next free name]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    #[command(flatten)]
    changes: RecipeOverrides,
}

impl Quickstart {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let recipe =
            self.changes.recipe(|changes| Recipe::from_toml("recipes/quickstart.toml", RECIPE, changes))?;
        let out = self.out.unwrap_or_else(|| run::free_name(Path::new("runs/quickstart")));
        let example = example(&recipe)?;
        let common = RunOptions {
            data: None,
            cache: None,
            start: None,
            existing: Existing::Refuse,
            checkpoint_every: Duration::from_secs(30),
            stop: &progress::stop_on_interrupt(),
            console,
            team: &SingleProcess,
        };
        let finished = common.train(recipe, RunFolder::begin(&out, common.existing)?)?;
        let path = finished.place.join("example.csv");
        stapes_files::write_atomic(&path, example.as_bytes()).with_context(|| path.display().to_string())?;
        let place = place(&finished.place);
        let program = std::env::args_os().next().unwrap_or_else(|| "stapes".into());
        let program = visible(&program.to_string_lossy()).into_owned();
        console.print(&format!(
            "\nNext:\n  open {place}/report.html in a browser\n  \
             {program} eval {place} --split test\n  \
             {program} predict {place} {place}/example.csv\n  \
             {program} train recipes/fsdd-lstm.toml --data DIR --out runs/fsdd   (on recordings; see README.md)"
        ));
        Ok(super::DONE)
    }
}

/// The first test utterance as text, for `predict`.
fn example(recipe: &Recipe) -> Result<String> {
    let dataset = recipe.data.open(None)?;
    let split = recipe.data.split(&dataset, recipe.seed)?;
    let frames = match &dataset.examples[split.test[0]].source {
        Source::Frames(frames) => frames,
        other => anyhow::bail!("the built-in data set holds frames, and not {other:?}"),
    };
    let cells = |frame: usize| frames.frame(frame).iter().map(|&value| CsvCell::from(value));
    Ok(csv_text((0..frames.frames()).map(cells)))
}
