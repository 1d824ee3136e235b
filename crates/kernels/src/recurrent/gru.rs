//! Gated recurrent unit with the reset gate after the recurrent product, forward and backward.

use super::cell::{Cell, CellShape, Gates, Run, States};
use crate::activation::{sigmoid, tanh};
use crate::simd::Simd;

pub(crate) struct Gru;

impl Cell for Gru {
    /// r multiplies only the recurrent part of n; this part has its own block, the fourth.
    const SHAPE: CellShape = CellShape {
        gates: 3,
        blocks: 4,
        states: 1,
        runs: &[Run { gate: 0, gates: 2, block: 0 }, Run { gate: 2, gates: 1, block: 3 }],
        gated: None,
    };

    /// ```text
    /// r = sigmoid(a_r)                   reset gate: fraction of the state that the candidate reads
    /// z = sigmoid(a_z)                   update gate: fraction of the state that is kept
    /// n = tanh(a_n + r * u_n)            the candidate; a_n = W_n x + b_n, u_n = U_n h_before + c_n
    /// h = (1 - z) * n + z * h_before
    /// ```
    #[inline(always)]
    fn forward<S: Simd>(gates: &mut Gates<S>, [h_before, zero]: States<S>) -> States<S> {
        let [a_r, a_z, a_n, u_n] = *gates;
        let (r, z) = (sigmoid(a_r), sigmoid(a_z));
        let n = tanh(r.mul_add(u_n, a_n));
        let h = z.mul_add(h_before - n, n);
        *gates = [r, z, n, u_n];
        [h, zero]
    }

    /// ```text
    /// d_n = d_h * (1 - z)                d_a_n = d_n * (1 - n²)
    /// d_z = d_h * (h_before - n)         d_a_z = d_z * z (1 - z)
    /// d_r = d_a_n * u_n                  d_a_r = d_r * r (1 - r)
    ///                                    d_u_n = d_a_n * r
    /// d_h_before = d_h * z; `Recurrence` adds Uᵀ [d_a_r, d_a_z, d_u_n]
    /// ```
    #[inline(always)]
    fn backward<S: Simd>(
        gates: &mut Gates<S>,
        [h_before, _]: States<S>,
        _: States<S>,
        [d_h, zero]: States<S>,
    ) -> States<S> {
        let [r, z, n, u_n] = *gates;
        let one = n.all(1.0);
        let d_n = d_h * (one - z);
        let d_a_n = d_n * (one - n * n);
        let d_z = d_h * (h_before - n);
        let d_r = d_a_n * u_n;
        *gates = [d_r * r * (one - r), d_z * z * (one - z), d_a_n, d_a_n * r];
        [d_h * z, zero]
    }
}
