//! The model `recurrent`: a recurrent stack and a head.

use serde::{Deserialize, Serialize};

use super::{LARGEST_MODEL, ModelError};
use crate::head::{HeadInput, HeadKind};
use crate::layer::{Layer, Shape};
use crate::network::Network;
use crate::parameters::Layout;
use crate::recurrent::{CellKind, Initialisation, RecurrentConfig, RecurrentStack, Wiring};

/// A recurrent stack over frames, and a head that makes scores of its states.
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
    /// What the weights of the stack start from.
    #[serde(default)]
    pub initialisation: Initialisation,
    /// The bias that the forget gates of an LSTM start from, if not as `initialisation` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forget_bias: Option<f32>,
    /// Truncated back-propagation: no gradient passes from a chunk of this many frames to the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate_frames: Option<usize>,
    /// What becomes of the states.
    #[serde(default)]
    pub head: HeadKind,
    /// Probability of dropout in front of the head's linear layer, in [0, 1).
    #[serde(default)]
    pub head_dropout: f32,
}

/// More would be a typing error, and each layer has buffers of its own.
const MOST_LAYERS: usize = 1000;

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
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
        if self.layers > MOST_LAYERS {
            return value("model.recurrent.layers", &self.layers, "must be at most 1000");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return value("model.recurrent.dropout", &self.dropout, "must be at least 0 and below 1");
        }
        if self.dropout > 0.0 && self.layers == 1 {
            let rule = "acts between layers and there is one: set layers = 2 or more, or use head_dropout";
            return value("model.recurrent.dropout", &self.dropout, rule);
        }
        if !(0.0..1.0).contains(&self.head_dropout) {
            let rule = "must be at least 0 and below 1";
            return value("model.recurrent.head_dropout", &self.head_dropout, rule);
        }
        if self.truncate_frames == Some(0) {
            let rule = "must be at least 1; leave it out to go back to the first frame";
            return value("model.recurrent.truncate_frames", &0, rule);
        }
        if let Some(bias) = self.forget_bias {
            let key = "model.recurrent.forget_bias";
            if self.cell != CellKind::Lstm {
                return value(
                    key,
                    &bias,
                    "only an lstm has a forget gate: leave it out, or set cell = \"lstm\"",
                );
            }
            if !self.bias {
                return value(key, &bias, "the cells have no biases: leave it out, or set bias = true");
            }
            if !bias.is_finite() {
                return value(key, &bias, "must be a number");
            }
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

    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        self.check(input.features())?;
        let mut layout = Layout::new();
        let stack = RecurrentConfig {
            cell: self.cell,
            hidden: self.hidden,
            layers: self.layers,
            wiring: self.wiring,
            bias: self.bias,
            dropout: self.dropout,
            initialisation: self.initialisation,
            forget_bias: self.forget_bias,
            truncate_frames: self.truncate_frames,
        };
        let stack = RecurrentStack::new(stack, input, "rnn.", &mut layout);
        let of_stack = HeadInput {
            states: stack.output_shape(),
            directions: self.wiring.directions(),
            classes,
            // The stack numbers its own dropouts from 0 by layer.
            dropout: (self.head_dropout, self.layers as u64),
        };
        let head = self.head.layers(of_stack, &mut layout);
        let head = head.map_err(|source| ModelError::Head { head: self.head.name(), source })?;
        let mut layers: Vec<Box<dyn Layer>> = vec![Box::new(stack)];
        layers.extend(head);
        Ok(Network::new(input, layers, layout, self.head.objective()))
    }
}
