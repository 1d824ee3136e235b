//! Kernels of the cells' formulas, over the rows of one time step.

use super::cell::{Cell, CellKind, Gates, States};
use crate::InstructionSet;
use crate::product::{Matrix, MatrixMut};
use crate::simd::{Lanes, Simd, kernel};

/// Rows of sequences for one step forward. States are h and c; c has no columns in cells without it.
pub(super) struct ForwardRows<'a> {
    /// Pre-activations; replaced by the values that the backward pass needs.
    pub(super) gates: MatrixMut<'a>,
    pub(super) previous: [Matrix<'a>; 2],
    pub(super) state: [MatrixMut<'a>; 2],
}

/// Rows of sequences for one step backward.
pub(super) struct BackwardRows<'a> {
    /// Values from the forward pass; replaced by the gradients w.r.t. the pre-activations.
    pub(super) gates: MatrixMut<'a>,
    pub(super) previous: [Matrix<'a>; 2],
    pub(super) state: [Matrix<'a>; 2],
    /// Gradient w.r.t. the output.
    pub(super) d_output: Matrix<'a>,
    /// Gradients from the next time step; replaced by those for the previous time step.
    pub(super) d_state: [MatrixMut<'a>; 2],
}

impl BackwardRows<'_> {
    /// Reborrows the rows.
    pub(super) fn reborrow(&mut self) -> BackwardRows<'_> {
        let [d_h, d_c] = &mut self.d_state;
        BackwardRows {
            gates: self.gates.reborrow(),
            d_state: [d_h.reborrow(), d_c.reborrow()],
            previous: self.previous,
            state: self.state,
            d_output: self.d_output,
        }
    }
}

/// Calls a function that is generic over the cell with the cell of a kind.
macro_rules! dispatch {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            CellKind::RnnTanh => $function::<crate::recurrent::vanilla::Tanh>($($argument),*),
            CellKind::RnnRelu => $function::<crate::recurrent::vanilla::Relu>($($argument),*),
            CellKind::Gru => $function::<crate::recurrent::gru::Gru>($($argument),*),
            CellKind::GruResetBefore => {
                $function::<crate::recurrent::gru_reset_before::GruResetBefore>($($argument),*)
            }
            CellKind::Lstm => $function::<crate::recurrent::lstm::Lstm>($($argument),*),
        }
    };
}
pub(super) use dispatch;

/// Performs one step forward of a cell.
pub(super) fn forward(set: InstructionSet, kind: CellKind, rows: ForwardRows<'_>) {
    dispatch!(kind, forward_rows(set, rows));
}

/// Performs one step backward of a cell.
pub(super) fn backward(set: InstructionSet, kind: CellKind, rows: BackwardRows<'_>) {
    dispatch!(kind, backward_rows(set, rows));
}

kernel! {
    fn forward_rows<C: Cell>(rows: ForwardRows<'_>) = forward_generic::<_, C>
}

kernel! {
    fn backward_rows<C: Cell>(rows: BackwardRows<'_>) = backward_generic::<_, C>
}

/// Returns the hidden size. Checks that the matrices, pairs of h and c, have as many rows as the gates and the hidden
/// size as columns; the pointers of the kernels rely on this.
pub(super) fn checked_hidden<C: Cell>(gates: &MatrixMut<'_>, matrices: &[Matrix<'_>]) -> usize {
    let hidden = gates.columns() / C::SHAPE.blocks;
    assert_eq!(gates.columns(), hidden * C::SHAPE.blocks, "columns of the gates");
    for pair in matrices.chunks(2) {
        for matrix in &pair[..C::SHAPE.states.min(pair.len())] {
            assert_eq!((matrix.rows(), matrix.columns()), (gates.rows(), hidden), "the shape of a state");
            assert_eq!(matrix.column_stride(), 1, "the units of a state must be contiguous");
        }
    }
    hidden
}

#[inline(always)]
fn forward_generic<S: Simd, C: Cell>(simd: S, rows: ForwardRows<'_>) {
    let ForwardRows { mut gates, previous, state: [mut h, mut c] } = rows;
    let matrices = [previous[0], previous[1], h.as_matrix(), c.as_matrix()];
    let hidden = checked_hidden::<C>(&gates, &matrices);
    let whole = hidden - hidden % S::WIDTH;
    for row in 0..gates.rows() {
        let at = ForwardRow {
            hidden,
            gates: gates.row_mut(row).as_mut_ptr(),
            previous: previous.map(|matrix| matrix.pointer(row, 0)),
            state: [h.pointer(row), c.pointer(row)],
        };
        // SAFETY: each pointer starts a row of `hidden` values (`blocks * hidden` for the gates), as checked above,
        // and units are below `hidden`; states that the cell does not have are not accessed.
        unsafe {
            for unit in (0..whole).step_by(S::WIDTH) {
                forward_units::<S, C>(simd, &at, unit, S::WIDTH);
            }
            if whole < hidden {
                forward_units::<S, C>(simd, &at, whole, hidden - whole);
            }
        }
    }
}

struct ForwardRow {
    hidden: usize,
    gates: *mut f32,
    previous: [*const f32; 2],
    state: [*mut f32; 2],
}

/// # Safety
/// `count <= WIDTH`; the pointers are valid from `unit` on for `count` values of each block and state.
#[inline(always)]
unsafe fn forward_units<S: Simd, C: Cell>(simd: S, at: &ForwardRow, unit: usize, count: usize) {
    // SAFETY: guaranteed by the caller.
    unsafe {
        let mut gates = load_gates::<S, C>(simd, at.gates.add(unit), at.hidden, count);
        let previous = load_states::<S, C>(simd, at.previous, unit, count);
        let state = C::forward(&mut gates, previous);
        store_gates::<S, C>(gates, at.gates.add(unit), at.hidden, count);
        for (values, to) in state.into_iter().zip(at.state).take(C::SHAPE.states) {
            values.flush_to_zero().store(to.add(unit), count);
        }
    }
}

#[inline(always)]
fn backward_generic<S: Simd, C: Cell>(simd: S, rows: BackwardRows<'_>) {
    let BackwardRows { mut gates, previous, state, d_output, d_state: [mut d_h, mut d_c] } = rows;
    let (d_h_read, d_c_read) = (d_h.as_matrix(), d_c.as_matrix());
    let matrices = [previous[0], previous[1], state[0], state[1], d_h_read, d_c_read, d_output];
    let hidden = checked_hidden::<C>(&gates, &matrices);
    let whole = hidden - hidden % S::WIDTH;
    for row in 0..gates.rows() {
        let at = BackwardRow {
            hidden,
            gates: gates.row_mut(row).as_mut_ptr(),
            previous: previous.map(|matrix| matrix.pointer(row, 0)),
            state: state.map(|matrix| matrix.pointer(row, 0)),
            d_output: d_output.pointer(row, 0),
            d_state: [d_h.pointer(row), d_c.pointer(row)],
        };
        // SAFETY: as in `forward_generic`.
        unsafe {
            for unit in (0..whole).step_by(S::WIDTH) {
                backward_units::<S, C>(simd, &at, unit, S::WIDTH);
            }
            if whole < hidden {
                backward_units::<S, C>(simd, &at, whole, hidden - whole);
            }
        }
    }
}

struct BackwardRow {
    hidden: usize,
    gates: *mut f32,
    previous: [*const f32; 2],
    state: [*const f32; 2],
    d_output: *const f32,
    d_state: [*mut f32; 2],
}

/// # Safety
/// As [`forward_units`].
#[inline(always)]
unsafe fn backward_units<S: Simd, C: Cell>(simd: S, at: &BackwardRow, unit: usize, count: usize) {
    // SAFETY: guaranteed by the caller.
    unsafe {
        let mut gates = load_gates::<S, C>(simd, at.gates.add(unit), at.hidden, count);
        let previous = load_states::<S, C>(simd, at.previous, unit, count);
        let state = load_states::<S, C>(simd, at.state, unit, count);
        let mut d_state =
            load_states::<S, C>(simd, at.d_state.map(|pointer| pointer.cast_const()), unit, count);
        d_state[0] = (d_state[0] + Lanes::load(simd, at.d_output.add(unit), count)).flush_to_zero();
        let d_previous = C::backward(&mut gates, previous, state, d_state);
        for gate in &mut gates {
            *gate = gate.flush_to_zero();
        }
        store_gates::<S, C>(gates, at.gates.add(unit), at.hidden, count);
        for (values, to) in d_previous.into_iter().zip(at.d_state).take(C::SHAPE.states) {
            values.flush_to_zero().store(to.add(unit), count);
        }
    }
}

/// # Safety
/// `from` is valid for `count <= WIDTH` values of each of the cell's blocks, `hidden` apart.
#[inline(always)]
pub(super) unsafe fn load_gates<S: Simd, C: Cell>(
    simd: S,
    from: *const f32,
    hidden: usize,
    count: usize,
) -> Gates<S> {
    let mut gates = [Lanes::splat(simd, 0.0); 4];
    for (block, gate) in gates.iter_mut().enumerate().take(C::SHAPE.blocks) {
        // SAFETY: guaranteed by the caller.
        *gate = unsafe { Lanes::load(simd, from.add(block * hidden), count) };
    }
    gates
}

/// # Safety
/// As [`load_gates`], for writing.
#[inline(always)]
pub(super) unsafe fn store_gates<S: Simd, C: Cell>(
    gates: Gates<S>,
    to: *mut f32,
    hidden: usize,
    count: usize,
) {
    for (block, gate) in gates.iter().enumerate().take(C::SHAPE.blocks) {
        // SAFETY: guaranteed by the caller.
        unsafe { gate.store(to.add(block * hidden), count) };
    }
}

/// # Safety
/// Each of the cell's states is valid from `unit` on for `count <= WIDTH` values.
#[inline(always)]
pub(super) unsafe fn load_states<S: Simd, C: Cell>(
    simd: S,
    from: [*const f32; 2],
    unit: usize,
    count: usize,
) -> States<S> {
    let mut states = [Lanes::splat(simd, 0.0); 2];
    for index in 0..C::SHAPE.states {
        // SAFETY: guaranteed by the caller.
        states[index] = unsafe { Lanes::load(simd, from[index].add(unit), count) };
    }
    states
}
