//! Output: results go to standard output, all other text to standard error.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use console::{StyledObject, Term, style};
use serde::Serialize;
use serde_json::{Value, json};
use stapes::report::{visible, visible_lines};
use stapes::without_os_numbers;

/// Writer of text and JSON lines.
///
/// Text passes through [`visible_lines`]: no escape sequence in a name reaches the terminal. Callers pass names from outside
/// through [`visible`], because their line breaks and tabs would forge lines and fields.
///
/// A write error never ends the program; [`Console::failed`] returns it at the end.
pub(crate) struct Console {
    json: bool,
    verbosity: Verbosity,
    silent: bool,
    failed: OnceLock<io::Error>,
    /// Warnings that were printed.
    warned: Mutex<BTreeSet<String>>,
}

/// How much is printed about the progress of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd)]
pub(crate) enum Verbosity {
    /// Results, warnings and errors.
    Quiet,
    #[default]
    Normal,
    /// Also what matters only for questions about the program.
    Verbose,
}

impl Console {
    /// Returns a console that prints text or, with `json`, JSON lines.
    pub(crate) fn new(json: bool) -> Console {
        Console {
            json,
            verbosity: Verbosity::Normal,
            silent: false,
            failed: OnceLock::new(),
            warned: Mutex::default(),
        }
    }

    /// Returns the console with another verbosity.
    pub(crate) fn with_verbosity(self, verbosity: Verbosity) -> Console {
        Console { verbosity, ..self }
    }

    /// Returns how much is printed.
    #[cfg(feature = "serve")]
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Returns a console that prints nothing, for processes whose results another process prints.
    pub(crate) fn silent() -> Console {
        Console { silent: true, ..Console::new(false) }
    }

    /// Prints the result as text, to standard output unless that has JSON lines.
    pub(crate) fn print(&self, text: &str) {
        if self.json { self.status(text) } else { self.write_line(&visible_lines(text)) }
    }

    /// Prints text about the progress to standard error, unless the user wants none.
    pub(crate) fn status(&self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.eprint(text);
        }
    }

    /// Prints text to standard error if the user wants to know more.
    pub(crate) fn details(&self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            self.eprint(text);
        }
    }

    /// Prints other text to standard error.
    pub(crate) fn eprint(&self, text: &str) {
        self.eprint_labeled(None, text);
    }

    /// Prints text to standard error after a label, which may have a color.
    fn eprint_labeled(&self, label: Option<StyledObject<&str>>, text: &str) {
        if self.silent {
            return;
        }
        let text = visible_lines(&without_os_numbers(text)).into_owned();
        let mut to = io::stderr().lock();
        // A failure of standard error cannot be reported.
        let _ = match label {
            Some(label) => writeln!(to, "{label} {text}"),
            None => writeln!(to, "{text}"),
        };
    }

    /// Prints a warning to standard error, each text once. `text` may contain names that are not escaped.
    pub(crate) fn warning(&self, text: &str) {
        if self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned()) {
            let label = style("warning:").for_stderr().yellow().bold();
            self.eprint_labeled(Some(label), &visible(text));
        }
    }

    /// Prints an error to standard error, its further lines indented, so that a line break in a quoted name cannot forge
    /// another message.
    pub(crate) fn error(&self, reason: &str) {
        let label = style("error:").for_stderr().red().bold();
        self.eprint_labeled(Some(label), &reason.replace('\n', "\n  "));
    }

    /// Prints an error about one of several files; `reason` contains the file's name.
    pub(crate) fn file_error(&self, file: &Path, reason: &str) {
        let name = file.display().to_string();
        self.error(&reason.replace(&name, &visible(&name)));
    }

    /// Prints an error about one of several files as text and as a JSON line; `reason` contains the file's name.
    pub(crate) fn failed_file(&self, file: &Path, reason: &str) {
        self.file_error(file, reason);
        self.json(&json!({ "file": file.display().to_string(), "error": without_os_numbers(reason) }));
    }

    /// Prints an error as the last JSON line.
    pub(crate) fn json_error(&self, reason: &str) {
        self.json(&json!({ "error": without_os_numbers(reason) }));
    }

    /// Prints the skipped files with the reasons to standard error.
    pub(crate) fn skipped(&self, files: &[(PathBuf, String)]) {
        for (path, reason) in files {
            let name = path.display().to_string();
            let reason = reason.replace(&name, &visible(&name));
            self.eprint(&format!("skipped: {}: {}", visible(&name), visible(&reason)));
        }
    }

    /// Returns the width for tables: that of the terminal; without a terminal, unlimited.
    pub(crate) fn width(&self) -> usize {
        let terminal = if self.json { Term::stderr() } else { Term::stdout() };
        terminal.size_checked().map_or(usize::MAX, |(_, columns)| columns.into())
    }

    /// Prints a JSON line to standard output if JSON is requested.
    pub(crate) fn json(&self, line: &impl Serialize) {
        if self.json {
            match serde_json::to_string(line) {
                Ok(line) => self.write_line(&line),
                Err(error) => self.eprint(&format!("a result cannot be written as JSON: {error}")),
            }
        }
    }

    /// Prints a JSON line to standard output, also if no JSON is requested: for commands whose results are JSON lines.
    pub(crate) fn line(&self, line: &Value) {
        self.write_line(&line.to_string());
    }

    /// Returns true if nobody reads the standard output any more, or it cannot be written.
    pub(crate) fn is_closed(&self) -> bool {
        self.failed.get().is_some()
    }

    /// Prints a JSON line that is computed only if JSON is requested.
    pub(crate) fn json_with<L: Serialize>(&self, line: impl FnOnce() -> L) {
        if self.json {
            self.json(&line());
        }
    }

    /// Returns the first write error of standard output. A closed pipe, as in `stapes ... | head`, is not an error.
    pub(crate) fn failed(&self) -> Option<&io::Error> {
        self.failed.get().filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    fn write_line(&self, text: &str) {
        if self.silent || self.failed.get().is_some() {
            return;
        }
        let mut to = io::stdout().lock();
        if let Err(error) = writeln!(to, "{text}").and_then(|()| to.flush()) {
            // Not set yet: after the first error nothing is written.
            let _ = self.failed.set(error);
        }
    }
}

/// Returns a path as [`visible`] text.
pub(crate) fn visible_path(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}

/// Formats a fraction as a percentage with one digit: `98.4 %`.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

/// Formats as [`percent`], or as a dash.
pub(crate) fn percent_or_dash(fraction: Option<f64>) -> String {
    fraction.map_or("–".into(), percent)
}

/// Formats a number with commas between thousands: `1,532,090`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a time with its unit: `0.820 ms`, `171 ms`, `12.3 s`, `4 min 5 s`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.01 => format!("{:.3} ms", 1e3 * s),
        s if s < 1.0 => format!("{:.0} ms", 1e3 * s),
        s if s < 120.0 => format!("{s:.1} s"),
        s => format!("{} min {} s", s as u64 / 60, s as u64 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_with_units_and_separators() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(1_532_090), "1,532,090");
        assert_eq!(percent(0.98378), "98.4 %");
        assert_eq!(duration(0.00012), "0.120 ms");
        assert_eq!(duration(0.1714), "171 ms");
        assert_eq!(duration(245.0), "4 min 5 s");
    }

    #[test]
    fn numbers_of_system_errors_are_removed() {
        let text =
            without_os_numbers("a: Not a directory (os error 20): check; b: No such file (os error 2)");
        assert_eq!(text, "a: Not a directory: check; b: No such file");
        assert_eq!(
            without_os_numbers("the word (os error x) and the end (os error"),
            "the word (os error x) and the end (os error"
        );
    }
}
