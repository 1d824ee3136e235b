//! Names of the columns of a manifest.

use serde::{Deserialize, Serialize};

use super::rows::{COLUMNS, REQUIRED};
use crate::error::{DataError, listed};

/// Names of the columns in a manifest that has other names than [`ManifestConfig`](crate::ManifestConfig) expects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManifestColumns {
    /// Column of the audio file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Column of the class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Column of the start of the segment in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Column of the end of the segment in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Column of the duration of the segment in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Column of the subset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Column of the speaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// Column of the fold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<String>,
}

impl ManifestColumns {
    /// Returns true if no column has another name.
    pub fn is_empty(&self) -> bool {
        *self == ManifestColumns::default()
    }

    /// Returns the names in the order of [`COLUMNS`].
    fn names(&self) -> [Option<&str>; COLUMNS.len()] {
        let ManifestColumns { path, label, start, end, duration, split, speaker, fold } = self;
        [path, label, start, end, duration, split, speaker, fold].map(Option::as_deref)
    }

    /// Checks that each name is used once.
    pub(super) fn check(&self) -> Result<(), DataError> {
        let names = self.names();
        for (column, name) in names.iter().enumerate() {
            let Some(name) = name else { continue };
            let wrong = |rule: String| {
                let key = format!("manifest.columns.{}", COLUMNS[column]);
                Err(DataError::setting(key, format_args!("\"{name}\""), rule))
            };
            if name.trim().is_empty() {
                return wrong("must be the name of a column of the manifest".to_owned());
            }
            let other = names[..column]
                .iter()
                .position(|other| other.is_some_and(|other| other.trim().eq_ignore_ascii_case(name.trim())));
            if let Some(other) = other {
                return wrong(format!(
                    "is also the column of {}; each column of the manifest has one meaning",
                    COLUMNS[other]
                ));
            }
        }
        Ok(())
    }
}

/// Layout of the manifests of another toolkit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManifestLayout {
    /// NVIDIA NeMo: JSON lines with `audio_filepath`, `offset`, `duration`, and `label` (`command` or `text` in other
    /// versions).
    Nemo,
    /// Hugging Face's `audiofolder`: `metadata.csv` or `.jsonl` with `file_name` and `label`, in the folder or in each of
    /// its folders `train`, `validation` and `test`.
    HuggingFace,
}

impl ManifestLayout {
    /// Returns the names of a column, the preferred one first.
    fn names(self, column: &'static str) -> Vec<&'static str> {
        match (self, column) {
            (ManifestLayout::Nemo, "path") => vec!["audio_filepath"],
            (ManifestLayout::Nemo, "label") => vec!["label", "command", "text"],
            (ManifestLayout::Nemo, "start") => vec!["offset"],
            (ManifestLayout::HuggingFace, "path") => vec!["file_name"],
            _ => vec![column],
        }
    }
}

/// Accepted names of the columns of a manifest.
pub(super) struct ColumnNames<'a> {
    /// For each of [`COLUMNS`]; the preferred name first.
    names: [Vec<&'a str>; COLUMNS.len()],
    /// True for each of [`COLUMNS`] that the recipe names.
    is_given: [bool; COLUMNS.len()],
    has_layout: bool,
}

/// Position in a header of each of [`COLUMNS`] that it has.
pub(super) type Positions = [Option<usize>; COLUMNS.len()];

impl<'a> ColumnNames<'a> {
    /// Returns the names of a recipe, of a layout, and the default ones, in this order.
    pub(super) fn new(columns: &'a ManifestColumns, layout: Option<ManifestLayout>) -> ColumnNames<'a> {
        let given = columns.names().map(|name| name.map(str::trim));
        // A column that the recipe maps has only that meaning.
        let is_free = |name: &&str| !given.iter().flatten().any(|given| given.eq_ignore_ascii_case(name));
        let names = std::array::from_fn(|column| match (given[column], layout) {
            (Some(name), _) => vec![name],
            (None, Some(layout)) => layout.names(COLUMNS[column]).into_iter().filter(is_free).collect(),
            (None, None) => Some(COLUMNS[column]).into_iter().filter(is_free).collect(),
        });
        ColumnNames { names, is_given: given.map(|name| name.is_some()), has_layout: layout.is_some() }
    }

    /// Returns the default names; `file` is the path, too, as in the files of `stapes vad`.
    pub(super) fn of_recordings(columns: &'a ManifestColumns) -> ColumnNames<'a> {
        let mut names = ColumnNames::new(columns, None);
        names.names[0].push("file");
        names
    }

    /// Finds the columns in a header.
    pub(super) fn positions<S: AsRef<str>>(&self, header: &[S]) -> Result<Positions, String> {
        let mut positions = [None; COLUMNS.len()];
        for (position, names) in positions.iter_mut().zip(&self.names) {
            for name in names {
                let is_name = |(_, found): &(usize, &S)| name.eq_ignore_ascii_case(found.as_ref().trim());
                let mut found = header.iter().enumerate().filter(is_name);
                *position = found.next().map(|(position, _)| position);
                if found.next().is_some() {
                    return Err(format!("two columns are called {name}; rename one of them"));
                }
                if position.is_some() {
                    break;
                }
            }
        }
        Ok(positions)
    }

    /// Checks that a header has the required columns; `noun` is that of a column.
    pub(super) fn check_required<S: AsRef<str>>(
        &self,
        positions: &Positions,
        header: &[S],
        noun: &str,
    ) -> Result<(), String> {
        let Some(column) = positions.iter().take(REQUIRED).position(Option::is_none) else {
            return Ok(());
        };
        if self.is_given[column] {
            return Err(self.not_found(column, header));
        }
        let existing: Vec<&str> = header.iter().map(AsRef::as_ref).collect();
        let has = |name: &str| existing.iter().any(|found| found.trim().eq_ignore_ascii_case(name));
        let advice = if self.has_layout {
            "correct data.manifest.layout, or map the names with data.manifest.columns".to_owned()
        } else if has("audio_filepath") {
            "for a manifest of NeMo, set data.manifest.layout = \"nemo\"".to_owned()
        } else if has("file_name") {
            "for metadata of Hugging Face, set data.manifest.layout = \"hugging-face\"".to_owned()
        } else {
            let missing = COLUMNS[column];
            format!("map another name with data.manifest.columns = {{ {missing} = \"NAME\" }}")
        };
        Err(format!(
            "there is no {noun} {}; the {noun}s are {}; a manifest must have {} and {}, and may have {}; {advice}",
            self.names_of(column),
            listed(&existing, 20),
            self.names_of(0),
            self.names_of(1),
            (REQUIRED..COLUMNS.len()).map(|column| self.names_of(column)).collect::<Vec<_>>().join(", "),
        ))
    }

    /// Checks that the manifest has the columns that the recipe names.
    pub(super) fn check_given<S: AsRef<str>>(
        &self,
        is_found: &[bool; COLUMNS.len()],
        header: &[S],
    ) -> Result<(), String> {
        match (0..COLUMNS.len()).find(|&column| self.is_given[column] && !is_found[column]) {
            Some(column) => Err(self.not_found(column, header)),
            None => Ok(()),
        }
    }

    /// Returns the name of a column for messages.
    pub(super) fn names_of(&self, column: usize) -> String {
        match &self.names[column][..] {
            [] => COLUMNS[column].to_owned(),
            names => names.join(" or "),
        }
    }

    fn not_found<S: AsRef<str>>(&self, column: usize, header: &[S]) -> String {
        let existing: Vec<&str> = header.iter().map(AsRef::as_ref).collect();
        format!(
            "data.manifest.columns.{} = \"{}\": there is no such column; the columns are {}; correct the name",
            COLUMNS[column],
            self.names_of(column),
            listed(&existing, 20)
        )
    }
}

/// Returns the columns of a header that have no position.
pub(super) fn unused<S: AsRef<str>>(header: &[S], positions: &Positions) -> Vec<String> {
    let is_used = |index: &usize| positions.contains(&Some(*index));
    let names = header.iter().enumerate().filter(|(index, _)| !is_used(index));
    names.map(|(_, name)| name.as_ref().trim().to_owned()).collect()
}
