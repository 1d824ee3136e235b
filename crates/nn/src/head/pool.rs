//! Pooling: the states of a sequence become one vector.

use stapes_kernels::Sequences;

use super::add;
use crate::layer::{Backward, Layer, Pass, Shape, Step};

/// How frames become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The last state of each direction: the forward half at the last valid frame, the backward half at
    /// frame 0.
    Last,
    /// The mean of the valid frames.
    Mean,
    /// The largest value of each feature over the valid frames.
    Max,
}

/// The layer of a [`Pooling`].
///
/// # Shapes
/// [T, D*H] -> \[D*H\], D directions of H states.
pub struct Pool {
    kind: Pooling,
    features: usize,
    directions: usize,
    /// For [`Pooling::Max`] [B, F]: the packed row that won.
    winners: Vec<usize>,
}

impl Pool {
    /// Pooling of frames of `features` values that come from `directions` directions.
    ///
    /// # Panics
    /// If the features cannot be shared evenly by the directions.
    pub fn new(kind: Pooling, features: usize, directions: usize) -> Pool {
        assert!(
            directions > 0 && features.is_multiple_of(directions),
            "{features} features, {directions} directions"
        );
        Pool { kind, features, directions, winners: Vec::new() }
    }

    /// The packed row that holds the last state of a direction for the sequence in a slot.
    fn last_row(&self, sequences: &Sequences, slot: usize, direction: usize) -> usize {
        if direction == 0 { sequences.start(sequences.slot_length(slot) - 1) + slot } else { slot }
    }

    /// Calls `visit(packed row, offset of the sequence's vector)` for every valid frame, slot by slot.
    fn each_frame(&self, sequences: &Sequences, mut visit: impl FnMut(usize, usize)) {
        for (slot, &index) in sequences.order().iter().enumerate() {
            for t in 0..sequences.slot_length(slot) {
                visit(sequences.start(t) + slot, index * self.features);
            }
        }
    }

    /// Calls `visit(packed offset, vector offset, values)` for the last state of every sequence and direction.
    fn each_last_state(&self, sequences: &Sequences, mut visit: impl FnMut(usize, usize, usize)) {
        let hidden = self.features / self.directions;
        for (slot, &index) in sequences.order().iter().enumerate() {
            for direction in 0..self.directions {
                let row = self.last_row(sequences, slot, direction);
                let column = direction * hidden;
                visit(row * self.features + column, index * self.features + column, hidden);
            }
        }
    }
}

impl Layer for Pool {
    fn describe(&self) -> String {
        match self.kind {
            Pooling::Last if self.directions > 1 => "last state of each direction".into(),
            Pooling::Last => "last state".into(),
            Pooling::Mean => "mean over frames".into(),
            Pooling::Max => "largest over frames".into(),
        }
    }

    fn output_shape(&self) -> Shape {
        Shape::Vector { features: self.features }
    }

    /// What was pooled so far, and the number of frames; with two directions the last state of one is at the end.
    fn stream(&self) -> Option<Vec<f32>> {
        let start = if self.kind == Pooling::Max { f32::NEG_INFINITY } else { 0.0 };
        (self.directions == 1 || self.kind != Pooling::Last).then(|| {
            let mut memory = vec![start; self.features + 1];
            memory[self.features] = 0.0;
            memory
        })
    }

    fn step(&mut self, buffers: Step<'_>, _pass: Pass<'_>) -> bool {
        let Step { memory, frame, output, .. } = buffers;
        let (so_far, frames) = memory.split_at_mut(self.features);
        frames[0] += 1.0;
        for ((so_far, &value), output) in so_far.iter_mut().zip(frame).zip(output) {
            *so_far = match self.kind {
                Pooling::Last => value,
                Pooling::Mean => *so_far + value,
                Pooling::Max if value > *so_far => value,
                Pooling::Max => *so_far,
            };
            *output = if self.kind == Pooling::Mean { *so_far / frames[0] } else { *so_far };
        }
        true
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let width = self.features;
        match self.kind {
            Pooling::Last => self.each_last_state(pass.sequences, |from, to, values| {
                output[to..to + values].copy_from_slice(&input[from..from + values]);
            }),
            Pooling::Mean => {
                output.fill(0.0);
                self.each_frame(pass.sequences, |row, to| {
                    add(&mut output[to..to + width], 1.0, &input[row * width..][..width]);
                });
                for (vector, &length) in output.chunks_exact_mut(width).zip(pass.sequences.lengths()) {
                    vector.iter_mut().for_each(|value| *value /= length as f32);
                }
            }
            Pooling::Max => {
                let mut winners = std::mem::take(&mut self.winners);
                winners.clear();
                winners.resize(output.len(), 0);
                output.fill(f32::NEG_INFINITY);
                self.each_frame(pass.sequences, |row, to| {
                    for (feature, &value) in input[row * width..][..width].iter().enumerate() {
                        if value > output[to + feature] {
                            output[to + feature] = value;
                            winners[to + feature] = row;
                        }
                    }
                });
                self.winners = winners;
            }
        }
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let width = self.features;
        let Some(d_input) = buffers.d_input else { return };
        let d_output = buffers.d_output;
        d_input.fill(0.0);
        match self.kind {
            Pooling::Last => self.each_last_state(pass.sequences, |to, from, values| {
                d_input[to..to + values].copy_from_slice(&d_output[from..from + values]);
            }),
            Pooling::Mean => self.each_frame(pass.sequences, |row, from| {
                let length = pass.sequences.lengths()[from / width] as f32;
                add(&mut d_input[row * width..][..width], 1.0 / length, &d_output[from..from + width]);
            }),
            Pooling::Max => {
                for (at, (&row, &gradient)) in self.winners.iter().zip(d_output.iter()).enumerate() {
                    d_input[row * width + at % width] += gradient;
                }
            }
        }
    }
}
