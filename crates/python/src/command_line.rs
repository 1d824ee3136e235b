//! The command line.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the program with these arguments, the program first, and returns its exit code.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| stapes::cli::run(arguments))
}
