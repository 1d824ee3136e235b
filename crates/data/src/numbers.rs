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

/// Checks that the numbers of a line are a frame of `width` values.
pub(crate) fn check_frame(path: &Path, line: usize, frame: &[f32], width: usize) -> Result<(), DataError> {
    if frame.len() == width {
        return Ok(());
    }
    let reason = format!("{} numbers; expected a frame of {width}", frame.len());
    Err(DataError::Line { path: path.to_owned(), line, reason })
}

/// Returns the text of a file: UTF-8, or UTF-16 with a byte-order mark, as Praat writes it.
pub(crate) fn read(path: &Path) -> Result<String, DataError> {
    let bytes = stapes_files::read(path).map_err(|reason| DataError::unreadable(path, reason))?;
    if let Some(text) = utf16(&bytes) {
        return Ok(text);
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let reason = "is not UTF-8 text; save the file as UTF-8".to_owned();
        DataError::Line { path: path.to_owned(), line, reason }
    })
}

/// Returns text of UTF-16, if the bytes begin with its byte-order mark and are valid.
fn utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, []) = bytes.as_chunks::<2>() else { return None };
    let units: Vec<u16> = units[1..].iter().map(|&pair| unit(pair)).collect();
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf8_is_rejected_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        std::fs::write(&path, "a\nä\n").unwrap();
        assert_eq!(read(&path).unwrap(), "a\nä\n");
        std::fs::write(&path, b"a\nb\nna\xefve\n").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.ends_with("list.txt:3: is not UTF-8 text; save the file as UTF-8"), "{error}");
    }

    #[test]
    fn text_of_utf16_has_a_byte_order_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        for swap in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = "\u{feff}aä\n".encode_utf16().flat_map(swap).collect();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(read(&path).unwrap(), "aä\n");
            std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
            assert!(read(&path).unwrap_err().to_string().contains("not UTF-8"));
        }
    }

    #[test]
    fn invalid_numbers_are_reported_with_their_line() {
        assert_eq!(numbers(Path::new("a"), 1, " 1 -2.5e0\t3 ").unwrap(), [1.0, -2.5, 3.0]);
        for word in ["x", "nan", "1e60"] {
            let error = numbers(Path::new("a"), 7, &format!("1 {word}")).unwrap_err().to_string();
            assert_eq!(error, format!("a:7: `{word}` is not a finite number"));
        }
    }
}
