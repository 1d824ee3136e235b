//! `stapes report`: any runs side by side.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use stapes::compare::{of_runs, runs_within, table};

use super::compare::{tell, write_page};
use super::console::Console;
use super::features::make_folder;

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
        let runs = runs_within(&self.runs)?;
        let (candidates, along) = of_runs(&runs)?;
        let mut table = table(&candidates)?;
        if let Some(column) = &self.sort {
            table.sort(column)?;
        }
        make_folder(&self.out)?;
        let title = format!("{} runs", runs.len());
        tell(&title, &table, &self.out, "table", console)?;
        let notes = Vec::from_iter(told(&along));
        notes.iter().for_each(|note| console.note(note));
        write_page(&title, &[("Results", &table)], (&candidates, &notes), &self.out, console)?;
        Ok(super::DONE)
    }
}

/// Says what differs along with the settings that are named.
fn told(along: &[String]) -> Option<String> {
    const KEYS: usize = 6;
    let more = match along.len().saturating_sub(KEYS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first = along.iter().take(KEYS).map(String::as_str).collect::<Vec<_>>().join(", ");
    let sentence = "Their recipes also differ, along with what is named, in";
    (!along.is_empty()).then(|| format!("{sentence} {first}{more}."))
}
