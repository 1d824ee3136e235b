//! Kernels of a gate that multiplies the previous state before the recurrent product, as the reset gate of
//! `gru_reset_before` does.

use super::cell::{Cell, CellKind};
use super::rows::{checked_hidden, dispatch, load_gates, load_states, store_gates};
use crate::InstructionSet;
use crate::product::{Matrix, MatrixMut};
use crate::simd::{Lanes, Simd, kernel};

/// Computes the gated states into their block of `gates`, from the blocks and the previous states.
pub(super) fn gate(set: InstructionSet, kind: CellKind, gates: MatrixMut<'_>, previous: [Matrix<'_>; 2]) {
    dispatch!(kind, gate_rows(set, gates, previous));
}

/// Rows for backpropagation through the gate.
pub(super) struct GateBackwardRows<'a> {
    pub(super) gates: MatrixMut<'a>,
    pub(super) previous: [Matrix<'a>; 2],
    /// Gradient w.r.t. the gated states.
    pub(super) d_gated: Matrix<'a>,
    /// Gradients w.r.t. the previous states, to which the kernel adds.
    pub(super) d_previous: [MatrixMut<'a>; 2],
}

/// Backpropagates through the gate.
pub(super) fn gate_backward(set: InstructionSet, kind: CellKind, rows: GateBackwardRows<'_>) {
    dispatch!(kind, gate_backward_rows(set, rows));
}

kernel! {
    fn gate_rows<C: Cell>(gates: MatrixMut<'_>, previous: [Matrix<'_>; 2]) = gate_generic::<_, C>
}

kernel! {
    fn gate_backward_rows<C: Cell>(rows: GateBackwardRows<'_>) = gate_backward_generic::<_, C>
}

#[inline(always)]
fn gate_generic<S: Simd, C: Cell>(simd: S, mut gates: MatrixMut<'_>, previous: [Matrix<'_>; 2]) {
    let hidden = checked_hidden::<C>(&gates, &previous);
    for row in 0..gates.rows() {
        let to = gates.row_mut(row).as_mut_ptr();
        let before = previous.map(|matrix| matrix.pointer(row, 0));
        for unit in (0..hidden).step_by(S::WIDTH) {
            let count = S::WIDTH.min(hidden - unit);
            // SAFETY: each pointer starts a row of `hidden` values (`blocks * hidden` for the gates), as
            // checked above, and `unit + count <= hidden`.
            unsafe {
                let mut blocks = load_gates::<S, C>(simd, to.add(unit), hidden, count);
                C::gate(&mut blocks, load_states::<S, C>(simd, before, unit, count));
                store_gates::<S, C>(blocks, to.add(unit), hidden, count);
            }
        }
    }
}

#[inline(always)]
fn gate_backward_generic<S: Simd, C: Cell>(simd: S, rows: GateBackwardRows<'_>) {
    let GateBackwardRows { mut gates, previous, d_gated, d_previous: [mut d_h, mut d_c] } = rows;
    let (d_h_read, d_c_read) = (d_h.as_matrix(), d_c.as_matrix());
    let matrices = [previous[0], previous[1], d_h_read, d_c_read, d_gated];
    let hidden = checked_hidden::<C>(&gates, &matrices);
    for row in 0..gates.rows() {
        let to = gates.row_mut(row).as_mut_ptr();
        let before = previous.map(|matrix| matrix.pointer(row, 0));
        let d_before = [d_h.pointer(row), d_c.pointer(row)];
        let from = d_gated.pointer(row, 0);
        for unit in (0..hidden).step_by(S::WIDTH) {
            let count = S::WIDTH.min(hidden - unit);
            // SAFETY: as in `gate_generic`; the gradients are rows of `hidden` values too.
            unsafe {
                let mut blocks = load_gates::<S, C>(simd, to.add(unit), hidden, count);
                let states = load_states::<S, C>(simd, before, unit, count);
                let d_states = load_states::<S, C>(simd, d_before.map(|at| at.cast_const()), unit, count);
                let d_gated = Lanes::load(simd, from.add(unit), count);
                let d_states = C::gate_backward(&mut blocks, states, d_gated, d_states);
                store_gates::<S, C>(blocks, to.add(unit), hidden, count);
                for (values, to) in d_states.into_iter().zip(d_before).take(C::SHAPE.states) {
                    values.store(to.add(unit), count);
                }
            }
        }
    }
}
