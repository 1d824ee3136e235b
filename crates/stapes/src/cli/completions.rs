//! `stapes completions` and `stapes man`: shell completions and manual pages, from the definition of the command line.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Arguments;
use super::console::{Console, visible_path};
use super::paths::create_folder;

/// Print the completions of a shell
#[derive(Args)]
#[command(
    after_help = "Example:\n  stapes completions bash > ~/.local/share/bash-completion/completions/stapes"
)]
pub(crate) struct Completions {
    /// Shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<u8> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "stapes", &mut text);
        match std::io::Write::write_all(&mut std::io::stdout().lock(), &text) {
            // A reader such as `head` may close the pipe.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to standard output")
            }
            _ => Ok(super::DONE),
        }
    }
}

/// Write a manual page for every command
#[derive(Args)]
#[command(after_help = "Example:\n  stapes man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Folder of the pages; overwrites existing files
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        create_folder(&self.folder)?;
        clap_mangen::generate_to(Arguments::command(), &self.folder)
            .with_context(|| format!("{}: cannot write the pages", self.folder.display()))?;
        console.print(&format!("manual pages in {}", visible_path(&self.folder)));
        Ok(super::DONE)
    }
}
