//! Numbers in text files.

use std::path::Path;

use crate::error::DataError;

/// Returns the whitespace-separated numbers of a line; all must be finite.
pub(crate) fn numbers(path: &Path, line: usize, text: &str) -> Result<Vec<f32>, DataError> {
    let number = |word: &str| {
        word.parse().ok().filter(|number: &f32| number.is_finite()).ok_or_else(|| {
            let reason = format!("`{}` is not a finite number", word.chars().take(20).collect::<String>());
            DataError::Line { path: path.to_owned(), line, reason }
        })
    };
    text.split_ascii_whitespace().map(number).collect()
}

/// Returns the text of a file.
pub(crate) fn read(path: &Path) -> Result<String, DataError> {
    stapes_files::read_to_string(path).map_err(|reason| DataError::unreadable(path, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_numbers_are_reported_with_their_line() {
        assert_eq!(numbers(Path::new("a"), 1, " 1 -2.5e0\t3 ").unwrap(), [1.0, -2.5, 3.0]);
        for word in ["x", "nan", "1e60"] {
            let error = numbers(Path::new("a"), 7, &format!("1 {word}")).unwrap_err().to_string();
            assert_eq!(error, format!("a:7: `{word}` is not a finite number"));
        }
    }
}
