//! Tests of the kernels against plain references, on every instruction set.
//!
//! They are one program, as each program is linked on its own; what needs a program of its own stands beside this folder.

mod conformance;
mod convolution;
mod convolution_allocations;
mod denormal;
mod inlined;
mod norm;
mod pool;
mod truncation;
