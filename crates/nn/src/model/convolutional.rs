//! The models `wave-cnn` and `mfcc-cnn`: convolutions followed by linear layers.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;
use stapes_kernels::norm::AvgPool;

use super::image_plan::ImagePlan;
use super::{ModelError, check_dropout, fixed_size};
use crate::convolution::{BlockConfig, FramesAsImage};
use crate::dropout::Dropout;
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::norm_activation::NormActivation;
use crate::objective::Objective;
use crate::weight_init::WeightInit;

/// Convolutions of width 5 over a waveform, 1 -> 4 -> 8 -> 16 -> 32 channels, each with ReLU and average
/// pooling of 2; then linear layers of 128 and 64 with ReLU, and one for the scores. Xavier initialization.
///
/// # Shapes
/// [T, 1] or [1, T] -> \[K\]; 1,532,090 parameters with T = 6000 and K = 10
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaveCnnConfig {
    /// True for batch normalization after every convolution and every hidden linear layer.
    pub batch_norm: bool,
    /// Probability of dropout after the two hidden linear layers, in [0, 1).
    pub dropout: f32,
}

/// Convolutions over MFCC as an image: 8 of 2x3, 16 of 3x3 and 32 of 3x3, each with batch normalization and
/// ReLU, the first and the last with average pooling of 2x2; then linear layers of 128 and 64 with ReLU, and
/// one for the scores.
///
/// # Shapes
/// [T, F] as the image [1, F, T] -> \[K\]; 80,546 parameters with T = 74, F = 13 and K = 10
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MfccCnnConfig {
    /// Probability of dropout after the two hidden linear layers, in [0, 1).
    pub dropout: f32,
}

impl WaveCnnConfig {
    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.wave-cnn.dropout", self.dropout)?;
        let model = "wave-cnn";
        let (features, frames) = fixed_size(model, input)?;
        if features != 1 && frames != 1 {
            let rule =
                "it reads the samples of one waveform; use the front end waveform with frames of one sample";
            return Err(ModelError::Input { model, input, rule });
        }
        let image = FramesAsImage::new(features, Some(frames)).as_single_row();
        let mut layers = Sequential::new(model, input, image, WeightInit::Xavier);
        for outputs in [4, 8, 16, 32] {
            layers.convolve(outputs, [1, 5], AvgPool::By2, self.batch_norm)?;
        }
        Ok(layers.classify(self.batch_norm, self.dropout, classes))
    }
}

impl MfccCnnConfig {
    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.mfcc-cnn.dropout", self.dropout)?;
        let model = "mfcc-cnn";
        let (features, frames) = fixed_size(model, input)?;
        let image = FramesAsImage::new(features, Some(frames));
        let mut layers = Sequential::new(model, input, image, WeightInit::Uniform);
        layers.convolve(8, [2, 3], AvgPool::By2x2, true)?;
        layers.convolve(16, [3, 3], AvgPool::None, true)?;
        layers.convolve(32, [3, 3], AvgPool::By2x2, true)?;
        Ok(layers.classify(false, self.dropout, classes))
    }
}

/// Layers named by their index, as torch.nn.Sequential names its modules. Dropout has no index, so that it
/// can be removed.
struct Sequential {
    images: ImagePlan,
    init: WeightInit,
    /// Index of the next module.
    module: usize,
}

impl Sequential {
    fn new(model: &'static str, input: Shape, image: FramesAsImage, init: WeightInit) -> Sequential {
        Sequential { images: ImagePlan::new(model, input, image), init, module: 0 }
    }

    /// Prefix of the next module's names.
    fn next(&mut self) -> String {
        self.module += 1;
        format!("{}.", self.module - 1)
    }

    fn convolve(
        &mut self,
        outputs: usize,
        kernel: [usize; 2],
        avg_pool: AvgPool,
        norm: bool,
    ) -> Result<(), ModelError> {
        let shape = ConvolutionShape::new(self.images.channels(), outputs, kernel);
        let one_dimensional = self.images.height() == 1;
        let plain = BlockConfig { one_dimensional, ..BlockConfig::new(shape) };
        let config = BlockConfig { init: self.init, relu: true, avg_pool, ..plain };
        let (prefix, norm) = (self.next(), norm.then(|| self.next()));
        // ReLU and average pooling.
        self.module += if avg_pool == AvgPool::None { 1 } else { 2 };
        self.images.convolve(config, &prefix, norm.as_deref())
    }

    fn classify(mut self, norm: bool, dropout: f32, classes: usize) -> Network {
        // torch.nn.Flatten.
        self.module += 1;
        for (id, outputs) in [128, 64].into_iter().enumerate() {
            self.linear(outputs);
            let norm = norm.then(|| self.next());
            let plan = &mut self.images.plan;
            let relu = NormActivation::relu(plan.shape(), norm.as_deref(), plan.layout());
            plan.push(relu);
            self.module += 1;
            if dropout > 0.0 {
                plan.push(Dropout::new(dropout, plan.shape(), id as u64));
            }
        }
        self.linear(classes);
        self.images.plan.finish(Objective::Classes)
    }

    fn linear(&mut self, outputs: usize) {
        let (prefix, plan) = (self.next(), &mut self.images.plan);
        let layer = Linear::new(plan.shape(), outputs, &prefix, plan.layout());
        plan.push(layer.with_init(self.init));
    }
}
