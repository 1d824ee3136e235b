//! The Swish (SiLU) activation.

use stapes_kernels::InstructionSet;
use stapes_kernels::activation::sigmoid_in_place;

use crate::graph::Operation;
use crate::layer::{Backward, Layer, Pass, Shape};

/// y = x s with s = 1 / (1 + e^-x), as torch.nn.SiLU; dx = dy s (1 + x (1 - s)).
///
/// # Source
/// Ramachandran et al. 2017.
pub struct Swish {
    shape: Shape,
    /// s of the most recent forward pass.
    sigmoids: Vec<f32>,
}

impl Swish {
    /// Creates the activation for values of this shape.
    pub fn new(shape: Shape) -> Swish {
        Swish { shape, sigmoids: Vec::new() }
    }
}

impl Layer for Swish {
    fn describe(&self) -> String {
        "swish".into()
    }

    fn operation(&self) -> Operation {
        Operation::Swish
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn initial_state(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], _pass: Pass<'_>) {
        self.sigmoids.clear();
        self.sigmoids.extend_from_slice(input);
        sigmoid_in_place(InstructionSet::best(), &mut self.sigmoids);
        let pairs = input.iter().zip(&self.sigmoids);
        output.iter_mut().zip(pairs).for_each(|(y, (x, s))| *y = x * s);
    }

    fn backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        stapes_kernels::require_training();
        let Some(d_input) = buffers.d_input else { return };
        let pairs = buffers.input.iter().zip(&self.sigmoids);
        let d_pairs = d_input.iter_mut().zip(buffers.d_output.iter());
        d_pairs.zip(pairs).for_each(|((d_x, d_y), (x, s))| *d_x = d_y * s * (1.0 + x * (1.0 - s)));
    }
}
