//! Batch normalization and ReLU, if they are not part of a convolution.

use std::ops::Range;

use stapes_kernels::InstructionSet;
use stapes_kernels::norm::{
    AvgPool, Epilogue, EpilogueGradient, Normalized, add_gradient_sums, add_moments, epilogue,
    epilogue_backward, sign_bytes,
};
use stapes_random::Rng;

use crate::batch_norm::BatchNorm;
use crate::batch_stats::BatchStats;
use crate::graph::Operation;
use crate::layer::{Backward, Layer, Mode, Pass, Shape};
use crate::parameters::{Layout, TensorSpec};

/// Batch normalization, ReLU, or batch normalization followed by ReLU.
///
/// Statistics are per feature over all frames or vectors of the batch, or per channel over all positions of
/// its images. Sub-spectral normalization splits the rows of an image into S bands, each with its own
/// statistics and parameters per channel: torch.nn.BatchNorm2d of the image reshaped to [C*S, H/S, W].
///
/// # Shapes
/// the output has the shape of the input; with S bands weight and bias \[C*S\]
///
/// # Source
/// Ioffe and Szegedy 2015; Chang et al. 2021 for sub-spectral normalization.
pub struct NormActivation {
    shape: Shape,
    bands: usize,
    norm: Option<BatchNorm>,
    relu: bool,
    /// Signs of the values before ReLU, as the kernel packs them.
    signs: Vec<u8>,
}

/// One call of the kernel: its slices, and the size of a channel.
struct Example {
    values: Range<usize>,
    size: [usize; 2],
    signs: Range<usize>,
}

impl NormActivation {
    /// Creates ReLU for values of this shape, after batch normalization if `norm` is the prefix of its
    /// tensors.
    pub fn relu(shape: Shape, norm: Option<&str>, layout: &mut Layout) -> NormActivation {
        let norm = norm.map(|prefix| BatchNorm::new(channels_of(shape), prefix, layout));
        NormActivation { shape, bands: 1, norm, relu: true, signs: Vec::new() }
    }

    /// Creates batch normalization of images in this number of bands of rows, without ReLU.
    ///
    /// # Panics
    /// If the shape is not an image whose height is a multiple of the number of bands.
    pub fn in_bands(shape: Shape, bands: usize, prefix: &str, layout: &mut Layout) -> NormActivation {
        let Shape::Image { height, .. } = shape else { panic!("{shape} in bands") };
        assert!(bands > 0 && height.is_multiple_of(bands), "{height} rows in {bands} bands");
        let norm = Some(BatchNorm::new(channels_of(shape) * bands, prefix, layout));
        NormActivation { shape, bands, norm, relu: false, signs: Vec::new() }
    }

    /// Splits a batch into kernel calls. With normalization each frame, vector or image is one call; without,
    /// the whole batch is one call of one channel.
    fn examples<'a>(&self, pass: Pass<'a>) -> impl Iterator<Item = Example> + use<'a> {
        let (shape, sequences) = (self.shape, pass.sequences);
        let single = self.norm.is_none().then(|| (1, [1, shape.len(sequences)]));
        let count = match shape {
            _ if single.is_some() => 1,
            Shape::Sequence { .. } => sequences.frames(),
            Shape::Vector { .. } | Shape::Image { .. } => sequences.batch(),
        };
        let bands = self.bands;
        let mut next = [0; 2];
        (0..count).map(move |at| {
            let (channels, size) = single.unwrap_or(match shape {
                Shape::Sequence { features, .. } | Shape::Vector { features } => (features, [1, 1]),
                Shape::Image { channels, height, .. } => {
                    (channels * bands, [height / bands, sequences.lengths()[at]])
                }
            });
            let starts = next;
            next = [starts[0] + channels * size[0] * size[1], starts[1] + sign_bytes(channels, size)];
            Example { values: starts[0]..next[0], size, signs: starts[1]..next[1] }
        })
    }
}

fn channels_of(shape: Shape) -> usize {
    match shape {
        Shape::Sequence { features, .. } | Shape::Vector { features } => features,
        Shape::Image { channels, .. } => channels,
    }
}

impl Layer for NormActivation {
    fn describe(&self) -> String {
        let words = match (self.norm.is_some(), self.relu) {
            (true, true) => "batch norm, relu",
            (true, false) => "batch norm",
            _ => "relu",
        };
        if self.bands == 1 { words.into() } else { format!("{words} in {} bands", self.bands) }
    }

    fn operation(&self) -> Operation {
        Operation::NormActivation {
            norm: self.norm.as_ref().map(BatchNorm::names),
            bands: self.bands,
            relu: self.relu,
        }
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn tensors(&self) -> &[TensorSpec] {
        self.norm.as_ref().map_or(&[], |norm| norm.tensors())
    }

    fn initialize(&self, parameters: &mut [f32], _rng: &mut Rng) {
        if let Some(norm) = &self.norm {
            norm.initialize(parameters);
        }
    }

    fn load_parameters(&mut self, parameters: &[f32]) {
        if let Some(norm) = &mut self.norm {
            norm.load_running_stats(parameters);
        }
    }

    fn batch_stats(&mut self) -> Option<&mut BatchStats> {
        self.norm.as_mut().map(BatchNorm::stats)
    }

    fn begin_forward(&mut self, _parameters: &[f32], input: &[f32], pass: Pass<'_>) {
        let examples = self.examples(pass);
        let Some(norm) = &mut self.norm else { return };
        let moments = norm.begin_forward();
        for example in examples {
            add_moments(InstructionSet::best(), &input[example.values], moments);
        }
    }

    fn initial_state(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let training = matches!(pass.mode, Mode::Training(_));
        let examples = self.examples(pass);
        if let (Some(norm), true) = (&mut self.norm, training) {
            norm.finish_forward(parameters);
        }
        let channels = match &self.norm {
            Some(norm) if training => Some(norm.training_channels()),
            norm => norm.as_ref().map(BatchNorm::running_channels),
        };
        let steps = Epilogue { channels, relu: self.relu, pool: AvgPool::None };
        let keeps_signs = training && self.relu;
        for example in examples {
            if keeps_signs && self.signs.len() < example.signs.end {
                self.signs.resize(example.signs.end, 0);
            }
            let signs = keeps_signs.then(|| &mut self.signs[example.signs]);
            let from = (&input[example.values.clone()], example.size);
            epilogue(InstructionSet::best(), steps, from, &mut output[example.values], signs);
        }
    }

    fn begin_backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        stapes_kernels::require_training();
        let examples = self.examples(pass);
        let Some(norm) = &mut self.norm else { return };
        let (channels, sums) = norm.begin_backward();
        for example in examples {
            let signs = self.relu.then(|| &self.signs[example.signs]);
            let plain = EpilogueGradient::plain(&buffers.d_output[example.values.clone()]);
            let y = (&buffers.input[example.values], example.size);
            let gradient = EpilogueGradient { signs, ..plain };
            add_gradient_sums(InstructionSet::best(), gradient, y, channels, sums);
        }
        norm.add_gradients(buffers.parameters, buffers.gradients);
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        stapes_kernels::require_training();
        let examples = self.examples(pass);
        if let Some(norm) = &mut self.norm {
            norm.finish_backward(buffers.parameters);
        }
        let Some(d_input) = buffers.d_input else { return };
        for example in examples {
            let y = &buffers.input[example.values.clone()];
            let normalized =
                self.norm.as_ref().map(|norm| Normalized { y, channels: norm.channel_gradients() });
            let signs = self.relu.then(|| &self.signs[example.signs]);
            let plain = EpilogueGradient::plain(&buffers.d_output[example.values.clone()]);
            let gradient = EpilogueGradient { signs, normalized, ..plain };
            epilogue_backward(InstructionSet::best(), gradient, example.size, &mut d_input[example.values]);
        }
    }

    fn update_running_stats(&self, parameters: &mut [f32]) {
        if let Some(norm) = &self.norm {
            norm.update_running_stats(parameters);
        }
    }
}
