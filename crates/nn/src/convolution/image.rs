//! Conversion of frames to images and back.

use stapes_kernels::Sequences;

use crate::graph::Operation;
use crate::layer::{Backward, Layer, Pass, Shape};

/// Converts the frames of a sequence to an image, with time along the rows.
///
/// # Shapes
/// [T, F] -> [1, F, T], one row per feature; or [F, 1, T], one channel per feature; or [1, 1, F*T], the rows
/// of all features concatenated
pub struct FramesAsImage {
    features: usize,
    frames: Option<usize>,
    layout: Layout,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Rows,
    Channels,
    OneRow,
}

impl FramesAsImage {
    /// Creates the layer for sequences of `features` values per frame, and of `frames` frames if the length
    /// is fixed. The image has one channel and one row per feature.
    pub fn new(features: usize, frames: Option<usize>) -> FramesAsImage {
        FramesAsImage { features, frames, layout: Layout::Rows }
    }

    /// Uses one channel per feature.
    pub fn features_as_channels(self) -> FramesAsImage {
        FramesAsImage { layout: Layout::Channels, ..self }
    }

    /// Uses a single row: the waveform, if the frames have one value each or there is one frame.
    pub fn as_single_row(self) -> FramesAsImage {
        FramesAsImage { layout: Layout::OneRow, ..self }
    }
}

impl Layer for FramesAsImage {
    fn describe(&self) -> String {
        "frames as an image".into()
    }

    fn operation(&self) -> Operation {
        match self.layout {
            Layout::Rows => Operation::FramesAsRows,
            Layout::Channels => Operation::FramesAsChannels,
            Layout::OneRow => Operation::FramesAsOneRow,
        }
    }

    fn output_shape(&self) -> Shape {
        let (features, width) = (self.features, self.frames);
        match self.layout {
            Layout::Rows => Shape::Image { channels: 1, height: features, width },
            Layout::Channels => Shape::Image { channels: features, height: 1, width },
            Layout::OneRow => {
                Shape::Image { channels: 1, height: 1, width: width.map(|frames| features * frames) }
            }
        }
    }

    fn output_length(&self, length: usize) -> usize {
        if self.layout == Layout::OneRow { self.features * length } else { length }
    }

    fn initial_state(&self) -> Option<Vec<f32>> {
        (self.layout != Layout::OneRow).then(Vec::new)
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        each_frame(pass.sequences, self.features, |frame, at, length| {
            let column = output[at..].iter_mut().step_by(length);
            column.zip(&input[frame..frame + self.features]).for_each(|(to, from)| *to = *from);
        });
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let Some(d_input) = buffers.d_input else { return };
        each_frame(pass.sequences, self.features, |frame, at, length| {
            let column = buffers.d_output[at..].iter().step_by(length);
            d_input[frame..frame + self.features].iter_mut().zip(column).for_each(|(to, from)| *to = *from);
        });
    }
}

/// Converts each column of an image to a frame.
///
/// # Shapes
/// [C, H, T] -> [T, C*H]
pub struct ImageAsFrames {
    features: usize,
    frames: Option<usize>,
}

impl ImageAsFrames {
    /// Creates the layer for images of this shape.
    ///
    /// # Panics
    /// If the shape is not an image.
    pub fn new(input: Shape) -> ImageAsFrames {
        let Shape::Image { channels, height, width } = input else { panic!("{input} is not an image") };
        ImageAsFrames { features: channels * height, frames: width }
    }
}

impl Layer for ImageAsFrames {
    fn describe(&self) -> String {
        "columns as frames".into()
    }

    fn operation(&self) -> Operation {
        Operation::ImageAsFrames
    }

    fn output_shape(&self) -> Shape {
        Shape::Sequence { features: self.features, frames: self.frames }
    }

    fn initial_state(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        each_frame(pass.sequences, self.features, |frame, at, length| {
            let column = input[at..].iter().step_by(length);
            output[frame..frame + self.features].iter_mut().zip(column).for_each(|(to, from)| *to = *from);
        });
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let Some(d_input) = buffers.d_input else { return };
        each_frame(pass.sequences, self.features, |frame, at, length| {
            let column = d_input[at..].iter_mut().step_by(length);
            column.zip(&buffers.d_output[frame..frame + self.features]).for_each(|(to, from)| *to = *from);
        });
    }
}

/// Calls `visit(offset of the packed frame, offset in the images, length)` for every frame. In an image the
/// values of a frame are `length` apart.
fn each_frame(sequences: &Sequences, features: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let mut starts = vec![0; sequences.batch()];
    let mut start = 0;
    for (to, length) in starts.iter_mut().zip(sequences.lengths()) {
        *to = start;
        start += length * features;
    }
    for (slot, &index) in sequences.order().iter().enumerate() {
        let length = sequences.lengths()[index];
        for t in 0..length {
            visit((sequences.start(t) + slot) * features, starts[index] + t, length);
        }
    }
}
