//! The stack: how layers and directions are wired.

use stapes_kernels::InstructionSet;
use stapes_kernels::product::{Matrix, MatrixMut, Start};
use stapes_kernels::recurrent::{self, Direction, Forward, Recurrence};
use stapes_random::Stream;

use super::between::Between;
use super::config::{RecurrentConfig, Wiring};
use super::initialise::initialise;
use super::weights::{add_views, gradients, weights};
use crate::layer::{Backward, Layer, Mode, Pass, Shape, Step};
use crate::parameters::{Layout, View};

/// Recurrent layers one above the other, each read in one or both directions, as torch.nn.RNN, GRU and LSTM.
///
/// The parameters have PyTorch's names, shapes and order: for each layer k and direction `weight_ih_lk`
/// [G H, I], `weight_hh_lk` [G H, H], `bias_ih_lk` and `bias_hh_lk` [G H], the backward direction's with the
/// suffix `_reverse`. Only frames that exist are computed; the backward direction starts at each sequence's
/// own last frame. Where the directions are wired otherwise than in PyTorch, `forward.` and `backward.` stand
/// before the name instead (a tied stack has `forward.` alone).
///
/// # Shapes
/// [T, F] -> [T, D H], the forward direction's units first. States are [L, D, S, B, H], B in the caller's
/// order of the sequences, S = 2 (h, then c) for lstm and 1 for other cells.
///
/// # Example
/// ```
/// use stapes_nn::layer::{Layer, Shape};
/// use stapes_nn::parameters::Layout;
/// use stapes_nn::recurrent::{CellKind, RecurrentConfig, RecurrentStack, Wiring};
///
/// let config = RecurrentConfig::new(CellKind::Lstm, 64, 4, Wiring::Unidirectional);
/// let mut layout = Layout::new();
/// let stack = RecurrentStack::new(config, Shape::frames(20), "rnn.", &mut layout);
/// assert_eq!(layout.len(), 121_856);
/// assert_eq!(stack.views()[1].name, "rnn.weight_hh_l0");
/// ```
pub struct RecurrentStack {
    config: RecurrentConfig,
    input: Shape,
    views: Vec<View>,
    /// Layer by layer, the directions of each side by side.
    runners: Vec<Recurrence>,
    between: Vec<Between>,
    /// The gradients by the output and by the input of the layer at hand.
    gradients: [Vec<f32>; 2],
    /// Whether backward passes keep the norms of the gradients by the states.
    norms: bool,
}

/// The buffers of [`RecurrentStack::forward_with_state`].
pub struct StatePass<'a> {
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
    /// A stack that reads frames of this shape and names its parameters `{prefix}weight_ih_l0`, ...
    ///
    /// # Panics
    /// If there are no features, no units or no layers.
    pub fn new(config: RecurrentConfig, input: Shape, prefix: &str, layout: &mut Layout) -> RecurrentStack {
        RecurrentStack::with_instruction_set(config, input, (prefix, layout), InstructionSet::best())
    }

    /// As [`RecurrentStack::new`], for these instructions.
    ///
    /// # Panics
    /// As [`RecurrentStack::new`].
    pub fn with_instruction_set(
        config: RecurrentConfig,
        input: Shape,
        (prefix, layout): (&str, &mut Layout),
        set: InstructionSet,
    ) -> RecurrentStack {
        assert!(config.layers > 0, "a recurrent stack without a layer");
        let mut views = Vec::new();
        let mut runners = Vec::new();
        for layer in 0..config.layers {
            let inputs = config.inputs(layer, input.features());
            for direction in [Direction::Forward, Direction::Backward].into_iter().take(config.directions()) {
                if config.wiring != Wiring::Tied || direction == Direction::Forward {
                    views.extend(add_views(&config, (layer, inputs), direction, (prefix, layout)));
                }
                let sizes = (inputs, config.hidden);
                runners.push(Recurrence::new(set, config.cell.kernel(), sizes, direction));
            }
        }
        let between =
            (1..config.layers).map(|above| Between::new(config.dropout, config.width(), above - 1)).collect();
        RecurrentStack { config, input, views, runners, between, gradients: Default::default(), norms: false }
    }

    /// What the stack is made of.
    pub fn config(&self) -> &RecurrentConfig {
        &self.config
    }

    /// How many numbers the states of this many sequences have.
    pub fn state_len(&self, batch: usize) -> usize {
        self.runners.len() * self.config.cell.kernel().states() * batch * self.config.hidden
    }

    /// [`Layer::forward`] from a given state, with the parameters of the last [`Layer::prepare`].
    ///
    /// # Panics
    /// If a buffer's length does not fit.
    pub fn forward_with_state(&mut self, buffers: StatePass<'_>, pass: Pass<'_>) {
        let StatePass { input, initial, output } = buffers;
        let state_len = self.state_len(pass.sequences.batch()) / self.runners.len();
        let keep = matches!(pass.mode, Mode::Training(_));
        let width = self.config.width();
        for layer in 0..self.config.layers {
            let (below, above) = self.between.split_at_mut(layer);
            let inputs = self.config.inputs(layer, self.input.features());
            let frames = pass.sequences.frames();
            let last = layer + 1 == self.config.layers;
            let output = if last { &mut *output } else { above[0].output_mut(frames * width) };
            for direction in 0..self.config.directions() {
                let at = layer * self.config.directions() + direction;
                let runner = &mut self.runners[at];
                let forward = Forward {
                    sequences: pass.sequences,
                    input: match below.last() {
                        None => Matrix::new(input, frames, inputs),
                        Some(below) => {
                            let from = &below.input()[self.config.input_column(direction)..];
                            Matrix::strided(from, (frames, inputs), width)
                        }
                    },
                    initial: initial.map(|state| &state[at * state_len..(at + 1) * state_len]),
                    keep,
                };
                let shape = (frames, self.config.hidden);
                let part = &mut output[direction * self.config.hidden..];
                runner.forward(forward, MatrixMut::strided(part, shape, width));
            }
            if !last {
                above[0].drop(pass);
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

    /// Takes the states of one stream one frame on, with the parameters of the last
    /// [`Layer::prepare`], and writes the last layer's h.
    ///
    /// The numbers are bit for bit those of a forward pass over the whole sequence.
    ///
    /// # Shapes
    /// frame `[F]`; state [L, S, H], zero before the first frame; output `[H]`
    ///
    /// # Panics
    /// If the shapes do not fit, or the stack is bidirectional: then there is no next frame to wait for.
    pub fn step(&mut self, frame: &[f32], state: &mut [f32], output: &mut [f32]) {
        assert_eq!(self.config.directions(), 1, "a bidirectional stack cannot run on a stream");
        assert_eq!(state.len(), self.state_len(1), "the state of one stream");
        let each = state.len() / self.runners.len();
        let mut frame = frame;
        for (runner, state) in self.runners.iter_mut().zip(state.chunks_exact_mut(each)) {
            runner.step(frame, state);
            frame = &state[..self.config.hidden];
        }
        output.copy_from_slice(frame);
    }

    /// Whether backward passes keep the norm of the loss's gradient by every state.
    pub fn keep_state_gradient_norms(&mut self, keep: bool) {
        self.norms = keep;
    }

    /// The norms |dLoss/dh_t| of the backward pass that came last, packed \[N\], of a layer and direction.
    ///
    /// # Panics
    /// If there is no such layer or direction.
    pub fn state_gradient_norms(&self, layer: usize, direction: usize) -> &[f32] {
        self.runners[layer * self.config.directions() + direction].state_gradient_norms()
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
            let inputs = config.inputs(layer, self.input.features());
            let output = if last { buffers.output } else { above[0].output() };
            let d_output = if last { &*buffers.d_output } else { &upper[..] };
            for direction in 0..directions {
                let at = layer * directions + direction;
                let runner = &mut self.runners[at];
                runner.prepare_backward(weights(&config, &self.views, buffers.parameters, at));
                let start = direction * config.hidden;
                let columns = |from| Matrix::strided(from, (frames, config.hidden), width);
                let column = config.input_column(direction);
                let backward = recurrent::Backward {
                    sequences: pass.sequences,
                    input: match below.last() {
                        None => Matrix::new(buffers.input, frames, inputs),
                        Some(below) => Matrix::strided(&below.input()[column..], (frames, inputs), width),
                    },
                    output: columns(&output[start..]),
                    d_output: columns(&d_output[start..]),
                    d_final: states.d_final.map(|state| &state[at * state_len..(at + 1) * state_len]),
                    truncate: config.truncate_frames,
                    norms: self.norms,
                };
                // Where both directions read the same frames, the second adds to the first's gradient.
                let begin = match direction {
                    1 if layer == 0 || config.wiring == Wiring::Stacked => Start::Keep,
                    _ => Start::Zero,
                };
                let d_input = match layer {
                    0 => buffers.d_input.as_deref_mut().map(|to| MatrixMut::new(to, frames, inputs)),
                    _ => {
                        lower.resize(frames * width, 0.0);
                        Some(MatrixMut::strided(&mut lower[column..], (frames, inputs), width))
                    }
                };
                let d_input = d_input.map(|to| (to, begin));
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
        let mut words = format!("{} {} -> {hidden}", cell.name(), self.input.features());
        if layers > 1 {
            words = format!("{layers} x {words}");
        }
        if let Some(directions) = self.config.wiring.describe() {
            words += &format!(", {directions}");
        }
        if dropout > 0.0 {
            words += &format!(", dropout {dropout}");
        }
        words
    }

    fn output_shape(&self) -> Shape {
        self.input.with_features(self.config.width())
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    /// G H (I + H) a frame for each layer and direction; gates and biases are not counted.
    fn macs(&self, length: usize) -> u64 {
        let weights = self.views.iter().filter(|view| view.shape.len() == 2);
        let weights: u64 = weights.map(|view| view.len() as u64).sum();
        let readings = if self.config.wiring == Wiring::Tied { 2 } else { 1 };
        readings * weights * length as u64
    }

    /// As [`super::Initialisation`] says.
    fn initialise(&self, parameters: &mut [f32], stream: &mut Stream) {
        initialise(&self.config, &self.views, parameters, stream);
    }

    fn prepare(&mut self, parameters: &[f32]) {
        for (at, runner) in self.runners.iter_mut().enumerate() {
            runner.prepare(weights(&self.config, &self.views, parameters, at));
        }
    }

    /// The states h and c of all layers.
    fn stream(&self) -> Option<Vec<f32>> {
        (self.config.directions() == 1).then(|| vec![0.0; self.state_len(1)])
    }

    fn step(&mut self, buffers: Step<'_>, _pass: Pass<'_>) -> bool {
        let Step { memory, frame, output, .. } = buffers;
        RecurrentStack::step(self, frame, memory, output);
        true
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        self.forward_with_state(StatePass { input, initial: None, output }, pass);
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let states = StateGradients { d_final: None, d_initial: None };
        self.backward_with_state(buffers, states, pass);
    }
}
