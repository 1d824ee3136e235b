//! A stack of recurrent layers.

use stapes_kernels::InstructionSet;
use stapes_kernels::product::{Matrix, MatrixMut, Start};
use stapes_kernels::recurrent::{self, Direction, Forward, Recurrence};
use stapes_random::Rng;

use super::config::{Directions, RecurrentConfig};
use super::initialization::initialize;
use super::inter_layer_dropout::InterLayerDropout;
use super::weights::{add_tensors, gradients, weights};
use crate::graph::Operation;
use crate::layer::{Backward, Layer, Mode, Pass, Shape, Step};
use crate::parameters::{Layout, TensorSpec};

/// Stacked recurrent layers in one or both directions, as torch.nn.RNN, GRU and LSTM.
///
/// The parameters have PyTorch's names, shapes and order: for each layer k and direction `weight_ih_lk`
/// [G H, I], `weight_hh_lk` [G H, H], `bias_ih_lk` and `bias_hh_lk` [G H], with the suffix `_reverse` for the
/// backward direction. Padding frames are never computed; the backward direction starts at the last frame of
/// each sequence. The modes that PyTorch lacks have the prefixes `forward.` and `backward.` instead
/// ([`Directions::Shared`] only `forward.`).
///
/// # Shapes
/// [T, F] -> [T, D H], the forward direction first. States are [L, D, S, B, H], with B in the caller's order
/// of the sequences, S = 2 (h, then c) for LSTM and S = 1 for other cells.
///
/// # Example
/// ```
/// use stapes_nn::layer::{Layer, Shape};
/// use stapes_nn::parameters::Layout;
/// use stapes_nn::recurrent::{CellKind, Directions, RecurrentConfig, RecurrentStack};
///
/// let config = RecurrentConfig::new(CellKind::Lstm, 64, 4, Directions::Unidirectional);
/// let mut layout = Layout::new();
/// let stack = RecurrentStack::new(config, Shape::frames(20), "rnn.", &mut layout);
/// assert_eq!(layout.len(), 121_856);
/// assert_eq!(stack.tensors()[1].name, "rnn.weight_hh_l0");
/// ```
pub struct RecurrentStack {
    config: RecurrentConfig,
    input: Shape,
    tensors: Vec<TensorSpec>,
    /// One per layer and direction; the directions of a layer are adjacent.
    recurrences: Vec<Recurrence>,
    inter_layer: Vec<InterLayerDropout>,
    /// Gradients of the current layer's output and input.
    gradients: [Vec<f32>; 2],
    /// True if backward passes store the norms of the state gradients.
    keep_norms: bool,
}

/// Buffers of [`RecurrentStack::forward_with_state`].
pub struct StatePass<'a> {
    /// Packed frames [N, F].
    pub input: &'a [f32],
    /// Initial states; zero if not given.
    pub initial: Option<&'a [f32]>,
    /// Packed output [N, D H], overwritten.
    pub output: &'a mut [f32],
}

/// Gradients of the states in [`RecurrentStack::backward_with_state`].
pub struct StateGradients<'a> {
    /// Gradient of the final states; zero if not given.
    pub d_final: Option<&'a [f32]>,
    /// Gradient of the initial states, overwritten; only if the forward pass had initial states.
    pub d_initial: Option<&'a mut [f32]>,
}

impl RecurrentStack {
    /// Creates a stack for frames of this shape, with the parameters `{prefix}weight_ih_l0`, ...
    ///
    /// # Panics
    /// If there are no features, the hidden size is 0 or there are no layers.
    pub fn new(config: RecurrentConfig, input: Shape, prefix: &str, layout: &mut Layout) -> RecurrentStack {
        RecurrentStack::with_instruction_set(config, input, prefix, layout, InstructionSet::best())
    }

    /// Creates a stack as [`RecurrentStack::new`] for this instruction set.
    ///
    /// # Panics
    /// As [`RecurrentStack::new`].
    pub fn with_instruction_set(
        config: RecurrentConfig,
        input: Shape,
        prefix: &str,
        layout: &mut Layout,
        set: InstructionSet,
    ) -> RecurrentStack {
        assert!(config.num_layers > 0, "a recurrent stack without layers");
        let mut tensors = Vec::new();
        let mut recurrences = Vec::new();
        for layer in 0..config.num_layers {
            let input_size = config.input_size(layer, input.features());
            let directions = [Direction::Forward, Direction::Backward];
            for direction in directions.into_iter().take(config.num_directions()) {
                if config.directions != Directions::Shared || direction == Direction::Forward {
                    tensors.extend(add_tensors(&config, layer, input_size, direction, prefix, layout));
                }
                let sizes = (input_size, config.hidden_size);
                recurrences.push(Recurrence::new(set, config.cell, sizes, direction));
            }
        }
        let dropout = |layer| InterLayerDropout::new(config.dropout, config.output_size(), layer);
        let inter_layer = (0..config.num_layers - 1).map(dropout).collect();
        let gradients = Default::default();
        RecurrentStack { config, input, tensors, recurrences, inter_layer, gradients, keep_norms: false }
    }

    /// Configuration of the stack.
    pub fn config(&self) -> &RecurrentConfig {
        &self.config
    }

    /// Number of values in the states of `batch` sequences.
    pub fn state_len(&self, batch: usize) -> usize {
        self.recurrences.len() * self.config.cell.states() * batch * self.config.hidden_size
    }

    /// Runs [`Layer::forward`] from given initial states, with the parameters of the last
    /// [`Layer::load_parameters`].
    ///
    /// # Panics
    /// If a buffer has the wrong length.
    pub fn forward_with_state(&mut self, buffers: StatePass<'_>, pass: Pass<'_>) {
        let StatePass { input, initial, output } = buffers;
        let state_len = self.state_len(pass.sequences.batch()) / self.recurrences.len();
        let keep = matches!(pass.mode, Mode::Training(_));
        let width = self.config.output_size();
        for layer in 0..self.config.num_layers {
            let (below, above) = self.inter_layer.split_at_mut(layer);
            let input_size = self.config.input_size(layer, self.input.features());
            let frames = pass.sequences.frames();
            let last = layer + 1 == self.config.num_layers;
            let output = if last { &mut *output } else { above[0].output_mut(frames * width) };
            for direction in 0..self.config.num_directions() {
                let at = layer * self.config.num_directions() + direction;
                let recurrence = &mut self.recurrences[at];
                let forward = Forward {
                    sequences: pass.sequences,
                    input: match below.last() {
                        None => Matrix::new(input, frames, input_size),
                        Some(below) => {
                            let from = &below.input()[self.config.input_column(direction)..];
                            Matrix::strided(from, (frames, input_size), width)
                        }
                    },
                    initial: initial.map(|state| &state[at * state_len..(at + 1) * state_len]),
                    keep,
                };
                let shape = (frames, self.config.hidden_size);
                let part = &mut output[direction * self.config.hidden_size..];
                recurrence.forward(forward, MatrixMut::strided(part, shape, width));
            }
            if !last {
                above[0].forward(pass);
            }
        }
    }

    /// Writes the final states of the most recent forward pass.
    ///
    /// # Panics
    /// If the slice does not have [`RecurrentStack::state_len`] values.
    pub fn final_state(&self, state: &mut [f32]) {
        let len = state.len() / self.recurrences.len();
        for (recurrence, to) in self.recurrences.iter().zip(state.chunks_exact_mut(len)) {
            to.copy_from_slice(recurrence.final_state());
        }
    }

    /// Advances the states of one stream by one frame, with the parameters of the last
    /// [`Layer::load_parameters`], and writes h of the last layer. The result is bit for bit that of a
    /// forward pass over the whole sequence.
    ///
    /// # Shapes
    /// frame `[F]`; state [L, S, H], zero before the first frame; output `[H]`
    ///
    /// # Panics
    /// If a buffer has the wrong length, or the stack is bidirectional.
    pub fn step(&mut self, frame: &[f32], state: &mut [f32], output: &mut [f32]) {
        assert_eq!(self.config.num_directions(), 1, "a bidirectional stack cannot run on a stream");
        assert_eq!(state.len(), self.state_len(1), "the state of one stream");
        let each = state.len() / self.recurrences.len();
        let mut frame = frame;
        for (recurrence, state) in self.recurrences.iter_mut().zip(state.chunks_exact_mut(each)) {
            recurrence.step(frame, state);
            frame = &state[..self.config.hidden_size];
        }
        output.copy_from_slice(frame);
    }

    /// Sets whether backward passes store the norms of the loss's gradients with respect to the states.
    pub fn keep_state_gradient_norms(&mut self, keep: bool) {
        self.keep_norms = keep;
    }

    /// Norms |dLoss/dh_t| of the most recent backward pass for a layer and direction, packed \[N\].
    ///
    /// # Panics
    /// If there is no such layer or direction.
    pub fn state_gradient_norms(&self, layer: usize, direction: usize) -> &[f32] {
        self.recurrences[layer * self.config.num_directions() + direction].state_gradient_norms()
    }

    /// Runs [`Layer::backward`] with gradients of the final and initial states.
    ///
    /// # Panics
    /// If a buffer has the wrong length.
    pub fn backward_with_state(
        &mut self,
        mut buffers: Backward<'_>,
        mut states: StateGradients<'_>,
        pass: Pass<'_>,
    ) {
        stapes_kernels::require_training();
        let (config, frames) = (self.config, pass.sequences.frames());
        let (width, num_directions) = (config.output_size(), config.num_directions());
        let state_len = self.state_len(pass.sequences.batch()) / self.recurrences.len();
        let [upper, lower] = &mut self.gradients;
        for layer in (0..config.num_layers).rev() {
            let (below, above) = self.inter_layer.split_at(layer);
            let last = layer + 1 == config.num_layers;
            let input_size = config.input_size(layer, self.input.features());
            let output = if last { buffers.output } else { above[0].output() };
            let d_output = if last { &*buffers.d_output } else { &upper[..] };
            for direction in 0..num_directions {
                let at = layer * num_directions + direction;
                let recurrence = &mut self.recurrences[at];
                recurrence.pack_weights_backward(weights(&config, &self.tensors, buffers.parameters, at));
                let start = direction * config.hidden_size;
                let columns = |from| Matrix::strided(from, (frames, config.hidden_size), width);
                let column = config.input_column(direction);
                let backward = recurrent::Backward {
                    sequences: pass.sequences,
                    input: match below.last() {
                        None => Matrix::new(buffers.input, frames, input_size),
                        Some(below) => Matrix::strided(&below.input()[column..], (frames, input_size), width),
                    },
                    output: columns(&output[start..]),
                    d_output: columns(&d_output[start..]),
                    d_final: states.d_final.map(|state| &state[at * state_len..(at + 1) * state_len]),
                    truncate: config.truncated_bptt_frames,
                    norms: self.keep_norms,
                };
                // If both directions read the same frames, the second adds to the gradient of the first.
                let begin = match direction {
                    1 if layer == 0 || config.directions == Directions::Interleaved => Start::Keep,
                    _ => Start::Zero,
                };
                let d_input = match layer {
                    0 => buffers.d_input.as_deref_mut().map(|to| MatrixMut::new(to, frames, input_size)),
                    _ => {
                        lower.resize(frames * width, 0.0);
                        Some(MatrixMut::strided(&mut lower[column..], (frames, input_size), width))
                    }
                };
                let d_input = d_input.map(|to| (to, begin));
                let gradients = gradients(&config, &self.tensors, buffers.gradients, at);
                recurrence.backward(backward, gradients, d_input);
                if let Some(d_initial) = &mut states.d_initial {
                    let to = &mut d_initial[at * state_len..(at + 1) * state_len];
                    recurrence.initial_state_gradient(pass.sequences, to);
                }
            }
            if let Some(below) = below.last() {
                below.backward(lower);
            }
            std::mem::swap(upper, lower);
        }
    }
}

impl Layer for RecurrentStack {
    fn describe(&self) -> String {
        let RecurrentConfig { cell, hidden_size, num_layers, directions, dropout, .. } = self.config;
        let mut words = format!("{} {} -> {hidden_size}", cell.name(), self.input.features());
        if num_layers > 1 {
            words = format!("{num_layers} x {words}");
        }
        match directions {
            Directions::Unidirectional => {}
            Directions::Interleaved => words += ", bidirectional",
            mode => words += &format!(", bidirectional ({})", mode.name()),
        }
        if dropout > 0.0 {
            words += &format!(", dropout {dropout}");
        }
        words
    }

    fn operation(&self) -> Operation {
        let first = &self.tensors[0].name;
        let start = first.find("forward.weight_ih").or_else(|| first.find("weight_ih")).unwrap_or_default();
        Operation::Recurrent { config: self.config, prefix: first[..start].into() }
    }

    fn output_shape(&self) -> Shape {
        self.input.with_features(self.config.output_size())
    }

    fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// G H (I + H) per frame, layer and direction; gates and biases are not counted.
    fn macs(&self, length: usize) -> u64 {
        let weights = self.tensors.iter().filter(|tensor| tensor.shape.len() == 2);
        let weights: u64 = weights.map(|tensor| tensor.len() as u64).sum();
        let runs = if self.config.directions == Directions::Shared { 2 } else { 1 };
        runs * weights * length as u64
    }

    /// Initializes as [`super::Initialization`] describes.
    fn initialize(&self, parameters: &mut [f32], rng: &mut Rng) {
        initialize(&self.config, &self.tensors, parameters, rng);
    }

    fn load_parameters(&mut self, parameters: &[f32]) {
        for (at, recurrence) in self.recurrences.iter_mut().enumerate() {
            recurrence.pack_weights(weights(&self.config, &self.tensors, parameters, at));
        }
    }

    /// States h and c of all layers.
    fn initial_state(&self) -> Option<Vec<f32>> {
        (self.config.num_directions() == 1).then(|| vec![0.0; self.state_len(1)])
    }

    fn step(&mut self, buffers: Step<'_>, _pass: Pass<'_>) -> bool {
        let Step { state, frame, output, .. } = buffers;
        RecurrentStack::step(self, frame, state, output);
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
