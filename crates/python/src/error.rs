//! Errors as exceptions of Python, with the text of the command line.

use std::error::Error as StdError;
use std::io;

use pyo3::exceptions::{PyFileNotFoundError, PyOSError, PyValueError};
use pyo3::{PyErr, create_exception};
use stapes::Error;

create_exception!(
    stapes,
    DataError,
    PyValueError,
    "Error of a data set or a recording: what is wrong, in which file, and what to do."
);

/// Returns the exception of an error: `FileNotFoundError` or `OSError` if a file is the cause, `DataError` for data sets,
/// `ValueError` for everything else.
pub(crate) fn exception(error: impl Into<Error>) -> PyErr {
    let error = error.into();
    let text = with_causes(&error);
    match (&error, io_cause(&error)) {
        (_, Some(io::ErrorKind::NotFound)) | (Error::NoRun { .. }, _) => PyFileNotFoundError::new_err(text),
        (Error::Data(_) | Error::Dataset(_), _) => DataError::new_err(text),
        (_, Some(_)) => PyOSError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}

/// Returns an error with its causes, without causes that its text already names.
fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error).skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn io_cause(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Returns a `ValueError`.
pub(crate) fn value_error(text: impl Into<String>) -> PyErr {
    PyValueError::new_err(text.into())
}
