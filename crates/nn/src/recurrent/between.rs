//! What lies between two layers of a stack: the lower layer's output, and dropout.

use crate::dropout::Dropout;
use crate::layer::{Layer, Mode, Pass, Shape};

/// The output of a layer that is not the last, and what the layer above reads of it.
pub(super) struct Between {
    output: Vec<f32>,
    dropout: Option<Dropout>,
    /// The output after dropout; empty where nothing is dropped.
    dropped: Vec<f32>,
}

impl Between {
    /// For the output of layer number `layer`, `width` values a frame.
    pub(super) fn new(probability: f32, width: usize, layer: usize) -> Between {
        let dropout =
            (probability > 0.0).then(|| Dropout::new(probability, Shape::frames(width), layer as u64));
        Between { output: Vec::new(), dropout, dropped: Vec::new() }
    }

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

    /// Drops values of the output, [N, W] packed.
    pub(super) fn drop(&mut self, pass: Pass<'_>) {
        self.dropped.clear();
        let (Some(dropout), Mode::Training(_)) = (&mut self.dropout, pass.mode) else { return };
        self.dropped.resize(self.output.len(), 0.0);
        dropout.forward(&[], &self.output, &mut self.dropped, pass);
    }

    /// From the gradient by what the layer above read to that by the lower layer's output.
    pub(super) fn drop_back(&self, gradient: &mut [f32]) {
        if let Some(dropout) = &self.dropout {
            dropout.scale(gradient);
        }
    }
}
