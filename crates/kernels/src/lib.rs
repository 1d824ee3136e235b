//! CPU kernels on plain slices: matrix products, recurrent cells, convolution, normalization, activations, Adam.
//!
//! The crate knows no framework, no file and no thread: callers pass slices and get slices. Start with [`Sequences`],
//! the layout of a batch. [`recurrent`] holds the recurrent layers; [`recurrent::lstm`] shows a cell, forward and
//! backward. [`product`] defines the order of summation, which makes the result of a sequence independent of the
//! other sequences of its batch. The modules named `reference` (feature `reference`) hold naive implementations for
//! tests.
//!
//! Every kernel takes an [`InstructionSet`] and is compiled once for each. This is the only crate with `unsafe` code:
//! vector instructions, and the pointers that they read and write, behind checked slices.

mod buffer;
mod instruction_set;
#[cfg(any(test, feature = "reference"))]
mod real;
mod sequences;
#[allow(unsafe_code, reason = "vector instructions and their pointers")]
mod simd;
mod sizes;

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

/// Panics in a build without the feature `training`, so that backward passes are not compiled into it.
#[inline(always)]
pub fn require_training() {
    if !cfg!(feature = "training") {
        panic!("this build cannot train: it has no backward passes (feature `training`)");
    }
}

pub use instruction_set::{InstructionSet, UnavailableInstructionSet};
pub use sequences::{Sequences, SequencesError};
