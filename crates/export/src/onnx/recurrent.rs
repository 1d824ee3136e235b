//! Recurrent layers as the operators RNN, GRU and LSTM.
//!
//! ONNX orders the gates differently from PyTorch: LSTM i, o, f, c instead of i, f, g, o; GRU z, r, h instead of r, z, n.

use stapes_nn::graph::GraphTensors;
use stapes_nn::layer::Shape;
use stapes_nn::recurrent::{CellKind, Directions, RecurrentConfig};

use super::builder::{Attribute, Builder, Kind, Value};
use super::signal::{Signal, States};
use crate::error::ExportError;

/// Order of the gates of ONNX, as places in the weights of the model file.
fn gates(cell: CellKind) -> &'static [usize] {
    match cell {
        CellKind::Lstm => &[0, 3, 1, 2],
        CellKind::Gru | CellKind::GruResetBefore => &[1, 0, 2],
        _ => &[0],
    }
}

/// Names of the weights of one direction of a layer.
struct Weights {
    prefix: String,
    suffix: String,
    /// Reads the frames backwards.
    backward: bool,
}

/// Weights of one direction of a layer, with the gates in the order of ONNX, one after the other.
fn reordered(tensors: &GraphTensors<'_>, config: &RecurrentConfig, name: &str) -> Vec<f32> {
    let values = tensors.values(name);
    let each = values.len() / gates(config.cell).len();
    gates(config.cell).iter().flat_map(|gate| &values[gate * each..(gate + 1) * each]).copied().collect()
}

/// Adds one layer of one or two directions that read the same frames; returns its frames and, on a stream, uses a state.
struct Layer<'a> {
    config: &'a RecurrentConfig,
    directions: &'a [Weights],
    name: String,
}

impl Layer<'_> {
    fn write(
        &self,
        builder: &mut Builder,
        tensors: &GraphTensors<'_>,
        input: &Signal,
        states: Option<&mut States>,
    ) -> Signal {
        let (config, hidden) = (self.config, self.config.hidden_size);
        let rows = gates(config.cell).len() * hidden;
        let count = self.directions.len();
        let all = |part: &str| -> Vec<f32> {
            let name = |weights: &Weights| format!("{}{part}{}", weights.prefix, weights.suffix);
            self.directions.iter().flat_map(|weights| reordered(tensors, config, &name(weights))).collect()
        };
        let constant = |builder: &mut Builder, part: &str, columns: usize| {
            builder.floats(&format!("{}.{part}", self.name), &[count, rows, columns], all(part))
        };
        let w = constant(builder, "weight_ih", input.shape.features());
        let r = constant(builder, "weight_hh", hidden);
        let bias = config.bias.then(|| {
            let (b, c) = (all("bias_ih"), all("bias_hh"));
            let both: Vec<f32> =
                b.chunks_exact(rows).zip(c.chunks_exact(rows)).flat_map(|(b, c)| [b, c].concat()).collect();
            builder.floats(&format!("{}.bias", self.name), &[count, 2 * rows], both)
        });
        let x = builder.transpose(&input.value, &[1, 0, 2]);
        let lengths = input.lengths.as_ref().map(|lengths| builder.cast(lengths, Kind::I32));
        let mut inputs = vec![x, w, r, bias.unwrap_or_default(), lengths.unwrap_or_default()];
        let shape = input.shape.with_features(count * hidden);
        let Some(states) = states else {
            let y = self.operator(builder, &inputs, &[true]).swap_remove(0);
            // [T, D, B, H] -> [B, T, D H]
            let y = builder.transpose(&y, &[2, 0, 1, 3]);
            let value = builder.reshape(&y, &[0, 0, (count * hidden) as i64]);
            return Signal { value, shape, masked: true, ..input.clone() };
        };
        let names: &[&str] = if config.cell == CellKind::Lstm { &["h", "c"] } else { &["h"] };
        for name in names {
            let state = states.input(builder, &format!("{}.{name}", self.name), &[hidden]);
            inputs.push(builder.unsqueeze(&state, &[0]));
        }
        let outputs: Vec<bool> = std::iter::once(false).chain(names.iter().map(|_| true)).collect();
        let outputs = self.operator(builder, &inputs, &outputs);
        let next: Vec<Value> = outputs[1..].iter().map(|state| builder.squeeze(state, &[0])).collect();
        next.iter().for_each(|next| states.set(builder, next.clone(), input.has_output.as_ref()));
        let value = builder.unsqueeze(&next[0], &[1]);
        Signal { value, shape, ..input.clone() }
    }

    fn operator(&self, builder: &mut Builder, inputs: &[Value], outputs: &[bool]) -> Vec<Value> {
        let directions: Vec<bool> = self.directions.iter().map(|weights| weights.backward).collect();
        let direction = match directions[..] {
            [false] => "forward",
            [true] => "reverse",
            _ => "bidirectional",
        };
        let mut attributes = vec![
            ("hidden_size", Attribute::Int(self.config.hidden_size as i64)),
            ("direction", Attribute::Text(direction)),
        ];
        let operator = match self.config.cell {
            CellKind::Lstm => "LSTM",
            CellKind::Gru | CellKind::GruResetBefore => {
                let before = self.config.cell == CellKind::Gru;
                attributes.push(("linear_before_reset", Attribute::Int(before.into())));
                "GRU"
            }
            cell => {
                let activation = if cell == CellKind::RnnRelu { "Relu" } else { "Tanh" };
                attributes.push(("activations", Attribute::Texts(vec![activation; directions.len()])));
                "RNN"
            }
        };
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        builder.nodes(operator, &inputs, &attributes, outputs)
    }
}

/// Adds all layers.
pub(super) fn write(
    builder: &mut Builder,
    tensors: &GraphTensors<'_>,
    (config, prefix): (&RecurrentConfig, &str),
    input: &Signal,
    mut states: Option<&mut States>,
) -> Result<Signal, ExportError> {
    let weights = |stack: &str, layer: usize, reverse: bool, backward: bool| Weights {
        prefix: format!("{prefix}{stack}"),
        suffix: format!("_l{layer}{}", if reverse { "_reverse" } else { "" }),
        backward,
    };
    let mut stack =
        |builder: &mut Builder, input: Signal, label: &str, of: &dyn Fn(usize) -> Vec<Weights>| {
            (0..config.num_layers).fold(input, |input, layer| {
                let name = format!("{prefix}{label}l{layer}");
                Layer { config, directions: &of(layer), name }.write(
                    builder,
                    tensors,
                    &input,
                    states.as_deref_mut(),
                )
            })
        };
    let one = |name: &'static str, backward: bool| move |layer| vec![weights(name, layer, false, backward)];
    let input = input.clone();
    match config.directions {
        Directions::Unidirectional => Ok(stack(builder, input, "", &one("", false))),
        Directions::Interleaved => Ok(stack(builder, input, "", &|layer| {
            vec![weights("", layer, false, false), weights("", layer, true, true)]
        })),
        Directions::Independent | Directions::Shared => {
            let back = if config.directions == Directions::Shared { "forward." } else { "backward." };
            let ahead = stack(builder, input.clone(), "ahead.", &one("forward.", false));
            let back = stack(builder, input, "back.", &one(back, true));
            let value = builder.concat(&[&ahead.value, &back.value], 2);
            let shape = Shape::Sequence {
                features: 2 * config.hidden_size,
                frames: match ahead.shape {
                    Shape::Sequence { frames, .. } => frames,
                    _ => None,
                },
            };
            Ok(Signal { value, shape, ..ahead })
        }
        other => Err(ExportError::unknown("ONNX", &format!("{other:?}"))),
    }
}
