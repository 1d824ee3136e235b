//! Recurrent layers of a graph, in the order in which they run.

use crate::recurrent::{Directions, RecurrentConfig};

/// Layers that run one above the other, frame by frame, in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrentChain {
    /// Path of the layers, such as `rnn.forward.layers` or `rnn_l0_reverse`.
    pub name: String,
    /// True if the frames are read from the last to the first.
    pub backward: bool,
    /// Layers, from the lowest.
    pub layers: Vec<RecurrentLayer>,
}

/// One direction of one recurrent layer with G gates of H units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrentLayer {
    /// Number of values that it reads per frame.
    pub inputs: usize,
    /// Name of the weight of the input, [G H, inputs].
    pub weight_ih: String,
    /// Name of the weight of the state, [G H, H].
    pub weight_hh: String,
    /// Names of the biases of input and state, \[G H\].
    pub biases: Option<[String; 2]>,
}

impl RecurrentConfig {
    /// Returns the layers as stages that run one after the other. Each chain of a stage reads all values of the stage before,
    /// and their outputs are concatenated.
    ///
    /// `prefix` is that of the names of the tensors, and `features` the number of values per frame of the input.
    pub fn stages(&self, prefix: &str, features: usize) -> Vec<Vec<RecurrentChain>> {
        let path = prefix.trim_end_matches('.');
        let layer = |number: usize, direction: &str, suffix: &str| {
            let name = |tensor: &str| format!("{prefix}{direction}{tensor}_l{number}{suffix}");
            RecurrentLayer {
                inputs: self.input_size(number, features),
                weight_ih: name("weight_ih"),
                weight_hh: name("weight_hh"),
                biases: self.bias.then(|| [name("bias_ih"), name("bias_hh")]),
            }
        };
        let whole = |direction: &str, backward: bool| RecurrentChain {
            name: format!("{path}.{direction}layers"),
            backward,
            layers: (0..self.num_layers).map(|number| layer(number, direction, "")).collect(),
        };
        match self.directions {
            Directions::Unidirectional => vec![vec![whole("", false)]],
            Directions::Independent => vec![vec![whole("forward.", false), whole("backward.", true)]],
            Directions::Shared => vec![vec![whole("forward.", false), whole("forward.", true)]],
            Directions::Interleaved => (0..self.num_layers)
                .map(|number| {
                    ["", "_reverse"].map(|suffix| RecurrentChain {
                        name: format!("{path}_l{number}{suffix}"),
                        backward: !suffix.is_empty(),
                        layers: vec![layer(number, "", suffix)],
                    })
                })
                .map(Vec::from)
                .collect(),
        }
    }
}
