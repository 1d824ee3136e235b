//! `stapes recipes`: lists and prints the built-in recipes.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use stapes::{BUILT_IN_RECIPES, Recipe};

use super::console::Console;

/// List the built-in recipes, or print one
#[derive(Args)]
#[command(
    after_help = "Examples:\n  stapes recipes\n  stapes recipes show fsdd-gru > mine.toml",
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Recipes {
    #[command(subcommand)]
    command: Option<RecipesCommand>,
    /// Name without `show`, for the message that says so
    #[arg(hide = true)]
    name: Option<String>,
}

#[derive(Subcommand)]
enum RecipesCommand {
    /// Print a built-in recipe as a TOML file with comments
    Show {
        /// Name of the recipe
        name: String,
    },
}

impl Recipes {
    pub(crate) fn run(self, console: &Console) -> Result<u8> {
        match (self.command, self.name) {
            (Some(RecipesCommand::Show { name }), _) => show(&name, console)?,
            (None, Some(name)) => bail!("{name}: `stapes recipes show {name}` prints a recipe"),
            (None, None) => list(console)?,
        }
        Ok(super::DONE)
    }
}

fn list(console: &Console) -> Result<()> {
    let width = BUILT_IN_RECIPES.iter().map(|recipe| recipe.name.len()).max().unwrap_or(0);
    for built_in in BUILT_IN_RECIPES {
        let recipe = Recipe::from_toml(built_in.name, built_in.text, &[])?;
        console.print(&format!("{:width$}  {}", built_in.name, recipe.title));
        console.json(&json!({ "name": built_in.name, "title": recipe.title, "data": recipe.data.name() }));
    }
    Ok(())
}

fn show(name: &str, console: &Console) -> Result<()> {
    let Some(recipe) = BUILT_IN_RECIPES.iter().find(|recipe| recipe.name == name) else {
        bail!("{name}: no built-in recipe has this name; `stapes recipes` lists them")
    };
    console.print(recipe.text.trim_end());
    console.json(&json!({ "name": name, "text": recipe.text }));
    Ok(())
}
