//! A network that reads a stream frame by frame.

use super::plan::{Operation, Place};
use super::{Network, sized};
use crate::layer::{Mode, Pass, Step};

/// What a network remembers of one stream. Streams are independent of each other; any number of them go through
/// one [`Network`].
#[derive(Clone, Debug)]
pub struct NetworkStream {
    /// Of each node.
    memories: Vec<Vec<f32>>,
    /// Of each node: whether it has an output for the frame at hand.
    is_due: Vec<bool>,
}

/// Why a network cannot read a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{layer} needs frames that have not come yet: a stream has no end to look back from")]
pub struct NotCausal {
    /// The layer that looks ahead, in words.
    pub layer: String,
}

impl Network {
    /// Begins a stream.
    ///
    /// # Errors
    /// [`NotCausal`] names the first layer that needs later frames, such as a bidirectional stack, a convolution
    /// with zeros behind the last frame, or attention.
    pub fn stream(&self) -> Result<NetworkStream, NotCausal> {
        let memory = |operation: &Operation| match operation {
            Operation::Join(_) => Ok(Vec::new()),
            Operation::Layer(layer) => layer.stream().ok_or_else(|| NotCausal { layer: layer.describe() }),
        };
        let memories: Vec<Vec<f32>> =
            self.nodes.iter().map(|node| memory(&node.operation)).collect::<Result<_, _>>()?;
        Ok(NetworkStream { is_due: vec![false; memories.len()], memories })
    }

    /// Takes a stream one frame on, with the parameters of the last [`Network::prepare`]: the scores of this
    /// frame, or of the sequence if it ended here. There are none for frames that a stride passes over.
    ///
    /// # Shapes
    /// frame \[F\] -> a row of scores
    ///
    /// # Panics
    /// If a buffer's length does not fit, nothing was prepared, or the stream is another model's.
    pub fn step(&mut self, stream: &mut NetworkStream, parameters: &[f32], frame: &[f32]) -> Option<&[f32]> {
        assert!(self.prepared, "a step before parameters were taken in");
        assert_eq!(stream.memories.len(), self.nodes.len(), "a stream of another model");
        let pass = Pass { sequences: &self.one, mode: Mode::Inference };
        for at in 0..self.nodes.len() {
            let (nodes, node) = self.nodes.split_at_mut(at);
            let (before, rest) = self.activations.split_at_mut(at);
            let width = |at: usize| nodes[at].operation.output_shape().column().features();
            let read = |place: Place| place.0.map_or(frame, |at| &before[at][..width(at)]);
            let has = |place: &Place| place.0.is_none_or(|at| stream.is_due[at]);
            let due = node[0].from.iter().all(has);
            stream.is_due[at] = due;
            if !due {
                continue;
            }
            let output = sized(&mut rest[0], node[0].operation.output_shape().column(), &self.one);
            let from = &node[0].from;
            match &mut node[0].operation {
                Operation::Join(join) => {
                    for (term, &place) in from.iter().enumerate() {
                        join.add(term, read(place), output, &self.one);
                    }
                    join.rectify(output);
                }
                Operation::Layer(layer) => {
                    let (memory, frame) = (&mut stream.memories[at][..], read(from[0]));
                    stream.is_due[at] = layer.step(Step { parameters, memory, frame, output }, pass);
                }
            }
        }
        let last = self.nodes.len().checked_sub(1)?;
        let width = self.output_shape().column().features();
        stream.is_due[last].then(|| &self.activations[last][..width])
    }
}
