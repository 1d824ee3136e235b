//! Pooling of the states of a sequence into one vector.

use stapes_kernels::Sequences;

use super::add;
use crate::graph::Operation;
use crate::layer::{Backward, Layer, Pass, Shape, Step};

/// Kind of pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Last state of each direction: of the forward direction at the last valid frame, of the backward
    /// direction at frame 0.
    Last,
    /// Mean of the valid frames.
    Mean,
    /// Maximum of each feature over the valid frames.
    Max,
}

/// Pools the valid frames of each sequence.
///
/// # Shapes
/// [T, D*H] -> \[D*H\] for D directions of H states
pub struct Pool {
    kind: Pooling,
    features: usize,
    num_directions: usize,
    /// Packed row of each maximum, [B, F]; for [`Pooling::Max`] only.
    argmax: Vec<usize>,
}

impl Pool {
    /// Creates pooling of frames of `features` values from `num_directions` directions.
    ///
    /// # Panics
    /// If the number of features is not a multiple of the number of directions.
    pub fn new(kind: Pooling, features: usize, num_directions: usize) -> Pool {
        assert!(
            num_directions > 0 && features.is_multiple_of(num_directions),
            "{features} features, {num_directions} directions"
        );
        Pool { kind, features, num_directions, argmax: Vec::new() }
    }

    /// Packed row of the last state of a direction for the sequence in a slot.
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

    /// Calls `visit(packed offset, vector offset, values)` for the last state of every sequence and
    /// direction.
    fn each_last_state(&self, sequences: &Sequences, mut visit: impl FnMut(usize, usize, usize)) {
        let hidden_size = self.features / self.num_directions;
        for (slot, &index) in sequences.order().iter().enumerate() {
            for direction in 0..self.num_directions {
                let row = self.last_row(sequences, slot, direction);
                let column = direction * hidden_size;
                visit(row * self.features + column, index * self.features + column, hidden_size);
            }
        }
    }
}

impl Layer for Pool {
    fn describe(&self) -> String {
        match self.kind {
            Pooling::Last if self.num_directions > 1 => "last state of each direction".into(),
            Pooling::Last => "last state".into(),
            Pooling::Mean => "mean over frames".into(),
            Pooling::Max => "max over frames".into(),
        }
    }

    fn operation(&self) -> Operation {
        Operation::Pool { kind: self.kind, num_directions: self.num_directions }
    }

    fn output_shape(&self) -> Shape {
        Shape::Vector { features: self.features }
    }

    /// Pooled values up to the current frame, and the number of frames. The backward direction has its last
    /// state at frame 0, so two directions have no [`Pooling::Last`] on a stream.
    fn initial_state(&self) -> Option<Vec<f32>> {
        let start = if self.kind == Pooling::Max { f32::NEG_INFINITY } else { 0.0 };
        (self.num_directions == 1 || self.kind != Pooling::Last).then(|| {
            let mut state = vec![start; self.features + 1];
            state[self.features] = 0.0;
            state
        })
    }

    fn step(&mut self, buffers: Step<'_>, _pass: Pass<'_>) -> bool {
        let Step { state, frame, output, .. } = buffers;
        let (pooled, frames) = state.split_at_mut(self.features);
        frames[0] += 1.0;
        for ((pooled, &value), output) in pooled.iter_mut().zip(frame).zip(output) {
            *pooled = match self.kind {
                Pooling::Last => value,
                Pooling::Mean => *pooled + value,
                Pooling::Max if value > *pooled => value,
                Pooling::Max => *pooled,
            };
            *output = if self.kind == Pooling::Mean { *pooled / frames[0] } else { *pooled };
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
                let mut argmax = std::mem::take(&mut self.argmax);
                argmax.clear();
                argmax.resize(output.len(), 0);
                output.fill(f32::NEG_INFINITY);
                self.each_frame(pass.sequences, |row, to| {
                    for (feature, &value) in input[row * width..][..width].iter().enumerate() {
                        if value > output[to + feature] {
                            output[to + feature] = value;
                            argmax[to + feature] = row;
                        }
                    }
                });
                self.argmax = argmax;
            }
        }
    }

    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        stapes_kernels::require_training();
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
                for (at, (&row, &gradient)) in self.argmax.iter().zip(d_output.iter()).enumerate() {
                    d_input[row * width + at % width] += gradient;
                }
            }
        }
    }
}
