//! A model that a server is given.

use stapes_infer::Model;

/// A model with the name under which it is served.
///
/// # Example
/// ```no_run
/// use stapes_infer::Model;
/// use stapes_serve::ServedModel;
///
/// let model = Model::load("runs/vad/model.safetensors".as_ref())?;
/// let served = ServedModel::new("vad", model).with_description("Voice activity");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServedModel {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) license: Option<String>,
    pub(crate) model: Model,
}

impl ServedModel {
    /// Gives a model its name.
    pub fn new(name: impl Into<String>, model: Model) -> ServedModel {
        ServedModel { name: name.into(), description: String::new(), license: None, model }
    }

    /// Returns the model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Sets the text that describes the model in lists.
    pub fn with_description(self, description: impl Into<String>) -> ServedModel {
        ServedModel { description: description.into(), ..self }
    }

    /// Sets the license of the model, such as `CC BY 4.0`.
    pub fn with_license(self, license: impl Into<String>) -> ServedModel {
        ServedModel { license: Some(license.into()), ..self }
    }
}
