//! Attention: a mean of frames whose weights are learned.

use stapes_kernels::Sequences;
use stapes_random::Stream;

use super::add;
use crate::layer::{Backward, Layer, Macs, Pass, Shape};
use crate::loss::softmax;
use crate::parameters::{Layout, View};

/// The mean of the valid frames, weighted by a learned score of each.
///
/// ```text
/// e_t = w y_t + b             the score of frame t
/// a = softmax of e            over the valid frames of the sequence
/// s = sum over t of a_t y_t
/// ```
///
/// # Shapes
/// [T, F] -> \[F\]; w [1, F], b \[1\]
pub struct Attention {
    features: usize,
    views: [View; 2],
    /// a of every valid frame, [B, T] without padding: sequence after sequence in the caller's order.
    weights: Vec<f32>,
}

impl Attention {
    /// Attention over frames of `features` values, with parameters `{prefix}weight` and `{prefix}bias`.
    pub fn new(features: usize, prefix: &str, layout: &mut Layout) -> Attention {
        let weight = layout.add(format!("{prefix}weight"), &[1, features]);
        let bias = layout.add(format!("{prefix}bias"), &[1]);
        Attention { features, views: [weight, bias], weights: Vec::new() }
    }

    /// The weights of the frames in the forward pass that came last: sequence after sequence in the caller's
    /// order, each as long as the sequence and with the sum 1.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Calls `visit(index, offsets of the frames, range of the weights)` for every sequence.
    fn each_sequence(
        &self,
        sequences: &Sequences,
        mut visit: impl FnMut(usize, &[usize], std::ops::Range<usize>),
    ) {
        let mut slots = vec![0; sequences.batch()];
        sequences.order().iter().enumerate().for_each(|(slot, &index)| slots[index] = slot);
        let (mut rows, mut first) = (Vec::with_capacity(sequences.longest()), 0);
        for (index, &length) in sequences.lengths().iter().enumerate() {
            rows.clear();
            rows.extend((0..length).map(|t| (sequences.start(t) + slots[index]) * self.features));
            visit(index, &rows, first..first + length);
            first += length;
        }
    }
}

impl Layer for Attention {
    fn describe(&self) -> String {
        "attention over frames".into()
    }

    fn output_shape(&self) -> Shape {
        Shape::Vector { features: self.features }
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn macs(&self) -> Macs {
        Macs { a_frame: 2 * self.features as u64, a_sequence: 0 }
    }

    /// Uniform in +-1/sqrt(F), as PyTorch's linear layer of one output.
    fn initialise(&self, parameters: &mut [f32], stream: &mut Stream) {
        let bound = 1.0 / (self.features as f32).sqrt();
        for view in &self.views {
            view.of_mut(parameters).fill_with(|| stream.symmetric(bound));
        }
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let [w, b] = self.views.each_ref().map(|view| view.of(parameters));
        let width = self.features;
        let mut weights = std::mem::take(&mut self.weights);
        weights.resize(pass.sequences.frames(), 0.0);
        output.fill(0.0);
        self.each_sequence(pass.sequences, |index, rows, range| {
            let weights = &mut weights[range];
            for (score, &row) in weights.iter_mut().zip(rows) {
                *score = b[0] + dot(w, &input[row..row + width]);
            }
            softmax(weights);
            let sum = &mut output[index * width..][..width];
            for (&weight, &row) in weights.iter().zip(rows) {
                add(sum, weight, &input[row..row + width]);
            }
        });
        self.weights = weights;
    }

    /// ```text
    /// d_a_t = d_s y_t
    /// d_e_t = a_t (d_a_t - sum over u of a_u d_a_u)
    /// d_y_t = a_t d_s + d_e_t w
    /// d_w = sum of d_e_t y_t
    /// d_b = 0: b moves all scores of a sequence alike, and the softmax does not see it
    /// ```
    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let Backward { parameters, gradients, input, d_output, mut d_input, .. } = buffers;
        let weight = &self.views[0];
        let (w, width) = (weight.of(parameters), self.features);
        let mut d_w = vec![0.0; width];
        let mut d_scores = Vec::new();
        self.each_sequence(pass.sequences, |index, rows, range| {
            let weights = &self.weights[range];
            let d_sum = &d_output[index * width..][..width];
            d_scores.clear();
            d_scores.extend(rows.iter().map(|&row| dot(d_sum, &input[row..row + width])));
            let mean = dot(weights, &d_scores);
            for ((d_score, &weight), &row) in d_scores.iter_mut().zip(weights).zip(rows) {
                *d_score = weight * (*d_score - mean);
                add(&mut d_w, *d_score, &input[row..row + width]);
                if let Some(d_input) = &mut d_input {
                    let to = &mut d_input[row..row + width];
                    to.fill(0.0);
                    add(to, weight, d_sum);
                    add(to, *d_score, w);
                }
            }
        });
        add(weight.of_mut(gradients), 1.0, &d_w);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
