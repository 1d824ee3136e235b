//! What lies between two layers of a stack: the lower layer's output, and dropout.

use crate::layer::{Mode, Pass};

/// The output of a layer that is not the last, and what the layer above reads of it.
#[derive(Default)]
pub(super) struct Between {
    output: Vec<f32>,
    /// The output after dropout, and the factors 0 or 1 / (1 - p); empty where nothing is dropped.
    dropped: Vec<f32>,
    factors: Vec<f32>,
}

impl Between {
    /// The lower layer's output of this many numbers, to be written.
    pub(super) fn output_mut(&mut self, len: usize) -> &mut [f32] {
        self.output.resize(len, 0.0);
        &mut self.output
    }

    /// The lower layer's output.
    pub(super) fn output(&self) -> &[f32] {
        &self.output
    }

    /// What the layer above reads.
    pub(super) fn input(&self) -> &[f32] {
        if self.dropped.is_empty() { &self.output } else { &self.dropped }
    }

    /// Drops values of the output, [N, W] packed, with probability `probability`. Which fall depends on the
    /// step, `layer`, the sequence's place in the batch, the time and the unit, and on nothing else.
    pub(super) fn drop(&mut self, probability: f32, layer: usize, width: usize, pass: Pass<'_>) {
        self.dropped.clear();
        self.factors.clear();
        let Mode::Training(draw) = pass.mode else { return };
        if probability == 0.0 {
            return;
        }
        let kept = 1.0 / (1.0 - probability);
        for t in 0..pass.sequences.longest() {
            for &index in &pass.sequences.order()[..pass.sequences.rows(t)] {
                let factor = |unit| {
                    let drawn = draw.uniform(layer as u64, index, t * width + unit);
                    if drawn < probability { 0.0 } else { kept }
                };
                self.factors.extend((0..width).map(factor));
            }
        }
        self.dropped.extend(self.output.iter().zip(&self.factors).map(|(value, factor)| value * factor));
    }

    /// From the gradient by what the layer above read to that by the lower layer's output.
    pub(super) fn drop_back(&self, gradient: &mut [f32]) {
        gradient.iter_mut().zip(&self.factors).for_each(|(value, factor)| *value *= factor);
    }
}
