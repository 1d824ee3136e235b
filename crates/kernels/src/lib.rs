//! Fused CPU mathematics on plain slices: products, recurrent cells, activations.

mod sequences;

pub use sequences::{Sequences, SequencesError};
