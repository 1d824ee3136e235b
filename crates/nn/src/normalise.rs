//! Batch normalisation and rectification, where no convolution does them on its way.

use std::ops::Range;

use stapes_kernels::InstructionSet;
use stapes_kernels::norm::{
    Average, Finish, FinishedGradient, Normalised, add_gradient_sums, add_moments, finish, sign_bytes, spread,
};
use stapes_random::Stream;

use crate::batch_norm::BatchNorm;
use crate::batch_sums::BatchSums;
use crate::layer::{Backward, Layer, Mode, Pass, Shape};
use crate::parameters::{Layout, View};

/// Batch normalisation, max(0, .), or one behind the other.
///
/// What shares a mean is a feature over all frames or vectors of the batch, or a channel over all places of its
/// images. Sub-spectral normalisation cuts the rows of an image into bands, and each band of a channel has
/// statistics and parameters of its own: as torch.nn.BatchNorm2d of the image seen as [C*S, H/S, W].
///
/// # Shapes
/// the output as the input; with S bands weight and bias \[C*S\]
///
/// # Source
/// Ioffe and Szegedy 2015; Chang et al. 2021 for sub-spectral normalisation.
pub struct Normalise {
    shape: Shape,
    bands: usize,
    norm: Option<BatchNorm>,
    rectify: bool,
    /// Which values were above zero.
    signs: Vec<u8>,
}

/// What kernels see as one example: where it is, and the size of its channels.
struct Example {
    values: Range<usize>,
    size: [usize; 2],
    signs: Range<usize>,
}

impl Normalise {
    /// max(0, .) of values of this shape; with the prefix of its parameters' names, normalised before.
    pub fn rectified(shape: Shape, norm: Option<&str>, layout: &mut Layout) -> Normalise {
        let norm = norm.map(|prefix| BatchNorm::new(channels_of(shape), prefix, layout));
        Normalise { shape, bands: 1, norm, rectify: true, signs: Vec::new() }
    }

    /// Normalisation and nothing else, of images in so many bands of rows.
    ///
    /// # Panics
    /// If the shape is not of an image whose height is a multiple of the bands.
    pub fn in_bands(shape: Shape, bands: usize, prefix: &str, layout: &mut Layout) -> Normalise {
        let Shape::Image { height, .. } = shape else { panic!("{shape} in bands") };
        assert!(bands > 0 && height.is_multiple_of(bands), "{height} rows in {bands} bands");
        let norm = Some(BatchNorm::new(channels_of(shape) * bands, prefix, layout));
        Normalise { shape, bands, norm, rectify: false, signs: Vec::new() }
    }

    /// The examples of a batch. Frames and vectors are an example each, of one number a channel; what is not
    /// normalised is one example of one channel.
    fn examples<'a>(&self, pass: Pass<'a>) -> impl Iterator<Item = Example> + use<'a> {
        let (shape, sequences) = (self.shape, pass.sequences);
        let alike = self.norm.is_none().then(|| (1, [1, shape.len(sequences)]));
        let count = match shape {
            _ if alike.is_some() => 1,
            Shape::Sequence { .. } => sequences.frames(),
            Shape::Vector { .. } | Shape::Image { .. } => sequences.batch(),
        };
        let bands = self.bands;
        let mut next = [0; 2];
        (0..count).map(move |at| {
            let (channels, size) = alike.unwrap_or(match shape {
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

impl Layer for Normalise {
    fn describe(&self) -> String {
        let words = match (self.norm.is_some(), self.rectify) {
            (true, true) => "batch norm, relu",
            (true, false) => "batch norm",
            _ => "relu",
        };
        if self.bands == 1 { words.into() } else { format!("{words} in {} bands", self.bands) }
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn views(&self) -> &[View] {
        self.norm.as_ref().map_or(&[], |norm| norm.views())
    }

    fn initialise(&self, parameters: &mut [f32], _stream: &mut Stream) {
        if let Some(norm) = &self.norm {
            norm.initialise(parameters);
        }
    }

    fn prepare(&mut self, parameters: &[f32]) {
        if let Some(norm) = &mut self.norm {
            norm.prepare(parameters);
        }
    }

    fn sums(&mut self) -> Option<&mut BatchSums> {
        self.norm.as_mut().map(BatchNorm::sums)
    }

    fn begin_forward(&mut self, _parameters: &[f32], input: &[f32], pass: Pass<'_>) {
        let examples = self.examples(pass);
        let Some(norm) = &mut self.norm else { return };
        let moments = norm.begin_forward();
        for example in examples {
            add_moments(InstructionSet::best(), &input[example.values], moments);
        }
    }

    fn stream(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let training = matches!(pass.mode, Mode::Training(_));
        let examples = self.examples(pass);
        if let (Some(norm), true) = (&mut self.norm, training) {
            norm.take_moments(parameters);
        }
        let channels = match &self.norm {
            Some(norm) if training => Some(norm.channels()),
            norm => norm.as_ref().map(BatchNorm::running),
        };
        let steps = Finish { channels, rectify: self.rectify, average: Average::Nothing };
        let keeps_signs = training && self.rectify;
        for example in examples {
            if keeps_signs && self.signs.len() < example.signs.end {
                self.signs.resize(example.signs.end, 0);
            }
            let signs = keeps_signs.then(|| &mut self.signs[example.signs]);
            let from = (&input[example.values.clone()], example.size);
            finish(InstructionSet::best(), steps, from, &mut output[example.values], signs);
        }
    }

    fn begin_backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let examples = self.examples(pass);
        let Some(norm) = &mut self.norm else { return };
        let (channels, sums) = norm.begin_backward();
        for example in examples {
            let signs = self.rectify.then(|| &self.signs[example.signs]);
            let plain = FinishedGradient::plain(&buffers.d_output[example.values.clone()]);
            let y = (&buffers.input[example.values], example.size);
            let gradient = FinishedGradient { signs, ..plain };
            add_gradient_sums(InstructionSet::best(), gradient, y, channels, sums);
        }
        norm.add_gradients(buffers.parameters, buffers.gradients);
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let examples = self.examples(pass);
        if let Some(norm) = &mut self.norm {
            norm.take_gradients(buffers.parameters);
        }
        let Some(d_input) = buffers.d_input else { return };
        for example in examples {
            let y = &buffers.input[example.values.clone()];
            let normalised = self.norm.as_ref().map(|norm| Normalised { y, channels: norm.back() });
            let signs = self.rectify.then(|| &self.signs[example.signs]);
            let plain = FinishedGradient::plain(&buffers.d_output[example.values.clone()]);
            let gradient = FinishedGradient { signs, normalised, ..plain };
            spread(InstructionSet::best(), gradient, example.size, &mut d_input[example.values]);
        }
    }

    fn follow(&self, parameters: &mut [f32]) {
        if let Some(norm) = &self.norm {
            norm.follow(parameters);
        }
    }
}
