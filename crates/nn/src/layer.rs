//! What every layer knows: its shapes, its forward pass, and beside it the backward pass.

use std::any::Any;

use serde::{Deserialize, Serialize};
use stapes_kernels::Sequences;
use stapes_random::Stream;

use crate::batch_sums::BatchSums;
use crate::parameters::View;

/// The shape of what flows between layers; the batch axis is left out.
///
/// Sequences and images have time as an axis, and a sequence's length there is its own: it is T of the frames
/// and W of the images, and layers with steps in time change it (see [`Layer::output_length`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// [T, F]: frames of `features` values, as many as the sequence is long. In memory the packed [N, F] of
    /// [`Sequences`].
    Sequence {
        /// F, values a frame.
        features: usize,
        /// T, where all sequences are equally long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        frames: Option<usize>,
    },
    /// \[F\]: one vector a sequence. In memory [B, F], in the caller's order of the sequences.
    Vector {
        /// F, values a sequence.
        features: usize,
    },
    /// [C, H, W]: one image a sequence, time along W. In memory image behind image, in the caller's order of the
    /// sequences; where W is fixed, whatever reads vectors reads it as \[C*H*W\].
    Image {
        /// C.
        channels: usize,
        /// H.
        height: usize,
        /// W, where all sequences are equally long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<usize>,
    },
}

impl Shape {
    /// Frames of `features` values in sequences of any length.
    pub fn frames(features: usize) -> Shape {
        Shape::Sequence { features, frames: None }
    }

    /// How many numbers a batch of this shape holds.
    pub fn len(self, sequences: &Sequences) -> usize {
        self.rows(sequences) * self.features()
    }

    /// How many rows of [`Shape::features`] values a batch of this shape holds.
    pub fn rows(self, sequences: &Sequences) -> usize {
        match self {
            Shape::Sequence { .. } | Shape::Image { width: None, .. } => sequences.frames(),
            Shape::Vector { .. } | Shape::Image { width: Some(_), .. } => sequences.batch(),
        }
    }

    /// How many rows of [`Shape::features`] values one sequence of this length holds.
    pub fn rows_of(self, length: usize) -> usize {
        match self {
            Shape::Sequence { .. } | Shape::Image { width: None, .. } => length,
            Shape::Vector { .. } | Shape::Image { width: Some(_), .. } => 1,
        }
    }

    /// Values a frame or a vector, of an image of fixed width, or of a column of one of any width.
    pub fn features(self) -> usize {
        match self {
            Shape::Sequence { features, .. } | Shape::Vector { features } => features,
            Shape::Image { channels, height, width } => channels * height * width.unwrap_or(1),
        }
    }

    /// The shape of one frame, or of one column of an image.
    pub(crate) fn column(self) -> Shape {
        match self {
            Shape::Sequence { features, .. } => Shape::frames(features),
            Shape::Vector { .. } => self,
            Shape::Image { channels, height, .. } => Shape::Image { channels, height, width: None },
        }
    }

    /// The length that all sequences have, where it is known and there is a time axis.
    pub fn length(self) -> Option<usize> {
        match self {
            Shape::Sequence { frames, .. } => frames,
            Shape::Image { width, .. } => width,
            Shape::Vector { .. } => None,
        }
    }

    /// The same shape with another number of values a frame or a vector; of an image it makes a vector.
    pub fn with_features(self, features: usize) -> Shape {
        match self {
            Shape::Sequence { frames, .. } => Shape::Sequence { features, frames },
            Shape::Vector { .. } | Shape::Image { .. } => Shape::Vector { features },
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |length: Option<usize>| length.map_or("T".into(), |length| length.to_string());
        match *self {
            Shape::Sequence { features, frames } => write!(f, "[{}, {features}]", time(frames)),
            Shape::Vector { features } => write!(f, "[{features}]"),
            Shape::Image { channels, height, width } => {
                write!(f, "[{channels}, {height}, {}]", time(width))
            }
        }
    }
}

/// Whether a pass trains, and then which random choices it makes.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// Nothing is random, nothing is kept for a backward pass.
    Inference,
    /// A backward pass follows.
    Training(Draw<'a>),
}

/// What the random choices of one training step depend on: never on threads or on how a batch is cut.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// A number that differs from step to step.
    pub key: u64,
    /// Each sequence's place in the whole batch, in the caller's order of the sequences.
    pub places: &'a [usize],
}

impl Draw<'_> {
    /// A number in [0, 1) for one value: of layer number `layer`, of the sequence `index` (in the caller's
    /// order), at place `at` within what the layer computes for the sequence.
    ///
    /// A hash of these four and not a stream, so that the number does not depend on what was drawn before:
    /// three rounds of the finaliser of SplitMix64 (Steele et al. 2014).
    pub fn uniform(&self, layer: u64, index: usize, at: usize) -> f32 {
        let sequence = mixed(self.key ^ mixed(layer ^ mixed(self.places[index] as u64)));
        (mixed(sequence.wrapping_add(at as u64)) >> 40) as f32 / (1u32 << 24) as f32
    }
}

fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// What a pass through the layers is about: which frames exist, and whether it trains.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// The lengths of the batch, for a layer those in front of it.
    pub sequences: &'a Sequences,
    /// Training or inference.
    pub mode: Mode<'a>,
}

/// The buffers of one step of a stream through one layer.
pub struct Step<'a> {
    /// All parameters of the model.
    pub parameters: &'a [f32],
    /// What the layer remembers of the stream; see [`Layer::stream`].
    pub memory: &'a mut [f32],
    /// One frame, or one column of an image.
    pub frame: &'a [f32],
    /// That of the output.
    pub output: &'a mut [f32],
}

/// The buffers of a backward pass through one layer.
pub struct Backward<'a> {
    /// All parameters of the model.
    pub parameters: &'a [f32],
    /// The gradient of all parameters, to be added to.
    pub gradients: &'a mut [f32],
    /// What the forward pass read.
    pub input: &'a [f32],
    /// What the forward pass wrote.
    pub output: &'a [f32],
    /// The gradient of the loss by the output; the layer may use it as scratch.
    pub d_output: &'a mut [f32],
    /// The gradient of the loss by the input, to be overwritten; `None` where nobody asks for it.
    pub d_input: Option<&'a mut [f32]>,
}

/// A layer of a network.
///
/// It owns views into the model's one flat parameter buffer and whatever its backward pass needs of the
/// forward pass; these buffers grow to the largest batch seen and are reused, so that the steady state
/// allocates nothing. Input and output buffers belong to the network.
///
/// A layer may need sums over the whole batch while it knows a shard of it only. Then it has
/// [`Layer::sums`], and both training passes through it have two parts with a break between them, in which the
/// sums of all shards are added: `begin_forward` and `forward`, `begin_backward` and `backward`. Where a network
/// runs alone, its own sums are the whole.
pub trait Layer: Any + Send {
    /// A few words for the summary, such as `lstm 20 -> 64`.
    fn describe(&self) -> String;

    /// The shape of the output.
    fn output_shape(&self) -> Shape;

    /// Where the layer's parameters lie, if it has any.
    fn views(&self) -> &[View] {
        &[]
    }

    /// How long a sequence is behind the layer that was `length` long in front of it; at least 1.
    fn output_length(&self, length: usize) -> usize {
        length
    }

    /// The longest sequence that the layer can take.
    fn longest(&self) -> usize {
        usize::MAX
    }

    /// Multiply-accumulates of the forward pass for one sequence that is `length` long in front of the layer.
    fn macs(&self, _length: usize) -> u64 {
        0
    }

    /// Fills the layer's parameters with their starting values.
    fn initialise(&self, _parameters: &mut [f32], _stream: &mut Stream) {}

    /// Takes in the parameters for the forward passes that follow, in whatever form they run fastest; to be
    /// called again when they change.
    fn prepare(&mut self, _parameters: &[f32]) {}

    /// The sums over a batch that this layer's training passes need, if they need any.
    fn sums(&mut self) -> Option<&mut BatchSums> {
        None
    }

    /// The first part of a forward pass in training, up to the layer's own sums.
    fn begin_forward(&mut self, _parameters: &[f32], _input: &[f32], _pass: Pass<'_>) {}

    /// The first part of a backward pass, up to the layer's own sums; nothing is written to `d_input`.
    fn begin_backward(&mut self, _buffers: Backward<'_>, _pass: Pass<'_>) {}

    /// After a training step: lets those of the layer's tensors that are not trained follow the batch.
    fn follow(&self, _parameters: &mut [f32]) {}

    /// What the layer remembers when a stream begins, if no output depends on later frames.
    fn stream(&self) -> Option<Vec<f32>> {
        None
    }

    /// Takes a stream one frame on: reads one frame, or one column of an image, and writes that of the output.
    /// It returns false if this frame has no output, because the layer makes several steps at a time.
    ///
    /// `pass` is of one sequence of one frame; whoever remembers nothing treats the frame as that.
    fn step(&mut self, buffers: Step<'_>, pass: Pass<'_>) -> bool {
        self.forward(buffers.parameters, buffers.frame, buffers.output, pass);
        true
    }

    /// Computes the output from the input and, when training, keeps what [`Layer::backward`] needs.
    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>);

    /// Adds to the gradients of the parameters and overwrites the gradient of the input, for the forward
    /// pass that came last (with the same `pass`).
    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>);
}
