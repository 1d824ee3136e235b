//! Elman cells with tanh and ReLU, forward and backward.

use super::cell::{Cell, CellShape, Gates, Run, States};
use crate::activation::tanh;
use crate::simd::Simd;

const SHAPE: CellShape =
    CellShape { gates: 1, blocks: 1, states: 1, runs: &[Run { gate: 0, gates: 1, block: 0 }], gated: None };

pub(crate) struct Tanh;

impl Cell for Tanh {
    const SHAPE: CellShape = SHAPE;

    /// h = tanh(a)
    #[inline(always)]
    fn forward<S: Simd>(gates: &mut Gates<S>, [_, zero]: States<S>) -> States<S> {
        [tanh(gates[0]), zero]
    }

    /// d_a = d_h * (1 - h²)
    #[inline(always)]
    fn backward<S: Simd>(
        gates: &mut Gates<S>,
        _: States<S>,
        [h, zero]: States<S>,
        [d_h, _]: States<S>,
    ) -> States<S> {
        gates[0] = d_h * (h.all(1.0) - h * h);
        [zero, zero]
    }
}

pub(crate) struct Relu;

impl Cell for Relu {
    const SHAPE: CellShape = SHAPE;

    /// h = a where a > 0, else 0; NaN stays NaN.
    #[inline(always)]
    fn forward<S: Simd>(gates: &mut Gates<S>, [_, zero]: States<S>) -> States<S> {
        [gates[0].clamp(0.0, f32::INFINITY), zero]
    }

    /// d_a = d_h where h > 0, else 0
    #[inline(always)]
    fn backward<S: Simd>(
        gates: &mut Gates<S>,
        _: States<S>,
        [h, zero]: States<S>,
        [d_h, _]: States<S>,
    ) -> States<S> {
        gates[0] = h.select_greater(zero, d_h, zero);
        [zero, zero]
    }
}
