//! Reference of the operations in floating point, one recording at a time. It measures the ranges of the values, from which the
//! scales of the integers follow.

mod operations;
mod recurrent;

use stapes_nn::graph::{Graph, GraphTensors};

pub(crate) use self::operations::{broadcast, channels};
use crate::value::Value;

/// Largest magnitudes of the values of a network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    /// Magnitude of the input.
    pub(crate) input: f32,
    /// Magnitudes of each node.
    pub(crate) nodes: Vec<NodeRange>,
}

/// Largest magnitudes of the values of a node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NodeRange {
    /// Magnitude of the output; for a convolution before its pooling, for a sum also of the terms.
    pub(crate) output: f32,
    /// Magnitude of the states of an LSTM or of an RNN with ReLU, or of the query of attention.
    pub(crate) inner: f32,
}

/// Extends a bound to the magnitudes of values.
fn extend(bound: &mut f32, values: &[f32]) {
    *bound = values.iter().fold(*bound, |largest, value| largest.max(value.abs()));
}

/// A network in floating point.
pub(crate) struct FloatNetwork<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) tensors: &'a GraphTensors<'a>,
}

impl FloatNetwork<'_> {
    /// Returns the scores for normalized frames [T, F], and extends the ranges to the values on the way.
    pub(crate) fn scores(&self, frames: &[f32], ranges: &mut Ranges) -> Vec<f32> {
        extend(&mut ranges.input, frames);
        ranges.nodes.resize(self.graph.nodes.len(), NodeRange::default());
        // The input, then the output of each node.
        let mut values = vec![Value::new(frames.to_vec(), self.graph.input)];
        for (node, range) in self.graph.nodes.iter().zip(&mut ranges.nodes) {
            let inputs: Vec<&Value<f32>> =
                node.inputs.iter().map(|input| &values[input.map_or(0, |at| at + 1)]).collect();
            let output = self.operation(node, &inputs, range);
            values.push(output);
        }
        values.pop().map_or(Vec::new(), |scores| scores.data)
    }
}
