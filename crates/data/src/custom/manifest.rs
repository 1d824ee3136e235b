//! A manifest: a row an example.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stapes_files::SpecialFile;

use super::config::OwnConfig;
use super::keys::Keys;
use super::moments::Moments;
use super::rows::{Labels, Row};
use super::{folds, split, table};
use crate::config::{DataConfig, Fold, Set};
use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::folder;
use crate::split::Split;
use crate::truth::Truth;

const SET: &str = "manifest";
const LAYOUT: &str = "a manifest (manifest.csv, .tsv, .jsonl or .parquet) with the columns path and label, and the files that it \
                      names; or the manifest itself";
/// Names that are looked for where a recipe gives none.
const NAMES: [&str; 4] = ["manifest.csv", "manifest.tsv", "manifest.jsonl", "manifest.parquet"];

/// Sound files with their labels, named by a manifest.
///
/// The folder holds the manifest and, somewhere within, the files; or the manifest itself is given in the folder's place. A
/// manifest is CSV, TSV or JSON lines (Parquet where the program is built with the feature `parquet`) with the columns `path`
/// and `label`, and optionally `start` and `end` (s; the example is that part of the file), `split` (train, validation or test)
/// and `speaker`. Other columns are left alone. Paths are relative to the folder, or absolute and within it.
///
/// With `moments` the rows of a path label its moments: together they are one example, and each row starts where the one before
/// ends.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, ManifestConfig};
///
/// let folder = std::env::temp_dir().join(format!("stapes-manifest-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// std::fs::write(folder.join("manifest.csv"), "path,label\na.wav,yes\nb.wav,no\n")?;
/// let dataset = DataConfig::Manifest(ManifestConfig::default()).open(Some(&folder))?;
/// assert_eq!(dataset.classes, ["no", "yes"]);
/// assert_eq!(dataset.examples[0].truth.class(), Some(1));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
pub struct ManifestConfig {
    /// The manifest's name within the folder; where none is given, the one called `manifest` with one of the extensions.
    pub file: Option<String>,
    /// Whether the rows of a path have a class for each of its moments, and not each an example.
    pub moments: bool,
    /// Classes, split, and what is not tolerated.
    pub own: OwnConfig,
}

impl Set for ManifestConfig {
    fn name(&self) -> &'static str {
        SET
    }

    fn class_names(&self) -> Option<Vec<String>> {
        self.own.classes.clone()
    }

    fn frame_width(&self) -> Option<usize> {
        None
    }

    fn labels_moments(&self) -> bool {
        self.moments
    }

    fn unreadable_share(&self) -> f64 {
        self.own.unreadable_share
    }

    fn of_ones_own(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), DataError> {
        self.own.check(SET)
    }

    fn open(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let (root, file) = self.place(folder)?;
        let mut labels = Labels::new(self.own.classes.as_deref());
        let mut rows = if self.moments {
            Rows::Moments(Moments::new(&file))
        } else {
            Rows::Examples(Vec::new(), Vec::new())
        };
        table::read(&file, &mut |line, cells| {
            let row = Row::read(line, cells, &root, &mut labels);
            row.and_then(|row| rows.take(row)).map_err(|reason| wrong(&file, line, reason))
        })?;
        let (classes, places) = labels.sorted();
        let examples = rows.examples(&file, &places)?;
        if examples.is_empty() {
            let reason = "has no rows: expected one for each example".to_owned();
            return Err(DataError::Manifest { path: file, reason });
        }
        super::check_class_count(&file, &classes)?;
        Ok(DataSet { name: SET.to_owned(), classes, examples, absent: 0 })
    }

    fn folds(&self, dataset: &DataSet) -> Result<Vec<Fold>, DataError> {
        folds::folds(SET, &self.own, dataset, |own| {
            DataConfig::Manifest(ManifestConfig { own, ..self.clone() })
        })
    }

    fn fold_key(&self) -> Option<&'static str> {
        folds::key(&self.own)
    }

    fn split(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        split::split(SET, &self.own, dataset, seed)
    }

    fn split_as_is(&self, dataset: &DataSet, seed: u64) -> Result<Split, DataError> {
        split::split_as_is(SET, &self.own, dataset, seed)
    }
}

impl ManifestConfig {
    /// The folder in which paths lie, and the manifest.
    fn place(&self, folder: Option<&Path>) -> Result<(PathBuf, PathBuf), DataError> {
        let given = folder.ok_or(DataError::NoFolder { set: SET, layout: LAYOUT })?;
        if let Some(kind) = SpecialFile::at(given).filter(|kind| *kind != SpecialFile::Folder) {
            // It is read more than once.
            return Err(DataError::NotAFile { path: given.to_owned(), kind });
        }
        if given.is_file() {
            let root = given.parent().filter(|parent| !parent.as_os_str().is_empty());
            return Ok((root.unwrap_or(Path::new(".")).to_owned(), given.to_owned()));
        }
        if !given.is_dir() {
            return Err(DataError::MissingFolder { path: given.to_owned(), layout: LAYOUT });
        }
        let file = match &self.file {
            Some(name) => {
                let file = given.join(name);
                std::fs::metadata(&file).map_err(|reason| DataError::unreadable(&file, reason))?;
                file
            }
            None => found_in(given).ok_or_else(|| folder::not_this_set(SET, given, LAYOUT))?,
        };
        Ok((given.to_owned(), file))
    }
}

/// The manifest of a folder, by the names that are looked for; what is not a regular file is refused when it is read.
pub(crate) fn found_in(folder: &Path) -> Option<PathBuf> {
    NAMES.iter().map(|name| folder.join(name)).find(|path| path.exists())
}

/// What rows become.
enum Rows<'a> {
    /// An example each, and the line of each.
    Examples(Vec<Example>, Vec<usize>),
    /// Moments of an example.
    Moments(Moments<'a>),
}

impl Rows<'_> {
    fn take(&mut self, row: Row) -> Result<(), String> {
        match self {
            Rows::Examples(examples, lines) => {
                lines.push(row.line);
                examples.push(example(row));
                Ok(())
            }
            Rows::Moments(moments) => moments.take(row),
        }
    }

    /// The examples, with the classes that `places` makes of the provisional ones.
    fn examples(self, file: &Path, places: &[usize]) -> Result<Vec<Example>, DataError> {
        match self {
            Rows::Moments(moments) => moments.examples(places),
            Rows::Examples(mut examples, lines) => {
                check_repeated(file, &examples, &lines)?;
                for example in &mut examples {
                    if let Truth::Class(class) = &mut example.truth {
                        *class = places[*class];
                    }
                }
                Ok(examples)
            }
        }
    }
}

fn example(row: Row) -> Example {
    let (id, source) = match (row.start_seconds, row.end_seconds) {
        (None, None) => (row.name, Source::File(row.path)),
        (start, end) => {
            let start_seconds = start.unwrap_or(0.0);
            let until = end.map_or_else(String::new, |end| end.to_string());
            let id = format!("{} {start_seconds}-{until}", row.name);
            (id, Source::Part { path: row.path, start_seconds, end_seconds: end })
        }
    };
    Example { id, truth: Truth::Class(row.class), group: row.speaker, official: row.part, source }
}

/// No two rows may name the same part of the same file.
fn check_repeated(file: &Path, examples: &[Example], lines: &[usize]) -> Result<(), DataError> {
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_by(|&a, &b| examples[a].id.cmp(&examples[b].id).then(a.cmp(&b)));
    let repeated = order.windows(2).find(|pair| examples[pair[0]].id == examples[pair[1]].id);
    match repeated {
        Some(pair) => {
            let reason = format!(
                "{} stands in line {} already: delete one of them",
                examples[pair[1]].id, lines[pair[0]]
            );
            Err(wrong(file, lines[pair[1]], reason))
        }
        None => Ok(()),
    }
}

fn wrong(file: &Path, line: usize, reason: String) -> DataError {
    DataError::Line { path: file.to_owned(), line, reason }
}
