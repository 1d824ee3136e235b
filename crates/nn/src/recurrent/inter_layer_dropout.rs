//! Dropout between two layers of a stack.

use crate::dropout::Dropout;
use crate::layer::{Layer, Mode, Pass, Shape};

/// Output of a layer that is not the last, with dropout for the layer above.
pub(super) struct InterLayerDropout {
    output: Vec<f32>,
    dropout: Option<Dropout>,
    /// Output after dropout; empty if nothing is dropped.
    dropped: Vec<f32>,
}

impl InterLayerDropout {
    /// Creates dropout for the output of layer number `layer`, `width` values per frame.
    pub(super) fn new(probability: f32, width: usize, layer: usize) -> InterLayerDropout {
        let dropout =
            (probability > 0.0).then(|| Dropout::new(probability, Shape::frames(width), layer as u64));
        InterLayerDropout { output: Vec::new(), dropout, dropped: Vec::new() }
    }

    /// Output of the lower layer, resized to `len` values, to be written.
    pub(super) fn output_mut(&mut self, len: usize) -> &mut [f32] {
        self.output.resize(len, 0.0);
        &mut self.output
    }

    /// Output of the lower layer.
    pub(super) fn output(&self) -> &[f32] {
        &self.output
    }

    /// Input of the upper layer.
    pub(super) fn input(&self) -> &[f32] {
        if self.dropped.is_empty() { &self.output } else { &self.dropped }
    }

    /// Applies dropout to the output, packed [N, W].
    pub(super) fn forward(&mut self, pass: Pass<'_>) {
        self.dropped.clear();
        let (Some(dropout), Mode::Training(_)) = (&mut self.dropout, pass.mode) else { return };
        self.dropped.resize(self.output.len(), 0.0);
        dropout.forward(&[], &self.output, &mut self.dropped, pass);
    }

    /// Turns the gradient of the upper layer's input into the gradient of the lower layer's output.
    pub(super) fn backward(&self, gradient: &mut [f32]) {
        if let Some(dropout) = &self.dropout {
            dropout.scale(gradient);
        }
    }
}
