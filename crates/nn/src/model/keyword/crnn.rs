//! The model `crnn`: a convolution and gated recurrent units.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;

use super::super::images::Images;
use super::super::{ModelError, check_dropout, check_size};
use crate::convolution::{BlockConfig, FramesAsImage, ImageAsFrames};
use crate::dropout::Dropout;
use crate::head::{Pool, Pooling};
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::normalise::Normalise;
use crate::objective::Objective;
use crate::recurrent::{CellKind, RecurrentConfig, RecurrentStack, Wiring};

/// A convolution of 10 frames by 4 features with ReLU, two layers of GRU, their last state, a linear layer with
/// ReLU, and one for the scores.
///
/// Nothing looks ahead: 9 frames of zeros stand before the first, and so any number of frames will do.
///
/// # Shapes
/// [T, F] as the image [1, F, T] -> [T / stride, C*H] -> \[K\]; of 10 MFCC and 12 classes the small net has 75,792
/// parameters
///
/// # Source
/// Zhang et al. 2017, Hello Edge, after Arik et al. 2017; the small one of table 9, with 40 ms frames every
/// 20 ms. A GRU here has two biases, as PyTorch's, where the authors' has one; their convolution leaves out the
/// first 9 frames, where ours sees zeros before them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrnnConfig {
    /// Filters of the convolution: 48, 128 and 100 in the paper.
    pub filters: usize,
    /// Steps of the convolution along the features: 2, 2 and 1 in the paper; in time it is 2.
    pub feature_stride: usize,
    /// Cells of a layer of GRU: 60, 76 and 136 in the paper.
    pub cells: usize,
    /// Outputs of the hidden linear layer: 84, 164 and 188 in the paper.
    pub hidden: usize,
    /// Probability of dropout behind the convolution and the hidden linear layer, in [0, 1).
    pub dropout: f32,
}

impl Default for CrnnConfig {
    fn default() -> CrnnConfig {
        CrnnConfig { filters: 48, feature_stride: 2, cells: 60, hidden: 84, dropout: 0.0 }
    }
}

impl CrnnConfig {
    pub(in super::super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.crnn.dropout", self.dropout)?;
        let sizes = [
            ("model.crnn.filters", self.filters),
            ("model.crnn.feature_stride", self.feature_stride),
            ("model.crnn.cells", self.cells),
            ("model.crnn.hidden", self.hidden),
        ];
        sizes.into_iter().try_for_each(|(key, value)| check_size(key, value))?;
        let image = FramesAsImage::new(input.features(), input.length());
        let mut images = Images::new("crnn", input, image);
        let (features, frames) = (4, 10);
        let shape = ConvolutionShape {
            stride: [self.feature_stride, 2],
            padding: [[0, 0], [frames - 1, 0]],
            ..ConvolutionShape::new(1, self.filters, [features, frames])
        };
        images.convolve(BlockConfig { rectify: true, ..BlockConfig::new(shape) }, ("conv.", None))?;
        let mut plan = images.plan;
        plan.push(ImageAsFrames::new(plan.shape()));
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 0));
        }
        let config = RecurrentConfig::new(CellKind::Gru, self.cells, 2, Wiring::Unidirectional);
        let stack = RecurrentStack::new(config, plan.shape(), "gru.", plan.layout());
        plan.push(stack);
        plan.push(Pool::new(Pooling::Last, self.cells, 1));
        let hidden = Linear::new(plan.shape(), self.hidden, "hidden.", plan.layout());
        plan.push(hidden);
        let rectify = Normalise::rectified(plan.shape(), None, plan.layout());
        plan.push(rectify);
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 1));
        }
        let linear = Linear::new(plan.shape(), classes, "fc.", plan.layout());
        plan.push(linear);
        Ok(plan.finish(Objective::Classes))
    }
}
