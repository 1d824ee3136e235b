//! `stapes search`: settings drawn at random, judged by validation, and the winner tested.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use stapes::compare::{candidates, table};
use stapes::eval::visible;
use stapes::sweep::Search as Plan;

use super::compare::{RunnerArgs, Lines, conducted, tell, write_page};
use super::console::Console;
use super::features::create_folder;
use super::progress;
use super::train::absolute;

/// Look for the best settings: draw them at random, train the better ones longer, and test the winner once
///
/// Trials are judged by validation examples alone. Runs that are complete stay as they are: give the same command again to
/// go on.
#[derive(Args)]
#[command(
    after_help = "Example:\n  stapes search recipes/searches/consonant-vowel.toml --data ../cs671_cv --out runs/search"
)]
pub(crate) struct Search {
    /// The search, a TOML file
    search: PathBuf,
    /// The folder of the data set
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder for the runs and the table
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    conduct: RunnerArgs,
}

impl Search {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        let stop = progress::stop_on_interrupt();
        let search = Plan::read(&self.search)?;
        let data = absolute(self.data.as_deref())?;
        search.check_data(data.as_deref())?;
        create_folder(&self.out)?;
        let conduct = self.runner.runner(data.clone(), &self.out, search.config.budget_hours, &stop);
        let searched = search.run(&conduct, &Lines::new(console))?;
        let mut code = conducted(&searched.conducted, console);
        let title = format!("{}: what was tried", search.config.title);
        let tried = searched.table(search.settings.rungs);
        tell(&title, &tried, &self.out, "search", console)?;
        if let Some(sweep) = search.winner(&searched) {
            let compared = candidates(&sweep, data.as_deref(), &self.out)?;
            let title = format!("{}: the winner", search.config.title);
            compared.left_out.iter().for_each(|note| console.eprint(&visible(note)));
            code = code.max(if compared.left_out.is_empty() { super::DONE } else { super::SOME_FAILED });
            let winner = table(&compared.candidates)?;
            tell(&title, &winner, &self.out, "winner", console)?;
            let tables = [("The winner", &winner), ("What was tried", &tried)];
            write_page(
                &search.config.title,
                &tables,
                (&compared.candidates, &compared.left_out),
                &self.out,
                console,
            )?;
        }
        Ok(code)
    }
}
