//! CSV text.

/// A cell of a CSV file: a number, or a text that spreadsheets do not run as a formula.
///
/// Spreadsheets run a cell that begins with `=`, `+`, `-` or `@`, also after a tab or a line break, and a name may come
/// from an untrusted source. Such a text gets a leading apostrophe, and so does a text that begins with apostrophes
/// followed by one of these characters: removing the first apostrophe restores the text. A text that is a number is
/// unchanged.
///
/// # Source
/// OWASP, "CSV Injection", <https://owasp.org/www-community/attacks/CSV_Injection>
///
/// # Example
/// ```
/// use stapes_report::{CsvCell, csv_text};
///
/// let row = [CsvCell::from("=1+1"), CsvCell::from("-0.5"), CsvCell::from(-0.5)];
/// assert_eq!(csv_text([row]), "'=1+1,-0.5,-0.5\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvCell(String);

impl CsvCell {
    /// Creates an empty cell.
    pub fn empty() -> CsvCell {
        CsvCell::default()
    }
}

impl From<&str> for CsvCell {
    fn from(text: &str) -> CsvCell {
        let begins_formula =
            text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
        match begins_formula && !is_number(text) {
            true => CsvCell(format!("'{text}")),
            false => CsvCell(text.to_owned()),
        }
    }
}

impl From<f64> for CsvCell {
    fn from(number: f64) -> CsvCell {
        CsvCell(number.to_string())
    }
}

impl From<f32> for CsvCell {
    fn from(number: f32) -> CsvCell {
        CsvCell(number.to_string())
    }
}

/// Returns true for a number: digits, a point, an exponent, signs.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Formats rows as CSV: quotes where RFC 4180 requires them, a line feed `\n` after each row.
pub fn csv_text<R: IntoIterator<Item = CsvCell>>(rows: impl IntoIterator<Item = R>) -> String {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        let row = row.into_iter().map(|CsvCell(text)| text);
        // Writing to memory cannot fail, and rows may have any length.
        writer.write_record(row).unwrap_or_else(|error| unreachable!("{error}"));
    }
    let bytes = writer.into_inner().unwrap_or_else(|error| unreachable!("{error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Restores the text of a cell.
    fn original(cell: &str) -> &str {
        match CsvCell::from(cell).0 == cell {
            true => cell,
            false => cell.strip_prefix('\'').unwrap_or(cell),
        }
    }

    #[test]
    fn a_text_that_begins_a_formula_gets_an_apostrophe_and_can_be_restored() {
        for text in [
            "=cmd|' /C calc'!A0",
            "+1+1",
            "-1+1",
            "-",
            "-inf",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "'=1",
            "''-x",
        ] {
            let CsvCell(cell) = CsvCell::from(text);
            assert_eq!((cell.as_str(), original(&cell)), (format!("'{text}").as_str(), text));
        }
        for text in ["", "gru", "a=b", "'quoted'", "''", "-0.5", "+1e-3", "-3", "7", "1-2", "ä=", " =1"] {
            let CsvCell(cell) = CsvCell::from(text);
            assert_eq!((cell.as_str(), original(&cell)), (text, text));
        }
    }

    #[test]
    fn numbers_are_unchanged_and_quotes_are_only_where_needed() {
        let rows = [
            vec![CsvCell::from(-0.5), CsvCell::from(0.1f32), CsvCell::from(1e-9)],
            vec![CsvCell::from("a, b"), CsvCell::from("say \"hm\""), CsvCell::from("\r"), CsvCell::empty()],
        ];
        assert_eq!(csv_text(rows), "-0.5,0.1,0.000000001\n\"a, b\",\"say \"\"hm\"\"\",\"'\r\",\n");
    }
}
