//! Rows of a manifest and their validation.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::path::resolve;
use crate::subset::Subset;

/// Columns that are read; the first two are required.
pub(super) const COLUMNS: [&str; 8] =
    ["path", "label", "start", "end", "duration", "split", "speaker", "fold"];
/// Index of the column `fold`.
pub(super) const FOLD: usize = 7;
/// Number of required columns.
pub(super) const REQUIRED: usize = 2;

/// Values of a row in the order of [`COLUMNS`]; missing values are empty.
pub(super) type Cells<'a> = [Cow<'a, str>; COLUMNS.len()];

/// Fault of a row without a label.
pub(super) const NO_LABEL: &str = "label is empty; it must name the class";

/// Class of the background if the recipe has no list of classes.
const BACKGROUND: &str = "silence";

/// Maximum difference in seconds between `end` and `start` + `duration` of a row that has all three.
const END_TOLERANCE_SECONDS: f64 = 1e-3;
/// Ends that are computed from a duration are rounded to this fraction of a second, so that 0.1 + 0.2 is 0.3.
const ENDS_PER_SECOND: f64 = 1e9;

/// Content of a row.
pub(super) struct Row {
    /// Line in the manifest, from 1.
    pub(super) line: usize,
    /// Path of the file relative to the folder.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// `None` if the labels are in a file beside the recording.
    pub(super) class: Option<usize>,
    pub(super) start_seconds: Option<f64>,
    pub(super) end_seconds: Option<f64>,
    pub(super) subset: Option<Subset>,
    pub(super) speaker: Option<String>,
    pub(super) fold: Option<String>,
}

impl Row {
    /// Reads the values of a row, or returns the fault. A row without label and times has no class.
    pub(super) fn read(
        line: usize,
        cells: &Cells<'_>,
        location: &Location<'_>,
        labels: &mut ClassIndex,
    ) -> Result<Row, String> {
        let [path, label, start, end, duration, split, speaker, fold] =
            cells.each_ref().map(|cell| cell.trim());
        let (name, path) = resolve(location.root, location.folder, path)?;
        let class = match [label, start, end, duration].iter().all(|cell| cell.is_empty()) {
            true => None,
            false => Some(labels.class(label)?),
        };
        let start_seconds = seconds("start", start)?;
        let end_seconds = end_seconds(start_seconds, seconds("end", end)?, seconds("duration", duration)?)?;
        if let Some(end) = end_seconds
            && end <= start_seconds.unwrap_or(0.0)
        {
            let start = start_seconds.unwrap_or(0.0);
            return Err(format!("end = {end} s must be after start = {start} s"));
        }
        let subset = match (subset(split)?, location.subset) {
            (Some(found), Some(of_manifest)) if found != of_manifest => {
                return Err(format!(
                    "split = `{split}`, but this manifest is that of {of_manifest}; correct the split"
                ));
            }
            (found, of_manifest) => found.or(of_manifest),
        };
        let [speaker, fold] =
            [speaker, fold].map(|text| Some(text).filter(|text| !text.is_empty()).map(str::to_owned));
        Ok(Row { line, name, path, class, start_seconds, end_seconds, subset, speaker, fold })
    }
}

/// Manifest of a row.
pub(super) struct Location<'a> {
    /// Folder of the data set.
    pub(super) root: &'a Path,
    /// Folder of the manifest in the data set, to which paths are relative: empty, or `train`.
    pub(super) folder: &'a str,
    /// Subset of all rows.
    pub(super) subset: Option<Subset>,
}

/// Returns the end of a segment that may have an end, a duration, or both.
pub(super) fn end_seconds(
    start: Option<f64>,
    end: Option<f64>,
    duration: Option<f64>,
) -> Result<Option<f64>, String> {
    let Some(duration) = duration else { return Ok(end) };
    if duration == 0.0 {
        return Err(
            "duration = 0 s must be more than 0; leave it empty for a segment up to the end of the file"
                .to_owned(),
        );
    }
    let start = start.unwrap_or(0.0);
    let computed = ((start + duration) * ENDS_PER_SECOND).round() / ENDS_PER_SECOND;
    match end {
        Some(end) if (end - computed).abs() > END_TOLERANCE_SECONDS + 1.0 / ENDS_PER_SECOND => Err(format!(
            "end = {end} s, but start + duration = {computed} s; correct one of them or remove a column"
        )),
        Some(end) => Ok(Some(end)),
        None => Ok(Some(computed)),
    }
}

/// Returns a time of a row, if it has one.
pub(super) fn seconds(column: &str, text: &str) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(Some(seconds)),
        Ok(seconds) if seconds.is_finite() => Err(format!("{column} = {seconds} s must not be negative")),
        _ => Err(format!("{column} = `{text}` is not a number of seconds; write it like 1.25")),
    }
}

/// Returns the subset with this name in a manifest or of a folder; common synonyms are accepted.
pub(super) fn subset(text: &str) -> Result<Option<Subset>, String> {
    Ok(Some(match &text.to_lowercase()[..] {
        "" => return Ok(None),
        "train" | "training" => Subset::Train,
        "validation" | "valid" | "val" | "dev" => Subset::Validation,
        "test" | "testing" => Subset::Test,
        _ => {
            return Err(format!("split = `{text}` must be train, validation (or valid, val, dev) or test"));
        }
    }))
}

/// Class names: those of the recipe, or all labels that occur.
pub(super) struct ClassIndex {
    /// Name of the data set, for messages.
    set: &'static str,
    /// True if the recipe names the classes.
    given: bool,
    /// In the order of the recipe, or of the first occurrence.
    names: Vec<String>,
    indices: HashMap<String, usize>,
}

impl ClassIndex {
    /// Starts with the classes of a recipe, if it names them.
    pub(super) fn new(set: &'static str, given: Option<&[String]>) -> ClassIndex {
        let names: Vec<String> = given.unwrap_or_default().to_vec();
        let indices = names.iter().enumerate().map(|(class, name)| (name.clone(), class)).collect();
        ClassIndex { set, given: given.is_some(), names, indices }
    }

    /// Returns true if the recipe names this class.
    pub(super) fn names(&self, label: &str) -> bool {
        self.given && self.indices.contains_key(label)
    }

    /// Returns the class index of a label; it is provisional until [`ClassIndex::sorted`].
    pub(super) fn class(&mut self, label: &str) -> Result<usize, String> {
        if let Some(&class) = self.indices.get(label) {
            return Ok(class);
        }
        if label.is_empty() {
            return Err(NO_LABEL.to_owned());
        }
        if self.given {
            let (known, set) = (crate::error::listed(&self.names, 40), self.set);
            return Err(format!(
                "label `{label}` is not a class of the recipe ({known}); add it to data.{set}.classes or correct the label"
            ));
        }
        let class = self.names.len();
        self.names.push(label.to_owned());
        self.indices.insert(label.to_owned(), class);
        Ok(class)
    }

    /// Returns the class index of the parts of a recording that have no label in its label file: the first class of the recipe, or
    /// `silence`.
    pub(super) fn background(&mut self) -> Result<usize, String> {
        if self.given { Ok(0) } else { self.class(BACKGROUND) }
    }

    /// Returns the classes, sorted unless the recipe orders them, and the final index of each provisional one.
    pub(super) fn sorted(self) -> (Vec<String>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        if !self.given {
            order.sort_by(|&a, &b| self.names[a].cmp(&self.names[b]));
        }
        let mut places = vec![0; order.len()];
        for (place, &class) in order.iter().enumerate() {
            places[class] = place;
        }
        let names = order.iter().map(|&class| self.names[class].clone()).collect();
        (names, places)
    }
}
