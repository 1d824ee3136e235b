//! The model `crnn`: a convolution and a GRU.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;

use super::super::image_plan::ImagePlan;
use super::super::{ModelError, check_dropout, check_size};
use crate::convolution::{BlockConfig, FramesAsImage, ImageAsFrames};
use crate::dropout::Dropout;
use crate::head::{Pool, Pooling};
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::norm_activation::NormActivation;
use crate::objective::Objective;
use crate::recurrent::{CellKind, Directions, RecurrentConfig, RecurrentStack};

/// A convolution over 10 frames and 4 features with ReLU, a GRU of two layers, its last state, a linear layer
/// with ReLU, and one for the scores.
///
/// The model is causal: 9 frames of zeros precede the first frame, so any number of frames is valid.
///
/// # Shapes
/// [T, F] as the image [1, F, T] -> [T / stride, C*H] -> \[K\]; the small model has 75,792 parameters with 10
/// MFCC and 12 classes
///
/// # Source
/// Zhang et al. 2017, Hello Edge, after Arik et al. 2017; the default is the small model of table 9, with 40
/// ms frames every 20 ms. The GRU has two biases as in PyTorch, the authors' has one; their convolution skips
/// the first 9 frames, this one pads them with zeros.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrnnConfig {
    /// Number of filters of the convolution: 48, 128 and 100 in the paper.
    pub filters: usize,
    /// Stride of the convolution along the features: 2, 2 and 1 in the paper; the stride in time is 2.
    pub feature_stride: usize,
    /// Hidden size of the GRU: 60, 76 and 136 in the paper.
    pub hidden_size: usize,
    /// Outputs of the hidden linear layer: 84, 164 and 188 in the paper.
    pub fc_size: usize,
    /// Probability of dropout after the convolution and the hidden linear layer, in [0, 1).
    pub dropout: f32,
}

impl Default for CrnnConfig {
    fn default() -> CrnnConfig {
        CrnnConfig { filters: 48, feature_stride: 2, hidden_size: 60, fc_size: 84, dropout: 0.0 }
    }
}

impl CrnnConfig {
    pub(in super::super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.crnn.dropout", self.dropout)?;
        let sizes = [
            ("model.crnn.filters", self.filters),
            ("model.crnn.feature_stride", self.feature_stride),
            ("model.crnn.hidden_size", self.hidden_size),
            ("model.crnn.fc_size", self.fc_size),
        ];
        sizes.into_iter().try_for_each(|(key, value)| check_size(key, value))?;
        let image = FramesAsImage::new(input.features(), input.length());
        let mut images = ImagePlan::new("crnn", input, image);
        let (features, frames) = (4, 10);
        let shape = ConvolutionShape {
            stride: [self.feature_stride, 2],
            padding: [[0, 0], [frames - 1, 0]],
            ..ConvolutionShape::new(1, self.filters, [features, frames])
        };
        images.convolve(BlockConfig { relu: true, ..BlockConfig::new(shape) }, "conv.", None)?;
        let mut plan = images.plan;
        plan.push(ImageAsFrames::new(plan.shape()));
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 0));
        }
        let config = RecurrentConfig::new(CellKind::Gru, self.hidden_size, 2, Directions::Unidirectional);
        let stack = RecurrentStack::new(config, plan.shape(), "gru.", plan.layout());
        plan.push(stack);
        plan.push(Pool::new(Pooling::Last, self.hidden_size, 1));
        let hidden = Linear::new(plan.shape(), self.fc_size, "hidden.", plan.layout());
        plan.push(hidden);
        let relu = NormActivation::relu(plan.shape(), None, plan.layout());
        plan.push(relu);
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 1));
        }
        let linear = Linear::new(plan.shape(), classes, "fc.", plan.layout());
        plan.push(linear);
        Ok(plan.finish(Objective::Classes))
    }
}
