//! `stapes search`: random search with successive halving.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use stapes::compare::{load_candidates, table};
use stapes::report::visible;
use stapes::sweep;

use super::compare::{RunLines, RunnerArgs, print_summary, print_table, write_page};
use super::console::Console;
use super::paths::{absolute, create_folder};
use super::progress;

/// Search for the best settings: sample trials, train the better ones longer, and test the best trial once
///
/// Trials are judged by validation accuracy only. Running the same command again continues: complete runs are kept.
#[derive(Args)]
#[command(after_help = "Example:\n  stapes search recipes/searches/consonant-vowel.toml --data ../cs671_cv")]
pub(crate) struct Search {
    /// Search, a TOML file
    search: PathBuf,
    /// Folder of the data set
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Output folder for runs, tables and the report [default: runs/SEARCH]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    runner: RunnerArgs,
}

impl Search {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| Path::new("runs").join(self.search.file_stem().unwrap_or_default()));
        let search = sweep::Search::read(&self.search)?;
        let data = absolute(self.data.as_deref())?;
        search.check_data(data.as_deref())?;
        create_folder(&out)?;
        let runner = self.runner.runner(data.clone(), &out, search.config.budget_hours, &stop);
        progress::keep_on_interrupt();
        let lines = RunLines::new(console);
        let result = search.run(&runner, &|event| lines.on_event(&event))?;
        drop(lines);
        progress::end_on_interrupt();
        let mut code = print_summary(&result.summary, console);
        let title = format!("{}: trials", search.config.title);
        let trials = result.table(search.settings.rungs);
        print_table(&title, &trials, &[], &out, "search", console)?;
        if let Some(sweep) = search.best_sweep(&result) {
            let found = load_candidates(&sweep, data.as_deref(), &out)?;
            let title = format!("{}: best trial", search.config.title);
            found.skipped.iter().for_each(|note| console.eprint(&visible(note)));
            code = code.max(if found.skipped.is_empty() { super::DONE } else { super::SOME_FAILED });
            let best = table(&found.candidates)?;
            print_table(&title, &best, &[], &out, "best", console)?;
            let tables = [("Best trial", &best), ("Trials", &trials)];
            write_page(&search.config.title, &tables, &found.candidates, &found.skipped, &out, console)?;
        }
        Ok(code)
    }
}
