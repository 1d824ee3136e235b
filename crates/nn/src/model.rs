//! Named models: a configuration from a recipe becomes a network.

use serde::{Deserialize, Serialize};

use crate::dropout::Dropout;
use crate::head::{Head, HeadKind};
use crate::layer::{Layer, Shape};
use crate::linear::Linear;
use crate::network::Network;
use crate::parameters::Layout;
use crate::recurrent::{CellKind, RecurrentConfig, RecurrentStack};

/// Which model a recipe asks for, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ModelConfig {
    /// A recurrent stack, a head and a linear classifier.
    Recurrent(RecurrentModelConfig),
}

/// Which directions a recurrent stack reads a sequence in, and how they meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wiring {
    /// Forwards only: the model can run on a stream.
    #[default]
    Unidirectional,
    /// Both ways; each layer reads both directions of the one below, as `bidirectional=True` in PyTorch.
    Stacked,
}

/// A recurrent stack over frames, a head that makes one vector of its states, dropout, and a linear layer
/// with one score a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurrentModelConfig {
    /// The cell.
    pub cell: CellKind,
    /// H, states a direction.
    pub hidden: usize,
    /// L, layers.
    #[serde(default = "one")]
    pub layers: usize,
    /// Directions.
    #[serde(default)]
    pub wiring: Wiring,
    /// Whether the cells have biases.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Probability of dropout between the layers of the stack, in [0, 1).
    #[serde(default)]
    pub dropout: f32,
    /// What becomes of the states.
    #[serde(default)]
    pub head: HeadKind,
    /// Probability of dropout in front of the linear layer, in [0, 1).
    #[serde(default)]
    pub head_dropout: f32,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
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
    /// Builds the network for frames of `features` values and `classes` classes.
    ///
    /// Each call gives an instance with buffers of its own; all instances lay out their parameters alike.
    ///
    /// # Errors
    /// [`ModelError::Value`] names the key whose value is impossible, [`ModelError::TooLarge`] a model that
    /// would not fit into memory.
    pub fn build(&self, features: usize, classes: usize) -> Result<Network, ModelError> {
        if classes == 0 {
            return Err(ModelError::NoClasses);
        }
        let network = match self {
            ModelConfig::Recurrent(config) => config.build(features, classes)?,
        };
        match network.parameter_count() as u128 {
            parameters if parameters > LARGEST_MODEL => Err(ModelError::TooLarge { parameters }),
            _ => Ok(network),
        }
    }
}

impl RecurrentModelConfig {
    fn check(&self, features: usize) -> Result<(), ModelError> {
        let value =
            |key, value: &dyn ToString, rule| Err(ModelError::Value { key, value: value.to_string(), rule });
        if self.hidden == 0 {
            return value("model.recurrent.hidden", &self.hidden, "must be at least 1");
        }
        if self.layers == 0 {
            return value("model.recurrent.layers", &self.layers, "must be at least 1");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return value("model.recurrent.dropout", &self.dropout, "must be at least 0 and below 1");
        }
        if self.dropout > 0.0 && self.layers == 1 {
            let rule = "acts between layers and there is one: set layers = 2 or more, or use head_dropout";
            return value("model.recurrent.dropout", &self.dropout, rule);
        }
        if !(0.0..1.0).contains(&self.head_dropout) {
            return value(
                "model.recurrent.head_dropout",
                &self.head_dropout,
                "must be at least 0 and below 1",
            );
        }
        // Before anything is laid out, so that no size overflows: four gates, both directions and the widest
        // input are more than any cell and wiring has, at most eightfold.
        let (hidden, layers) = (self.hidden as u128, self.layers as u128);
        let wide = hidden * 2 + features as u128;
        let parameters = 8u128.saturating_mul(hidden).saturating_mul(wide + 2).saturating_mul(layers);
        if parameters > 8 * LARGEST_MODEL {
            return Err(ModelError::TooLarge { parameters });
        }
        Ok(())
    }

    fn build(&self, features: usize, classes: usize) -> Result<Network, ModelError> {
        self.check(features)?;
        let mut layout = Layout::new();
        let directions = match self.wiring {
            Wiring::Unidirectional => 1,
            Wiring::Stacked => 2,
        };
        let stack = RecurrentConfig {
            cell: self.cell,
            hidden: self.hidden,
            layers: self.layers,
            bidirectional: directions == 2,
            bias: self.bias,
            dropout: self.dropout,
        };
        let stack = RecurrentStack::new(stack, features, "rnn.", &mut layout);
        let width = stack.output_shape().features();
        let mut layers: Vec<Box<dyn Layer>> =
            vec![Box::new(stack), Box::new(Head::new(self.head, width, directions))];
        if self.head_dropout > 0.0 {
            // The stack numbers its own dropouts from 0 by layer.
            layers.push(Box::new(Dropout::new(self.head_dropout, width, self.layers as u64)));
        }
        layers.push(Box::new(Linear::new(width, classes, "fc.", &mut layout)));
        Ok(Network::new(Shape::Sequence { features }, layers, layout))
    }
}
