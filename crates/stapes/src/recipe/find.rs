//! Recipes by file or name.

use std::path::{Path, PathBuf};

use super::{BUILT_IN_RECIPES, Recipe};
use crate::error::Error;

impl Recipe {
    /// Reads a file, a file whose name lacks `.toml`, or a built-in recipe: the first that exists.
    ///
    /// # Errors
    /// [`Error::NoRecipe`] if there is none; otherwise those of [`Recipe::read`].
    pub fn find(recipe: &Path, overrides: &[String]) -> Result<Recipe, Error> {
        match file(recipe) {
            Some(file) => Recipe::read(&file, overrides),
            None => match recipe.to_str().and_then(|name| Recipe::built_in(name, overrides)) {
                Some(found) => found,
                None if is_name(recipe) => Err(unknown(recipe)),
                // The error names the file.
                None => Recipe::read(recipe, overrides),
            },
        }
    }

    /// Returns the name of the recipe that [`Recipe::find`] reads: that of the file without `.toml`.
    pub fn name_of(recipe: &Path) -> &Path {
        let name = recipe.file_name().unwrap_or(recipe.as_os_str());
        name.to_str().and_then(|name| name.strip_suffix(".toml")).map_or(Path::new(name), Path::new)
    }
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

/// Returns true if the argument is a name and not a path.
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
    Error::NoRecipe { name, reason }
}
