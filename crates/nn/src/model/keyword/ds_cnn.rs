//! The model `ds-cnn`: depthwise separable convolutions.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;

use super::super::image_plan::{ImagePlan, same_padding};
use super::super::{ModelError, check_dropout};
use crate::convolution::{BlockConfig, FramesAsImage, ImageMean};
use crate::dropout::Dropout;
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::objective::Objective;

/// A convolution over 10 frames and 4 features; then blocks of a depthwise 3x3 and a pointwise 1x1
/// convolution; the global mean, and a linear layer. Every convolution has batch normalization and ReLU.
///
/// # Shapes
/// [T, F] as the image [1, F, T] -> \[K\]; the small model has 23,756 parameters with 10 MFCC and 12 classes,
/// 22,604 with the normalizations folded into the convolutions
///
/// # Source
/// Zhang et al. 2017, Hello Edge; S, M and L of table 9, with 40 ms frames every 20 ms. Padding is that of
/// stride 1 with the extra zero of an odd number at the end; the authors' program computes it for the actual
/// stride.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DsCnnConfig {
    /// Size of the model.
    pub size: DsCnnSize,
    /// Probability of dropout before the linear layer, in [0, 1).
    pub dropout: f32,
}

/// Sizes of the paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DsCnnSize {
    /// 64 channels, 4 blocks; the first convolution has stride 2 in both directions.
    #[default]
    Small,
    /// 172 channels, 4 blocks; the first convolution has stride 2 in time, the first block in both
    /// directions.
    Medium,
    /// 276 channels, 5 blocks; strides as in `Medium`.
    Large,
}

impl DsCnnConfig {
    pub(in super::super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.ds-cnn.dropout", self.dropout)?;
        let (channels, blocks, strides) = match self.size {
            DsCnnSize::Small => (64, 4, [[2, 2], [1, 1]]),
            DsCnnSize::Medium => (172, 4, [[1, 2], [2, 2]]),
            DsCnnSize::Large => (276, 5, [[1, 2], [2, 2]]),
        };
        let image = FramesAsImage::new(input.features(), input.length());
        let mut images = ImagePlan::new("ds-cnn", input, image);
        // Features are the rows of the image and frames its columns.
        let kernel = [4, 10];
        let shape = ConvolutionShape {
            stride: strides[0],
            padding: same_padding(kernel, [1, 1]),
            ..ConvolutionShape::new(1, channels, kernel)
        };
        images.convolve(relu_block(shape), "conv.", Some("norm."))?;
        for block in 0..blocks {
            let stride = if block == 0 { strides[1] } else { [1, 1] };
            let shape = ConvolutionShape {
                stride,
                padding: same_padding([3, 3], [1, 1]),
                groups: channels,
                ..ConvolutionShape::new(channels, channels, [3, 3])
            };
            let name = |part: &str| format!("blocks.{block}.{part}.");
            images.convolve(relu_block(shape), &name("depthwise"), Some(&name("depthwise_norm")))?;
            let shape = ConvolutionShape::new(channels, channels, [1, 1]);
            images.convolve(relu_block(shape), &name("pointwise"), Some(&name("pointwise_norm")))?;
        }
        let mut plan = images.plan;
        plan.push(ImageMean::global(plan.shape()));
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 0));
        }
        let linear = Linear::new(plan.shape(), classes, "fc.", plan.layout());
        plan.push(linear);
        Ok(plan.finish(Objective::Classes))
    }
}

fn relu_block(shape: ConvolutionShape) -> BlockConfig {
    BlockConfig { relu: true, ..BlockConfig::new(shape) }
}
