//! `stapes report`: any runs side by side.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use stapes::compare::{of_runs, runs_within};

use super::compare::told;
use super::console::Console;
use super::features::create_folder;

/// Compare any runs: those that differ in nothing but seed and fold are one row
#[derive(Args)]
#[command(after_help = "Example:\n  stapes report runs/cells runs/fsdd --out comparison")]
pub(crate) struct Report {
    /// Folders of runs, or folders that hold such
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// The folder for the page, and the table as CSV and Markdown; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Sort the table by a column, the better end first [default: the order of the runs]
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,
}

impl Report {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let found = runs_within(&self.runs)?;
        let compared = of_runs(&found)?;
        create_folder(&self.out)?;
        let title = stapes::eval::counted(found.runs.len() as u64, "run");
        told(&title, &compared, self.sort.as_deref(), &self.out, console)
    }
}
