//! The models `wave-cnn` and `mfcc-cnn`: convolutions, and linear layers on all that they leave.

use serde::{Deserialize, Serialize};
use stapes_kernels::convolution::ConvolutionShape;
use stapes_kernels::norm::Average;

use super::{ModelError, check_dropout, frames_of};
use crate::convolution::{BlockConfig, ConvolutionBlock, FramesAsImage};
use crate::dropout::Dropout;
use crate::initialise::WeightStart;
use crate::layer::{Layer, Shape};
use crate::linear::Linear;
use crate::network::Network;
use crate::objective::Objective;
use crate::parameters::Layout;
use crate::rectify::Rectify;

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
        let image = FramesAsImage::new(features, frames).in_one_row();
        let mut chain = Chain::new(model, image, WeightStart::Xavier);
        for outputs in [4, 8, 16, 32] {
            chain.convolve(outputs, [1, 5], Average::Pairs, self.batch_norm)?;
        }
        chain.classify(self.batch_norm, self.dropout, classes);
        Ok(Network::new(input, chain.layers, chain.layout, Objective::Classes))
    }
}

impl MfccCnnConfig {
    pub(super) fn build(&self, input: Shape, classes: usize) -> Result<Network, ModelError> {
        check_dropout("model.mfcc-cnn.dropout", self.dropout)?;
        let model = "mfcc-cnn";
        let (features, frames) = frames_of(model, input)?;
        let mut chain = Chain::new(model, FramesAsImage::new(features, frames), WeightStart::Uniform);
        chain.convolve(8, [2, 3], Average::Squares, true)?;
        chain.convolve(16, [3, 3], Average::Nothing, true)?;
        chain.convolve(32, [3, 3], Average::Squares, true)?;
        chain.classify(false, self.dropout, classes);
        Ok(Network::new(input, chain.layers, chain.layout, Objective::Classes))
    }
}

/// Layers named by their place, as torch.nn.Sequential names its modules; dropout has no place, so that it can
/// be left out.
struct Chain {
    model: &'static str,
    layers: Vec<Box<dyn Layer>>,
    layout: Layout,
    shape: Shape,
    start: WeightStart,
    /// The next module's number.
    module: usize,
}

impl Chain {
    fn new(model: &'static str, image: FramesAsImage, start: WeightStart) -> Chain {
        let shape = image.output_shape();
        Chain { model, layers: vec![Box::new(image)], layout: Layout::new(), shape, start, module: 0 }
    }

    fn push(&mut self, layer: impl Layer) {
        self.shape = layer.output_shape();
        self.layers.push(Box::new(layer));
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
        let Shape::Image { channels, height, width } = self.shape else {
            unreachable!("a chain starts with an image, and convolutions make images");
        };
        let shape = ConvolutionShape::new(channels, outputs, kernel);
        let config = BlockConfig { shape, average, start: self.start };
        let (prefix, of_norm) = (self.next(), norm.then(|| self.next()));
        // Rectification, and the means.
        self.module += if average == Average::Nothing { 1 } else { 2 };
        let names = (&prefix[..], of_norm.as_deref());
        let block = ConvolutionBlock::new(config, [height, width], names, &mut self.layout);
        self.push(block.map_err(|source| ModelError::Layer {
            model: self.model,
            layer: format!("convolution {}x{} with {outputs} channels", kernel[0], kernel[1]),
            input: self.shape,
            source: source.into(),
            fix: "set features.fixed_length_samples larger, or take more features",
        })?);
        Ok(())
    }

    fn classify(&mut self, norm: bool, dropout: f32, classes: usize) {
        // Torch's Flatten.
        self.module += 1;
        for (number, outputs) in [128, 64].into_iter().enumerate() {
            self.linear(outputs);
            let of_norm = norm.then(|| self.next());
            let rectify = Rectify::new(self.shape, of_norm.as_deref(), &mut self.layout);
            self.push(rectify);
            self.module += 1;
            if dropout > 0.0 {
                self.push(Dropout::new(dropout, self.shape, number as u64));
            }
        }
        self.linear(classes);
    }

    fn linear(&mut self, outputs: usize) {
        let prefix = self.next();
        let layer = Linear::new(self.shape, outputs, &prefix, &mut self.layout);
        self.push(layer.starting(self.start));
    }
}
