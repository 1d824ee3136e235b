//! The model `recurrent`: a recurrent stack and a head.

use serde::{Deserialize, Serialize};

use super::{MAX_PARAMETERS, ModelError};
use crate::head::{HeadInput, HeadKind};
use crate::layer::{Layer, Shape};
use crate::network::Network;
use crate::parameters::Layout;
use crate::recurrent::{CellKind, Directions, Initialization, RecurrentConfig, RecurrentStack};

/// A recurrent stack over frames, and a head that turns its outputs into scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurrentModelConfig {
    /// Kind of cell.
    pub cell: CellKind,
    /// H, hidden size per direction.
    pub hidden_size: usize,
    /// L, number of layers.
    #[serde(default = "one")]
    pub num_layers: usize,
    /// True for a stack that reads sequences in both directions.
    #[serde(default)]
    pub bidirectional: bool,
    /// Combination of the two directions; [`Directions::Interleaved`] if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bidirectional_mode: Option<Directions>,
    /// True if the cells have biases.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Probability of dropout between the layers of the stack, in [0, 1).
    #[serde(default)]
    pub dropout: f32,
    /// Initialization of the weights of the stack.
    #[serde(default)]
    pub initialization: Initialization,
    /// Initial bias of the forget gates of an LSTM; by `initialization` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forget_bias: Option<f32>,
    /// Truncated backpropagation through time: chunk length over whose boundaries no gradient flows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated_bptt_frames: Option<usize>,
    /// Head on the outputs of the stack.
    #[serde(default)]
    pub head: HeadKind,
    /// Probability of dropout before the head's linear layer, in [0, 1).
    #[serde(default)]
    pub head_dropout: f32,
}

impl Default for RecurrentModelConfig {
    fn default() -> RecurrentModelConfig {
        RecurrentModelConfig {
            cell: CellKind::Gru,
            hidden_size: 64,
            num_layers: 1,
            bidirectional: false,
            bidirectional_mode: None,
            bias: true,
            dropout: 0.0,
            initialization: Initialization::default(),
            forget_bias: None,
            truncated_bptt_frames: None,
            head: HeadKind::default(),
            head_dropout: 0.0,
        }
    }
}

/// Maximum number of layers. More would be a typo, and each layer has its own buffers.
const MAX_LAYERS: usize = 1000;

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

impl RecurrentModelConfig {
    /// Directions of the stack.
    pub fn directions(&self) -> Directions {
        match self.bidirectional {
            true => self.bidirectional_mode.unwrap_or(Directions::Interleaved),
            false => Directions::Unidirectional,
        }
    }

    fn check(&self, features: usize) -> Result<(), ModelError> {
        let value =
            |key, value: &dyn ToString, rule| Err(ModelError::Value { key, value: value.to_string(), rule });
        if self.hidden_size == 0 {
            return value("model.recurrent.hidden_size", &self.hidden_size, "must be at least 1");
        }
        if self.num_layers == 0 {
            return value("model.recurrent.num_layers", &self.num_layers, "must be at least 1");
        }
        if self.num_layers > MAX_LAYERS {
            return value("model.recurrent.num_layers", &self.num_layers, "must be at most 1000");
        }
        self.check_directions()?;
        if !(0.0..1.0).contains(&self.dropout) {
            return value("model.recurrent.dropout", &self.dropout, "must be at least 0 and below 1");
        }
        if self.dropout > 0.0 && self.num_layers == 1 {
            let rule =
                "acts between layers and there is one; set num_layers = 2 or more, or use head_dropout";
            return value("model.recurrent.dropout", &self.dropout, rule);
        }
        if !(0.0..1.0).contains(&self.head_dropout) {
            let rule = "must be at least 0 and below 1";
            return value("model.recurrent.head_dropout", &self.head_dropout, rule);
        }
        if self.truncated_bptt_frames == Some(0) {
            let rule = "must be at least 1; remove the key for full backpropagation through time";
            return value("model.recurrent.truncated_bptt_frames", &0, rule);
        }
        if let Some(bias) = self.forget_bias {
            let key = "model.recurrent.forget_bias";
            if self.cell != CellKind::Lstm {
                let rule = "only an LSTM has a forget gate; remove the key, or set cell = \"lstm\"";
                return value(key, &bias, rule);
            }
            if !self.bias {
                return value(key, &bias, "the cells have no biases; remove the key, or set bias = true");
            }
            if !bias.is_finite() {
                return value(key, &bias, "must be a finite number");
            }
        }
        // Before the layout, so that no size overflows. Four gates, two directions and the widest input bound
        // every cell from above, at most eightfold.
        let (hidden_size, num_layers) = (self.hidden_size as u128, self.num_layers as u128);
        let wide = hidden_size * 2 + features as u128;
        let parameters =
            8u128.saturating_mul(hidden_size).saturating_mul(wide + 2).saturating_mul(num_layers);
        if parameters > 8 * MAX_PARAMETERS {
            return Err(ModelError::TooLarge { parameters });
        }
        Ok(())
    }

    fn check_directions(&self) -> Result<(), ModelError> {
        let rule = match self.bidirectional_mode {
            Some(_) if !self.bidirectional => "needs bidirectional = true; set it, or remove the mode",
            Some(Directions::Unidirectional) => "must be interleaved, independent or shared",
            _ => return Ok(()),
        };
        let value = self.bidirectional_mode.map_or("", Directions::name).into();
        Err(ModelError::Value { key: "model.recurrent.bidirectional_mode", value, rule })
    }

    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        self.check(input.features())?;
        let mut layout = Layout::new();
        let stack = RecurrentConfig {
            cell: self.cell,
            hidden_size: self.hidden_size,
            num_layers: self.num_layers,
            directions: self.directions(),
            bias: self.bias,
            dropout: self.dropout,
            initialization: self.initialization,
            forget_bias: self.forget_bias,
            truncated_bptt_frames: self.truncated_bptt_frames,
        };
        let stack = RecurrentStack::new(stack, input, "rnn.", &mut layout);
        let head_input = HeadInput {
            states: stack.output_shape(),
            num_directions: self.directions().count(),
            classes,
            dropout: self.head_dropout,
            // The dropouts of the stack have the numbers of its layers.
            dropout_id: self.num_layers as u64,
        };
        let head = self.head.layers(head_input, &mut layout);
        let head = head.map_err(|source| ModelError::Head { head: self.head.name(), source })?;
        let mut layers: Vec<Box<dyn Layer>> = vec![Box::new(stack)];
        layers.extend(head);
        Ok(Network::new(input, layers, layout, self.head.objective()))
    }
}
