//! Attention: a mean of frames whose weights are learned.

use std::ops::Range;

use stapes_kernels::Sequences;
use stapes_random::Stream;

use super::add;
use crate::layer::{Backward, Layer, Pass, Shape};
use crate::loss::softmax;
use crate::parameters::{Layout, View};

/// The mean of the valid frames, weighted by a score of each.
///
/// ```text
/// e_t = q y_t                 the score of frame t
/// a = softmax of e            over the valid frames of the sequence
/// s = sum over t of a_t y_t
/// ```
///
/// The query q is a parameter of the model, q = w, to whose scores b is added; or it is made of one frame of the
/// sequence itself, q = W y_m + b with m = T / 2, the middle.
///
/// # Shapes
/// [T, F] -> \[F\]; w [1, F] and b \[1\], or W [F, F] and b \[F\]
///
/// # Source
/// De Andrade et al. 2018 for the query from the middle frame.
pub struct Attention {
    features: usize,
    query: Query,
    views: [View; 2],
    /// a of every valid frame, [B, T] without padding: sequence after sequence in the caller's order.
    weights: Vec<f32>,
    /// q of every sequence, [B, F].
    queries: Vec<f32>,
}

/// Where the query comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// It is learned.
    Learned,
    /// It is a linear map of the middle frame.
    MiddleFrame,
}

/// Where one sequence's numbers are.
struct One<'a> {
    /// The offsets of its packed frames.
    rows: &'a [usize],
    /// Of its weights.
    weights: Range<usize>,
    /// Of its query and of the weighted mean.
    vector: Range<usize>,
}

impl One<'_> {
    /// The offset of the frame that the query is made of.
    fn middle(&self) -> usize {
        self.rows[self.rows.len() / 2]
    }
}

impl Attention {
    /// Attention over frames of `features` values, with parameters `{prefix}weight` and `{prefix}bias`.
    pub fn new(query: Query, features: usize, prefix: &str, layout: &mut Layout) -> Attention {
        let outputs = if query == Query::Learned { 1 } else { features };
        let weight = layout.add(format!("{prefix}weight"), &[outputs, features]);
        let bias = layout.add(format!("{prefix}bias"), &[outputs]);
        Attention { features, query, views: [weight, bias], weights: Vec::new(), queries: Vec::new() }
    }

    /// The weights of the frames in the forward pass that came last: sequence after sequence in the caller's
    /// order, each as long as the sequence and with the sum 1.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Calls `visit` for every sequence.
    fn each_sequence(&self, sequences: &Sequences, mut visit: impl FnMut(One<'_>)) {
        let mut slots = vec![0; sequences.batch()];
        sequences.order().iter().enumerate().for_each(|(slot, &index)| slots[index] = slot);
        let (mut rows, mut first) = (Vec::with_capacity(sequences.longest()), 0);
        for (index, &length) in sequences.lengths().iter().enumerate() {
            rows.clear();
            rows.extend((0..length).map(|t| (sequences.start(t) + slots[index]) * self.features));
            let vector = index * self.features..(index + 1) * self.features;
            visit(One { rows: &rows, weights: first..first + length, vector });
            first += length;
        }
    }

    /// q of a sequence, and what is added to its scores.
    fn set_query(&self, query: &mut [f32], [w, b]: [&[f32]; 2], middle: &[f32]) -> f32 {
        if self.query == Query::Learned {
            query.copy_from_slice(w);
            return b[0];
        }
        for ((q, row), b) in query.iter_mut().zip(w.chunks_exact(self.features)).zip(b) {
            *q = b + dot(row, middle);
        }
        0.0
    }
}

impl Layer for Attention {
    fn describe(&self) -> String {
        match self.query {
            Query::Learned => "attention over frames".into(),
            Query::MiddleFrame => "attention over frames, asked by the middle one".into(),
        }
    }

    fn output_shape(&self) -> Shape {
        Shape::Vector { features: self.features }
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn macs(&self, length: usize) -> u64 {
        let of_query = if self.query == Query::Learned { 0 } else { self.features * self.features };
        (2 * self.features * length + of_query) as u64
    }

    /// Uniform in +-1/sqrt(F), as PyTorch's linear layer.
    fn initialise(&self, parameters: &mut [f32], stream: &mut Stream) {
        let bound = 1.0 / (self.features as f32).sqrt();
        for view in &self.views {
            view.of_mut(parameters).fill_with(|| stream.symmetric(bound));
        }
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let learned = self.views.each_ref().map(|view| view.of(parameters));
        let width = self.features;
        let (mut weights, mut queries) =
            (std::mem::take(&mut self.weights), std::mem::take(&mut self.queries));
        weights.resize(pass.sequences.frames(), 0.0);
        queries.resize(output.len(), 0.0);
        output.fill(0.0);
        self.each_sequence(pass.sequences, |one| {
            let query = &mut queries[one.vector.clone()];
            let shift = self.set_query(query, learned, &input[one.middle()..][..width]);
            let weights = &mut weights[one.weights];
            for (score, &row) in weights.iter_mut().zip(one.rows) {
                *score = shift + dot(query, &input[row..row + width]);
            }
            softmax(weights);
            let sum = &mut output[one.vector];
            for (&weight, &row) in weights.iter().zip(one.rows) {
                add(sum, weight, &input[row..row + width]);
            }
        });
        (self.weights, self.queries) = (weights, queries);
    }

    /// ```text
    /// d_a_t = d_s y_t
    /// d_e_t = a_t (d_a_t - sum over u of a_u d_a_u)
    /// d_y_t = a_t d_s + d_e_t q
    /// d_q   = sum over t of d_e_t y_t
    /// ```
    ///
    /// A learned query has d_w = sum of all d_q, and d_b = 0: b moves all scores of a sequence alike, and the
    /// softmax does not see it. A query from the middle frame has dW = sum of d_q y_m^T, db = sum of d_q, and
    /// adds W^T d_q to d_y_m.
    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        let Backward { parameters, gradients, input, d_output, mut d_input, .. } = buffers;
        let width = self.features;
        let mut d_queries = vec![0.0; self.queries.len()];
        let mut d_scores = Vec::new();
        self.each_sequence(pass.sequences, |one| {
            let (weights, query) = (&self.weights[one.weights.clone()], &self.queries[one.vector.clone()]);
            let d_sum = &d_output[one.vector.clone()];
            let d_query = &mut d_queries[one.vector.clone()];
            d_scores.clear();
            d_scores.extend(one.rows.iter().map(|&row| dot(d_sum, &input[row..row + width])));
            let mean = dot(weights, &d_scores);
            for ((d_score, &weight), &row) in d_scores.iter_mut().zip(weights).zip(one.rows) {
                *d_score = weight * (*d_score - mean);
                add(d_query, *d_score, &input[row..row + width]);
                if let Some(d_input) = &mut d_input {
                    let to = &mut d_input[row..row + width];
                    to.fill(0.0);
                    add(to, weight, d_sum);
                    add(to, *d_score, query);
                }
            }
        });
        let [weight, bias] = &self.views;
        if self.query == Query::Learned {
            let d_w = weight.of_mut(gradients);
            return d_queries.chunks_exact(width).for_each(|d_query| add(d_w, 1.0, d_query));
        }
        self.each_sequence(pass.sequences, |one| {
            let d_query = &d_queries[one.vector.clone()];
            let middle = one.middle()..one.middle() + width;
            let rows = weight.of_mut(gradients).chunks_exact_mut(width);
            rows.zip(d_query).for_each(|(row, &d)| add(row, d, &input[middle.clone()]));
            add(bias.of_mut(gradients), 1.0, d_query);
            if let Some(d_input) = &mut d_input {
                let rows = weight.of(parameters).chunks_exact(width);
                rows.zip(d_query).for_each(|(row, &d)| add(&mut d_input[middle.clone()], d, row));
            }
        });
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
