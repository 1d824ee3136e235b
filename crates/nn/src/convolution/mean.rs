//! Mean pooling of images.

use crate::graph::Operation;
use crate::layer::{Backward, Layer, Pass, Shape};

/// Mean over the rows of each column, or over all positions of each channel.
///
/// # Shapes
/// [C, H, W] -> [C, 1, W] or \[C\]
pub struct ImageMean {
    channels: usize,
    height: usize,
    width: Option<usize>,
    global: bool,
}

impl ImageMean {
    /// Creates the mean over rows, for images of this shape.
    ///
    /// # Panics
    /// If the shape is not an image.
    pub fn over_rows(input: Shape) -> ImageMean {
        let Shape::Image { channels, height, width } = input else { panic!("{input} is not an image") };
        ImageMean { channels, height, width, global: false }
    }

    /// Creates the mean over rows and columns, for images of this shape.
    ///
    /// # Panics
    /// If the shape is not an image.
    pub fn global(input: Shape) -> ImageMean {
        ImageMean { global: true, ..ImageMean::over_rows(input) }
    }

    /// Calls `visit(range of a channel of the input, range of its means, length)` for every channel.
    fn each_channel(&self, pass: Pass<'_>, mut visit: impl FnMut([std::ops::Range<usize>; 2], usize)) {
        let (mut from, mut to) = (0, 0);
        for &length in pass.sequences.lengths() {
            let lens = [self.height * length, if self.global { 1 } else { length }];
            for _ in 0..self.channels {
                visit([from..from + lens[0], to..to + lens[1]], length);
                (from, to) = (from + lens[0], to + lens[1]);
            }
        }
    }
}

impl Layer for ImageMean {
    fn describe(&self) -> String {
        if self.global { "global mean".into() } else { "mean over rows".into() }
    }

    fn operation(&self) -> Operation {
        if self.global { Operation::GlobalMean } else { Operation::MeanOverRows }
    }

    fn output_shape(&self) -> Shape {
        match self.global {
            true => Shape::Vector { features: self.channels },
            false => Shape::Image { channels: self.channels, height: 1, width: self.width },
        }
    }

    fn initial_state(&self) -> Option<Vec<f32>> {
        (!self.global).then(Vec::new)
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        self.each_channel(pass, |[from, to], length| {
            let (input, output) = (&input[from], &mut output[to]);
            if self.global {
                output[0] = sum(input) / input.len() as f32;
                return;
            }
            output.fill(0.0);
            for row in input.chunks_exact(length) {
                output.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            output.iter_mut().for_each(|sum| *sum /= self.height as f32);
        });
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        stapes_kernels::require_training();
        let Some(d_input) = buffers.d_input else { return };
        self.each_channel(pass, |[to, from], length| {
            let (d_input, d) = (&mut d_input[to], &buffers.d_output[from]);
            if self.global {
                return d_input.fill(d[0] / d_input.len() as f32);
            }
            for row in d_input.chunks_exact_mut(length) {
                row.iter_mut().zip(d).for_each(|(to, d)| *to = d / self.height as f32);
            }
        });
    }
}

/// Returns the sum of the values, in sixteen chains of additions.
fn sum(values: &[f32]) -> f32 {
    let mut chains = [0.0f32; 16];
    let parts = values.chunks_exact(chains.len());
    let rest: f32 = parts.remainder().iter().sum();
    for part in parts {
        chains.iter_mut().zip(part).for_each(|(chain, value)| *chain += value);
    }
    chains.iter().sum::<f32>() + rest
}
