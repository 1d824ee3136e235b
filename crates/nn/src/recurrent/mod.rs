//! Stacks of recurrent layers.
//!
//! A [`RecurrentStack`] is a [`crate::layer::Layer`] over sequences. It knows how layers and directions are
//! wired, what the parameters are called and what happens between layers; the passes of one layer in one
//! direction are [`stapes_kernels::recurrent::Recurrence`].

mod between;
mod config;
mod initialise;
mod stack;
mod weights;

pub use config::{CellKind, Initialisation, RecurrentConfig, Wiring};
pub use stack::{RecurrentStack, StateGradients, StatePass};
