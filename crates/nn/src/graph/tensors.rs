//! Tensors of a network by name, and batch normalizations folded into scale and shift.

use std::collections::BTreeMap;

use stapes_kernels::convolution::ConvolutionShape;

use super::BATCH_NORM_EPSILON;
use crate::network::Network;
use crate::parameters::TensorSpec;

/// Tensors of a network by the names in its [`Graph`](super::Graph).
pub struct GraphTensors<'a> {
    parameters: &'a [f32],
    by_name: BTreeMap<&'a str, &'a TensorSpec>,
}

impl<'a> GraphTensors<'a> {
    /// Returns the tensors of a network, whose values are in `parameters`.
    pub fn new(network: &'a Network, parameters: &'a [f32]) -> GraphTensors<'a> {
        let by_name = network.tensors().iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        GraphTensors { parameters, by_name }
    }

    /// Returns the values of a tensor.
    ///
    /// # Panics
    /// If the network has no tensor of this name.
    pub fn values(&self, name: &str) -> &'a [f32] {
        self.by_name[name].slice(self.parameters)
    }

    /// Returns the sizes of the axes of a tensor.
    ///
    /// # Panics
    /// If the network has no tensor of this name.
    pub fn shape(&self, name: &str) -> &'a [usize] {
        &self.by_name[name].shape
    }

    /// Returns scale and shift of a batch normalization with its running statistics, y = scale x + shift, from the names of
    /// weight, bias, running mean and running variance.
    ///
    /// # Panics
    /// If the network has no tensor of one of these names.
    pub fn batch_norm(&self, names: &[String; 4]) -> [Vec<f32>; 2] {
        let [weight, bias, mean, variance] = [0, 1, 2, 3].map(|at| self.values(&names[at]));
        let scale = |at: usize| f64::from(weight[at]) / (f64::from(variance[at]) + BATCH_NORM_EPSILON).sqrt();
        let shift = |at: usize| f64::from(bias[at]) - f64::from(mean[at]) * scale(at);
        let all = 0..weight.len();
        [all.clone().map(|at| scale(at) as f32).collect(), all.map(|at| shift(at) as f32).collect()]
    }

    /// Returns weights [outputs, inputs / groups, kernel rows, kernel columns] and bias \[outputs\] of a convolution followed by its
    /// batch normalization.
    ///
    /// # Panics
    /// If the network has no tensor of one of these names.
    pub fn convolution(
        &self,
        shape: &ConvolutionShape,
        weight: &str,
        bias: Option<&str>,
        norm: Option<&[String; 4]>,
    ) -> [Vec<f32>; 2] {
        let weights = self.values(weight);
        let bias = bias.map(|bias| self.values(bias));
        let [scale, shift] = match norm {
            Some(names) => self.batch_norm(names),
            None => [vec![1.0; shape.outputs], vec![0.0; shape.outputs]],
        };
        let rows = weights.chunks_exact(weights.len() / shape.outputs);
        let weights = rows.zip(&scale).flat_map(|(row, scale)| row.iter().map(move |w| w * scale)).collect();
        let bias =
            (0..shape.outputs).map(|at| bias.map_or(0.0, |bias| bias[at]) * scale[at] + shift[at]).collect();
        [weights, bias]
    }
}
