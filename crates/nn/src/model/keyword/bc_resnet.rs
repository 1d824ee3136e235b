//! The model `bc-resnet`: broadcasted residual blocks.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;

use super::super::image_plan::{ImagePlan, same_padding};
use super::super::{ModelError, check_dropout};
use crate::convolution::{BlockConfig, FramesAsImage, ImageMean};
use crate::dropout::Dropout;
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::norm_activation::NormActivation;
use crate::objective::Objective;
use crate::swish::Swish;

/// Broadcasted residual blocks. Each has a two-dimensional path, a depthwise convolution along the features,
/// and a path in time: the mean over the features passes a depthwise convolution in time and a pointwise one,
/// and is added to all rows of the two-dimensional path.
///
/// # Shapes
/// [T, 40] as the image [1, 40, T] -> \[K\]; BC-ResNet-1 has 9,232 parameters with 12 classes (9.2k in the
/// paper)
///
/// # Source
/// Kim et al. 2021, with 40 log-mel values of 30 ms frames every 10 ms; parameter names as in the authors'
/// PyTorch program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BcResnetConfig {
    /// Factor tau of the number of channels.
    pub width: BcResnetWidth,
    /// Probability of channelwise dropout in each block, in [0, 1).
    pub dropout: f32,
}

impl Default for BcResnetConfig {
    fn default() -> BcResnetConfig {
        BcResnetConfig { width: BcResnetWidth { base: 8 }, dropout: 0.1 }
    }
}

/// Factor tau: 1, 1.5, 2, 3, 6 or 8, as in the paper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct BcResnetWidth {
    /// 8 tau, the base number of channels.
    base: usize,
}

impl TryFrom<f64> for BcResnetWidth {
    type Error = &'static str;

    fn try_from(tau: f64) -> Result<BcResnetWidth, &'static str> {
        match [1.0, 1.5, 2.0, 3.0, 6.0, 8.0].contains(&tau) {
            true => Ok(BcResnetWidth { base: (8.0 * tau) as usize }),
            false => Err("model.bc-resnet.width: must be 1, 1.5, 2, 3, 6 or 8"),
        }
    }
}

impl From<BcResnetWidth> for f64 {
    fn from(width: BcResnetWidth) -> f64 {
        width.base as f64 / 8.0
    }
}

/// Bands of sub-spectral normalization, number of features, and number of blocks per stage.
const BANDS: usize = 5;
const ROWS: usize = 40;
const BLOCKS: [usize; 4] = [2, 2, 4, 4];

impl BcResnetConfig {
    pub(in super::super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.bc-resnet.dropout", self.dropout)?;
        let model = "bc-resnet";
        if input.features() != ROWS {
            let rule = "it reads frames of 40 values; set n_mels = 40 (num_bins = 40 for Kaldi's front ends)";
            return Err(ModelError::Input { model, input, rule });
        }
        let base = self.width.base;
        let channels = [base, base * 3 / 2, base * 2, base * 5 / 2];
        let mut images = ImagePlan::new(model, input, FramesAsImage::new(ROWS, input.length()));
        let kernel = [5, 5];
        let shape = ConvolutionShape {
            stride: [2, 1],
            padding: same_padding(kernel, [1, 1]),
            ..ConvolutionShape::new(1, base * 2, kernel)
        };
        let head = BlockConfig { relu: true, ..without_bias(shape) };
        images.convolve(head, "cnn_head.0.", Some("cnn_head.1."))?;
        let mut dropout_id = 0;
        for (stage, &blocks) in BLOCKS.iter().enumerate() {
            for block in 0..blocks {
                let halves = block == 0 && (stage == 1 || stage == 2);
                let block = Block {
                    name: format!("BCBlocks.{stage}.{block}"),
                    channels: channels[stage],
                    stride: if halves { 2 } else { 1 },
                    dilation: 1 << stage,
                    dropout: self.dropout,
                    dropout_id,
                };
                images.broadcast(&block)?;
                dropout_id += 1;
            }
        }
        let last = channels[3];
        let mut padding = same_padding(kernel, [1, 1]);
        padding[0] = [0, 0];
        let shape = ConvolutionShape { padding, groups: last, ..ConvolutionShape::new(last, last, kernel) };
        images.convolve(without_bias(shape), "classifier.0.", None)?;
        let shape = ConvolutionShape::new(last, base * 4, [1, 1]);
        let across = BlockConfig { relu: true, ..without_bias(shape) };
        images.convolve(across, "classifier.1.", Some("classifier.2."))?;
        let mut plan = images.plan;
        plan.push(ImageMean::global(plan.shape()));
        let linear = Linear::new(plan.shape(), classes, "classifier.5.", plan.layout());
        plan.push(linear);
        Ok(plan.finish(Objective::Classes))
    }
}

/// One residual block.
struct Block {
    name: String,
    channels: usize,
    /// Stride along the features.
    stride: usize,
    /// Dilation in time.
    dilation: usize,
    dropout: f32,
    dropout_id: u64,
}

impl ImagePlan {
    /// ```text
    /// f2 = norm in bands(conv along features(x))    x is first relu(norm(conv 1x1(x))) if channels change
    /// f1 = dropout(conv 1x1(swish(norm(conv in time(mean over features of f2)))))
    /// y  = relu(f2 + f1 + x)                        without x if channels change
    /// ```
    fn broadcast(&mut self, block: &Block) -> Result<(), ModelError> {
        let Block { name, channels, stride, dilation, dropout, dropout_id } = block;
        let (start, inputs, channels) = (self.plan.outlet(), self.channels(), *channels);
        let changes = inputs != channels;
        if changes {
            let shape = ConvolutionShape::new(inputs, channels, [1, 1]);
            let names = [0, 1].map(|at| format!("{name}.f2.0.block.{at}."));
            self.convolve(BlockConfig { relu: true, ..without_bias(shape) }, &names[0], Some(&names[1]))?;
        }
        let kernel = [3, 1];
        let shape = ConvolutionShape {
            stride: [*stride, 1],
            padding: same_padding(kernel, [1, 1]),
            groups: channels,
            ..ConvolutionShape::new(channels, channels, kernel)
        };
        let along_features = format!("{name}.f2.{}.block.", usize::from(changes));
        self.convolve(without_bias(shape), &format!("{along_features}0."), None)?;
        let plan = &mut self.plan;
        let prefix = format!("{along_features}1.ssnorm.");
        let norm = NormActivation::in_bands(plan.shape(), BANDS, &prefix, plan.layout());
        plan.push(norm);
        let two_dimensions = plan.outlet();
        plan.push(ImageMean::over_rows(plan.shape()));
        let (kernel, dilations) = ([1, 3], [1, *dilation]);
        let shape = ConvolutionShape {
            padding: same_padding(kernel, dilations),
            dilation: dilations,
            groups: channels,
            ..ConvolutionShape::new(channels, channels, kernel)
        };
        let names = [0, 1].map(|at| format!("{name}.f1.0.block.{at}."));
        self.convolve(without_bias(shape), &names[0], Some(&names[1]))?;
        self.plan.push(Swish::new(self.plan.shape()));
        let shape = ConvolutionShape::new(channels, channels, [1, 1]);
        self.convolve(without_bias(shape), &format!("{name}.f1.1."), None)?;
        let plan = &mut self.plan;
        if *dropout > 0.0 {
            plan.push(Dropout::new(*dropout, plan.shape(), *dropout_id).channelwise());
        }
        let mut terms = vec![two_dimensions, plan.outlet()];
        terms.extend((!changes).then_some(start));
        plan.push_residual(&terms, true);
        Ok(())
    }
}

fn without_bias(shape: ConvolutionShape) -> BlockConfig {
    BlockConfig { bias: false, ..BlockConfig::new(shape) }
}
