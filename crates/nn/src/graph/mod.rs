//! Description of a network for other programs: its operations, with their settings and the names of their tensors.
//!
//! Exporters read it; the network itself runs without it.

mod recurrent;
mod tensors;

use stapes_kernels::convolution::ConvolutionShape;

pub use self::recurrent::{RecurrentChain, RecurrentLayer};
pub use self::tensors::GraphTensors;

use crate::convolution::Activation;
use crate::head::{Pooling, Query};
use crate::layer::Shape;
use crate::objective::Objective;
use crate::recurrent::RecurrentConfig;

/// Operations of a network, in the order in which they run.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Shape of the input.
    pub input: Shape,
    /// Operations.
    pub nodes: Vec<GraphNode>,
    /// Meaning of the scores, the output of the last node.
    pub objective: Objective,
}

/// An operation of a [`Graph`].
#[derive(Clone, Debug)]
pub struct GraphNode {
    /// The operation in inference.
    pub operation: Operation,
    /// Node whose output is each of the inputs; `None` is the input of the network.
    pub inputs: Vec<Option<usize>>,
    /// Shape of the output.
    pub output: Shape,
}

/// Operation of a node in inference, with the names of its tensors.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// The output is the input: dropout.
    Identity,
    /// y = W x + b for each frame, or for the vector.
    Linear {
        /// Name of W, [outputs, inputs].
        weight: String,
        /// Name of b, if there is one.
        bias: Option<String>,
    },
    /// Recurrent layers.
    Recurrent {
        /// Settings.
        config: RecurrentConfig,
        /// Prefix of the names of the tensors, which are those of PyTorch.
        prefix: String,
    },
    /// Pooling of frames to a vector.
    Pool {
        /// Kind.
        kind: Pooling,
        /// Number of directions of the recurrent layer before it.
        num_directions: usize,
    },
    /// Mean of the frames, weighted by attention.
    Attention {
        /// Source of the query.
        query: Query,
        /// Name of the weight.
        weight: String,
        /// Name of the bias.
        bias: String,
    },
    /// All frames as one vector.
    Concatenate,
    /// Frames [T, F] as an image [1, F, T].
    FramesAsRows,
    /// Frames [T, F] as an image [F, 1, T].
    FramesAsChannels,
    /// Frames [T, F] as an image [1, 1, T F].
    FramesAsOneRow,
    /// An image [C, H, T] as frames [T, C H].
    ImageAsFrames,
    /// Convolution of images, then batch normalization, ReLU and mean pooling, if any.
    Convolution {
        /// Channels, kernel, stride, padding, dilation, groups.
        shape: ConvolutionShape,
        /// True for images of one row, whose weight has no axis for rows.
        one_dimensional: bool,
        /// Name of the weight.
        weight: String,
        /// Name of the bias, if there is one.
        bias: Option<String>,
        /// Names of weight, bias, running mean and running variance of the batch normalization, if there is one.
        norm: Option<[String; 4]>,
        /// True if ReLU follows.
        relu: bool,
        /// Window of the mean pooling, rows and columns.
        avg_pool: [usize; 2],
    },
    /// Convolution along the values of each frame, maximum over adjacent windows, activation.
    FrameConvolution {
        /// Number of filters.
        filters: usize,
        /// Length of the filters.
        window: usize,
        /// Window of the maximum; all positions if not given.
        pool: Option<usize>,
        /// Activation.
        activation: Activation,
        /// Name of the weight.
        weight: String,
        /// Name of the bias.
        bias: String,
    },
    /// Batch normalization and ReLU, if any.
    NormActivation {
        /// Names of weight, bias, running mean and running variance, if there is a normalization.
        norm: Option<[String; 4]>,
        /// Number of bands of rows, each with its own statistics.
        bands: usize,
        /// True if ReLU follows.
        relu: bool,
    },
    /// x sigmoid(x).
    Swish,
    /// Mean over the rows of each column of an image.
    MeanOverRows,
    /// Mean over all positions of each channel of an image.
    GlobalMean,
    /// Sum of the inputs, of which images of one row are added to each row; then ReLU, if any.
    Sum {
        /// True if ReLU follows.
        relu: bool,
    },
}

/// Added to the variance by every batch normalization.
pub const BATCH_NORM_EPSILON: f64 = crate::batch_norm::EPSILON;

/// Added before the logarithm of [`Activation::LogRelu`].
pub const LOG_RELU_FLOOR: f32 = crate::convolution::LOG_RELU_FLOOR;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ModelConfig;

    /// Names of the tensors of an operation.
    fn names(operation: &Operation, all: &[String]) -> Vec<String> {
        match operation {
            Operation::Linear { weight, bias } => {
                [Some(weight), bias.as_ref()].into_iter().flatten().cloned().collect()
            }
            Operation::Recurrent { prefix, .. } => {
                all.iter().filter(|name| name.starts_with(prefix.as_str())).cloned().collect()
            }
            Operation::Attention { weight, bias, .. } | Operation::FrameConvolution { weight, bias, .. } => {
                vec![weight.clone(), bias.clone()]
            }
            Operation::Convolution { weight, bias, norm, .. } => {
                let norm = norm.iter().flatten();
                std::iter::once(weight).chain(bias).chain(norm).cloned().collect()
            }
            Operation::NormActivation { norm, .. } => norm.iter().flatten().cloned().collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_graph_names_every_tensor_once_and_has_the_shape_of_the_scores() {
        for (model, features, frames) in [
            ("[recurrent]\ncell = 'gru'\nhidden_size = 3\nhead = 'attention'\nbidirectional = true", 5, None),
            (
                "[recurrent]\ncell = 'lstm'\nhidden_size = 3\nhead = 'frame_ensemble'\nhead_dropout = 0.1",
                5,
                Some(7),
            ),
            ("[wave-cnn]\nbatch_norm = true", 1, Some(800)),
            ("[mfcc-cnn]", 20, Some(32)),
            ("[cdnn]", 40, None),
            ("[cdnn-raw]", 480, None),
            ("[ds-cnn]", 10, None),
            ("[tc-resnet]", 40, None),
            ("[bc-resnet]", 40, None),
            ("[crnn]", 40, None),
            ("[attention-rnn]", 40, None),
        ] {
            let config: ModelConfig = toml::from_str(model).unwrap();
            let input = Shape::Sequence { features, frames };
            let network = config.build(input, 4).unwrap();
            let graph = network.graph();
            let all: Vec<String> = network.tensors().iter().map(|tensor| tensor.name.clone()).collect();
            let named: Vec<String> =
                graph.nodes.iter().flat_map(|node| names(&node.operation, &all)).collect();
            assert_eq!(named.len(), all.len(), "{model}");
            assert_eq!(named.iter().collect::<BTreeSet<_>>(), all.iter().collect(), "{model}");
            assert_eq!(graph.nodes.last().unwrap().output, network.output_shape());
        }
    }
}
