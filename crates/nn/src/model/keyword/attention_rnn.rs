//! The model `attention-rnn`: convolutions in time, bidirectional LSTM, and attention asked by the middle frame.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;

use super::super::images::{Images, same};
use super::super::{ModelError, check_dropout, check_size};
use crate::convolution::{BlockConfig, FramesAsImage, ImageAsFrames};
use crate::dropout::Dropout;
use crate::head::{Attention, Query};
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::normalise::Normalise;
use crate::objective::Objective;
use crate::recurrent::{CellKind, RecurrentConfig, RecurrentStack, Wiring};

/// Two convolutions over 5 frames of each feature, each with ReLU and then batch normalisation; two layers of
/// bidirectional LSTM; the mean of the frames weighted by attention, whose query is made of the middle frame;
/// linear layers of 64 with ReLU, of 32, and one for the scores.
///
/// # Shapes
/// [T, F] as the image [1, F, T] -> [T, 128] -> \[K\]; of 80 log-mel values and 36 classes there are 202,249
/// parameters (202k in the paper)
///
/// # Source
/// De Andrade et al. 2018, with 80 mel bands of 64 ms frames every 8 ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttentionRnnConfig {
    /// Filters of the first convolution.
    pub filters: usize,
    /// Cells of each direction of a layer of LSTM.
    pub cells: usize,
    /// Probability of dropout behind the attention, in [0, 1).
    pub dropout: f32,
}

impl Default for AttentionRnnConfig {
    fn default() -> AttentionRnnConfig {
        AttentionRnnConfig { filters: 10, cells: 64, dropout: 0.0 }
    }
}

impl AttentionRnnConfig {
    pub(in super::super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.attention-rnn.dropout", self.dropout)?;
        check_size("model.attention-rnn.filters", self.filters)?;
        check_size("model.attention-rnn.cells", self.cells)?;
        let image = FramesAsImage::new(input.features(), input.length());
        let mut images = Images::new("attention-rnn", input, image);
        for (number, [inputs, outputs]) in [[1, self.filters], [self.filters, 1]].into_iter().enumerate() {
            let kernel = [1, 5];
            let shape = ConvolutionShape {
                padding: same(kernel, [1, 1]),
                ..ConvolutionShape::new(inputs, outputs, kernel)
            };
            let config = BlockConfig { rectify: true, ..BlockConfig::new(shape) };
            images.convolve(config, (&format!("conv{}.", number + 1), None))?;
            let plan = &mut images.plan;
            let prefix = format!("norm{}.", number + 1);
            let norm = Normalise::in_bands(plan.shape(), 1, &prefix, plan.layout());
            plan.push(norm);
        }
        let mut plan = images.plan;
        plan.push(ImageAsFrames::new(plan.shape()));
        let config = RecurrentConfig::new(CellKind::Lstm, self.cells, 2, Wiring::Stacked);
        let stack = RecurrentStack::new(config, plan.shape(), "lstm.", plan.layout());
        plan.push(stack);
        let attention = Attention::new(Query::MiddleFrame, 2 * self.cells, "query.", plan.layout());
        plan.push(attention);
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 0));
        }
        let linear = Linear::new(plan.shape(), 64, "fc1.", plan.layout());
        plan.push(linear);
        let rectify = Normalise::rectified(plan.shape(), None, plan.layout());
        plan.push(rectify);
        for (outputs, prefix) in [(32, "fc2."), (classes, "fc3.")] {
            let linear = Linear::new(plan.shape(), outputs, prefix, plan.layout());
            plan.push(linear);
        }
        Ok(plan.finish(Objective::Classes))
    }
}
