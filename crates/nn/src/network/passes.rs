//! Forward and backward passes of a network.

use super::plan::{Operation, Outlet};
use super::{Network, NetworkBackward, sized};
use crate::layer::{Backward, Mode, Pass, Shape};
use crate::objective::Objective;

impl Network {
    /// Runs one stage of [`LoadedNetwork::forward`](super::LoadedNetwork::forward).
    pub(super) fn forward_stage(&mut self, stage: usize, parameters: &[f32], input: &[f32], pass: Pass<'_>) {
        assert_eq!(input.len(), self.input.len(pass.sequences), "input of {}", self.input);
        if stage == 0 {
            self.lengths.set(&self.nodes, pass.sequences);
            let per_frame = !matches!(self.objective, Objective::Classes);
            assert!(
                !per_frame || self.lengths.are_unchanged(),
                "an objective per frame with layers that change the number of frames"
            );
        }
        let first = if stage == 0 { 0 } else { self.sync_points[stage - 1] };
        let sync_point = self.sync_points.get(stage).copied();
        let Network { nodes, activations, lengths, input: shape, .. } = self;
        for at in first..=sync_point.unwrap_or(nodes.len().saturating_sub(1)) {
            let (before, rest) = activations.split_at_mut(at);
            let (nodes, node) = nodes.split_at_mut(at);
            let Some(node) = node.first_mut() else { return };
            let read = |outlet: Outlet| match outlet.0 {
                None => &input[..shape.len(pass.sequences)],
                Some(at) => {
                    &before[at][..nodes[at].operation.output_shape().len(lengths.at(outlet, pass.sequences))]
                }
            };
            let output_lengths = lengths.at(Outlet(Some(at)), pass.sequences);
            let output = sized(&mut rest[0], node.operation.output_shape(), output_lengths);
            match &mut node.operation {
                Operation::Residual(residual) => {
                    residual.forward(&|term| read(node.from[term]), output, output_lengths);
                }
                Operation::Layer(layer) => {
                    let from = node.from[0];
                    let pass = Pass { sequences: lengths.at(from, pass.sequences), ..pass };
                    match pass.mode {
                        Mode::Training(_) if sync_point == Some(at) => {
                            layer.begin_forward(parameters, read(from), pass);
                        }
                        // Inference needs no batch statistics; the next stage starts with this layer.
                        _ if sync_point == Some(at) => {}
                        _ => layer.forward(parameters, read(from), output, pass),
                    }
                }
            }
        }
    }

    /// Scores of the most recent forward pass, which had this `pass`.
    pub(super) fn scores(&mut self, pass: Pass<'_>) -> &mut [f32] {
        let last = Outlet(self.nodes.len().checked_sub(1));
        let scores = self.output_shape().len(self.lengths.at(last, pass.sequences));
        self.activations.last_mut().map_or(&mut [], |output| &mut output[..scores])
    }

    /// Runs one stage of [`LoadedNetwork::backward`](super::LoadedNetwork::backward).
    pub(super) fn backward_stage(
        &mut self,
        stage: usize,
        parameters: &[f32],
        call: NetworkBackward<'_>,
        pass: Pass<'_>,
    ) {
        let NetworkBackward { gradients, input, d_output, mut d_input } = call;
        let count = self.sync_points.len();
        if stage == 0 {
            self.begin_backward(d_output, d_input.as_deref_mut());
        }
        let first = if stage == 0 { self.nodes.len() } else { self.sync_points[count - stage] + 1 };
        let sync_point = (stage < count).then(|| self.sync_points[count - stage - 1]);
        for at in (sync_point.unwrap_or(0)..first).rev() {
            let Some(mut gradient) = self.node_gradients.take(at) else { continue };
            let lengths = self.lengths.at(Outlet(Some(at)), pass.sequences);
            let output = self.nodes[at].operation.output_shape().len(lengths);
            let d_output = &mut gradient[..output];
            if let Operation::Residual(_) = self.nodes[at].operation {
                self.residual_backward(at, d_output, d_input.as_deref_mut(), pass);
                self.pass_on_gradient(at, gradient, output, d_input.is_some());
                continue;
            }
            let from = self.nodes[at].from[0];
            let sequences = self.lengths.at(from, pass.sequences);
            let len = self.shape_at(from).len(sequences);
            let ends_here = sync_point == Some(at);
            let mut d_layer_input = match from.0 {
                _ if ends_here => None,
                None => d_input.is_some().then(|| self.node_gradients.buffer(len)),
                Some(below) => {
                    self.needs_gradient(below, d_input.is_some()).then(|| self.node_gradients.buffer(len))
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
                self.node_gradients.add(at, gradient, output);
                continue;
            }
            layer.backward(buffers, pass);
            self.node_gradients.release(gradient);
            match (d_layer_input, from.0) {
                (Some(part), Some(below)) => self.node_gradients.add(below, part, len),
                (Some(part), None) => {
                    let sums = d_input.as_deref_mut().into_iter().flatten();
                    sums.zip(&part).for_each(|(sum, part)| *sum += part);
                    self.node_gradients.release(part);
                }
                (None, _) => {}
            }
        }
    }

    /// Resets all gradients to that of the scores.
    fn begin_backward(&mut self, d_output: &[f32], d_input: Option<&mut [f32]>) {
        self.node_gradients.clear(self.nodes.len());
        if let Some(d_input) = d_input {
            d_input.fill(0.0);
        }
        if let Some(last) = self.nodes.len().checked_sub(1) {
            let mut gradient = self.node_gradients.buffer(d_output.len());
            gradient[..d_output.len()].copy_from_slice(d_output);
            self.node_gradients.add(last, gradient, d_output.len());
        }
    }

    /// True if the gradient of a node's output is needed: for parameters in or below it, or for the network's
    /// input.
    fn needs_gradient(&self, node: usize, input_too: bool) -> bool {
        input_too || self.requires_grad[node]
    }

    /// Adds the gradient of a residual sum to the gradients of its terms.
    fn residual_backward(
        &mut self,
        at: usize,
        d_sum: &mut [f32],
        mut d_input: Option<&mut [f32]>,
        pass: Pass<'_>,
    ) {
        let sequences = self.lengths.at(Outlet(Some(at)), pass.sequences);
        let Operation::Residual(residual) = &self.nodes[at].operation else { return };
        residual.relu_backward(&self.activations[at][..d_sum.len()], d_sum);
        let passed_on = self.first_plain_term(at, d_input.is_some());
        for (term, &outlet) in self.nodes[at].from.iter().enumerate() {
            if Some(term) == passed_on {
                continue;
            }
            let len = self.shape_at(outlet).len(sequences);
            match outlet.0 {
                None => {
                    if let Some(d_input) = d_input.as_deref_mut() {
                        residual.add_gradient(term, d_sum, d_input, sequences);
                    }
                }
                Some(below) if self.needs_gradient(below, d_input.is_some()) => {
                    let mut d_term = match self.node_gradients.take(below) {
                        Some(sum) => sum,
                        None => {
                            let mut zeros = self.node_gradients.buffer(len);
                            zeros[..len].fill(0.0);
                            zeros
                        }
                    };
                    residual.add_gradient(term, d_sum, &mut d_term[..len], sequences);
                    self.node_gradients.add(below, d_term, len);
                }
                Some(_) => {}
            }
        }
    }

    /// Number of the first term of a residual sum that takes over the sum's gradient without a copy: a node with the
    /// shape of the sum.
    fn first_plain_term(&self, at: usize, input_too: bool) -> Option<usize> {
        let Operation::Residual(residual) = &self.nodes[at].operation else { return None };
        let fits = |&(term, outlet): &(usize, &Outlet)| {
            let needed = outlet.0.is_some_and(|below| self.needs_gradient(below, input_too));
            needed && residual.is_plain(term)
        };
        self.nodes[at].from.iter().enumerate().find(fits).map(|(term, _)| term)
    }

    /// Gives the buffer of a residual sum's gradient, of `len` values, to its first plain term.
    fn pass_on_gradient(&mut self, at: usize, gradient: Vec<f32>, len: usize, input_too: bool) {
        let term = self.first_plain_term(at, input_too);
        match term.and_then(|term| self.nodes[at].from[term].0) {
            Some(below) => self.node_gradients.add(below, gradient, len),
            None => self.node_gradients.release(gradient),
        }
    }

    fn shape_at(&self, outlet: Outlet) -> Shape {
        outlet.0.map_or(self.input, |at| self.nodes[at].operation.output_shape())
    }
}
