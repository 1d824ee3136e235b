//! Dropout of the values of a vector.

use stapes_random::Stream;

use crate::layer::{Backward, Layer, Macs, Mode, Pass, Shape};
use crate::parameters::View;

/// Sets each value to zero with probability p while training, and scales the others by 1 / (1 - p).
///
/// Which values fall depends on the step, the sequence's place in the batch and the feature, so that neither
/// the number of shards nor the other sequences change it.
///
/// # Shapes
/// \[F\] -> \[F\]
///
/// # Source
/// Srivastava et al. 2014, in the scaled form that PyTorch uses.
pub struct Dropout {
    probability: f32,
    features: usize,
    /// Tells the dropout layers of one model apart.
    number: u64,
    /// [B, F]: 0 or 1 / (1 - p).
    factors: Vec<f32>,
}

impl Dropout {
    /// Dropout with probability `probability` in [0, 1) over vectors of `features` values.
    pub fn new(probability: f32, features: usize, number: u64) -> Dropout {
        Dropout { probability, features, number, factors: Vec::new() }
    }
}

impl Layer for Dropout {
    fn describe(&self) -> String {
        format!("dropout {}", self.probability)
    }

    fn output_shape(&self) -> Shape {
        Shape::Vector { features: self.features }
    }

    fn views(&self) -> &[View] {
        &[]
    }

    fn macs(&self) -> Macs {
        Macs::default()
    }

    fn initialise(&self, _parameters: &mut [f32], _stream: &mut Stream) {}

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let Mode::Training(draw) = pass.mode else {
            output.copy_from_slice(input);
            return;
        };
        let kept = 1.0 / (1.0 - self.probability);
        self.factors.clear();
        for index in 0..pass.sequences.batch() {
            let factor =
                |at| if draw.uniform(self.number, index, at) < self.probability { 0.0 } else { kept };
            self.factors.extend((0..self.features).map(factor));
        }
        for ((output, input), factor) in output.iter_mut().zip(input).zip(&self.factors) {
            *output = input * factor;
        }
    }

    fn backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        let Some(d_input) = buffers.d_input else { return };
        for ((d_input, d_output), factor) in d_input.iter_mut().zip(buffers.d_output).zip(&self.factors) {
            *d_input = *d_output * factor;
        }
    }
}
