//! The rows of a manifest, checked one by one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::inside::inside;
use crate::split::Partition;

/// The columns that are looked at; the first two must be there.
pub(super) const COLUMNS: [&str; 6] = ["path", "label", "start", "end", "split", "speaker"];
/// How many of them must be there.
pub(super) const NEEDED: usize = 2;

/// A row's values in the order of [`COLUMNS`]; an empty one is as if it were not there.
pub(super) type Cells<'a> = [Cow<'a, str>; 6];

/// What a row says.
pub(super) struct Row {
    /// Where it stands in the manifest, from 1.
    pub(super) line: usize,
    /// The file's name within the folder.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) class: usize,
    pub(super) start_seconds: Option<f64>,
    pub(super) end_seconds: Option<f64>,
    pub(super) part: Option<Partition>,
    pub(super) speaker: Option<String>,
}

impl Row {
    /// Reads the values of a row, or says what is wrong with them.
    pub(super) fn read(
        line: usize,
        cells: &Cells<'_>,
        root: &Path,
        labels: &mut Labels,
    ) -> Result<Row, String> {
        let [path, label, start, end, split, speaker] = cells.each_ref().map(|cell| cell.trim());
        let (name, path) = inside(root, path)?;
        let class = labels.class(label)?;
        let (start_seconds, end_seconds) = (seconds("start", start)?, seconds("end", end)?);
        if let Some(end) = end_seconds
            && end <= start_seconds.unwrap_or(0.0)
        {
            let start = start_seconds.unwrap_or(0.0);
            return Err(format!("end = {end} s must be after start = {start} s"));
        }
        let part = part(split)?;
        let speaker = Some(speaker).filter(|speaker| !speaker.is_empty()).map(str::to_owned);
        Ok(Row { line, name, path, class, start_seconds, end_seconds, part, speaker })
    }
}

fn seconds(column: &str, text: &str) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(Some(seconds)),
        Ok(seconds) if seconds.is_finite() => Err(format!("{column} = {seconds} s must not be negative")),
        _ => Err(format!("{column} = `{text}` is no number of seconds, such as 1.25")),
    }
}

/// The part that a manifest or a folder's name says, in the words that are usual.
pub(super) fn part(text: &str) -> Result<Option<Partition>, String> {
    Ok(Some(match &text.to_lowercase()[..] {
        "" => return Ok(None),
        "train" | "training" => Partition::Train,
        "validation" | "valid" | "val" | "dev" => Partition::Validation,
        "test" | "testing" => Partition::Test,
        _ => {
            return Err(format!("split = `{text}` must be train, validation (or valid, val, dev) or test"));
        }
    }))
}

/// The classes: those of the recipe, or all labels that occur.
pub(super) struct Labels {
    /// Whether the recipe names them.
    given: bool,
    /// In the order of the recipe, or of their first occurrence.
    names: Vec<String>,
    indices: HashMap<String, usize>,
}

impl Labels {
    /// The classes of a recipe, where it names them.
    pub(super) fn new(given: Option<&[String]>) -> Labels {
        let names: Vec<String> = given.unwrap_or_default().to_vec();
        let indices = names.iter().enumerate().map(|(class, name)| (name.clone(), class)).collect();
        Labels { given: given.is_some(), names, indices }
    }

    /// The class of a label; provisional until [`Labels::sorted`] says what became of it.
    pub(super) fn class(&mut self, label: &str) -> Result<usize, String> {
        if let Some(&class) = self.indices.get(label) {
            return Ok(class);
        }
        if label.is_empty() {
            return Err("label is empty: must name the class".to_owned());
        }
        if self.given {
            let known = crate::error::listed(&self.names, 40);
            return Err(format!(
                "label `{label}` is none of the recipe's classes ({known}): add it to classes, or correct the label"
            ));
        }
        let class = self.names.len();
        self.names.push(label.to_owned());
        self.indices.insert(label.to_owned(), class);
        Ok(class)
    }

    /// The classes in their order, sorted unless the recipe orders them, and the place there of each provisional one.
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
