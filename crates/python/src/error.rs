//! Errors as exceptions of Python, with the text of the command line.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use pyo3::exceptions::{PyFileNotFoundError, PyOSError, PyValueError};
use pyo3::{PyErr, PyResult, create_exception};
use serde::Deserialize;
use stapes::{Error, without_os_numbers};

create_exception!(
    stapes,
    DataError,
    PyValueError,
    "Error of a data set or a recording: what is wrong, in which file, and what to do."
);

/// Advice of the command line, and the same for the functions of Python.
const TERMS: &[(&str, &str)] = &[
    ("choose another --out", "choose another out"),
    ("replace it with --force", "replace it with exists=\"replace\""),
    ("start again with --force", "start again with exists=\"replace\""),
    ("continue it with `stapes train --resume`", "continue it with exists=\"resume\""),
    ("continue from there with --resume", "continue from there with exists=\"resume\""),
    (
        "continue with --resume and the new location as --out",
        "continue with exists=\"resume\" and the new location as out",
    ),
    ("use its original --data", "use its original data"),
    ("set its folder with --data DIR", "give its folder as data"),
    ("set their folder with --data DIR", "give their folder as data"),
    ("correct --data", "correct data"),
    ("set --data to", "set data to"),
];

/// Returns the exception of an error: `FileNotFoundError` if a file or folder does not exist, `DataError` for data sets, `OSError`
/// if a file is the cause, `ValueError` for everything else.
pub(crate) fn exception(error: impl Into<Error>) -> PyErr {
    let error = error.into();
    of_text(&error, message(&error))
}

/// Returns the exception of an error of a training; if it is about a key, its text begins with the recipe.
pub(crate) fn exception_about(recipe: &Path, error: Error) -> PyErr {
    let text = message(&error);
    match error.is_about_key() {
        true => of_text(&error, format!("{}: {text}", recipe.display())),
        false => of_text(&error, text),
    }
}

fn of_text(error: &Error, text: String) -> PyErr {
    let is_io = causes(error).any(|cause| cause.is::<io::Error>());
    match error {
        error if error.is_not_found() => PyFileNotFoundError::new_err(text),
        Error::Resumable { source, .. } => of_text(source, text),
        Error::Data(_) | Error::Dataset(_) => DataError::new_err(text),
        _ if is_io => PyOSError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}

/// Returns the text of an error with its causes, without causes that it already names, in the terms of Python.
pub(crate) fn message(error: &Error) -> String {
    let mut text = error.to_string();
    for cause in causes(error).skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    let text = TERMS.iter().fold(text, |text, (term, python)| text.replace(term, python));
    without_os_numbers(&text).replace("--set ", "set: ")
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Returns a `ValueError`.
pub(crate) fn value_error(text: impl Into<String>) -> PyErr {
    PyValueError::new_err(text.into())
}

/// Reads settings from the JSON of the wrappers.
///
/// # Errors
/// `ValueError` with the key, without the position, which is that in the wrappers' text.
pub(crate) fn parse<'a, C: Deserialize<'a>>(settings: &'a str) -> PyResult<C> {
    serde_json::from_str(settings).map_err(|error| {
        let text = error.to_string();
        value_error(text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text))
    })
}
