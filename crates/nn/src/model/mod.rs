//! Named models: configurations from recipes, and the networks built from them.

mod cdnn;
mod convolutional;
mod image_plan;
mod keyword;
mod recurrent;

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ShapeError;

pub use cdnn::{CdnnConfig, CdnnRawConfig};
pub use convolutional::{MfccCnnConfig, WaveCnnConfig};
pub use keyword::{
    AttentionRnnConfig, BcResnetConfig, BcResnetWidth, CrnnConfig, DsCnnConfig, DsCnnSize, TcResnetConfig,
};
pub use recurrent::RecurrentModelConfig;

use crate::head::HeadError;
use crate::layer::Shape;
use crate::network::Network;

/// Configuration of a model, tagged by its name in a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ModelConfig {
    /// A recurrent stack and a head.
    Recurrent(RecurrentModelConfig),
    /// Convolutions over a waveform.
    WaveCnn(WaveCnnConfig),
    /// Convolutions over features as an image.
    MfccCnn(MfccCnnConfig),
    /// A convolution along each frame and an LSTM.
    Cdnn(CdnnConfig),
    /// Learned filters over frames of samples, followed by the layers of `cdnn`.
    CdnnRaw(CdnnRawConfig),
    /// Depthwise separable convolutions.
    DsCnn(DsCnnConfig),
    /// Residual blocks of convolutions in time.
    TcResnet(TcResnetConfig),
    /// Broadcasted residual blocks.
    BcResnet(BcResnetConfig),
    /// A convolution and a stacked GRU.
    Crnn(CrnnConfig),
    /// Convolutions in time, a bidirectional LSTM and attention.
    AttentionRnn(AttentionRnnConfig),
}

/// Error of a configuration that does not build a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A key has an invalid value.
    #[error("{key} = {value}: {rule}")]
    Value {
        /// Key in the recipe.
        key: &'static str,
        /// Its value.
        value: String,
        /// Valid values.
        rule: &'static str,
    },
    /// The head does not fit the stack or the classes.
    #[error("model.recurrent.head = {head}: {source}")]
    Head {
        /// Name of the head in the recipe.
        head: &'static str,
        /// Reason.
        source: HeadError,
    },
    /// The model does not fit the input.
    #[error("model.{model} cannot read {input}: {rule}")]
    Input {
        /// Name of the model in the recipe.
        model: &'static str,
        /// Shape of the input.
        input: Shape,
        /// Requirement, and how to meet it.
        rule: &'static str,
    },
    /// The window of a layer is larger than its input.
    #[error("model.{model}: {layer} cannot read {input}: {source}; {fix}")]
    Layer {
        /// Name of the model in the recipe.
        model: &'static str,
        /// Description of the layer.
        layer: String,
        /// Shape of its input.
        input: Shape,
        /// Reason.
        source: Box<ShapeError>,
        /// Advice.
        fix: &'static str,
    },
    /// The input has a size of 0.
    #[error("the model cannot read {0}: every size must be at least 1; use a front end or data with values")]
    EmptyInput(Shape),
    /// There are no classes.
    #[error("the model has no classes; give at least one label")]
    NoClasses,
    /// The model has more than [`MAX_PARAMETERS`] parameters.
    #[error(
        "the model would have {parameters} parameters, more than {MAX_PARAMETERS}; reduce hidden_size, num_layers, \
         channels or filters"
    )]
    TooLarge {
        /// Number of parameters.
        parameters: u128,
    },
}

impl From<RecurrentModelConfig> for ModelConfig {
    fn from(config: RecurrentModelConfig) -> ModelConfig {
        ModelConfig::Recurrent(config)
    }
}

/// Maximum number of parameters of a model. stapes is for small models, and a typo in `hidden_size` should
/// not exhaust the memory.
pub const MAX_PARAMETERS: u128 = 200_000_000;

impl ModelConfig {
    /// Sets all dropout probabilities to zero; the layout of the parameters does not change.
    pub fn disable_dropout(&mut self) {
        match self {
            ModelConfig::Recurrent(config) => (config.dropout, config.head_dropout) = (0.0, 0.0),
            ModelConfig::WaveCnn(config) => config.dropout = 0.0,
            ModelConfig::MfccCnn(config) => config.dropout = 0.0,
            ModelConfig::Cdnn(_) | ModelConfig::CdnnRaw(_) => {}
            ModelConfig::DsCnn(config) => config.dropout = 0.0,
            ModelConfig::TcResnet(config) => config.dropout = 0.0,
            ModelConfig::BcResnet(config) => config.dropout = 0.0,
            ModelConfig::Crnn(config) => config.dropout = 0.0,
            ModelConfig::AttentionRnn(config) => config.dropout = 0.0,
        }
    }

    /// Builds the network for this input shape and number of classes.
    ///
    /// Each network has its own buffers; all networks of a model have the same layout of parameters.
    ///
    /// # Errors
    /// [`ModelError::Value`] for an invalid value of a key, [`ModelError::Head`] if the head does not fit,
    /// [`ModelError::Input`] and [`ModelError::Layer`] if the input does not fit, [`ModelError::EmptyInput`],
    /// [`ModelError::NoClasses`] and [`ModelError::TooLarge`].
    pub fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        if classes == 0 {
            return Err(ModelError::NoClasses);
        }
        if input.is_empty() {
            return Err(ModelError::EmptyInput(input));
        }
        let network = match self {
            ModelConfig::Recurrent(config) => config.build(input, classes)?,
            ModelConfig::WaveCnn(config) => config.build(input, classes)?,
            ModelConfig::MfccCnn(config) => config.build(input, classes)?,
            ModelConfig::Cdnn(config) => config.build(input, classes)?,
            ModelConfig::CdnnRaw(config) => config.build(input, classes)?,
            ModelConfig::DsCnn(config) => config.build(input, classes)?,
            ModelConfig::TcResnet(config) => config.build(input, classes)?,
            ModelConfig::BcResnet(config) => config.build(input, classes)?,
            ModelConfig::Crnn(config) => config.build(input, classes)?,
            ModelConfig::AttentionRnn(config) => config.build(input, classes)?,
        };
        match network.parameter_count() as u128 {
            parameters if parameters > MAX_PARAMETERS => Err(ModelError::TooLarge { parameters }),
            _ => Ok(network),
        }
    }
}

/// Number of features and frames of input with a fixed length.
fn fixed_size(model: &'static str, input: Shape) -> Result<(usize, usize), ModelError> {
    match input {
        Shape::Sequence { features, frames: Some(frames) } => Ok((features, frames)),
        _ => {
            let rule = "it needs recordings of one fixed length; set features.fixed_length_samples";
            Err(ModelError::Input { model, input, rule })
        }
    }
}

fn check_dropout(key: &'static str, probability: f32) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&probability) {
        return Ok(());
    }
    let rule = "must be at least 0 and below 1";
    Err(ModelError::Value { key, value: probability.to_string(), rule })
}

/// Checks a size against a maximum far above real models and far below an overflow.
fn check_size(key: &'static str, value: usize) -> Result<(), ModelError> {
    const MAX_SIZE: usize = 4096;
    match value {
        1..=MAX_SIZE => Ok(()),
        _ => Err(ModelError::Value { key, value: value.to_string(), rule: "must be from 1 to 4096" }),
    }
}
