//! Models that are part of the library: the files of `models/`.

use std::path::Path;

use stapes_infer::Model;

use crate::error::Error;

/// Model that is part of the library.
#[derive(Clone, Copy, Debug)]
pub struct BuiltInModel {
    /// Name, such as `vad`.
    pub name: &'static str,
    /// Content of the model file.
    pub bytes: &'static [u8],
    /// Card in Markdown: data, license, figures, limits.
    pub card: &'static str,
}

macro_rules! built_in {
    ($($name:literal,)*) => {
        &[$(BuiltInModel {
            name: $name,
            bytes: include_bytes!(concat!("../models/", $name, "/model.safetensors")),
            card: include_str!(concat!("../models/", $name, "/README.md")),
        }),*]
    };
}

/// All built-in models, sorted by name.
///
/// # Example
/// ```
/// use stapes::BuiltInModel;
///
/// assert_eq!(BuiltInModel::VAD.load()?.labels.len(), 2);
/// # Ok::<(), stapes::Error>(())
/// ```
pub const BUILT_IN_MODELS: &[BuiltInModel] = built_in!["digits", "vad",];

impl BuiltInModel {
    /// Model for voice activity detection.
    pub const VAD: &'static BuiltInModel = &BUILT_IN_MODELS[1];

    /// Finds a model by its name, unless there is a file or folder of this name.
    pub fn find(path: &Path) -> Option<&'static BuiltInModel> {
        let is_name = |model: &&BuiltInModel| path.as_os_str() == model.name;
        BUILT_IN_MODELS.iter().find(is_name).filter(|_| path.symlink_metadata().is_err())
    }

    /// Returns the error of a path that does not exist, with the closest name.
    pub(crate) fn unknown(path: &Path) -> Error {
        let name = path.display().to_string();
        let similarity = |model: &&BuiltInModel| strsim::jaro_winkler(&name, model.name);
        let closest = BUILT_IN_MODELS.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
        let advice = match closest.filter(|model| similarity(model) > 0.85) {
            Some(closest) => {
                format!("did you mean `{}`? Otherwise give a run folder or a model file", closest.name)
            }
            None => "give a run folder or a model file; `stapes models` lists the built-in models".into(),
        };
        Error::NoModel { path: path.into(), advice }
    }

    /// Reads the model.
    ///
    /// # Errors
    /// [`Error::Infer`] if the model is invalid, which a test rules out.
    pub fn load(&self) -> Result<Model, Error> {
        Ok(Model::from_bytes(self.bytes, self.name.as_ref())?)
    }

    /// Returns the license of the model, from the card.
    pub fn license(&self) -> Option<&'static str> {
        Some(self.card.split_once("distributed under [")?.1.split_once(']')?.0)
    }

    /// Returns the title of the card.
    pub fn title(&self) -> &'static str {
        self.card.lines().next().unwrap_or_default().trim_start_matches('#').trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_models_can_be_read_and_are_small() {
        for model in BUILT_IN_MODELS {
            model.load().unwrap();
            assert!(model.bytes.len() < 300_000, "{}", model.name);
            assert!(!model.title().is_empty(), "{}", model.name);
            assert_eq!(model.license(), Some("CC BY-SA 4.0"), "{}", model.name);
            for part in ["## Data", "## Figures", "## Limits", "## License"] {
                assert!(model.card.contains(part), "{}: {part}", model.name);
            }
        }
    }
}
