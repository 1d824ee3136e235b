//! Notes about a data set: parts that are not used, and rules that do not apply to all of it.

use std::fmt;

use serde::Serialize;

use crate::error::listed;

/// Maximum number of names in the text of a note.
const MAX_NAMES: usize = 5;

/// Note about a data set that is printed before training: a part that is not used, or a rule that applies only to some
/// examples.
///
/// As text: the fact, the first names, and advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Fact with its count: `2 columns of the manifest are not used`.
    pub fact: String,
    /// Names of the files, folders, columns or classes; not escaped.
    pub names: Vec<String>,
    /// Advice.
    pub advice: String,
}

impl Note {
    /// Returns a note about these names, with `fact` after their number; `None` without names. `fact` has the form
    /// for one name and for several.
    pub(crate) fn new(names: Vec<String>, fact: [&str; 2], advice: impl Into<String>) -> Option<Note> {
        let count = names.len();
        let fact = format!("{count} {}", fact[usize::from(count != 1)]);
        (count > 0).then(|| Note { fact, names, advice: advice.into() })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}; {}", self.fact, listed(&self.names, MAX_NAMES), self.advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_the_fact_the_first_names_and_advice() {
        let note = |count: usize| {
            let names = (0..count).map(|number| format!("{number}.aiff")).collect();
            Note::new(names, ["file is not read", "files are not read"], "convert them")
        };
        assert_eq!(note(0), None);
        assert_eq!(note(1).unwrap().to_string(), "1 file is not read: 0.aiff; convert them");
        let many = note(7).unwrap().to_string();
        assert!(many.starts_with("7 files are not read: 0.aiff, 1.aiff"), "{many}");
        assert!(many.ends_with("4.aiff and 2 more; convert them"), "{many}");
    }
}
