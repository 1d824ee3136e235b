//! A network of integers.

mod attention;
mod operations;
mod products;
mod recurrent;

use stapes_nn::graph::{Graph, GraphNode};
use stapes_nn::layer::Shape;
use stapes_nn::objective::Objective;

pub use self::attention::QuantizedAttention;
pub use self::products::Products;
pub use self::recurrent::QuantizedLayer;
use crate::fixed_point::{Functions, Rescale, quantize};
use crate::value::Value;

/// Network with int8 weights, int16 values and int16 states.
///
/// The real number of a value is the integer times the scale of its node. C code that is exported from it computes the same integers.
#[derive(Clone, Debug)]
pub struct QuantizedNetwork {
    /// Operations, and the shapes of their outputs.
    pub graph: Graph,
    /// Scale of the input, the normalized frames.
    pub input_scale: f64,
    /// Integers of each node of the graph.
    pub nodes: Vec<QuantizedNode>,
    pub(crate) functions: Functions,
}

/// Integers of a node.
#[derive(Clone, Debug)]
pub struct QuantizedNode {
    /// Numbers of the operation.
    pub numbers: Numbers,
    /// Scale of the output.
    pub scale: f64,
}

/// Numbers of an operation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Numbers {
    /// The output has the scale of the input.
    None,
    /// Weights of a linear layer or a convolution.
    Products(Products),
    /// Layers of [`RecurrentConfig::stages`](stapes_nn::recurrent::RecurrentConfig::stages): stages, chains, layers.
    Recurrent(Vec<Vec<Vec<QuantizedLayer>>>),
    /// Scores of attention.
    Attention(QuantizedAttention),
    /// Batch normalization: factor and addend of each channel.
    Affine {
        /// Factors from the scale of the input to that of the output.
        factors: Rescale,
        /// Addends at the scale of the output.
        addends: Vec<i32>,
    },
    /// Factor from the input to the argument of the sigmoid, Q16.
    Swish(Rescale),
    /// Factors of the inputs of a sum, one after the other, to the scale of the output.
    Sum(Rescale),
}

impl QuantizedNetwork {
    /// Returns the input of the network for normalized frames.
    pub fn input(&self, frames: &[f32]) -> Vec<i16> {
        let inverse = self.inverse_input_scale();
        frames.iter().map(|&value| quantize(value, inverse)).collect()
    }

    /// Returns 1 / `input_scale`, by which frames are multiplied.
    pub fn inverse_input_scale(&self) -> f32 {
        (1.0 / self.input_scale) as f32
    }

    /// Returns the scale of the scores.
    pub fn score_scale(&self) -> f32 {
        self.nodes.last().map_or(self.input_scale, |node| node.scale) as f32
    }

    /// Returns the scores of one recording.
    ///
    /// # Shapes
    /// input [T, F]; scores \[K\], or [T, K] for a frame-level model
    pub fn scores(&self, input: &[i16]) -> Vec<i16> {
        self.scores_and_length(input).0
    }

    /// Returns the scores that a stream of frames has, one row after the other: of each frame, or for one decision per recording
    /// those of the frames so far.
    ///
    /// # Shapes
    /// input [T, F]; rows \[K\]
    pub fn stream_scores(&self, input: &[i16]) -> Vec<Vec<i16>> {
        let width = self.graph.nodes.last().map_or(1, |node| node.output.features());
        if self.graph.objective != Objective::Classes {
            return self.scores(input).chunks_exact(width).map(<[i16]>::to_vec).collect();
        }
        let (features, mut rows, mut length) = (self.graph.input.features(), Vec::new(), 0);
        for frames in 1..=input.len() / features {
            let (scores, steps) = self.scores_and_length(&input[..frames * features]);
            // Layers with a stride have no new value for some frames.
            if steps != length {
                rows.push(scores);
            }
            length = steps;
        }
        rows
    }

    /// Returns the scores, and the number of frames or columns of the last value that has some.
    fn scores_and_length(&self, input: &[i16]) -> (Vec<i16>, usize) {
        let mut values = vec![Value::new(input.to_vec(), self.graph.input)];
        for (node, quantized) in self.graph.nodes.iter().zip(&self.nodes) {
            let output = self.operation(node, &quantized.numbers, &inputs(node, &values));
            values.push(output);
        }
        let is_sequence = |value: &&Value<i16>| !matches!(value.shape, Shape::Vector { .. });
        let length = values.iter().rev().find(is_sequence).map_or(1, |value| value.length);
        (values.pop().map_or(Vec::new(), |scores| scores.data), length)
    }

    /// Returns the number of bytes of weights, biases and factors.
    pub fn bytes(&self) -> usize {
        self.nodes.iter().map(|node| node.numbers.bytes()).sum()
    }
}

fn inputs<'a>(node: &GraphNode, values: &'a [Value<i16>]) -> Vec<&'a Value<i16>> {
    node.inputs.iter().map(|input| &values[input.map_or(0, |at| at + 1)]).collect()
}

impl Numbers {
    fn bytes(&self) -> usize {
        match self {
            Numbers::None => 0,
            Numbers::Products(products) => products.bytes(),
            Numbers::Recurrent(stages) => stages.iter().flatten().flatten().map(QuantizedLayer::bytes).sum(),
            Numbers::Attention(attention) => attention.bytes(),
            Numbers::Affine { factors, addends } => 4 * (factors.multipliers.len() + addends.len()),
            Numbers::Swish(factors) | Numbers::Sum(factors) => 4 * factors.multipliers.len(),
        }
    }
}
