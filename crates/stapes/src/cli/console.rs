//! Who hears what: results on standard output, everything else on standard error.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use console::Term;
use serde::Serialize;
use stapes::eval::{visible, visible_lines};

/// Where text and results go.
///
/// Text for people is shown by [`visible_lines`]: no escape sequence in a name reaches the terminal. A name from outside within
/// a line is shown by [`visible`] before, since its line breaks and tabs would forge lines and fields.
///
/// Printing never ends the program: what was begun is finished, and [`Console::failed`] tells at the end
/// that nobody could be told.
pub(crate) struct Console {
    json: bool,
    silent: bool,
    failed: OnceLock<io::Error>,
}

impl Console {
    /// A console for people or, with `json`, for machines.
    pub(crate) fn new(json: bool) -> Console {
        Console { json, silent: false, failed: OnceLock::new() }
    }

    /// A console for a process whose results another one tells.
    pub(crate) fn silent() -> Console {
        Console { json: false, silent: true, failed: OnceLock::new() }
    }

    /// Text for people: the command's result, on standard output unless that carries JSON.
    pub(crate) fn say(&self, text: &str) {
        if self.json { self.note(text) } else { self.print(&visible_lines(text)) }
    }

    /// Text for people that is no result, on standard error.
    pub(crate) fn note(&self, text: &str) {
        if !self.silent {
            // Without standard error there is nobody to tell.
            let _ = writeln!(io::stderr().lock(), "{}", visible_lines(&without_numbers(text)));
        }
    }

    /// An error, on standard error. Its further lines are indented, so that a line break in what it quotes begins no line that
    /// could be taken for another message.
    pub(crate) fn error(&self, reason: &str) {
        self.note(&format!("error: {}", reason.replace('\n', "\n  ")));
    }

    /// An error about one of several files, whose name it contains.
    pub(crate) fn file_error(&self, file: &Path, reason: &str) {
        let name = file.display().to_string();
        self.error(&reason.replace(&name, &visible(&name)));
    }

    /// Names every file that was left out, on standard error.
    pub(crate) fn left_out(&self, files: &[(PathBuf, String)]) {
        for (path, reason) in files {
            let name = path.display().to_string();
            let reason = reason.replace(&name, &visible(&name));
            self.note(&format!("left out: {}: {}", visible(&name), visible(&reason)));
        }
    }

    /// How wide a table may be: as the terminal, and where standard output is none, as it likes.
    pub(crate) fn width(&self) -> usize {
        let terminal = if self.json { Term::stderr() } else { Term::stdout() };
        terminal.size_checked().map_or(usize::MAX, |(_, columns)| columns.into())
    }

    /// A JSON line on standard output, if machines listen.
    pub(crate) fn emit(&self, line: &impl Serialize) {
        if self.json {
            match serde_json::to_string(line) {
                Ok(line) => self.print(&line),
                Err(error) => self.note(&format!("a result that JSON cannot hold: {error}")),
            }
        }
    }

    /// A JSON line that is made only if machines listen.
    pub(crate) fn emit_with<L: Serialize>(&self, line: impl FnOnce() -> L) {
        if self.json {
            self.emit(&line());
        }
    }

    /// Why standard output took no more, if so. A reader that went away, as in `stapes ... | head`, is no
    /// failure.
    pub(crate) fn failed(&self) -> Option<&io::Error> {
        self.failed.get().filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    fn print(&self, text: &str) {
        if self.silent || self.failed.get().is_some() {
            return;
        }
        let mut to = io::stdout().lock();
        if let Err(error) = writeln!(to, "{text}").and_then(|()| to.flush()) {
            // Only the first error is kept; this is it.
            let _ = self.failed.set(error);
        }
    }
}

/// A path in a line of text.
pub(crate) fn place(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}

/// The text without the system's numbers behind its words for what went wrong: `No such file or directory (os error 2)`.
fn without_numbers(text: &str) -> String {
    const NUMBER: &str = " (os error ";
    let mut pieces = text.split(NUMBER);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(')') {
            Some((number, rest)) if number.parse::<i32>().is_ok() => kept += rest,
            _ => kept += &format!("{NUMBER}{piece}"),
        }
    }
    kept
}

/// A share as per cent with one digit: `98.4 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// As [`percent`]; a dash where there is none.
pub(crate) fn share(share: Option<f64>) -> String {
    share.map_or("–".into(), percent)
}

/// A number with commas between thousands: `1,532,090`.
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

/// A time with its unit: `0.820 ms`, `171 ms`, `12.3 s`, `4 min 5 s`.
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
    fn numbers_read_well() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(1_532_090), "1,532,090");
        assert_eq!(percent(0.98378), "98.4 %");
        assert_eq!(duration(0.00012), "0.120 ms");
        assert_eq!(duration(0.1714), "171 ms");
        assert_eq!(duration(245.0), "4 min 5 s");
    }

    #[test]
    fn the_numbers_of_system_errors_are_not_said() {
        let said = without_numbers("a: Not a directory (os error 20): check; b: No such file (os error 2)");
        assert_eq!(said, "a: Not a directory: check; b: No such file");
        assert_eq!(
            without_numbers("the word (os error x) and the end (os error"),
            "the word (os error x) and the end (os error"
        );
    }
}
