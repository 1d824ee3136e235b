//! Layers of a network as operators of ONNX.

use stapes_nn::convolution::Activation;
use stapes_nn::graph::{Graph, GraphNode, GraphTensors, LOG_RELU_FLOOR, Operation};
use stapes_nn::layer::Shape;

use super::builder::{Attribute, Builder, Value};
use super::convolution;
use super::head;
use super::recurrent;
use super::signal::{Signal, States};
use crate::error::ExportError;

/// Returns x W^T + b.
pub(super) fn linear(
    builder: &mut Builder,
    tensors: &GraphTensors<'_>,
    weight: &str,
    bias: Option<&str>,
    x: &str,
) -> Value {
    let values = tensors.values(weight);
    let outputs = tensors.shape(weight)[0];
    let inputs = values.len() / outputs;
    let transposed = (0..values.len()).map(|at| values[at % outputs * inputs + at / outputs]);
    let w = builder.floats(weight, &[inputs, outputs], transposed);
    let product = builder.matmul(x, &w);
    match bias {
        None => product,
        Some(bias) => {
            let b = builder.tensor(tensors, bias, &[outputs]);
            builder.add(&product, &b)
        }
    }
}

/// Adds a batch normalization over the axis before `after` further axes.
pub(super) fn norm(
    builder: &mut Builder,
    tensors: &GraphTensors<'_>,
    names: &[String; 4],
    x: &str,
    after: usize,
) -> Value {
    let [scale, offset] = tensors.batch_norm(names);
    let axes: Vec<usize> = std::iter::once(scale.len()).chain(std::iter::repeat_n(1, after)).collect();
    let scale = builder.floats(&names[0], &axes, scale);
    let offset = builder.floats(&names[1], &axes, offset);
    let scaled = builder.mul(x, &scale);
    builder.add(&scaled, &offset)
}

/// Adds the network, and returns its scores; with `states` for one frame of a stream.
pub(super) fn write(
    builder: &mut Builder,
    tensors: &GraphTensors<'_>,
    graph: &Graph,
    input: Signal,
    mut states: Option<&mut States>,
) -> Result<Signal, ExportError> {
    let mut outputs: Vec<Signal> = Vec::new();
    for (number, node) in graph.nodes.iter().enumerate() {
        let inputs: Vec<Signal> =
            node.inputs.iter().map(|at| at.map_or(&input, |at| &outputs[at]).clone()).collect();
        let mut writer = Writer { builder, tensors, states: states.as_deref_mut(), number };
        let signal = writer.node(node, &inputs)?;
        outputs.push(signal);
    }
    Ok(outputs.pop().unwrap_or(input))
}

/// Writer of one node.
struct Writer<'a, 'b> {
    builder: &'a mut Builder,
    tensors: &'a GraphTensors<'b>,
    states: Option<&'a mut States>,
    number: usize,
}

impl Writer<'_, '_> {
    fn node(&mut self, node: &GraphNode, inputs: &[Signal]) -> Result<Signal, ExportError> {
        let (input, shape) = (&inputs[0], node.output);
        let builder = &mut *self.builder;
        let x = &input.value;
        Ok(match &node.operation {
            Operation::Identity => input.clone(),
            Operation::Linear { weight, bias } => {
                let flat = matches!(input.shape, Shape::Image { .. }).then(|| builder.reshape(x, &[0, -1]));
                let x = flat.as_ref().unwrap_or(x);
                input.map(linear(builder, self.tensors, weight, bias.as_deref(), x), shape)
            }
            Operation::Recurrent { config, prefix } => {
                recurrent::write(builder, self.tensors, (config, prefix), input, self.states.as_deref_mut())?
            }
            Operation::Pool { kind, num_directions } => match self.states.as_deref_mut() {
                None => head::pool(builder, *kind, *num_directions, input),
                Some(states) => {
                    let name = format!("pool{}", self.number);
                    head::pool_stream(builder, states, (*kind, &name), input)
                }
            },
            Operation::Attention { query, weight, bias } => {
                head::attention(builder, self.tensors, (*query, weight, bias), input)
            }
            Operation::Concatenate => input.vector(builder.reshape(x, &[0, -1]), shape),
            Operation::FramesAsRows => {
                let turned = builder.transpose(x, &[0, 2, 1]);
                Signal { masked: input.masked, ..input.map(builder.unsqueeze(&turned, &[1]), shape) }
            }
            Operation::FramesAsChannels => {
                let turned = builder.transpose(x, &[0, 2, 1]);
                Signal { masked: input.masked, ..input.map(builder.unsqueeze(&turned, &[2]), shape) }
            }
            Operation::FramesAsOneRow => self.one_row(input, shape),
            Operation::ImageAsFrames => {
                let turned = builder.transpose(x, &[0, 3, 1, 2]);
                let value = builder.reshape(&turned, &[0, 0, shape.features() as i64]);
                Signal { masked: input.masked, ..input.map(value, shape) }
            }
            Operation::Convolution { .. } => convolution::write(
                builder,
                self.tensors,
                (&node.operation, self.number),
                (input, shape),
                self.states.as_deref_mut(),
            ),
            Operation::FrameConvolution { .. } => self.frame_convolution(&node.operation, input, shape),
            Operation::NormActivation { norm, bands, relu } => {
                let normalized = norm.as_ref().map(|names| self.norm(names, *bands, input));
                let x = normalized.unwrap_or_else(|| x.clone());
                input.map(if *relu { self.builder.unary("Relu", &x) } else { x }, shape)
            }
            Operation::Swish => {
                let gate = builder.unary("Sigmoid", x);
                input.map(builder.mul(x, &gate), shape)
            }
            Operation::MeanOverRows => input.map(builder.reduce("ReduceMean", x, &[2], true), shape),
            Operation::GlobalMean => self.global_mean(input, shape),
            Operation::Sum { relu } => {
                let mut sum = x.clone();
                for other in &inputs[1..] {
                    sum = builder.add(&sum, &other.value);
                }
                input.map(if *relu { builder.unary("Relu", &sum) } else { sum }, shape)
            }
            other => return Err(ExportError::unknown("ONNX", &format!("{other:?}"))),
        })
    }

    /// Frames [B, T, F] as images [B, 1, 1, T F].
    fn one_row(&mut self, input: &Signal, shape: Shape) -> Signal {
        let builder = &mut *self.builder;
        let row = builder.reshape(&input.value, &[0, 1, 1, -1]);
        let features = builder.int(input.shape.features());
        let lengths = input.lengths.as_ref().map(|lengths| builder.mul(lengths, &features));
        Signal { lengths, masked: input.masked, ..input.map(row, shape) }
    }

    fn norm(&mut self, names: &[String; 4], bands: usize, input: &Signal) -> Value {
        let Shape::Image { height, .. } = input.shape else {
            return norm(self.builder, self.tensors, names, &input.value, 0);
        };
        if bands == 1 {
            return norm(self.builder, self.tensors, names, &input.value, 2);
        }
        // [B, C, H, T] -> [B, C bands, H / bands, T]
        let channels = self.tensors.values(&names[0]).len() as i64;
        let rows = (height / bands) as i64;
        let banded = self.builder.reshape(&input.value, &[0, channels, rows, -1]);
        let normalized = norm(self.builder, self.tensors, names, &banded, 2);
        self.builder.reshape(&normalized, &[0, channels / bands as i64, height as i64, -1])
    }

    fn frame_convolution(&mut self, operation: &Operation, input: &Signal, shape: Shape) -> Signal {
        let Operation::FrameConvolution { filters, window, pool, activation, weight, bias } = operation
        else {
            return input.clone();
        };
        let builder = &mut *self.builder;
        let features = input.shape.features();
        let rows = builder.reshape(&input.value, &[-1, 1, features as i64]);
        let w = builder.tensor(self.tensors, weight, &[*filters, 1, *window]);
        let b = builder.tensor(self.tensors, bias, &[*filters]);
        let filtered = builder.node("Conv", &[&rows, &w, &b], &[]);
        let width = vec![pool.unwrap_or(features + 1 - window) as i64];
        let attributes =
            [("kernel_shape", Attribute::Ints(width.clone())), ("strides", Attribute::Ints(width))];
        let pooled = builder.node("MaxPool", &[&filtered], &attributes);
        let pooled = builder.unary("Relu", &pooled);
        let activated = match activation {
            Activation::Relu => pooled,
            Activation::LogRelu => {
                let floor = builder.float(LOG_RELU_FLOOR.into());
                let above = builder.add(&pooled, &floor);
                builder.unary("Log", &above)
            }
        };
        // [B T, C, P] -> [B, T, C P], with B of the input.
        let frames = builder.size(&input.value, 1);
        let frames = builder.unsqueeze(&frames, &[0]);
        let (any, width) = (builder.list(&[-1]), builder.list(&[shape.features() as i64]));
        let axes = builder.concat(&[&any, &frames, &width], 0);
        let value = builder.binary("Reshape", &activated, &axes);
        input.map(value, shape)
    }

    /// Mean over all positions of each channel, [B, C].
    fn global_mean(&mut self, input: &Signal, shape: Shape) -> Signal {
        let builder = &mut *self.builder;
        let zeros = input.zeros_after(builder);
        let rows = builder.reduce("ReduceMean", &zeros, &[2], false);
        let value = match input.float_lengths(builder) {
            Some(lengths) => {
                let sum = builder.reduce("ReduceSum", &rows, &[2], false);
                builder.div(&sum, &lengths)
            }
            None => builder.reduce("ReduceMean", &rows, &[2], false),
        };
        input.vector(value, shape)
    }
}
