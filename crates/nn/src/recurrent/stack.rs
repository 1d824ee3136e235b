//! The stack: how layers and directions are wired.

use stapes_kernels::InstructionSet;
use stapes_kernels::product::{Matrix, MatrixMut, Start};
use stapes_kernels::recurrent::{self, Direction, Forward, Recurrence};
use stapes_random::Stream;

use super::between::Between;
use super::config::RecurrentConfig;
use super::weights::{gradients, weights};
use crate::layer::{Backward, Layer, Macs, Mode, Pass, Shape};
use crate::parameters::{Layout, View};

/// Recurrent layers one above the other, each read in one or both directions, as torch.nn.RNN, GRU and LSTM.
///
/// The parameters have PyTorch's names, shapes and order: for each layer k and direction `weight_ih_lk`
/// [G H, I], `weight_hh_lk` [G H, H], `bias_ih_lk` and `bias_hh_lk` [G H], the backward direction's with the
/// suffix `_reverse`. Only frames that exist are computed; the backward direction starts at each sequence's
/// own last frame.
///
/// # Shapes
/// [T, F] -> [T, D H], the forward direction's units first. States are [L, D, S, B, H], B in the caller's
/// order of the sequences, S = 2 (h, then c) for lstm and 1 for other cells.
///
/// # Example
/// ```
/// use stapes_nn::layer::Layer;
/// use stapes_nn::parameters::Layout;
/// use stapes_nn::recurrent::{CellKind, RecurrentConfig, RecurrentStack};
///
/// let config = RecurrentConfig {
///     cell: CellKind::Lstm,
///     hidden: 64,
///     layers: 4,
///     bidirectional: false,
///     bias: true,
///     dropout: 0.0,
/// };
/// let mut layout = Layout::new();
/// let stack = RecurrentStack::new(config, 20, "rnn.", &mut layout);
/// assert_eq!(layout.len(), 121_856);
/// assert_eq!(stack.views()[1].name, "rnn.weight_hh_l0");
/// ```
pub struct RecurrentStack {
    config: RecurrentConfig,
    features: usize,
    views: Vec<View>,
    /// Layer by layer, the directions of each side by side.
    runners: Vec<Recurrence>,
    between: Vec<Between>,
    /// The gradients by the output and by the input of the layer at hand.
    gradients: [Vec<f32>; 2],
}

/// The buffers of [`RecurrentStack::forward_with_state`].
pub struct StatePass<'a> {
    /// All parameters of the model.
    pub parameters: &'a [f32],
    /// The packed frames [N, F].
    pub input: &'a [f32],
    /// The states before the first frames read; zero if not given.
    pub initial: Option<&'a [f32]>,
    /// The packed output [N, D H], to be written.
    pub output: &'a mut [f32],
}

/// The states' part in [`RecurrentStack::backward_with_state`].
pub struct StateGradients<'a> {
    /// The gradient by the final states; zero if not given.
    pub d_final: Option<&'a [f32]>,
    /// The gradient by the initial states, to be overwritten; only where the forward pass was given some.
    pub d_initial: Option<&'a mut [f32]>,
}

impl RecurrentStack {
    /// A stack that reads frames of `features` values and names its parameters `{prefix}weight_ih_l0`, ...
    ///
    /// # Panics
    /// If there are no features, no units or no layers.
    pub fn new(
        config: RecurrentConfig,
        features: usize,
        prefix: &str,
        layout: &mut Layout,
    ) -> RecurrentStack {
        RecurrentStack::with_instruction_set(config, features, (prefix, layout), InstructionSet::best())
    }

    /// As [`RecurrentStack::new`], for these instructions.
    ///
    /// # Panics
    /// As [`RecurrentStack::new`].
    pub fn with_instruction_set(
        config: RecurrentConfig,
        features: usize,
        (prefix, layout): (&str, &mut Layout),
        set: InstructionSet,
    ) -> RecurrentStack {
        assert!(config.layers > 0, "a recurrent stack without a layer");
        let mut views = Vec::new();
        let mut runners = Vec::new();
        let hidden = config.hidden;
        let rows = config.cell.kernel().gates() * hidden;
        for layer in 0..config.layers {
            let inputs = config.inputs(layer, features);
            for direction in [Direction::Forward, Direction::Backward].into_iter().take(config.directions()) {
                let suffix = if direction == Direction::Backward { "_reverse" } else { "" };
                let mut add = |name: &str, shape: &[usize]| {
                    views.push(layout.add(format!("{prefix}{name}_l{layer}{suffix}"), shape));
                };
                add("weight_ih", &[rows, inputs]);
                add("weight_hh", &[rows, hidden]);
                if config.bias {
                    add("bias_ih", &[rows]);
                    add("bias_hh", &[rows]);
                }
                runners.push(Recurrence::new(set, config.cell.kernel(), (inputs, hidden), direction));
            }
        }
        let between = (1..config.layers).map(|_| Between::default()).collect();
        RecurrentStack { config, features, views, runners, between, gradients: Default::default() }
    }

    /// How many numbers the states of this many sequences have.
    pub fn state_len(&self, batch: usize) -> usize {
        self.runners.len() * self.config.cell.kernel().states() * batch * self.config.hidden
    }

    /// [`Layer::forward`] from a given state.
    ///
    /// # Panics
    /// If a buffer's length does not fit.
    pub fn forward_with_state(&mut self, buffers: StatePass<'_>, pass: Pass<'_>) {
        let StatePass { parameters, input, initial, output } = buffers;
        let state_len = self.state_len(pass.sequences.batch()) / self.runners.len();
        let keep = matches!(pass.mode, Mode::Training(_));
        let (width, dropout) = (self.config.width(), self.config.dropout);
        for layer in 0..self.config.layers {
            let (below, above) = self.between.split_at_mut(layer);
            let input = below.last().map_or(input, |between| between.input());
            let inputs = self.config.inputs(layer, self.features);
            let frames = pass.sequences.frames();
            let last = layer + 1 == self.config.layers;
            let output = if last { &mut *output } else { above[0].output_mut(frames * width) };
            for direction in 0..self.config.directions() {
                let at = layer * self.config.directions() + direction;
                let runner = &mut self.runners[at];
                runner.prepare(weights(&self.config, &self.views, parameters, at));
                let forward = Forward {
                    sequences: pass.sequences,
                    input: Matrix::new(input, frames, inputs),
                    initial: initial.map(|state| &state[at * state_len..(at + 1) * state_len]),
                    keep,
                };
                let shape = (frames, self.config.hidden);
                let part = &mut output[direction * self.config.hidden..];
                runner.forward(forward, MatrixMut::strided(part, shape, width));
            }
            if !last {
                above[0].drop(dropout, layer, width, pass);
            }
        }
    }

    /// The states after the last frames read, of the forward pass that came last.
    ///
    /// # Panics
    /// If the slice has not [`RecurrentStack::state_len`] numbers.
    pub fn final_state(&self, state: &mut [f32]) {
        let len = state.len() / self.runners.len();
        for (runner, to) in self.runners.iter().zip(state.chunks_exact_mut(len)) {
            to.copy_from_slice(runner.final_state());
        }
    }

    /// Takes in the parameters for [`RecurrentStack::step`].
    ///
    /// # Panics
    /// If there are too few parameters.
    pub fn prepare(&mut self, parameters: &[f32]) {
        for (at, runner) in self.runners.iter_mut().enumerate() {
            runner.prepare(weights(&self.config, &self.views, parameters, at));
        }
    }

    /// Takes the states of one stream one frame on, with the parameters of the last
    /// [`RecurrentStack::prepare`] or forward pass, and writes the last layer's h.
    ///
    /// The numbers are bit for bit those of a forward pass over the whole sequence.
    ///
    /// # Shapes
    /// frame `[F]`; state [L, S, H], zero before the first frame; output `[H]`
    ///
    /// # Panics
    /// If the shapes do not fit, or the stack is bidirectional: then there is no next frame to wait for.
    pub fn step(&mut self, frame: &[f32], state: &mut [f32], output: &mut [f32]) {
        assert!(!self.config.bidirectional, "a bidirectional stack cannot run on a stream");
        assert_eq!(state.len(), self.state_len(1), "the state of one stream");
        let each = state.len() / self.runners.len();
        let mut frame = frame;
        for (runner, state) in self.runners.iter_mut().zip(state.chunks_exact_mut(each)) {
            runner.step(frame, state);
            frame = &state[..self.config.hidden];
        }
        output.copy_from_slice(frame);
    }

    /// [`Layer::backward`] with the gradients by final and initial states.
    ///
    /// # Panics
    /// If a buffer's length does not fit.
    pub fn backward_with_state(
        &mut self,
        mut buffers: Backward<'_>,
        mut states: StateGradients<'_>,
        pass: Pass<'_>,
    ) {
        let (config, frames) = (self.config, pass.sequences.frames());
        let (width, directions) = (config.width(), config.directions());
        let state_len = self.state_len(pass.sequences.batch()) / self.runners.len();
        let [upper, lower] = &mut self.gradients;
        for layer in (0..config.layers).rev() {
            let (below, above) = self.between.split_at(layer);
            let last = layer + 1 == config.layers;
            let inputs = config.inputs(layer, self.features);
            let input = below.last().map_or(buffers.input, |between| between.input());
            let output = if last { buffers.output } else { above[0].output() };
            let d_output = if last { &*buffers.d_output } else { &upper[..] };
            for direction in 0..directions {
                let at = layer * directions + direction;
                let runner = &mut self.runners[at];
                runner.prepare_backward(weights(&config, &self.views, buffers.parameters, at));
                let start = direction * config.hidden;
                let columns = |from| Matrix::strided(from, (frames, config.hidden), width);
                let backward = recurrent::Backward {
                    sequences: pass.sequences,
                    input: Matrix::new(input, frames, inputs),
                    output: columns(&output[start..]),
                    d_output: columns(&d_output[start..]),
                    d_final: states.d_final.map(|state| &state[at * state_len..(at + 1) * state_len]),
                };
                let d_input = match layer {
                    0 => buffers.d_input.as_deref_mut(),
                    _ => {
                        lower.resize(frames * inputs, 0.0);
                        Some(&mut lower[..])
                    }
                };
                let begin = if direction == 0 { Start::Zero } else { Start::Keep };
                let d_input = d_input.map(|to| (MatrixMut::new(to, frames, inputs), begin));
                let gradients = gradients(&config, &self.views, buffers.gradients, at);
                runner.backward(backward, gradients, d_input);
                if let Some(d_initial) = &mut states.d_initial {
                    let to = &mut d_initial[at * state_len..(at + 1) * state_len];
                    runner.initial_state_gradient(pass.sequences, to);
                }
            }
            if let Some(between) = below.last() {
                between.drop_back(lower);
            }
            std::mem::swap(upper, lower);
        }
    }
}

impl Layer for RecurrentStack {
    fn describe(&self) -> String {
        let RecurrentConfig { cell, hidden, layers, dropout, .. } = self.config;
        let mut words = format!("{} {} -> {hidden}", cell.name(), self.features);
        if layers > 1 {
            words = format!("{layers} x {words}");
        }
        if self.config.bidirectional {
            words += ", both directions";
        }
        if dropout > 0.0 {
            words += &format!(", dropout {dropout}");
        }
        words
    }

    fn output_shape(&self) -> Shape {
        Shape::Sequence { features: self.config.width() }
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    /// G H (I + H) a frame for each layer and direction; gates and biases are not counted.
    fn macs(&self) -> Macs {
        let weights = self.views.iter().filter(|view| view.shape.len() == 2);
        Macs { a_frame: weights.map(|view| view.len() as u64).sum(), a_sequence: 0 }
    }

    /// Uniform in +-1/sqrt(H), weights and biases, as PyTorch does.
    fn initialise(&self, parameters: &mut [f32], stream: &mut Stream) {
        let bound = 1.0 / (self.config.hidden as f32).sqrt();
        for view in &self.views {
            view.of_mut(parameters).fill_with(|| stream.symmetric(bound));
        }
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        self.forward_with_state(StatePass { parameters, input, initial: None, output }, pass);
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let states = StateGradients { d_final: None, d_initial: None };
        self.backward_with_state(buffers, states, pass);
    }
}
