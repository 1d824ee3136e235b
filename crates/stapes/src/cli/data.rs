//! `stapes data`: commands about data sets.

mod info;
mod tables;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::console::Console;

/// Check data before training
#[derive(Args)]
pub(crate) struct Data {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Info(info::Info),
}

impl Data {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        match self.command {
            Command::Info(command) => command.run(console),
        }
    }
}
