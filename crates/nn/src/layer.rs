//! The [`Layer`] trait: shapes, forward pass and backward pass.

use std::any::Any;

use serde::{Deserialize, Serialize};
use stapes_kernels::Sequences;
use stapes_random::Rng;

use crate::batch_stats::BatchStats;
use crate::graph::Operation;
use crate::parameters::TensorSpec;

/// The shape of the data between two layers, without the batch axis.
///
/// Time is an axis of sequences (T) and of images (W). Its length differs per sequence, and layers with a
/// stride in time change it (see [`Layer::output_length`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// [T, F]: `features` values per frame. Stored as the packed [N, F] of [`Sequences`].
    Sequence {
        /// F, values per frame.
        features: usize,
        /// T, if all sequences have the same length.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        frames: Option<usize>,
    },
    /// \[F\]: one vector per sequence. Stored as [B, F], in the caller's order of the sequences.
    Vector {
        /// F, values per sequence.
        features: usize,
    },
    /// [C, H, W]: one image per sequence, time along W. Images are stored one after another, in the caller's
    /// order of the sequences. If W is fixed, layers over vectors read an image as \[C*H*W\].
    Image {
        /// C.
        channels: usize,
        /// H.
        height: usize,
        /// W, if all sequences have the same length.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<usize>,
    },
}

impl Shape {
    /// Returns the shape of sequences of any length with `features` values per frame.
    pub fn frames(features: usize) -> Shape {
        Shape::Sequence { features, frames: None }
    }

    /// True if a size is 0.
    pub(crate) fn is_empty(self) -> bool {
        match self {
            Shape::Sequence { features, frames } => features == 0 || frames == Some(0),
            Shape::Vector { features } => features == 0,
            Shape::Image { channels, height, width } => channels == 0 || height == 0 || width == Some(0),
        }
    }

    /// Number of values in a batch of this shape.
    pub fn len(self, sequences: &Sequences) -> usize {
        self.rows(sequences) * self.features()
    }

    /// Number of rows of [`Shape::features`] values in a batch of this shape.
    pub fn rows(self, sequences: &Sequences) -> usize {
        match self {
            Shape::Sequence { .. } | Shape::Image { width: None, .. } => sequences.frames(),
            Shape::Vector { .. } | Shape::Image { width: Some(_), .. } => sequences.batch(),
        }
    }

    /// Number of rows of [`Shape::features`] values in one sequence of this length.
    pub fn rows_per_sequence(self, length: usize) -> usize {
        match self {
            Shape::Sequence { .. } | Shape::Image { width: None, .. } => length,
            Shape::Vector { .. } | Shape::Image { width: Some(_), .. } => 1,
        }
    }

    /// Number of values per row: per frame, vector or image of fixed width, or per column of an image of any
    /// width.
    pub fn features(self) -> usize {
        match self {
            Shape::Sequence { features, .. } | Shape::Vector { features } => features,
            Shape::Image { channels, height, width } => channels * height * width.unwrap_or(1),
        }
    }

    /// Returns the shape of one frame, or of one column of an image.
    pub(crate) fn column(self) -> Shape {
        match self {
            Shape::Sequence { features, .. } => Shape::frames(features),
            Shape::Vector { .. } => self,
            Shape::Image { channels, height, .. } => Shape::Image { channels, height, width: None },
        }
    }

    /// Length of all sequences, if it is fixed and there is a time axis.
    pub fn length(self) -> Option<usize> {
        match self {
            Shape::Sequence { frames, .. } => frames,
            Shape::Image { width, .. } => width,
            Shape::Vector { .. } => None,
        }
    }

    /// Returns this shape with another number of values per frame or vector; an image becomes a vector.
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

/// Training or inference.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// No dropout; nothing is stored for a backward pass.
    Inference,
    /// Dropout is applied, and a backward pass follows.
    Training(DropoutKey<'a>),
}

/// Key of the random choices of one training step. They depend neither on threads nor on the shards of a
/// batch.
#[derive(Clone, Copy, Debug)]
pub struct DropoutKey<'a> {
    /// Number that differs for every step.
    pub step: u64,
    /// Index of each sequence in the whole batch, in the caller's order of the sequences.
    pub example_ids: &'a [usize],
    /// Makes the type uninhabited without the feature `training`: forward passes of training are then not compiled.
    #[cfg(not(feature = "training"))]
    pub never: std::convert::Infallible,
}

impl DropoutKey<'_> {
    /// Returns a number in [0, 1) for element `element` of the output of layer `layer` for sequence
    /// `sequence`, in the caller's order.
    ///
    /// It is a hash of the step, the layer, the example and the element, so that it does not depend on
    /// earlier draws: three rounds of the finalizer of SplitMix64 (Steele et al. 2014).
    pub fn uniform(&self, layer: u64, sequence: usize, element: usize) -> f32 {
        let example = mix64(self.step ^ mix64(layer ^ mix64(self.example_ids[sequence] as u64)));
        (mix64(example.wrapping_add(element as u64)) >> 40) as f32 / (1u32 << 24) as f32
    }
}

fn mix64(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Context of a pass through the layers: sequence lengths and mode.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// Lengths of the sequences; each layer receives the lengths of its own input.
    pub sequences: &'a Sequences,
    /// Training or inference.
    pub mode: Mode<'a>,
}

/// The buffers of one step of a stream through one layer.
pub struct Step<'a> {
    /// All parameters of the model.
    pub parameters: &'a [f32],
    /// State of the layer on this stream; see [`Layer::initial_state`].
    pub state: &'a mut [f32],
    /// One frame, or one column of an image.
    pub frame: &'a [f32],
    /// One frame, or one column, of the output.
    pub output: &'a mut [f32],
}

/// The buffers of a backward pass through one layer.
pub struct Backward<'a> {
    /// All parameters of the model.
    pub parameters: &'a [f32],
    /// Gradients of all parameters; the layer adds to them.
    pub gradients: &'a mut [f32],
    /// Input of the forward pass.
    pub input: &'a [f32],
    /// Output of the forward pass.
    pub output: &'a [f32],
    /// Gradient of the loss with respect to the output; the layer may overwrite it.
    pub d_output: &'a mut [f32],
    /// Gradient of the loss with respect to the input, overwritten by the layer; `None` if it is not needed.
    pub d_input: Option<&'a mut [f32]>,
}

/// A layer of a network.
///
/// It owns specs of its tensors in the model's flat parameter buffer, and the values that its backward pass
/// needs from the forward pass. These buffers grow to the largest batch seen and are reused, so that the
/// steady state allocates nothing. Input and output buffers belong to the network.
///
/// A layer may need statistics of the whole batch while it runs on one shard, as batch normalization does.
/// Such a layer implements [`Layer::batch_stats`], and its training passes have two parts: `begin_forward`
/// and `forward`, `begin_backward` and `backward`. Between the two parts the statistics of all shards are
/// summed. A network that runs alone uses its own.
pub trait Layer: Any + Send {
    /// Short description for the summary, such as `lstm 20 -> 64`.
    fn describe(&self) -> String;

    /// The operation in inference, for exporters.
    fn operation(&self) -> Operation;

    /// Shape of the output.
    fn output_shape(&self) -> Shape;

    /// Tensors of the layer in the parameter buffer.
    fn tensors(&self) -> &[TensorSpec] {
        &[]
    }

    /// Returns the output length of a sequence of this input length; at least 1.
    fn output_length(&self, length: usize) -> usize {
        length
    }

    /// Maximum length of a sequence.
    fn max_length(&self) -> usize {
        usize::MAX
    }

    /// Number of multiply-accumulates of the forward pass for one sequence of this input length.
    fn macs(&self, _length: usize) -> u64 {
        0
    }

    /// Initializes the layer's parameters.
    fn initialize(&self, _parameters: &mut [f32], _rng: &mut Rng) {}

    /// Prepares the parameters for the following forward passes, for example by packing them. Call it again
    /// whenever they change.
    fn load_parameters(&mut self, _parameters: &[f32]) {}

    /// Statistics of the batch that the training passes of this layer need, if any.
    fn batch_stats(&mut self) -> Option<&mut BatchStats> {
        None
    }

    /// First part of a forward pass in training: computes the batch statistics.
    fn begin_forward(&mut self, _parameters: &[f32], _input: &[f32], _pass: Pass<'_>) {}

    /// First part of a backward pass: computes the batch statistics; `d_input` is not written.
    fn begin_backward(&mut self, _buffers: Backward<'_>, _pass: Pass<'_>) {}

    /// Updates the running statistics after a training step.
    fn update_running_stats(&self, _parameters: &mut [f32]) {}

    /// Returns the state at the beginning of a stream, or `None` if the output depends on later frames.
    fn initial_state(&self) -> Option<Vec<f32>> {
        None
    }

    /// Processes the next frame of a stream, or the next column of an image, and writes its output. Returns
    /// false if this frame has no output because of a stride in time.
    ///
    /// `pass` describes one sequence of one frame, so that layers without state can run their forward pass.
    fn step(&mut self, buffers: Step<'_>, pass: Pass<'_>) -> bool {
        self.forward(buffers.parameters, buffers.frame, buffers.output, pass);
        true
    }

    /// Computes the output; in training also stores what [`Layer::backward`] needs.
    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>);

    /// Adds to the gradients of the parameters and overwrites the gradient of the input, for the most recent
    /// forward pass (with the same `pass`).
    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>);
}
