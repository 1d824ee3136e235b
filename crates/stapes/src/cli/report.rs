//! `stapes report`: compares any runs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use stapes::compare::{find_runs, group_runs};

use super::compare::{TableView, print_comparison};
use super::console::Console;
use super::paths::{create_folder, output};

/// Compare any runs in a table and a report; runs that differ only in seed and fold form one row
#[derive(Args)]
#[command(after_help = "Example:\n  stapes report runs/cells runs/fsdd")]
pub(crate) struct Report {
    /// Run folders, or parents of run folders
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Output folder for the tables, the report and its figures [default: runs/report, or the next free name]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    view: TableView,
}

impl Report {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let found = find_runs(&self.runs)?;
        let candidates = group_runs(&found)?;
        self.view.check(&candidates)?;
        let out = output(self.out, Path::new("report"));
        create_folder(&out)?;
        let title = stapes::report::pluralize(found.runs.len() as u64, "run");
        print_comparison(&title, &candidates, &self.view, &out, console)
    }
}
