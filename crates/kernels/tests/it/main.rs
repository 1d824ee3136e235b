//! Tests of the kernels against plain references, on every instruction set.
//!
//! They form one program, because linking takes long; tests that need a separate program are beside this folder.

mod conformance;
mod convolution;
mod convolution_allocations;
mod denormal;
mod inlined;
mod norm;
mod pool;
mod same_bits;
mod sizes;
mod truncation;
