//! The native part of the Python package: every function is one of the Rust library's.
//!
//! `python/stapes/` has the signatures and documentation that users see. Arrays are read without a copy where their type and
//! layout allow it, and the interpreter's lock is released while features are computed and models run.

mod arrays;
mod command_line;
mod compare;
mod error;
mod events;
mod extractor;
mod fit;
mod functions;
mod model;
mod pool;
mod run;
mod stream;
mod threads;
mod train;

use pyo3::prelude::*;

/// The native module.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("DataError", module.py().get_type::<error::DataError>())?;
    module.add_class::<extractor::Extractor>()?;
    module.add_class::<model::Model>()?;
    module.add_class::<stream::KaldiStream>()?;
    module.add_class::<stream::FeatureStream>()?;
    module.add_class::<stream::StreamClassifier>()?;
    module.add_class::<stream::SpeechStream>()?;
    functions::register(module)?;
    module.add_function(wrap_pyfunction!(command_line::run, module)?)?;
    module.add_function(wrap_pyfunction!(compare::compare, module)?)?;
    module.add_function(wrap_pyfunction!(run::read_run, module)?)?;
    module.add_function(wrap_pyfunction!(threads::set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(threads::num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(train::train, module)?)?;
    module.add_function(wrap_pyfunction!(fit::fit, module)?)?;
    Ok(())
}
