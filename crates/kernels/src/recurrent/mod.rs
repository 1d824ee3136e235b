//! Recurrent layers: the formulas of each cell, and one implementation of the pass through time for all cells.
//!
//! A [cell](CellKind) is a few formulas on the pre-activations of its gates; [`lstm`] is the example, with backward
//! next to forward. [`Recurrence`] implements everything else once: the input projection as one product for many
//! frames, the recurrent product of each time step with packed weights, directions, lengths, initial and final
//! states, gradients.

mod backward;
mod blocks;
mod cell;
mod forward;
mod gru;
mod gru_reset_before;
pub mod lstm;
mod recurrence;
#[cfg(any(test, feature = "reference"))]
pub mod reference;
#[allow(unsafe_code, reason = "rows of states and gates reached by pointers")]
mod rows;
#[allow(unsafe_code, reason = "rows of states and gates reached by pointers")]
mod state_gate;
mod step;
mod transition;
mod vanilla;
#[allow(unsafe_code, reason = "a kernel is called for a set of instructions")]
mod weight_gradients;

pub use backward::Backward;
pub use cell::CellKind;
pub use forward::Forward;
pub use recurrence::{Direction, Recurrence, Weights};
pub use weight_gradients::Gradients;
