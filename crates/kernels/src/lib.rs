//! Fused CPU mathematics on plain slices: products, recurrent cells, activations.

mod buffer;
mod instruction_set;
mod sequences;
#[allow(unsafe_code, reason = "vector instructions and their pointers")]
mod simd;

#[allow(unsafe_code, reason = "loads and stores of vectors")]
pub mod activation;
#[allow(unsafe_code, reason = "loads and stores of vectors")]
pub mod adam;

#[allow(unsafe_code, reason = "a vector is stored")]
pub mod peak;
#[allow(unsafe_code, reason = "tiles of matrices reached by pointers")]
pub mod product;

#[allow(unsafe_code, reason = "rows of states and gates reached by pointers")]
pub mod recurrent;
#[allow(unsafe_code, reason = "loads and stores of vectors")]
pub mod sums;

pub mod twin;

pub use instruction_set::InstructionSet;
pub use sequences::{Sequences, SequencesError};
