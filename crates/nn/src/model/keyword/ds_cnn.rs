//! The model `ds-cnn`: depthwise separable convolutions.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;

use super::super::images::{Images, same};
use super::super::{ModelError, check_dropout};
use crate::convolution::{BlockConfig, FramesAsImage, ImageMean};
use crate::dropout::Dropout;
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::objective::Objective;

/// A convolution of 10 frames by 4 features; then blocks of a convolution 3x3 of each channel and one 1x1 across
/// the channels; the mean over all places, and a linear layer. Every convolution is followed by batch
/// normalisation and ReLU.
///
/// # Shapes
/// [T, F] as the image [1, F, T] -> \[K\]; of 10 MFCC and 12 classes the small net has 23,756 parameters, 22,604
/// where the normalisations are folded into the convolutions
///
/// # Source
/// Zhang et al. 2017, Hello Edge; S, M and L of table 9, with 40 ms frames every 20 ms. Zeros lie on both sides of a
/// convolution as if it had no stride, of an odd number one more behind, where the authors' program counts them for the
/// strides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DsCnnConfig {
    /// Which of the paper's three.
    pub size: DsCnnSize,
    /// Probability of dropout in front of the linear layer, in [0, 1).
    pub dropout: f32,
}

/// The paper's three sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DsCnnSize {
    /// 64 channels, 4 blocks; the first convolution with stride 2 in both directions.
    #[default]
    Small,
    /// 172 channels, 4 blocks; the first convolution with stride 2 in time, the first block in both directions.
    Medium,
    /// 276 channels, 5 blocks; strides as the medium one.
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
        let mut images = Images::new("ds-cnn", input, image);
        // Features are the rows of the image and frames its columns.
        let kernel = [4, 10];
        let shape = ConvolutionShape {
            stride: strides[0],
            padding: same(kernel, [1, 1]),
            ..ConvolutionShape::new(1, channels, kernel)
        };
        images.convolve(rectified(shape), ("conv.", Some("norm.")))?;
        for block in 0..blocks {
            let stride = if block == 0 { strides[1] } else { [1, 1] };
            let shape = ConvolutionShape {
                stride,
                padding: same([3, 3], [1, 1]),
                groups: channels,
                ..ConvolutionShape::new(channels, channels, [3, 3])
            };
            let name = |part: &str| format!("blocks.{block}.{part}.");
            images.convolve(rectified(shape), (&name("depthwise"), Some(&name("depthwise_norm"))))?;
            let shape = ConvolutionShape::new(channels, channels, [1, 1]);
            images.convolve(rectified(shape), (&name("pointwise"), Some(&name("pointwise_norm"))))?;
        }
        let mut plan = images.plan;
        plan.push(ImageMean::of_all(plan.shape()));
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 0));
        }
        let linear = Linear::new(plan.shape(), classes, "fc.", plan.layout());
        plan.push(linear);
        Ok(plan.finish(Objective::Classes))
    }
}

fn rectified(shape: ConvolutionShape) -> BlockConfig {
    BlockConfig { rectify: true, ..BlockConfig::new(shape) }
}
