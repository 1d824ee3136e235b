//! `stapes models`: lists the built-in models, and prints their cards.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use stapes::BUILT_IN_MODELS;

use super::console::Console;

/// List the built-in models, or print the card of one
///
/// `stapes vad` uses the model `vad`; the name of a model takes the place of a run folder in other commands.
#[derive(Args)]
#[command(after_help = "Examples:\n  stapes models\n  stapes models show vad\n  stapes vad interview.mp3")]
pub(crate) struct Models {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Subcommand)]
enum ModelsCommand {
    /// Print the card of a model: data, license, figures, limits
    Show {
        /// Name of the model
        name: String,
    },
}

impl Models {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        match self.command {
            None => {
                for model in BUILT_IN_MODELS {
                    let labels = model.load()?.labels;
                    let kilobytes = model.bytes.len() as f64 / 1e3;
                    let shown = labels.join(", ");
                    console.print(&format!(
                        "{:<8} {kilobytes:>4.0} KB  {}: {shown}",
                        model.name,
                        model.title()
                    ));
                    console.json(&json!({
                        "name": model.name, "title": model.title(), "bytes": model.bytes.len(), "labels": labels,
                    }));
                }
            }
            Some(ModelsCommand::Show { name }) => {
                let Some(model) = BUILT_IN_MODELS.iter().find(|model| model.name == name) else {
                    bail!("{name}: no built-in model has this name; `stapes models` lists them")
                };
                console.print(model.card.trim_end());
                console.json(&json!({ "name": name, "card": model.card }));
            }
        }
        Ok(super::DONE)
    }
}
