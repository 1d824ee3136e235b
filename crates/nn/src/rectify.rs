//! Rectification, after batch normalisation where there is one.

use stapes_kernels::InstructionSet;
use stapes_kernels::norm::{
    Average, Finish, FinishedGradient, Normalised, add_gradient_sums, add_moments, finish, sign_bytes, spread,
};
use stapes_random::Stream;

use crate::batch_norm::BatchNorm;
use crate::batch_sums::BatchSums;
use crate::layer::{Backward, Layer, Mode, Pass, Shape};
use crate::parameters::{Layout, View};

/// max(0, z) of every value, z being the value or, with batch normalisation, the value normalised: each feature
/// over all frames or vectors of the batch.
///
/// # Shapes
/// [T, F] -> [T, F] or \[F\] -> \[F\]
pub struct Rectify {
    shape: Shape,
    norm: Option<BatchNorm>,
    /// Which values were above zero.
    signs: Vec<u8>,
}

impl Rectify {
    /// Over values of this shape; with the prefix of a normalisation's names there is one.
    pub fn new(shape: Shape, norm: Option<&str>, layout: &mut Layout) -> Rectify {
        let norm = norm.map(|prefix| BatchNorm::new(shape.features(), prefix, layout));
        Rectify { shape, norm, signs: Vec::new() }
    }

    /// How the kernels see the values: channels, and positions of each. What is normalised is an example a row,
    /// a channel a feature; what is not is all one channel.
    fn example(&self, values: usize) -> (usize, [usize; 2]) {
        match self.norm {
            Some(_) => (self.shape.features(), [1, 1]),
            None => (1, [1, values]),
        }
    }
}

impl Layer for Rectify {
    fn describe(&self) -> String {
        if self.norm.is_some() { "batch norm, relu".into() } else { "relu".into() }
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

    fn begin_forward(&mut self, _parameters: &[f32], input: &[f32], _pass: Pass<'_>) {
        let Some(norm) = &mut self.norm else { return };
        let moments = norm.begin_forward();
        for row in input.chunks_exact(moments.len()) {
            add_moments(InstructionSet::best(), row, moments);
        }
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let (channels, size) = self.example(input.len());
        let training = matches!(pass.mode, Mode::Training(_));
        let of_norm = match &mut self.norm {
            Some(norm) if training => {
                norm.take_moments(parameters);
                Some(norm.channels())
            }
            Some(norm) => Some(norm.running()),
            None => None,
        };
        let steps = Finish { channels: of_norm, rectify: true, average: Average::Nothing };
        let (len, bytes) = (channels * size[1], sign_bytes(channels, size));
        if training {
            self.signs.resize(input.len() / len * bytes, 0);
        }
        let examples = input.chunks_exact(len).zip(output.chunks_exact_mut(len)).enumerate();
        for (at, (from, to)) in examples {
            let signs = training.then(|| &mut self.signs[at * bytes..(at + 1) * bytes]);
            finish(InstructionSet::best(), steps, (from, size), to, signs);
        }
    }

    fn begin_backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        let (channels, size) = self.example(buffers.input.len());
        let Some(norm) = &mut self.norm else { return };
        let (of_norm, sums) = norm.begin_backward();
        let signs = self.signs.chunks_exact(sign_bytes(channels, size));
        let rows = buffers.input.chunks_exact(channels).zip(buffers.d_output.chunks_exact(channels));
        for ((y, d), signs) in rows.zip(signs) {
            let gradient = FinishedGradient { signs: Some(signs), ..FinishedGradient::plain(d) };
            add_gradient_sums(InstructionSet::best(), gradient, (y, size), of_norm, sums);
        }
        norm.add_gradients(buffers.parameters, buffers.gradients);
    }

    fn backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        let (channels, size) = self.example(buffers.input.len());
        if let Some(norm) = &mut self.norm {
            norm.take_gradients(buffers.parameters);
        }
        let Some(d_input) = buffers.d_input else { return };
        let len = channels * size[1];
        let signs = self.signs.chunks_exact(sign_bytes(channels, size));
        let rows = buffers.input.chunks_exact(len).zip(buffers.d_output.chunks_exact(len));
        for (((y, d), signs), d_input) in rows.zip(signs).zip(d_input.chunks_exact_mut(len)) {
            let normalised = self.norm.as_ref().map(|norm| Normalised { y, channels: norm.back() });
            let gradient = FinishedGradient { signs: Some(signs), normalised, ..FinishedGradient::plain(d) };
            spread(InstructionSet::best(), gradient, size, d_input);
        }
    }

    fn follow(&self, parameters: &mut [f32]) {
        if let Some(norm) = &self.norm {
            norm.follow(parameters);
        }
    }
}
