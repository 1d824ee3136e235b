//! Frames of a fixed number as an image.

use crate::layer::{Backward, Layer, Pass, Shape};

/// Lays the frames of a sequence as an image of one channel, a feature a row, with time along the rows.
///
/// # Shapes
/// [T, F] -> [1, F, T], or [1, 1, F*T] with the rows one behind the other; T the same for all sequences
pub struct FramesAsImage {
    features: usize,
    frames: usize,
    output: Shape,
}

impl FramesAsImage {
    /// For sequences of `frames` frames of `features` values.
    pub fn new(features: usize, frames: usize) -> FramesAsImage {
        let output = Shape::Image { channels: 1, height: features, width: frames };
        FramesAsImage { features, frames, output }
    }

    /// The same numbers in one row: the waveform, where the frames have one value each or there is one frame.
    pub fn in_one_row(self) -> FramesAsImage {
        let output = Shape::Image { channels: 1, height: 1, width: self.features * self.frames };
        FramesAsImage { output, ..self }
    }

    /// Calls `visit(packed place, place in the images)` for the first value of every frame; in the images its
    /// values lie T apart.
    ///
    /// # Panics
    /// If a sequence has another length.
    fn each_frame(&self, pass: Pass<'_>, mut visit: impl FnMut(usize, usize)) {
        let sequences = pass.sequences;
        let fits = sequences.lengths().iter().all(|&length| length == self.frames);
        assert!(fits, "sequences of {} frames", self.frames);
        for (slot, &index) in sequences.order().iter().enumerate() {
            for t in 0..self.frames {
                let row = sequences.start(t) + slot;
                visit(row * self.features, index * self.frames * self.features + t);
            }
        }
    }
}

impl Layer for FramesAsImage {
    fn describe(&self) -> String {
        "frames as an image".into()
    }

    fn output_shape(&self) -> Shape {
        self.output
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        self.each_frame(pass, |from, to| {
            let places = output[to..].iter_mut().step_by(self.frames);
            places.zip(&input[from..from + self.features]).for_each(|(to, from)| *to = *from);
        });
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let Some(d_input) = buffers.d_input else { return };
        self.each_frame(pass, |to, from| {
            let places = buffers.d_output[from..].iter().step_by(self.frames);
            d_input[to..to + self.features].iter_mut().zip(places).for_each(|(to, from)| *to = *from);
        });
    }
}
