//! Test support for all crates: recorded references, data sets, tolerances, numerical derivatives.
//!
//! A test over recorded cases is a separate binary (`harness = false`) whose `main` is [`suite::run`]: each recorded
//! case is a named test, and a missing folder is reported as an ignored test.

pub mod finite_difference;
pub mod fixture;
pub mod hang;
mod hostile;
pub mod manifest;
pub mod suite;
pub mod tensors;
pub mod tolerance;

pub use hostile::{HOSTILE_NAMES, hostile_file_names};
