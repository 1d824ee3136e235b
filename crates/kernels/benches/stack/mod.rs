//! Recurrent stacks of the benches of this crate: S, G, M and V of PERFORMANCE.md.

#![allow(dead_code, reason = "each bench uses a part")]

use stapes_kernels::adam::{self, Adam, AdamState};
use stapes_kernels::product::{Matrix, MatrixMut, Start};
use stapes_kernels::recurrent::{Backward, CellKind, Direction, Forward, Gradients, Recurrence, Weights};
use stapes_kernels::{InstructionSet, Sequences};

use crate::stopwatch::numbers;

/// A recurrent stack, and a batch of equal lengths.
pub(crate) struct Configuration {
    pub(crate) name: &'static str,
    pub(crate) kind: CellKind,
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) directions: usize,
    pub(crate) time: usize,
    pub(crate) batch: usize,
}

pub(crate) const CONFIGURATIONS: [Configuration; 4] = [
    Configuration {
        name: "S",
        kind: CellKind::Lstm,
        inputs: 20,
        hidden: 64,
        layers: 4,
        directions: 1,
        time: 32,
        batch: 20,
    },
    Configuration {
        name: "G",
        kind: CellKind::Gru,
        inputs: 20,
        hidden: 64,
        layers: 4,
        directions: 2,
        time: 32,
        batch: 20,
    },
    Configuration {
        name: "M",
        kind: CellKind::Lstm,
        inputs: 40,
        hidden: 128,
        layers: 2,
        directions: 2,
        time: 98,
        batch: 64,
    },
    Configuration {
        name: "V",
        kind: CellKind::Lstm,
        inputs: 20,
        hidden: 256,
        layers: 1,
        directions: 1,
        time: 300,
        batch: 51,
    },
];

/// Recurrent layers with their weights and all buffers; the loss is the sum of the outputs.
pub(crate) struct Stack {
    set: InstructionSet,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    directions: usize,
    runners: Vec<Recurrence>,
    inputs: Vec<usize>,
    rows: usize,
    parameters: Vec<f32>,
    gradients: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
    step: u64,
    outputs: Vec<Vec<f32>>,
    d: [Vec<f32>; 2],
    multiply_adds: usize,
    first: usize,
}

impl Stack {
    pub(crate) fn new(configuration: &Configuration, set: InstructionSet) -> Stack {
        let Configuration { kind, hidden, layers, directions, .. } = *configuration;
        let rows = kind.gates() * hidden;
        let (mut runners, mut inputs) = (Vec::new(), Vec::new());
        for layer in 0..layers {
            let width = if layer == 0 { configuration.inputs } else { directions * hidden };
            for direction in [Direction::Forward, Direction::Backward].into_iter().take(directions) {
                runners.push(Recurrence::new(set, kind, (width, hidden), direction));
                inputs.push(width);
            }
        }
        let count: usize = inputs.iter().map(|width| rows * (width + hidden + 2)).sum();
        let scale = 2.0 / (hidden as f32).sqrt();
        Stack {
            set,
            hidden,
            layers,
            directions,
            runners,
            rows,
            parameters: numbers(count).iter().map(|value| value * scale).collect(),
            gradients: vec![0.0; count],
            mean: vec![0.0; count],
            square: vec![0.0; count],
            step: 0,
            outputs: vec![Vec::new(); layers],
            d: Default::default(),
            multiply_adds: inputs.iter().map(|width| rows * (width + hidden)).sum(),
            first: directions * rows * configuration.inputs,
            inputs,
        }
    }

    /// Operations of a forward pass; a multiplication and an addition count as two, and only products count.
    pub(crate) fn forward_operations(&self, frames: usize) -> f64 {
        2.0 * (self.multiply_adds * frames) as f64
    }

    /// Operations of a training step. The backward pass costs twice the forward pass, minus the gradient w.r.t. the input of the
    /// first layer.
    pub(crate) fn training_operations(&self, frames: usize) -> f64 {
        3.0 * self.forward_operations(frames) - 2.0 * (self.first * frames) as f64
    }

    /// Start of the weights of a layer in the flat buffer.
    fn offset(&self, at: usize) -> usize {
        self.inputs[..at].iter().map(|width| self.rows * (width + self.hidden + 2)).sum()
    }

    fn weights<'a>(&self, at: usize, parameters: &'a [f32]) -> Weights<'a> {
        let (input, rest) = parameters[self.offset(at)..].split_at(self.rows * self.inputs[at]);
        let (recurrent, rest) = rest.split_at(self.rows * self.hidden);
        Weights { input, recurrent, bias: Some([&rest[..self.rows], &rest[self.rows..2 * self.rows]]) }
    }

    pub(crate) fn forward(&mut self, sequences: &Sequences, input: &[f32], keep: bool) {
        let (frames, width) = (sequences.frames(), self.directions * self.hidden);
        let parameters = std::mem::take(&mut self.parameters);
        for layer in 0..self.layers {
            let (below, above) = self.outputs.split_at_mut(layer);
            let input = below.last().map_or(input, |output| &output[..frames * width]);
            above[0].resize((frames * width).max(above[0].len()), 0.0);
            for direction in 0..self.directions {
                let at = layer * self.directions + direction;
                let (input_of, rows, hidden) = (self.inputs[at], self.rows, self.hidden);
                let offset: usize = self.inputs[..at].iter().map(|width| rows * (width + hidden + 2)).sum();
                let (weights, rest) = parameters[offset..].split_at(rows * input_of);
                let (recurrent, rest) = rest.split_at(rows * hidden);
                let bias = Some([&rest[..rows], &rest[rows..2 * rows]]);
                self.runners[at].pack_weights(Weights { input: weights, recurrent, bias });
                let input = Matrix::new(input, frames, input_of);
                let forward = Forward { sequences, input, initial: None, keep };
                let to = &mut above[0][direction * hidden..frames * width];
                self.runners[at].forward(forward, MatrixMut::strided(to, (frames, hidden), width));
            }
        }
        self.parameters = parameters;
    }

    pub(crate) fn train(&mut self, sequences: &Sequences, input: &[f32]) {
        self.forward(sequences, input, true);
        let (frames, width, hidden) = (sequences.frames(), self.directions * self.hidden, self.hidden);
        let parameters = std::mem::take(&mut self.parameters);
        let mut gradients = std::mem::take(&mut self.gradients);
        gradients.fill(0.0);
        let [mut upper, mut lower] = std::mem::take(&mut self.d);
        upper.resize((frames * width).max(upper.len()), 0.0);
        lower.resize((frames * width).max(lower.len()), 0.0);
        upper.fill(1e-3);
        for layer in (0..self.layers).rev() {
            for direction in 0..self.directions {
                let at = layer * self.directions + direction;
                let weights = self.weights(at, &parameters);
                self.runners[at].pack_weights_backward(weights);
                let input_of = self.inputs[at];
                let input = if layer == 0 { input } else { &self.outputs[layer - 1][..frames * width] };
                let columns = |from| Matrix::strided(from, (frames, hidden), width);
                let backward = Backward {
                    sequences,
                    input: Matrix::new(input, frames, input_of),
                    output: columns(&self.outputs[layer][direction * hidden..]),
                    d_output: columns(&upper[direction * hidden..]),
                    d_final: None,
                    truncate: None,
                    norms: false,
                };
                let (input, rest) = gradients[self.offset(at)..].split_at_mut(self.rows * input_of);
                let (recurrent, rest) = rest.split_at_mut(self.rows * hidden);
                let (first, second) = rest.split_at_mut(self.rows);
                let bias = Some([first, &mut second[..self.rows]]);
                let start = if direction == 0 { Start::Zero } else { Start::Keep };
                let d_input =
                    (layer > 0).then(|| (MatrixMut::new(&mut lower[..frames * width], frames, width), start));
                self.runners[at].backward(backward, Gradients { input, recurrent, bias }, d_input);
            }
            std::mem::swap(&mut upper, &mut lower);
        }
        self.parameters = parameters;
        self.step += 1;
        let state = AdamState { step: self.step, mean: &mut self.mean, square: &mut self.square };
        adam::update(self.set, Adam::default(), state, &gradients, &mut self.parameters);
        self.gradients = gradients;
        self.d = [upper, lower];
    }

    pub(crate) fn step(&mut self, frame: &[f32], states: &mut [Vec<f32>]) {
        for layer in 0..self.layers {
            let (below, above) = states.split_at_mut(layer);
            let frame = below.last().map_or(frame, |state| &state[..self.hidden]);
            self.runners[layer].step(frame, &mut above[0]);
        }
    }
}
