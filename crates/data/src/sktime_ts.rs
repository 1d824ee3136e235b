//! Text files of time series with unequal lengths (`.ts`, the format of sktime and aeon).
//!
//! Lines `#...` are comments, lines `@key value` are the header. After `@data` each line is a case: dimensions
//! separated by `:`, values within a dimension by `,`, and the class label at the end.

use std::path::Path;

use stapes_features::Features;

use crate::error::DataError;

/// Cases of a file.
#[derive(Debug, PartialEq)]
pub(crate) struct Series {
    /// Number of dimensions F.
    pub(crate) dimensions: usize,
    /// Class labels, in the order of the header.
    pub(crate) labels: Vec<String>,
    /// Values and label index of each case.
    pub(crate) cases: Vec<(Features, usize)>,
}

/// Reads a file; all cases have the same number of dimensions, and every value is finite.
pub(crate) fn read(path: &Path) -> Result<Series, DataError> {
    let text = crate::numbers::read(path)?;
    parse(&text).map_err(|(line, reason)| DataError::Line { path: path.to_owned(), line, reason })
}

/// Result with the line (from 1) and reason of an error.
type At<T> = Result<T, (usize, String)>;

fn parse(text: &str) -> At<Series> {
    let mut header = Header::default();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let lines = &mut lines;
    let mut last = 0;
    for (number, line) in lines.by_ref() {
        last = number;
        match line.strip_prefix('@') {
            _ if line.is_empty() || line.starts_with('#') => {}
            Some(entry) if entry.eq_ignore_ascii_case("data") => {
                let (dimensions, labels) = header.complete().map_err(|reason| (number, reason))?;
                let series = Series { dimensions, labels, cases: Vec::new() };
                return cases(series, lines);
            }
            Some(entry) => header.entry(entry).map_err(|reason| (number, reason))?,
            None => return Err((number, format!("`{}` must come after @data", start_of(line)))),
        }
    }
    Err((last, "the file ends without @data".to_owned()))
}

fn cases<'a>(mut series: Series, lines: impl Iterator<Item = (usize, &'a str)>) -> At<Series> {
    for (number, line) in lines {
        if !line.is_empty() && !line.starts_with('#') {
            let case = case(line, series.dimensions, &series.labels).map_err(|reason| (number, reason))?;
            series.cases.push(case);
        }
    }
    Ok(series)
}

#[derive(Default)]
struct Header {
    dimensions: Option<usize>,
    labels: Vec<String>,
}

impl Header {
    fn entry(&mut self, entry: &str) -> Result<(), String> {
        let mut words = entry.split_whitespace();
        let key = words.next().unwrap_or_default().to_ascii_lowercase();
        let value = words.next().unwrap_or_default();
        match key.as_str() {
            "dimensions" => {
                let dimensions = value.parse().ok().filter(|&dimensions| dimensions > 0);
                self.dimensions =
                    Some(dimensions.ok_or_else(|| format!("@dimensions {value}: must be a number from 1"))?);
            }
            "classlabel" if value == "true" => self.labels = words.map(str::to_owned).collect(),
            "classlabel" => return Err(format!("@classLabel {value}: must be true, followed by the labels")),
            "timestamps" if value != "false" => {
                return Err(format!(
                    "@timeStamps {value}: must be false; values with times are not supported"
                ));
            }
            "timestamps" | "problemname" | "missing" | "univariate" | "equallength" | "serieslength" => {}
            _ => return Err(format!("@{key} is not a key of a .ts file with class labels")),
        }
        Ok(())
    }

    fn complete(self) -> Result<(usize, Vec<String>), String> {
        let dimensions = self.dimensions.ok_or("@data comes before @dimensions")?;
        if self.labels.is_empty() {
            return Err("@data comes before @classLabel, or @classLabel has no labels".to_owned());
        }
        Ok((dimensions, self.labels))
    }
}

fn case(line: &str, dimensions: usize, labels: &[String]) -> Result<(Features, usize), String> {
    let (values, label) = line.rsplit_once(':').ok_or_else(|| format!("`{}` has no `:`", start_of(line)))?;
    let label = label.trim();
    let class = labels.iter().position(|known| known == label);
    let class = class.ok_or_else(|| format!("label `{}` is not in @classLabel", start_of(label)))?;
    let mut rows = Vec::with_capacity(dimensions);
    for (dimension, row) in values.split(':').enumerate() {
        let row: Result<Vec<f32>, String> = row.split(',').map(|text| number(text, dimension)).collect();
        rows.push(row?);
    }
    if rows.len() != dimensions {
        return Err(format!("{} dimensions instead of the {dimensions} of @dimensions", rows.len()));
    }
    let frames = rows[0].len();
    if let Some(other) = rows.iter().position(|row| row.len() != frames) {
        return Err(format!(
            "dimension {} has {} values instead of the {frames} of dimension 1",
            other + 1,
            rows[other].len()
        ));
    }
    let frame_major = (0..frames).flat_map(|frame| rows.iter().map(move |row| row[frame])).collect();
    Ok((Features::new(dimensions, frame_major), class))
}

fn number(text: &str, dimension: usize) -> Result<f32, String> {
    let text = text.trim();
    let value = text.parse::<f32>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| format!("dimension {}: `{}` is not a finite number", dimension + 1, start_of(text)))
}

/// Returns the start of a line, which may be long, for messages.
fn start_of(text: &str) -> String {
    text.chars().take(30).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# made\n@problemName Made\n@timeStamps false\n@dimensions 2\n\n@classLabel true a b\n@data\n1,2.5,-3:4,5,6:b\n\n7:8:a\n";

    #[test]
    fn cases_become_frames_of_all_dimensions() {
        let series = parse(GOOD).unwrap();
        assert_eq!((series.dimensions, series.labels), (2, vec!["a".to_owned(), "b".to_owned()]));
        let expected = vec![
            (Features::new(2, vec![1.0, 4.0, 2.5, 5.0, -3.0, 6.0]), 1),
            (Features::new(2, vec![7.0, 8.0]), 0),
        ];
        assert_eq!(series.cases, expected);
    }

    #[test]
    fn faults_are_reported_with_their_line() {
        let cases = [
            ("7:8:a", "7:8:c", 10, "label `c` is not in @classLabel"),
            ("7:8:a", "7:a", 10, "1 dimensions instead of the 2 of @dimensions"),
            ("7:8:a", "7:8,9:a", 10, "dimension 2 has 2 values instead of the 1 of dimension 1"),
            ("7:8:a", "7:?:a", 10, "dimension 2: `?` is not a finite number"),
            ("7:8:a", "inf:8:a", 10, "dimension 1: `inf` is not a finite number"),
            ("7:8:a", ":8:a", 10, "dimension 1: `` is not a finite number"),
            ("7:8:a", "7,8", 10, "`7,8` has no `:`"),
            ("@timeStamps false", "@timeStamps true", 3, "@timeStamps true: must be false"),
            ("@dimensions 2", "@dimensions 0", 4, "@dimensions 0: must be a number from 1"),
            ("@dimensions 2", "", 7, "@data comes before @dimensions"),
            ("@classLabel true a b", "@classLabel false", 6, "@classLabel false: must be true"),
            ("@classLabel true a b", "", 7, "@data comes before @classLabel"),
            ("# made", "@color red", 1, "@color is not a key"),
            ("# made", "1:2:a", 1, "`1:2:a` must come after @data"),
        ];
        for (from, to, line, reason) in cases {
            assert!(GOOD.contains(from));
            let (found_line, found) = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(found.starts_with(reason), "{to}: {found}");
            assert_eq!(found_line, line, "{to}");
        }
        assert_eq!(parse("").unwrap_err(), (0, "the file ends without @data".to_owned()));
    }
}
