//! The model `attention-rnn`: convolutions in time, a bidirectional LSTM, and attention.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;

use super::super::image_plan::{ImagePlan, same_padding};
use super::super::{ModelError, check_dropout, check_size};
use crate::convolution::{BlockConfig, FramesAsImage, ImageAsFrames};
use crate::dropout::Dropout;
use crate::head::{Attention, Query};
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::norm_activation::NormActivation;
use crate::objective::Objective;
use crate::recurrent::{CellKind, Directions, RecurrentConfig, RecurrentStack};

/// Two convolutions over 5 frames of each feature, each with ReLU and then batch normalization; a
/// bidirectional LSTM of two layers; attention with a query from the middle frame; linear layers of 64 with
/// ReLU, of 32, and one for the scores.
///
/// # Shapes
/// [T, F] as the image [1, F, T] -> [T, 128] -> \[K\]; 202,249 parameters with 80 log-mel values and 36
/// classes (202k in the paper)
///
/// # Source
/// De Andrade et al. 2018, with 80 mel bands of 64 ms frames every 8 ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttentionRnnConfig {
    /// Number of filters of the first convolution.
    pub filters: usize,
    /// Hidden size per direction of the LSTM.
    pub hidden_size: usize,
    /// Probability of dropout after the attention, in [0, 1).
    pub dropout: f32,
}

impl Default for AttentionRnnConfig {
    fn default() -> AttentionRnnConfig {
        AttentionRnnConfig { filters: 10, hidden_size: 64, dropout: 0.0 }
    }
}

impl AttentionRnnConfig {
    pub(in super::super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.attention-rnn.dropout", self.dropout)?;
        check_size("model.attention-rnn.filters", self.filters)?;
        check_size("model.attention-rnn.hidden_size", self.hidden_size)?;
        let image = FramesAsImage::new(input.features(), input.length());
        let mut images = ImagePlan::new("attention-rnn", input, image);
        for (number, [inputs, outputs]) in [[1, self.filters], [self.filters, 1]].into_iter().enumerate() {
            let kernel = [1, 5];
            let shape = ConvolutionShape {
                padding: same_padding(kernel, [1, 1]),
                ..ConvolutionShape::new(inputs, outputs, kernel)
            };
            let config = BlockConfig { relu: true, ..BlockConfig::new(shape) };
            images.convolve(config, &format!("conv{}.", number + 1), None)?;
            let plan = &mut images.plan;
            let prefix = format!("norm{}.", number + 1);
            let norm = NormActivation::in_bands(plan.shape(), 1, &prefix, plan.layout());
            plan.push(norm);
        }
        let mut plan = images.plan;
        plan.push(ImageAsFrames::new(plan.shape()));
        let config = RecurrentConfig::new(CellKind::Lstm, self.hidden_size, 2, Directions::Interleaved);
        let stack = RecurrentStack::new(config, plan.shape(), "lstm.", plan.layout());
        plan.push(stack);
        let attention = Attention::new(Query::MiddleFrame, 2 * self.hidden_size, "query.", plan.layout());
        plan.push(attention);
        if self.dropout > 0.0 {
            plan.push(Dropout::new(self.dropout, plan.shape(), 0));
        }
        let linear = Linear::new(plan.shape(), 64, "fc1.", plan.layout());
        plan.push(linear);
        let relu = NormActivation::relu(plan.shape(), None, plan.layout());
        plan.push(relu);
        for (outputs, prefix) in [(32, "fc2."), (classes, "fc3.")] {
            let linear = Linear::new(plan.shape(), outputs, prefix, plan.layout());
            plan.push(linear);
        }
        Ok(plan.finish(Objective::Classes))
    }
}
