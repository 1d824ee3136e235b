//! Frame-by-frame inference on streams.

use super::plan::{Operation, Outlet};
use super::{Network, sized};
use crate::layer::{Mode, Pass, Step};

/// State of a network on one stream. Streams are independent; one network can run any number of them.
#[derive(Clone, Debug)]
pub struct NetworkStream {
    /// State of each node.
    states: Vec<Vec<f32>>,
    /// For each node: true if it has an output for the current frame.
    has_output: Vec<bool>,
}

/// Error of a network that needs future frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{layer} needs future frames, which a stream does not have; use a causal model")]
pub struct NotCausal {
    /// Description of the layer.
    pub layer: String,
}

impl Network {
    /// Starts a stream.
    ///
    /// # Errors
    /// [`NotCausal`] names the first layer that needs future frames, such as a bidirectional stack, a
    /// convolution with padding after the last frame, or attention.
    pub fn stream(&self) -> Result<NetworkStream, NotCausal> {
        let state = |operation: &Operation| match operation {
            Operation::Residual(_) => Ok(Vec::new()),
            Operation::Layer(layer) => {
                layer.initial_state().ok_or_else(|| NotCausal { layer: layer.describe() })
            }
        };
        let states: Vec<Vec<f32>> =
            self.nodes.iter().map(|node| state(&node.operation)).collect::<Result<_, _>>()?;
        Ok(NetworkStream { has_output: vec![false; states.len()], states })
    }

    /// Processes a frame for [`LoadedNetwork::step`](super::LoadedNetwork::step).
    pub(super) fn step(
        &mut self,
        stream: &mut NetworkStream,
        parameters: &[f32],
        frame: &[f32],
    ) -> Option<&[f32]> {
        assert_eq!(stream.states.len(), self.nodes.len(), "a stream of another model");
        let pass = Pass { sequences: &self.single_frame, mode: Mode::Inference };
        for at in 0..self.nodes.len() {
            let (nodes, node) = self.nodes.split_at_mut(at);
            let (before, rest) = self.activations.split_at_mut(at);
            let width = |at: usize| nodes[at].operation.output_shape().column().features();
            let read = |outlet: Outlet| outlet.0.map_or(frame, |at| &before[at][..width(at)]);
            let has_output = |outlet: &Outlet| outlet.0.is_none_or(|at| stream.has_output[at]);
            let has_input = node[0].from.iter().all(has_output);
            stream.has_output[at] = has_input;
            if !has_input {
                continue;
            }
            let output = sized(&mut rest[0], node[0].operation.output_shape().column(), &self.single_frame);
            let from = &node[0].from;
            match &mut node[0].operation {
                Operation::Residual(residual) => {
                    residual.forward(&|term| read(from[term]), output, &self.single_frame);
                }
                Operation::Layer(layer) => {
                    let (state, frame) = (&mut stream.states[at][..], read(from[0]));
                    stream.has_output[at] = layer.step(Step { parameters, state, frame, output }, pass);
                }
            }
        }
        let last = self.nodes.len().checked_sub(1)?;
        let width = self.output_shape().column().features();
        stream.has_output[last].then(|| &self.activations[last][..width])
    }
}
