//! Fused CPU mathematics on plain slices: products, recurrent cells, activations, the optimiser's update.
//!
//! The room knows no framework, no file and no thread: callers bring slices and get slices. Start with
//! [`Sequences`], the layout of a batch; then [`recurrent`], whose [`recurrent::lstm`] shows a cell forward
//! and backward, and [`product`], which states the order of summation that makes a sequence's numbers
//! independent of its batch mates. [`reference`] is the same recurrence as a textbook has it, for tests.
//!
//! Every kernel takes an [`InstructionSet`] and is compiled once for each. This is the only crate with
//! `unsafe` code: vector instructions and the pointers that they read and write, behind checked slices.

mod buffer;
mod instruction_set;
mod sequences;
#[allow(unsafe_code, reason = "vector instructions and their pointers")]
mod simd;

#[allow(unsafe_code, reason = "loads and stores of vectors")]
pub mod activation;
#[allow(unsafe_code, reason = "loads and stores of vectors")]
pub mod adam;
#[allow(unsafe_code, reason = "loads and stores of vectors")]
pub mod column_sums;
pub mod convolution;
#[allow(unsafe_code, reason = "loads and stores of vectors, and rows reached by pointers")]
pub mod norm;
#[allow(unsafe_code, reason = "a vector is stored, and kernels are called for a set of instructions")]
pub mod peak;
#[allow(unsafe_code, reason = "kernels are called for a set of instructions")]
pub mod pool;
pub mod product;
pub mod recurrent;
#[cfg(any(test, feature = "reference"))]
pub mod reference;

pub use instruction_set::{InstructionSet, UnavailableInstructionSet};
pub use sequences::{Sequences, SequencesError};
