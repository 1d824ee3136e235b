//! Concatenation of all frames of a sequence.

use crate::graph::Operation;
use crate::layer::{Backward, Layer, Pass, Shape};

/// Concatenates the frames of a sequence, as torch.nn.Flatten.
///
/// # Shapes
/// [T, F] -> \[T*F\], with the same T for all sequences; value f of frame t becomes value t*F + f
pub struct Concatenate {
    features: usize,
    frames: usize,
}

impl Concatenate {
    /// Creates the layer for sequences of `frames` frames of `features` values.
    pub fn new(features: usize, frames: usize) -> Concatenate {
        Concatenate { features, frames }
    }

    /// Calls `visit(packed offset, vector offset)` for every frame.
    ///
    /// # Panics
    /// If a sequence has another length.
    fn each_frame(&self, pass: Pass<'_>, mut visit: impl FnMut(usize, usize)) {
        let sequences = pass.sequences;
        assert!(
            sequences.lengths().iter().all(|&length| length == self.frames),
            "sequences of {} frames",
            self.frames
        );
        for (slot, &index) in sequences.order().iter().enumerate() {
            for t in 0..self.frames {
                let row = sequences.start(t) + slot;
                visit(row * self.features, (index * self.frames + t) * self.features);
            }
        }
    }
}

impl Layer for Concatenate {
    fn describe(&self) -> String {
        "concatenated frames".into()
    }

    fn operation(&self) -> Operation {
        Operation::Concatenate
    }

    fn output_shape(&self) -> Shape {
        Shape::Vector { features: self.frames * self.features }
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let width = self.features;
        self.each_frame(pass, |row, at| output[at..at + width].copy_from_slice(&input[row..row + width]));
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let (width, d_output) = (self.features, buffers.d_output);
        let Some(d_input) = buffers.d_input else { return };
        self.each_frame(pass, |row, at| d_input[row..row + width].copy_from_slice(&d_output[at..at + width]));
    }
}
