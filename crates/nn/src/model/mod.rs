//! Named models: a configuration from a recipe becomes a network.

mod recurrent;

use serde::{Deserialize, Serialize};

pub use recurrent::RecurrentModelConfig;

use crate::head::HeadError;
use crate::layer::Shape;
use crate::network::Network;

/// Which model a recipe asks for, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ModelConfig {
    /// A recurrent stack and a head.
    Recurrent(RecurrentModelConfig),
}

/// Why a configuration makes no model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A value that a key cannot have.
    #[error("{key} = {value}: {rule}")]
    Value {
        /// The key in the recipe.
        key: &'static str,
        /// The value there.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// The head cannot read what lies below it.
    #[error("model.recurrent.head = {head}: {source}")]
    Head {
        /// The head's name in the recipe.
        head: &'static str,
        /// Why not.
        source: HeadError,
    },
    /// There is no class to tell apart.
    #[error("a model for no classes: give at least one label")]
    NoClasses,
    /// More parameters than a model here may have.
    #[error(
        "the model would have {parameters} parameters, more than {LARGEST_MODEL}: make hidden or layers smaller"
    )]
    TooLarge {
        /// How many it would have.
        parameters: u128,
    },
}

/// The largest number of parameters of a model: stapes is for small ones, and a typing error in `hidden`
/// should not fill the memory.
pub const LARGEST_MODEL: u128 = 200_000_000;

impl ModelConfig {
    /// Sets every dropout to zero; the parameters keep their places.
    pub fn drop_nothing(&mut self) {
        match self {
            ModelConfig::Recurrent(config) => (config.dropout, config.head_dropout) = (0.0, 0.0),
        }
    }

    /// Builds the network for inputs of this shape and `classes` classes.
    ///
    /// Each call gives an instance with buffers of its own; all instances lay out their parameters alike.
    ///
    /// # Errors
    /// [`ModelError::Value`] names the key whose value is impossible, [`ModelError::Head`] a head that cannot
    /// read these sequences, [`ModelError::TooLarge`] a model that would not fit into memory.
    pub fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        if classes == 0 {
            return Err(ModelError::NoClasses);
        }
        let network = match self {
            ModelConfig::Recurrent(config) => config.build(input, classes)?,
        };
        match network.parameter_count() as u128 {
            parameters if parameters > LARGEST_MODEL => Err(ModelError::TooLarge { parameters }),
            _ => Ok(network),
        }
    }
}
