//! Attention.

use super::{Products, QuantizedNetwork};
use crate::fixed_point::{Rescale, mean};
use crate::value::Value;

/// Scores of attention, Q16.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum QuantizedAttention {
    /// A learned query: products with each frame.
    Learned(Products),
    /// The query follows from the middle frame.
    MiddleFrame {
        /// Products of the middle frame: the query.
        query: Products,
        /// Factor from the product of query and frame, divided by 2^15, to the score.
        score: Rescale,
    },
}

impl QuantizedAttention {
    /// Returns the number of bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            QuantizedAttention::Learned(products) => products.bytes(),
            QuantizedAttention::MiddleFrame { query, .. } => query.bytes() + 4,
        }
    }

    fn scores(&self, x: &Value<i16>) -> Vec<i32> {
        match self {
            QuantizedAttention::Learned(products) => {
                x.rows().map(|row| products.rows(row, 0..1)[0]).collect()
            }
            QuantizedAttention::MiddleFrame { query, score } => {
                let n = x.width();
                let query = query.linear(&x.data[x.length / 2 * n..][..n]);
                let product = |row: &[i16]| -> i64 {
                    row.iter().zip(&query).map(|(&x, &q)| i64::from(x) * i64::from(q)).sum()
                };
                x.rows().map(|row| score.apply(((product(row) + (1 << 14)) >> 15) as i32, 0)).collect()
            }
        }
    }
}

impl QuantizedNetwork {
    /// Returns the mean of the frames, weighted by the softmax of their scores.
    pub(super) fn attention(&self, attention: &QuantizedAttention, x: &Value<i16>) -> Vec<i16> {
        let scores = attention.scores(x);
        let largest = scores.iter().copied().max().unwrap_or(0);
        let weights: Vec<i32> =
            scores.iter().map(|score| self.functions.exp_negative(largest - score)).collect();
        let total: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
        let column = |i: usize| {
            let products = weights.iter().zip(x.rows()).map(|(&w, row)| i64::from(w) * i64::from(row[i]));
            mean(products.sum(), total.max(1)) as i16
        };
        (0..x.width()).map(column).collect()
    }
}
