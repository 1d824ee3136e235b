//! Recipes that are part of the library: the files of `recipes/`.

use super::Recipe;
use crate::error::Error;

/// Recipe that is part of the library.
#[derive(Clone, Copy, Debug)]
pub struct BuiltInRecipe {
    /// Name, such as `fsdd-gru`.
    pub name: &'static str,
    /// TOML text, with comments.
    pub text: &'static str,
}

macro_rules! built_in {
    ($($name:literal,)*) => {
        &[$(BuiltInRecipe { name: $name, text: include_str!(concat!("../../recipes/", $name, ".toml")) }),*]
    };
}

/// All built-in recipes, sorted by name.
pub const BUILT_IN_RECIPES: &[BuiltInRecipe] = built_in![
    "arabic-digits",
    "consonant-vowel",
    "fsdd-gru",
    "fsdd-lstm",
    "fsdd-mfcc-cnn",
    "fsdd-speakers",
    "fsdd-wave-cnn",
    "fsdd-wave-cnn-dropout",
    "fsdd-wave-cnn-plain",
    "handwriting",
    "quickstart",
    "speech-commands",
    "speech-commands-12",
    "speech-commands-attention-rnn",
    "speech-commands-bc-resnet",
    "speech-commands-crnn",
    "speech-commands-ds-cnn",
    "speech-commands-lstm",
    "speech-commands-tc-resnet",
    "upc-vad",
    "upc-vad-bilstm",
    "upc-vad-cdnn",
    "upc-vad-cdnn-raw",
    "upc-vad-lstm-2",
];

impl Recipe {
    /// Returns the built-in recipe with this name, changed by `overrides` as in [`Recipe::read`]; `None` if there is none.
    ///
    /// # Errors
    /// Those of [`Recipe::read`].
    ///
    /// # Example
    /// ```
    /// let recipe = stapes::Recipe::built_in("fsdd-gru", &["train.epochs=2".into()]).unwrap()?;
    /// assert_eq!(recipe.features.unwrap().sample_rate_hz, 8000);
    /// # Ok::<(), stapes::Error>(())
    /// ```
    pub fn built_in(name: &str, overrides: &[String]) -> Option<Result<Recipe, Error>> {
        let recipe = BUILT_IN_RECIPES.iter().find(|recipe| recipe.name == name)?;
        Some(Recipe::from_toml(name, recipe.text, overrides))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_of_the_folder_is_built_in_and_valid() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<String> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(BUILT_IN_RECIPES.iter().map(|recipe| recipe.name).collect::<Vec<_>>(), names);
        for name in names {
            let recipe = Recipe::built_in(&name, &[]).unwrap().unwrap();
            assert!(!recipe.title.is_empty() && recipe.title != name, "{name} has no title");
        }
        assert!(Recipe::built_in("fsdd", &[]).is_none());
    }
}
