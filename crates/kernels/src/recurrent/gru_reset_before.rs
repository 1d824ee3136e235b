//! Gated recurrent unit with the reset gate before the recurrent product, forward and backward.
//!
//! The candidate's product reads r * h_before and therefore needs r first: [`Cell::gate`] runs between the products.

use super::cell::{Cell, CellShape, Gated, Gates, Run, States};
use crate::activation::{sigmoid, tanh};
use crate::simd::{Lanes, Simd};

pub(crate) struct GruResetBefore;

impl Cell for GruResetBefore {
    /// The fourth block is v = r * h_before.
    const SHAPE: CellShape = CellShape {
        gates: 3,
        blocks: 4,
        states: 1,
        runs: &[Run { gate: 0, gates: 2, block: 0 }],
        gated: Some(Gated { run: Run { gate: 2, gates: 1, block: 2 }, state: 3 }),
    };

    /// ```text
    /// r = sigmoid(a_r)                   reset gate: fraction of the state that the candidate reads
    /// z = sigmoid(a_z)                   update gate: fraction of the state that is kept
    /// v = r * h_before
    /// ```
    #[inline(always)]
    fn gate<S: Simd>(gates: &mut Gates<S>, [h_before, _]: States<S>) {
        let [a_r, a_z, a_n, _] = *gates;
        let (r, z) = (sigmoid(a_r), sigmoid(a_z));
        *gates = [r, z, a_n, r * h_before];
    }

    /// ```text
    /// n = tanh(a_n)                      the candidate; a_n = W_n x + b_n + U_n v + c_n
    /// h = (1 - z) * n + z * h_before
    /// ```
    #[inline(always)]
    fn forward<S: Simd>(gates: &mut Gates<S>, [h_before, zero]: States<S>) -> States<S> {
        let [r, z, a_n, v] = *gates;
        let n = tanh(a_n);
        let h = z.mul_add(h_before - n, n);
        *gates = [r, z, n, v];
        [h, zero]
    }

    /// ```text
    /// d_n = d_h * (1 - z)                d_a_n = d_n * (1 - n²)
    /// d_z = d_h * (h_before - n)         d_a_z = d_z * z (1 - z)
    /// d_h_before = d_h * z; `gate_backward` and `Recurrence` add the other terms
    /// ```
    #[inline(always)]
    fn backward<S: Simd>(
        gates: &mut Gates<S>,
        [h_before, _]: States<S>,
        _: States<S>,
        [d_h, zero]: States<S>,
    ) -> States<S> {
        let [r, z, n, v] = *gates;
        let one = n.all(1.0);
        let d_a_n = d_h * (one - z) * (one - n * n);
        let d_z = d_h * (h_before - n);
        *gates = [r, d_z * z * (one - z), d_a_n, v];
        [d_h * z, zero]
    }

    /// ```text
    /// d_v = U_nᵀ d_a_n, computed by `Recurrence`
    /// d_r = d_v * h_before               d_a_r = d_r * r (1 - r)
    /// d_h_before = d_h_before + d_v * r; `Recurrence` adds U_rᵀ d_a_r + U_zᵀ d_a_z
    /// ```
    #[inline(always)]
    fn gate_backward<S: Simd>(
        gates: &mut Gates<S>,
        [h_before, _]: States<S>,
        d_v: Lanes<S>,
        [d_h_before, zero]: States<S>,
    ) -> States<S> {
        let r = gates[0];
        gates[0] = d_v * h_before * r * (r.all(1.0) - r);
        [d_v.mul_add(r, d_h_before), zero]
    }
}
