//! The models `wave-cnn` and `mfcc-cnn`: convolutions, and linear layers on all that they leave.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;
use stapes_kernels::norm::Average;

use super::images::Images;
use super::{ModelError, check_dropout, frames_of};
use crate::convolution::{BlockConfig, FramesAsImage};
use crate::dropout::Dropout;
use crate::initialise::WeightStart;
use crate::layer::Shape;
use crate::linear::Linear;
use crate::network::Network;
use crate::normalise::Normalise;
use crate::objective::Objective;

/// Convolutions of width 5 over a waveform, 1 -> 4 -> 8 -> 16 -> 32 channels, each with ReLU and the mean of
/// neighbouring pairs; then linear layers of 128 and 64 with ReLU, and one for the scores.
///
/// The weights of all layers start from Xavier's uniform distribution.
///
/// # Shapes
/// [T, 1] or [1, T] -> \[K\]; with T = 6000 and K = 10 there are 1,532,090 parameters
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaveCnnConfig {
    /// Whether every convolution and every hidden linear layer is followed by batch normalisation.
    pub batch_norm: bool,
    /// Probability of dropout behind the two hidden linear layers, in [0, 1).
    pub dropout: f32,
}

/// Convolutions over MFCC as an image: 8 of 2x3, 16 of 3x3 and 32 of 3x3, each with batch normalisation and
/// ReLU, the first and the last with the mean of squares of 2x2; then linear layers of 128 and 64 with ReLU, and
/// one for the scores.
///
/// # Shapes
/// [T, F] as the image [1, F, T] -> \[K\]; with T = 74, F = 13 and K = 10 there are 80,546 parameters
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MfccCnnConfig {
    /// Probability of dropout behind the two hidden linear layers, in [0, 1).
    pub dropout: f32,
}

impl WaveCnnConfig {
    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.wave-cnn.dropout", self.dropout)?;
        let model = "wave-cnn";
        let (features, frames) = frames_of(model, input)?;
        if features != 1 && frames != 1 {
            let rule =
                "it reads the samples of one waveform: use the front end waveform with frames of one sample";
            return Err(ModelError::Input { model, input, rule });
        }
        let image = FramesAsImage::new(features, Some(frames)).in_one_row();
        let mut chain = Chain::new(model, input, image, WeightStart::Xavier);
        for outputs in [4, 8, 16, 32] {
            chain.convolve(outputs, [1, 5], Average::Pairs, self.batch_norm)?;
        }
        Ok(chain.classify(self.batch_norm, self.dropout, classes))
    }
}

impl MfccCnnConfig {
    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.mfcc-cnn.dropout", self.dropout)?;
        let model = "mfcc-cnn";
        let (features, frames) = frames_of(model, input)?;
        let image = FramesAsImage::new(features, Some(frames));
        let mut chain = Chain::new(model, input, image, WeightStart::Uniform);
        chain.convolve(8, [2, 3], Average::Squares, true)?;
        chain.convolve(16, [3, 3], Average::Nothing, true)?;
        chain.convolve(32, [3, 3], Average::Squares, true)?;
        Ok(chain.classify(false, self.dropout, classes))
    }
}

/// Layers named by their place, as torch.nn.Sequential names its modules; dropout has no place, so that it can
/// be left out.
struct Chain {
    images: Images,
    start: WeightStart,
    /// The next module's number.
    module: usize,
}

impl Chain {
    fn new(model: &'static str, input: Shape, image: FramesAsImage, start: WeightStart) -> Chain {
        Chain { images: Images::new(model, input, image), start, module: 0 }
    }

    /// The prefix of the next module's names.
    fn next(&mut self) -> String {
        self.module += 1;
        format!("{}.", self.module - 1)
    }

    fn convolve(
        &mut self,
        outputs: usize,
        kernel: [usize; 2],
        average: Average,
        norm: bool,
    ) -> Result<(), ModelError> {
        let shape = ConvolutionShape::new(self.images.channels(), outputs, kernel);
        let one_dimension = self.images.height() == 1;
        let plain = BlockConfig { one_dimension, ..BlockConfig::new(shape) };
        let config = BlockConfig { start: self.start, rectify: true, average, ..plain };
        let (prefix, of_norm) = (self.next(), norm.then(|| self.next()));
        // Rectification, and the means.
        self.module += if average == Average::Nothing { 1 } else { 2 };
        self.images.convolve(config, (&prefix, of_norm.as_deref()))
    }

    fn classify(mut self, norm: bool, dropout: f32, classes: usize) -> Network {
        // Torch's Flatten.
        self.module += 1;
        for (number, outputs) in [128, 64].into_iter().enumerate() {
            self.linear(outputs);
            let of_norm = norm.then(|| self.next());
            let plan = &mut self.images.plan;
            let rectify = Normalise::rectified(plan.shape(), of_norm.as_deref(), plan.layout());
            plan.push(rectify);
            self.module += 1;
            if dropout > 0.0 {
                plan.push(Dropout::new(dropout, plan.shape(), number as u64));
            }
        }
        self.linear(classes);
        self.images.plan.finish(Objective::Classes)
    }

    fn linear(&mut self, outputs: usize) {
        let (prefix, plan) = (self.next(), &mut self.images.plan);
        let layer = Linear::new(plan.shape(), outputs, &prefix, plan.layout());
        plan.push(layer.starting(self.start));
    }
}
