//! The model `tc-resnet`: residual blocks of convolutions in time.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;

use super::super::image_plan::{ImagePlan, same_padding};
use super::super::{ModelError, check_dropout, check_size};
use crate::convolution::{BlockConfig, FramesAsImage, ImageMean};
use crate::dropout::Dropout;
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::objective::Objective;
use crate::weight_init::WeightInit;

/// Convolutions in time with the features as channels: one over 3 frames, then residual blocks of two over 9
/// frames; the mean over the frames, dropout, and a linear layer without bias.
///
/// A block that changes the number of channels halves the number of frames. Every convolution has batch
/// normalization; Xavier initialization.
///
/// # Shapes
/// [T, F] as the image [F, 1, T] -> \[K\]; TC-ResNet8 has 65,168 parameters with 40 MFCC and 12 classes (66k
/// in the paper)
///
/// # Source
/// Choi et al. 2019, with 30 ms frames every 10 ms. Padding is symmetric; the authors' program has one more
/// zero at the end for an even number of frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TcResnetConfig {
    /// Channels of the first convolution and of each block. TC-ResNet14 has 16, 24, 24, 32, 32, 48, 48.
    pub channels: Vec<usize>,
    /// Probability of dropout before the linear layer, in [0, 1).
    pub dropout: f32,
}

impl Default for TcResnetConfig {
    fn default() -> TcResnetConfig {
        TcResnetConfig { channels: vec![16, 24, 32, 48], dropout: 0.5 }
    }
}

impl TcResnetConfig {
    pub(in super::super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.tc-resnet.dropout", self.dropout)?;
        let [first, blocks @ ..] = &self.channels[..] else {
            let rule =
                "must have the channels of the first convolution and of each block; add at least one number";
            return Err(ModelError::Value { key: "model.tc-resnet.channels", value: "[]".into(), rule });
        };
        for &channels in &self.channels {
            check_size("model.tc-resnet.channels", channels)?;
        }
        let image = FramesAsImage::new(input.features(), input.length()).features_as_channels();
        let mut images = ImagePlan::new("tc-resnet", input, image);
        let convolution = convolution(input.features(), *first, 3, 1);
        images.convolve(BlockConfig { relu: true, ..convolution }, "conv.", Some("norm."))?;
        for (block, &channels) in blocks.iter().enumerate() {
            images.residual(block, channels)?;
        }
        let mut plan = images.plan;
        plan.push(ImageMean::global(plan.shape()));
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 0));
        }
        let linear = Linear::without_bias(plan.shape(), classes, "fc.", plan.layout());
        plan.push(linear.with_init(WeightInit::Xavier));
        Ok(plan.finish(Objective::Classes))
    }
}

impl ImagePlan {
    /// relu(norm(conv(relu(norm(conv(x))))) + x); if the number of channels changes, the last x becomes
    /// relu(norm(conv(x))).
    fn residual(&mut self, block: usize, channels: usize) -> Result<(), ModelError> {
        let (start, inputs) = (self.plan.outlet(), self.channels());
        let name = |part: &str| format!("blocks.{block}.{part}.");
        let stride = if inputs == channels { 1 } else { 2 };
        let mut shortcut = start;
        if stride == 2 {
            let down = BlockConfig { relu: true, ..convolution(inputs, channels, 1, stride) };
            self.convolve(down, &name("down"), Some(&name("down_norm")))?;
            shortcut = self.plan.outlet();
        }
        let first = BlockConfig { relu: true, ..convolution(inputs, channels, 9, stride) };
        self.convolve_at(start, first, &name("conv1"), Some(&name("norm1")))?;
        self.convolve(convolution(channels, channels, 9, 1), &name("conv2"), Some(&name("norm2")))?;
        self.plan.push_residual(&[self.plan.outlet(), shortcut], true);
        Ok(())
    }
}

/// A convolution over `frames` frames with this stride in time, without bias.
fn convolution(inputs: usize, outputs: usize, frames: usize, stride: usize) -> BlockConfig {
    let kernel = [1, frames];
    let shape = ConvolutionShape {
        stride: [1, stride],
        padding: same_padding(kernel, [1, 1]),
        ..ConvolutionShape::new(inputs, outputs, kernel)
    };
    BlockConfig { one_dimensional: true, bias: false, init: WeightInit::Xavier, ..BlockConfig::new(shape) }
}
