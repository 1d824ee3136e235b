//! A recipe on the command line: a file, or the name of a built-in recipe; and the options that override its keys.

use std::path::{Path, PathBuf};

use clap::Args;
use stapes::{Error, Recipe};

/// Recipe of a command.
#[derive(Args)]
pub(crate) struct RecipeArgument {
    /// Recipe: a TOML file, its name without .toml, or the name of a built-in recipe (`stapes recipes`)
    recipe: PathBuf,
}

impl RecipeArgument {
    /// Reads the recipe.
    pub(crate) fn read(&self, overrides: &RecipeOverrides) -> Result<Recipe, Error> {
        read(&self.recipe, overrides)
    }

    /// Returns the argument.
    pub(crate) fn path(&self) -> &Path {
        &self.recipe
    }

    /// Returns the name of the recipe: that of the file without extension.
    pub(crate) fn name(&self) -> &Path {
        Recipe::name_of(&self.recipe)
    }
}

/// Reads a file, a file whose name lacks `.toml`, or a built-in recipe: the first that exists.
pub(crate) fn read(recipe: &Path, overrides: &RecipeOverrides) -> Result<Recipe, Error> {
    let mut found = Recipe::find(recipe, &overrides.set)?;
    found.seed = overrides.seed.unwrap_or(found.seed);
    Ok(found)
}

/// Overrides of a recipe.
#[derive(Args)]
pub(crate) struct RecipeOverrides {
    /// Override the recipe's seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Override a key of the recipe, such as train.epochs=2; an empty value removes the key; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl RecipeOverrides {
    /// Returns the value of `--seed`.
    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }
}
