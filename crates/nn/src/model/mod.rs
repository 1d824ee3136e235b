//! Named models: a configuration from a recipe becomes a network.

mod cdnn;
mod convolutional;
mod images;
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

/// Which model a recipe asks for, by name.
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
    /// A convolution along each frame, and an LSTM.
    Cdnn(CdnnConfig),
    /// Learned filters over frames of samples, and the layers of `cdnn`.
    CdnnRaw(CdnnRawConfig),
    /// Depthwise separable convolutions.
    DsCnn(DsCnnConfig),
    /// Residual blocks of convolutions in time.
    TcResnet(TcResnetConfig),
    /// Broadcasted residual blocks.
    BcResnet(BcResnetConfig),
    /// A convolution and a stack of GRU.
    Crnn(CrnnConfig),
    /// Convolutions in time, LSTM, and attention.
    AttentionRnn(AttentionRnnConfig),
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
    /// The model cannot read such input.
    #[error("model.{model} cannot read {input}: {rule}")]
    Input {
        /// The model's name in the recipe.
        model: &'static str,
        /// What there is.
        input: Shape,
        /// What it needs, and how to get it.
        rule: &'static str,
    },
    /// A layer's window is wider than what it reads.
    #[error("model.{model}: {layer} cannot read {input}: {source}; {fix}")]
    Layer {
        /// The model's name in the recipe.
        model: &'static str,
        /// Which layer.
        layer: String,
        /// What comes to it.
        input: Shape,
        /// Why not.
        source: Box<ShapeError>,
        /// What to change.
        fix: &'static str,
    },
    /// There is no class to tell apart.
    #[error("a model for no classes: give at least one label")]
    NoClasses,
    /// More parameters than a model here may have.
    #[error(
        "the model would have {parameters} parameters, more than {LARGEST_MODEL}: make its hidden, layers, cells, channels or filters smaller"
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

    /// Builds the network for inputs of this shape and `classes` classes.
    ///
    /// Each call gives an instance with buffers of its own; all instances lay out their parameters alike.
    ///
    /// # Errors
    /// [`ModelError::Value`] names the key whose value is impossible, [`ModelError::Head`] a head that cannot
    /// read these sequences, [`ModelError::Input`] and [`ModelError::Layer`] a model and a layer that cannot,
    /// [`ModelError::TooLarge`] a model that would not fit into memory.
    pub fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        if classes == 0 {
            return Err(ModelError::NoClasses);
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
            parameters if parameters > LARGEST_MODEL => Err(ModelError::TooLarge { parameters }),
            _ => Ok(network),
        }
    }
}

/// Features and frames of an input whose number of frames is known.
fn frames_of(model: &'static str, input: Shape) -> Result<(usize, usize), ModelError> {
    match input {
        Shape::Sequence { features, frames: Some(frames) } => Ok((features, frames)),
        _ => {
            let rule = "it needs recordings of one fixed length: set features.fixed_length_samples";
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

/// A size that is no typing error: far above what these nets have, and small enough that nothing overflows.
fn check_size(key: &'static str, value: usize) -> Result<(), ModelError> {
    const LARGEST: usize = 4096;
    match value {
        1..=LARGEST => Ok(()),
        _ => Err(ModelError::Value { key, value: value.to_string(), rule: "must be from 1 to 4096" }),
    }
}
