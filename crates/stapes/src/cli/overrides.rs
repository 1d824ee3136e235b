//! The options `--seed` and `--set`, which override keys of a recipe.

use clap::Args;
use stapes::{Error, Recipe};

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

    /// Returns the recipe that `read` makes with the `--set` overrides, with the value of `--seed`.
    pub(crate) fn recipe(&self, read: impl Fn(&[String]) -> Result<Recipe, Error>) -> Result<Recipe, Error> {
        let mut recipe = read(&self.set)?;
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        Ok(recipe)
    }
}
