//! Stacks of recurrent layers.
//!
//! A [`RecurrentStack`] is a [`crate::layer::Layer`] over sequences. It connects layers and directions, names
//! the parameters and applies dropout between layers; the passes of one layer in one direction are in
//! [`stapes_kernels::recurrent::Recurrence`].

mod config;
mod initialization;
mod inter_layer_dropout;
mod stack;
mod weights;

pub use config::{CellKind, Directions, Initialization, RecurrentConfig};
pub use stack::{RecurrentStack, StateGradients, StatePass};
