//! Attention pooling over frames.

use std::ops::Range;

use stapes_kernels::Sequences;
use stapes_random::Rng;

use super::add;
use crate::graph::Operation;
use crate::layer::{Backward, Layer, Pass, Shape};
use crate::loss::softmax;
use crate::parameters::{Layout, TensorSpec};

/// Mean of the valid frames, weighted by attention.
///
/// ```text
/// e_t = q y_t                 score of frame t
/// a = softmax of e            over the valid frames of the sequence
/// s = sum over t of a_t y_t
/// ```
///
/// The query q is a parameter, q = w, with b added to the scores; or it is computed from the middle frame of
/// the sequence, q = W y_m + b with m = T / 2.
///
/// # Shapes
/// [T, F] -> \[F\]; w [1, F] and b \[1\], or W [F, F] and b \[F\]
///
/// # Source
/// De Andrade et al. 2018 for the query from the middle frame.
pub struct Attention {
    features: usize,
    query: Query,
    tensors: [TensorSpec; 2],
    /// a of every valid frame, [B, T] without padding, in the caller's order of the sequences.
    weights: Vec<f32>,
    /// q of every sequence, [B, F].
    queries: Vec<f32>,
}

/// Source of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// A learned parameter.
    Learned,
    /// A linear map of the middle frame.
    MiddleFrame,
}

/// Offsets and ranges of one sequence.
struct SequenceSlices<'a> {
    /// Offsets of its packed frames.
    frames: &'a [usize],
    /// Range of its weights.
    weights: Range<usize>,
    /// Range of its query and of its output.
    vector: Range<usize>,
}

impl SequenceSlices<'_> {
    /// Offset of the middle frame.
    fn middle(&self) -> usize {
        self.frames[self.frames.len() / 2]
    }
}

impl Attention {
    /// Creates attention over frames of `features` values, with the parameters `{prefix}weight` and
    /// `{prefix}bias`.
    pub fn new(query: Query, features: usize, prefix: &str, layout: &mut Layout) -> Attention {
        let outputs = if query == Query::Learned { 1 } else { features };
        let weight = layout.add(format!("{prefix}weight"), &[outputs, features]);
        let bias = layout.add(format!("{prefix}bias"), &[outputs]);
        Attention { features, query, tensors: [weight, bias], weights: Vec::new(), queries: Vec::new() }
    }

    /// Attention weights of the most recent forward pass: sequence after sequence in the caller's order, one
    /// weight per frame, with sum 1 per sequence.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Calls `visit` for every sequence.
    fn each_sequence(&self, sequences: &Sequences, mut visit: impl FnMut(SequenceSlices<'_>)) {
        let mut slots = vec![0; sequences.batch()];
        sequences.order().iter().enumerate().for_each(|(slot, &index)| slots[index] = slot);
        let (mut frames, mut first) = (Vec::with_capacity(sequences.max_length()), 0);
        for (index, &length) in sequences.lengths().iter().enumerate() {
            frames.clear();
            frames.extend((0..length).map(|t| (sequences.start(t) + slots[index]) * self.features));
            let vector = index * self.features..(index + 1) * self.features;
            visit(SequenceSlices { frames: &frames, weights: first..first + length, vector });
            first += length;
        }
    }

    /// Writes q of a sequence and returns the bias of its scores.
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
            Query::MiddleFrame => "attention over frames, query from the middle frame".into(),
        }
    }

    fn operation(&self) -> Operation {
        let [weight, bias] = self.tensors.each_ref().map(|tensor| tensor.name.clone());
        Operation::Attention { query: self.query, weight, bias }
    }

    fn output_shape(&self) -> Shape {
        Shape::Vector { features: self.features }
    }

    fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    fn macs(&self, length: usize) -> u64 {
        let query = if self.query == Query::Learned { 0 } else { self.features * self.features };
        (2 * self.features * length + query) as u64
    }

    /// Uniform in +-1/sqrt(F), as torch.nn.Linear.
    fn initialize(&self, parameters: &mut [f32], rng: &mut Rng) {
        let bound = 1.0 / (self.features as f32).sqrt();
        for tensor in &self.tensors {
            tensor.slice_mut(parameters).fill_with(|| rng.symmetric(bound));
        }
    }

    fn forward(&mut self, parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        let learned = self.tensors.each_ref().map(|tensor| tensor.slice(parameters));
        let width = self.features;
        let (mut weights, mut queries) =
            (std::mem::take(&mut self.weights), std::mem::take(&mut self.queries));
        weights.resize(pass.sequences.frames(), 0.0);
        queries.resize(output.len(), 0.0);
        output.fill(0.0);
        self.each_sequence(pass.sequences, |one| {
            let query = &mut queries[one.vector.clone()];
            let bias = self.set_query(query, learned, &input[one.middle()..][..width]);
            let weights = &mut weights[one.weights];
            for (score, &frame) in weights.iter_mut().zip(one.frames) {
                *score = bias + dot(query, &input[frame..frame + width]);
            }
            softmax(weights);
            let sum = &mut output[one.vector];
            for (&weight, &frame) in weights.iter().zip(one.frames) {
                add(sum, weight, &input[frame..frame + width]);
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
    /// A learned query has d_w = sum of all d_q, and d_b = 0 because the softmax does not depend on b. A
    /// query from the middle frame has dW = sum of d_q y_m^T, db = sum of d_q, and adds W^T d_q to d_y_m.
    fn backward(&mut self, buffers: Backward<'_>, pass: Pass<'_>) {
        stapes_kernels::require_training();
        let Backward { parameters, gradients, input, d_output, mut d_input, .. } = buffers;
        let width = self.features;
        let mut d_queries = vec![0.0; self.queries.len()];
        let mut d_scores = Vec::new();
        self.each_sequence(pass.sequences, |one| {
            let (weights, query) = (&self.weights[one.weights.clone()], &self.queries[one.vector.clone()]);
            let d_sum = &d_output[one.vector.clone()];
            let d_query = &mut d_queries[one.vector.clone()];
            d_scores.clear();
            d_scores.extend(one.frames.iter().map(|&frame| dot(d_sum, &input[frame..frame + width])));
            let mean = dot(weights, &d_scores);
            for ((d_score, &weight), &frame) in d_scores.iter_mut().zip(weights).zip(one.frames) {
                *d_score = weight * (*d_score - mean);
                add(d_query, *d_score, &input[frame..frame + width]);
                if let Some(d_input) = &mut d_input {
                    let to = &mut d_input[frame..frame + width];
                    to.fill(0.0);
                    add(to, weight, d_sum);
                    add(to, *d_score, query);
                }
            }
        });
        let [weight, bias] = &self.tensors;
        if self.query == Query::Learned {
            let d_w = weight.slice_mut(gradients);
            return d_queries.chunks_exact(width).for_each(|d_query| add(d_w, 1.0, d_query));
        }
        self.each_sequence(pass.sequences, |one| {
            let d_query = &d_queries[one.vector.clone()];
            let middle = one.middle()..one.middle() + width;
            let rows = weight.slice_mut(gradients).chunks_exact_mut(width);
            rows.zip(d_query).for_each(|(row, &d)| add(row, d, &input[middle.clone()]));
            add(bias.slice_mut(gradients), 1.0, d_query);
            if let Some(d_input) = &mut d_input {
                let rows = weight.slice(parameters).chunks_exact(width);
                rows.zip(d_query).for_each(|(row, &d)| add(&mut d_input[middle.clone()], d, row));
            }
        });
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
