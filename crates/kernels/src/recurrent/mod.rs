//! Recurrent layers: what a cell computes, and the one runner that takes any cell through time.
//!
//! A [cell](CellKind) is a handful of formulas on the pre-activations of its gates ([`lstm`] stands for all:
//! forward, and beside it backward). Everything else is written once, in [`Recurrence`]: one product for the
//! input projection of many frames, the recurrent product of each time step with weights packed once,
//! directions, lengths, initial and final states, and the gradients.

mod backward;
mod blocks;
mod cell;
mod forward;
#[allow(unsafe_code, reason = "rows of states and gates reached by pointers")]
mod gated;
mod gru;
mod gru_reset_before;
pub mod lstm;
mod recurrence;
#[allow(unsafe_code, reason = "rows of states and gates reached by pointers")]
mod rows;
mod step;
mod transition;
mod vanilla;
#[allow(unsafe_code, reason = "a kernel is called for a set of instructions")]
mod weight_gradients;

pub use backward::{Backward, Gradients};
pub use cell::CellKind;
pub use forward::Forward;
pub use recurrence::{Direction, Recurrence, Weights};
