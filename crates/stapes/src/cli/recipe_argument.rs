//! A recipe on the command line: a file, or the name of a built-in recipe; and the options that override its keys.

use std::path::{Path, PathBuf};

use clap::Args;
use stapes::{BUILT_IN_RECIPES, Error, Recipe};

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
        let name = self.recipe.file_name().unwrap_or(self.recipe.as_os_str());
        name.to_str().and_then(|name| name.strip_suffix(".toml")).map_or(Path::new(name), Path::new)
    }
}

/// Reads a file, a file whose name lacks `.toml`, or a built-in recipe: the first that exists.
pub(crate) fn read(recipe: &Path, overrides: &RecipeOverrides) -> Result<Recipe, Error> {
    let mut found = match file(recipe) {
        Some(file) => Recipe::read(&file, &overrides.set),
        None => match recipe.to_str().and_then(|name| Recipe::built_in(name, &overrides.set)) {
            Some(found) => found,
            None if is_name(recipe) => Err(unknown(recipe)),
            // The error names the file.
            None => Recipe::read(recipe, &overrides.set),
        },
    }?;
    found.seed = overrides.seed.unwrap_or(found.seed);
    Ok(found)
}

/// Returns the file that is meant, if it exists. A folder may have the name of a recipe.
fn file(recipe: &Path) -> Option<PathBuf> {
    let with_extension = || {
        let mut name = recipe.as_os_str().to_owned();
        name.push(".toml");
        PathBuf::from(name)
    };
    let exists = |path: &PathBuf| path.exists() && !path.is_dir();
    Some(recipe.to_owned()).filter(exists).or_else(|| Some(with_extension()).filter(exists))
}

/// True if the argument is a name and not a path.
fn is_name(recipe: &Path) -> bool {
    let is_file = recipe.extension().is_some_and(|extension| extension == "toml");
    recipe.components().count() == 1 && !is_file && !recipe.is_dir()
}

/// Error about a name of neither a file nor a built-in recipe, with the closest name.
fn unknown(recipe: &Path) -> Error {
    let name = recipe.display().to_string();
    let closest = BUILT_IN_RECIPES
        .iter()
        .map(|recipe| (strsim::jaro_winkler(&name, recipe.name), recipe.name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let advice = match closest {
        Some((similarity, closest)) if similarity > 0.85 => format!("did you mean `{closest}`? "),
        _ => String::new(),
    };
    let reason = format!(
        "neither a file, nor {name}.toml, nor a built-in recipe; {advice}`stapes recipes` lists the built-in recipes, and \
         `stapes new` writes one for your recordings"
    );
    Error::Recipe { name, reason }
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
