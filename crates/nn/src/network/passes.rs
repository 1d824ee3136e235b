//! The passes through a network: forward, and backward beside it.

use super::plan::{Operation, Place};
use super::{Network, NetworkBackward, sized};
use crate::layer::{Backward, Mode, Pass, Shape};
use crate::objective::Objective;

impl Network {
    /// Computes the scores of a batch, with the parameters of the last [`Network::prepare`].
    ///
    /// # Shapes
    /// input packed [N, F] -> scores as the objective says: a row for each sequence in the caller's order, or
    /// one for each packed frame
    ///
    /// # Panics
    /// If a buffer's length does not fit, nothing was prepared, a sequence is longer than [`Network::longest`], or frames
    /// are to be decided and the layers change their number.
    pub fn forward(&mut self, parameters: &[f32], input: &[f32], pass: Pass<'_>) -> &mut [f32] {
        for stage in 0..=self.stops.len() {
            self.forward_stage(stage, parameters, input, pass);
        }
        self.scores(pass)
    }

    /// Runs a stage of a forward pass: stage s ends with the sums of stop s, and the last with the scores.
    ///
    /// # Panics
    /// As [`Network::forward`].
    pub fn forward_stage(&mut self, stage: usize, parameters: &[f32], input: &[f32], pass: Pass<'_>) {
        assert!(self.prepared, "a forward pass before parameters were taken in");
        assert_eq!(parameters.len(), self.values(), "parameters");
        assert_eq!(input.len(), self.input.len(pass.sequences), "input of {}", self.input);
        if stage == 0 {
            self.lengths.set(&self.nodes, pass.sequences);
            let of_frames = !matches!(self.objective, Objective::Classes);
            assert!(
                !of_frames || self.lengths.keep_lengths(),
                "a decision for frames that the layers have not left"
            );
        }
        let first = if stage == 0 { 0 } else { self.stops[stage - 1] };
        let stop = self.stops.get(stage).copied();
        let Network { nodes, activations, lengths, input: shape, .. } = self;
        for at in first..=stop.unwrap_or(nodes.len().saturating_sub(1)) {
            let (before, rest) = activations.split_at_mut(at);
            let (nodes, node) = nodes.split_at_mut(at);
            let Some(node) = node.first_mut() else { return };
            let read = |place: Place| match place.0 {
                None => &input[..shape.len(pass.sequences)],
                Some(at) => {
                    &before[at][..nodes[at].operation.output_shape().len(lengths.at(place, pass.sequences))]
                }
            };
            let behind = lengths.at(Place(Some(at)), pass.sequences);
            let output = sized(&mut rest[0], node.operation.output_shape(), behind);
            match &mut node.operation {
                Operation::Join(join) => {
                    for (term, &place) in node.from.iter().enumerate() {
                        join.add(term, read(place), output, behind);
                    }
                    join.rectify(output);
                }
                Operation::Layer(layer) => {
                    let from = node.from[0];
                    let pass = Pass { sequences: lengths.at(from, pass.sequences), ..pass };
                    match pass.mode {
                        Mode::Training(_) if stop == Some(at) => {
                            layer.begin_forward(parameters, read(from), pass);
                        }
                        // Without training no sums are needed; the next stage begins with this layer.
                        _ if stop == Some(at) => {}
                        _ => layer.forward(parameters, read(from), output, pass),
                    }
                }
            }
        }
    }

    /// The scores of the forward pass that came last, which had this `pass`.
    pub fn scores(&mut self, pass: Pass<'_>) -> &mut [f32] {
        let last = Place(self.nodes.len().checked_sub(1));
        let scores = self.output_shape().len(self.lengths.at(last, pass.sequences));
        self.activations.last_mut().map_or(&mut [], |output| &mut output[..scores])
    }

    /// Adds the gradient of the loss by all parameters to `gradients`.
    ///
    /// `d_output` is the gradient by the scores of the forward pass that came last, on the same
    /// parameters, input and pass. With `d_input` [N, F] the gradient by the input is written too.
    ///
    /// # Panics
    /// If a buffer's length does not fit.
    pub fn backward(&mut self, mut call: NetworkBackward<'_>, pass: Pass<'_>) {
        for stage in 0..=self.stops.len() {
            self.backward_stage(stage, call.reborrow(), pass);
        }
    }

    /// Runs a stage of a backward pass: stage s ends with the sums of the stop that is number s from the end,
    /// and the last with the gradients.
    ///
    /// # Panics
    /// As [`Network::backward`].
    pub fn backward_stage(&mut self, stage: usize, call: NetworkBackward<'_>, pass: Pass<'_>) {
        let NetworkBackward { parameters, gradients, input, d_output, mut d_input } = call;
        let count = self.stops.len();
        if stage == 0 {
            self.begin_backward(d_output, d_input.as_deref_mut());
        }
        let first = if stage == 0 { self.nodes.len() } else { self.stops[count - stage] + 1 };
        let stop = (stage < count).then(|| self.stops[count - stage - 1]);
        for at in (stop.unwrap_or(0)..first).rev() {
            let Some(mut gradient) = self.node_gradients.take(at) else { continue };
            let behind = self.lengths.at(Place(Some(at)), pass.sequences);
            let output = self.nodes[at].operation.output_shape().len(behind);
            let d_output = &mut gradient[..output];
            if let Operation::Join(_) = self.nodes[at].operation {
                self.part(at, d_output, d_input.as_deref_mut(), pass);
                self.node_gradients.release(gradient);
                continue;
            }
            let from = self.nodes[at].from[0];
            let sequences = self.lengths.at(from, pass.sequences);
            let len = self.shape_at(from).len(sequences);
            let ends_here = stop == Some(at);
            let mut d_layer_input = match from.0 {
                _ if ends_here => None,
                None => d_input.is_some().then(|| self.node_gradients.buffer(len)),
                Some(below) => {
                    self.is_needed(below, d_input.is_some()).then(|| self.node_gradients.buffer(len))
                }
            };
            let Operation::Layer(layer) = &mut self.nodes[at].operation else { continue };
            let buffers = Backward {
                parameters,
                gradients,
                input: from.0.map_or(input, |below| &self.activations[below][..len]),
                output: &self.activations[at][..output],
                d_output,
                d_input: d_layer_input.as_mut().map(|buffer| &mut buffer[..len]),
            };
            let pass = Pass { sequences, ..pass };
            if ends_here {
                layer.begin_backward(buffers, pass);
                self.node_gradients.put(at, gradient, output);
                continue;
            }
            layer.backward(buffers, pass);
            self.node_gradients.release(gradient);
            match (d_layer_input, from.0) {
                (Some(part), Some(below)) => self.node_gradients.put(below, part, len),
                (Some(part), None) => {
                    let sums = d_input.as_deref_mut().into_iter().flatten();
                    sums.zip(&part).for_each(|(sum, part)| *sum += part);
                    self.node_gradients.release(part);
                }
                (None, _) => {}
            }
        }
    }

    /// Holds the gradient by the scores and nothing else.
    fn begin_backward(&mut self, d_output: &[f32], d_input: Option<&mut [f32]>) {
        self.node_gradients.clear(self.nodes.len());
        if let Some(d_input) = d_input {
            d_input.fill(0.0);
        }
        if let Some(last) = self.nodes.len().checked_sub(1) {
            let mut gradient = self.node_gradients.buffer(d_output.len());
            gradient[..d_output.len()].copy_from_slice(d_output);
            self.node_gradients.put(last, gradient, d_output.len());
        }
    }

    /// Whether the gradient by a node's output is needed: below the lowest layers with parameters it is only if
    /// that by the network's input is asked for.
    fn is_needed(&self, node: usize, input_too: bool) -> bool {
        input_too || self.learns[node]
    }

    /// Gives each term of a join its gradient.
    fn part(&mut self, at: usize, d_sum: &mut [f32], mut d_input: Option<&mut [f32]>, pass: Pass<'_>) {
        let sequences = self.lengths.at(Place(Some(at)), pass.sequences);
        let Operation::Join(join) = &self.nodes[at].operation else { return };
        join.unrectify(&self.activations[at][..d_sum.len()], d_sum);
        for (term, &place) in self.nodes[at].from.iter().enumerate() {
            let len = self.shape_at(place).len(sequences);
            match place.0 {
                None => {
                    if let Some(d_input) = d_input.as_deref_mut() {
                        join.add_gradient(term, d_sum, d_input, sequences);
                    }
                }
                Some(below) if self.is_needed(below, d_input.is_some()) => {
                    let mut d_term = self.node_gradients.buffer(len);
                    d_term[..len].fill(0.0);
                    join.add_gradient(term, d_sum, &mut d_term[..len], sequences);
                    self.node_gradients.put(below, d_term, len);
                }
                Some(_) => {}
            }
        }
    }

    fn shape_at(&self, place: Place) -> Shape {
        place.0.map_or(self.input, |at| self.nodes[at].operation.output_shape())
    }
}
