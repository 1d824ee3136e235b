//! Times matrix products and training steps of recurrent stacks on one core.
//!
//! `cargo bench -p stapes-kernels --bench recurrent -- [--set=avx2] [WORD...]` prints a line for each measurement
//! whose name contains one of the words: median and tenth percentile of the processor time, throughput at the latter
//! (a multiplication and an addition count as two operations; only products count), and the fraction of the measured
//! peak throughput.

mod stopwatch;

use stapes_kernels::adam::{self, Adam, AdamState};
use stapes_kernels::product::{Matrix, MatrixMut, Packed, Products, Start};
use stapes_kernels::recurrent::{Backward, CellKind, Direction, Forward, Gradients, Recurrence, Weights};
use stapes_kernels::{InstructionSet, Sequences, activation};
use stopwatch::{Bench, numbers};

fn main() {
    let bench = Bench::new();
    bench.activations();
    bench.products();
    for configuration in CONFIGURATIONS {
        bench.configuration(configuration);
    }
}

/// A recurrent stack, and a batch of equal lengths.
struct Configuration {
    name: &'static str,
    kind: CellKind,
    inputs: usize,
    hidden: usize,
    layers: usize,
    directions: usize,
    time: usize,
    batch: usize,
}

const CONFIGURATIONS: [Configuration; 4] = [
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

impl Bench {
    fn activations(&self) {
        let inputs: Vec<f32> = numbers(4096).iter().map(|value| value * 8.0).collect();
        let mut values = inputs.clone();
        self.time("activation: 4096 tanh", 0.0, || {
            values.copy_from_slice(&inputs);
            activation::tanh_in_place(self.set, &mut values);
        });
        self.time("activation: 4096 sigmoid", 0.0, || {
            values.copy_from_slice(&inputs);
            activation::sigmoid_in_place(self.set, &mut values);
        });
    }

    fn products(&self) {
        let shapes = [
            ("S input projection", 640, 256, 64),
            ("S recurrent", 20, 256, 64),
            ("S recurrent back", 20, 64, 256),
            ("M recurrent", 64, 512, 128),
            ("M first projection", 256, 512, 40),
            ("M second projection", 256, 512, 256),
            ("M second input gradient", 256, 256, 512),
            ("V first projection", 128, 1024, 20),
            ("V recurrent", 51, 1024, 256),
            ("V recurrent back", 51, 256, 1024),
            ("one row", 1, 1024, 256),
        ];
        for (name, m, n, k) in shapes {
            let (a, b, mut c) = (numbers(m * k), numbers(n * k), vec![0.0; m * n]);
            let mut packed = Packed::new(self.set);
            packed.pack(Matrix::new(&b, n, k).transposed());
            self.time(&format!("packed: {name}, {m} x {n} x {k}"), 2.0 * (m * n * k) as f64, || {
                packed.multiply(Matrix::new(&a, m, k), MatrixMut::new(&mut c, m, n), Start::Keep);
            });
        }
        let mut products = Products::new(self.set);
        let shapes = [
            ("S", 256, 64, 512),
            ("S first", 256, 20, 512),
            ("M", 512, 256, 256),
            ("V", 1024, 256, 128),
            ("V first", 1024, 20, 128),
        ];
        for (name, m, n, k) in shapes {
            let (a, b, mut c) = (numbers(m * k), numbers(n * k), vec![0.0; m * n]);
            self.time(&format!("gradient: {name}, {m} x {n} x {k}"), 2.0 * (m * n * k) as f64, || {
                let a = Matrix::new(&a, k, m).transposed();
                products.multiply(a, Matrix::new(&b, k, n), MatrixMut::new(&mut c, m, n), Start::Keep);
            });
        }
        for (name, n, k) in [("S", 256, 64), ("V", 1024, 256)] {
            let b = numbers(n * k);
            let mut packed = Packed::new(self.set);
            self.time(&format!("packing: {name}, {n} x {k}"), 0.0, || packed.pack(Matrix::new(&b, n, k)));
            self.time(&format!("packing: {name}, {n} x {k} transposed"), 0.0, || {
                packed.pack(Matrix::new(&b, n, k).transposed());
            });
        }
    }

    fn configuration(&self, configuration: Configuration) {
        let Configuration { name, inputs, time, batch, .. } = configuration;
        let mut stack = Stack::new(&configuration, self.set);
        let sequences = Sequences::new(&vec![time; batch]).expect("positive lengths");
        let ragged: Vec<usize> =
            (0..batch).map(|index| (time * (10 + 90 * index / batch)).div_ceil(100)).collect();
        let ragged = Sequences::new(&ragged).expect("positive lengths");
        let one = Sequences::new(&[time]).expect("a positive length");
        let input = numbers(sequences.frames() * inputs);
        let operations = |frames: usize| 2.0 * (stack.multiply_adds * frames) as f64;
        // The backward pass costs twice the forward pass, minus the gradient w.r.t. the input of the first layer.
        let training = |frames: usize| 3.0 * operations(frames) - 2.0 * (stack.first * frames) as f64;
        let (full, part) = (training(sequences.frames()), training(ragged.frames()));
        let single = operations(time);
        self.time(&format!("{name}: forward"), operations(sequences.frames()), || {
            stack.forward(&sequences, &input, true);
        });
        self.time(&format!("{name}: training step"), full, || stack.train(&sequences, &input));
        self.time(&format!("{name}: training step, lengths 10..100 %"), part, || {
            stack.train(&ragged, &input[..ragged.frames() * inputs]);
        });
        self.time(&format!("{name}: one clip"), single, || {
            stack.forward(&one, &input[..time * inputs], false);
        });
        if configuration.directions == 1 {
            let mut states = vec![vec![0.1; stack.hidden * 2]; stack.layers];
            for state in &mut states {
                state.truncate(stack.hidden * configuration.kind.states());
            }
            self.time(&format!("{name}: one frame"), 0.0, || stack.step(&input[..inputs], &mut states));
        }
    }
}

/// Recurrent layers with their weights and all buffers; the loss is the sum of the outputs.
struct Stack {
    set: InstructionSet,
    hidden: usize,
    layers: usize,
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
    fn new(configuration: &Configuration, set: InstructionSet) -> Stack {
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

    /// Start of the weights of a layer in the flat buffer.
    fn offset(&self, at: usize) -> usize {
        self.inputs[..at].iter().map(|width| self.rows * (width + self.hidden + 2)).sum()
    }

    fn weights<'a>(&self, at: usize, parameters: &'a [f32]) -> Weights<'a> {
        let (input, rest) = parameters[self.offset(at)..].split_at(self.rows * self.inputs[at]);
        let (recurrent, rest) = rest.split_at(self.rows * self.hidden);
        Weights { input, recurrent, bias: Some([&rest[..self.rows], &rest[self.rows..2 * self.rows]]) }
    }

    fn forward(&mut self, sequences: &Sequences, input: &[f32], keep: bool) {
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

    fn train(&mut self, sequences: &Sequences, input: &[f32]) {
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

    fn step(&mut self, frame: &[f32], states: &mut [Vec<f32>]) {
        for layer in 0..self.layers {
            let (below, above) = states.split_at_mut(layer);
            let frame = below.last().map_or(frame, |state| &state[..self.hidden]);
            self.runners[layer].step(frame, &mut above[0]);
        }
    }
}
