//! Long short-term memory, forward and backward.
//!
//! All formulas are for one unit of one frame; `*` is element-wise. [`Recurrence`](super::Recurrence) computes the
//! pre-activations a = W x + b + U h + c of the four gates first, and propagates the gradients afterwards.
//!
//! The lines of `backward` are those of `forward` in reverse order. Each line takes the gradient of the loss w.r.t.
//! its left side and adds it to the terms of its right side, times the derivative. With d_y the gradient of the loss
//! w.r.t. y: if y = p * q, then d_p = d_y * q; if y = sigmoid(a), then d_a = d_y * y (1 - y); if y = tanh(a), then
//! d_a = d_y * (1 - y²). The gradient of a value with several uses is a sum: c is used in h and in the next frame.

use super::cell::{Cell, CellShape, Gates, Run, States};
use crate::activation::{sigmoid, tanh};
use crate::simd::Simd;

pub(crate) struct Lstm;

impl Cell for Lstm {
    const SHAPE: CellShape = CellShape {
        gates: 4,
        blocks: 4,
        states: 2,
        runs: &[Run { gate: 0, gates: 4, block: 0 }],
        gated: None,
    };

    /// ```text
    /// i = sigmoid(a_i)      input gate
    /// f = sigmoid(a_f)      forget gate: fraction of the cell state that is kept
    /// g = tanh(a_g)         candidate
    /// o = sigmoid(a_o)      output gate
    /// c = f * c_before + i * g
    /// h = o * tanh(c)
    /// ```
    #[inline(always)]
    fn forward<S: Simd>(gates: &mut Gates<S>, [_, c_before]: States<S>) -> States<S> {
        let [a_i, a_f, a_g, a_o] = *gates;
        let (i, f, g, o) = (sigmoid(a_i), sigmoid(a_f), tanh(a_g), sigmoid(a_o));
        let c = f.mul_add(c_before, i * g);
        let h = o * tanh(c);
        *gates = [i, f, g, o];
        [h, c]
    }

    /// ```text
    /// d_o = d_h * tanh(c)                    d_a_o = d_o * o (1 - o)
    /// d_c = d_c + d_h * o (1 - tanh(c)²)
    /// d_f = d_c * c_before                   d_a_f = d_f * f (1 - f)
    /// d_i = d_c * g                          d_a_i = d_i * i (1 - i)
    /// d_g = d_c * i                          d_a_g = d_g * (1 - g²)
    /// d_c_before = d_c * f
    /// d_h_before = Uᵀ d_a, computed by `Recurrence`
    /// ```
    #[inline(always)]
    fn backward<S: Simd>(
        gates: &mut Gates<S>,
        [_, c_before]: States<S>,
        [_, c]: States<S>,
        [d_h, d_c]: States<S>,
    ) -> States<S> {
        let [i, f, g, o] = *gates;
        let one = c.all(1.0);
        let tanh_c = tanh(c);
        let d_o = d_h * tanh_c;
        let d_c = (d_h * o).mul_add(one - tanh_c * tanh_c, d_c);
        let d_f = d_c * c_before;
        let d_i = d_c * g;
        let d_g = d_c * i;
        *gates = [d_i * i * (one - i), d_f * f * (one - f), d_g * (one - g * g), d_o * o * (one - o)];
        [c.all(0.0), d_c * f]
    }
}
