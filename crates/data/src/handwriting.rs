//! CS671 handwriting: classification of five characters from a pen stroke.

use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_features::Features;

use crate::class_folders::ClassFolders;
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::numbers::{numbers, read};
use crate::source::{DataSource, SourceInfo};
use crate::stratified_sampling::DEFAULT_VALIDATION_FRACTION;
use crate::subset::Subset;

const FOLDERS: ClassFolders = ClassFolders {
    set: "handwriting",
    classes: &["a", "ai", "bA", "chA", "tA"],
    subsets: [("train", Subset::Train), ("dev", Subset::Test)],
    extension: "txt",
    layout: "folders a, ai, bA, chA, tA with folders train and dev of .txt files, one pen stroke each, such as a/train/1.txt \
             (material of the university course CS671, without a public home page)",
};

/// CS671 handwriting: five Kannada and Telugu characters, one pen stroke each.
///
/// 345 strokes for training and 100, in the folders `dev`, for testing; 19 to 178 points (x, y). A file has one line:
/// the number of points, then x and y of each. The validation subset is a fraction of the training strokes of each
/// class, drawn by the seed. Writers are unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HandwritingConfig {
    /// Fraction of the training strokes of each class used for validation: 0.1; 0 for none.
    pub validation_fraction: f64,
    /// Scales the points of each stroke so that x and y span 0 to 1.
    pub scale: bool,
    /// Adds the difference to the previous point, (0, 0) for the first: a frame is [x, y, dx, dy].
    pub differences: bool,
}

impl Default for HandwritingConfig {
    fn default() -> HandwritingConfig {
        HandwritingConfig {
            validation_fraction: DEFAULT_VALIDATION_FRACTION,
            scale: true,
            differences: false,
        }
    }
}

impl DataSource for HandwritingConfig {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            frame_width: Some(if self.differences { 4 } else { 2 }),
            validation_fraction: self.validation_fraction,
            ..FOLDERS.info()
        }
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        FOLDERS.open(folder, |path| Ok(self.frames(stroke(path)?)))
    }
}

impl HandwritingConfig {
    fn frames(&self, mut points: Vec<[f32; 2]>) -> Features {
        if self.scale {
            for axis in 0..2 {
                let span =
                    |(low, high): (f32, f32), point: &[f32; 2]| (low.min(point[axis]), high.max(point[axis]));
                let (low, high) = points.iter().fold((f32::INFINITY, f32::NEG_INFINITY), span);
                // A straight line has no width and is moved to 0.
                let scale = if high > low { 1.0 / (high - low) } else { 1.0 };
                points.iter_mut().for_each(|point| point[axis] = (point[axis] - low) * scale);
            }
        }
        if !self.differences {
            return Features::new(2, points.concat());
        }
        let mut before = points[0];
        let frame = |point: &[f32; 2]| {
            let frame = [point[0], point[1], point[0] - before[0], point[1] - before[1]];
            before = *point;
            frame
        };
        Features::new(4, points.iter().flat_map(frame).collect())
    }
}

/// Returns the points of a file, at least one.
fn stroke(path: &Path) -> Result<Vec<[f32; 2]>, DataError> {
    let text = read(path)?;
    let wrong = |reason: String| Err(DataError::Line { path: path.to_owned(), line: 1, reason });
    let values = numbers(path, 1, &text)?;
    let [count, values @ ..] = values.as_slice() else {
        return wrong("is empty; expected the number of points, then x and y of each".into());
    };
    if *count < 1.0 || count.fract() != 0.0 || values.len() as f64 != 2.0 * f64::from(*count) {
        return wrong(format!(
            "has {count} points, but {} numbers follow; expected x and y of each",
            values.len()
        ));
    }
    Ok(values.as_chunks().0.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_are_scaled_to_one_and_differences_appended() {
        let points = vec![[2.0, 5.0], [4.0, 5.0], [3.0, 5.0]];
        let config = HandwritingConfig { differences: true, ..HandwritingConfig::default() };
        let scaled = config.frames(points.clone());
        assert_eq!(scaled.values(), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.5, 0.0, -0.5, 0.0]);
        let config = HandwritingConfig { scale: false, ..HandwritingConfig::default() };
        assert_eq!(config.frames(points).values(), [2.0, 5.0, 4.0, 5.0, 3.0, 5.0]);
    }

    #[test]
    fn a_file_with_a_wrong_number_of_points_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.txt");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            stroke(&path).map_err(|error| error.to_string())
        };
        assert_eq!(read("2 0 1 2 3\n").unwrap(), [[0.0, 1.0], [2.0, 3.0]]);
        for (text, part) in [
            ("", "is empty"),
            ("2 0 1 2", "has 2 points, but 3 numbers follow"),
            ("0", "has 0 points"),
            ("1.5 0 1 2", "has 1.5 points"),
            ("-1", "has -1 points"),
            ("1 a 2", "`a` is not a finite number"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part) && error.contains("1.txt:1"), "{error}");
        }
    }
}
