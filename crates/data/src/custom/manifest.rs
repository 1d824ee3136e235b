//! Custom data listed in a manifest with one row per example.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stapes_files::SpecialFile;

use super::config::{CustomDataConfig, CustomSplit, is_false};
use super::keys::Keys;
use super::rows::{ClassIndex, Row};
use super::segment_labels::SegmentLabels;
use super::source::CustomSource;
use super::table;
use crate::dataset::{DataSet, Example, Source};
use crate::error::{DataError, MAX_SHOWN};
use crate::folder;
use crate::label::Label;
use crate::note::Note;

const SET: &str = "manifest";
const LAYOUT: &str = "a manifest (manifest.csv, .tsv, .jsonl or .parquet) with the columns path and label, and its \
                      files; or the manifest itself";
/// Default file names.
const NAMES: [&str; 4] = ["manifest.csv", "manifest.tsv", "manifest.jsonl", "manifest.parquet"];

/// Audio files with labels, listed in a manifest.
///
/// The folder contains the manifest and the files, which may be in subfolders; the path of the manifest itself may be
/// given instead. A manifest is CSV, TSV or JSON lines (Parquet if the program is built with the feature `parquet`).
/// It has the columns `path` and `label`, and optionally `start` and `end` (in seconds; the example is that segment
/// of the file), `split` (train, validation or test), `speaker` and `fold` (for `split = "folds"`). Other columns are
/// [`notes`](DataSet::notes). Paths are relative to the folder, or absolute and inside it; a Windows path with `\` and
/// another Unicode form of a name are accepted if the file exists.
///
/// With `frame_labels`, all rows of a path together label the frames of one example; each row starts at the end of
/// the previous one.
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
/// assert_eq!(dataset.examples[0].label.class(), Some(1));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys")]
pub struct ManifestConfig {
    /// File name of the manifest in the folder; by default `manifest` with one of the extensions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// True if the rows of a path label the frames of one example; false if each row is an example.
    #[serde(skip_serializing_if = "is_false")]
    pub frame_labels: bool,
    /// Classes, split and tolerance.
    #[serde(flatten)]
    pub custom: CustomDataConfig,
}

impl CustomSource for ManifestConfig {
    const NAME: &str = SET;
    const LAYOUT: &str = LAYOUT;

    fn custom(&self) -> &CustomDataConfig {
        &self.custom
    }

    fn has_frame_labels(&self) -> bool {
        self.frame_labels
    }
    fn read(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let (root, file) = self.locate(folder)?;
        let mut labels = ClassIndex::new(SET, self.custom.classes.as_deref());
        let (mut faults, mut count) = (Vec::new(), 0);
        let mut rows = if self.frame_labels {
            Rows::Segments(SegmentLabels::new(&file))
        } else {
            Rows::Examples(Vec::new(), Vec::new())
        };
        let columns = table::read(&file, &mut |line, cells| {
            let row = Row::read(line, cells, &root, &mut labels);
            if let Err(reason) = row.and_then(|row| rows.push(row)) {
                count += 1;
                faults.extend((count <= MAX_SHOWN).then_some((line, reason)));
            }
            Ok(())
        })?;
        if count > 0 {
            return Err(DataError::Lines { path: file, faults, count });
        }
        let (classes, places) = labels.sorted();
        let examples = rows.examples(&file, &places)?;
        if examples.is_empty() {
            let reason = "has no rows; expected one per example".to_owned();
            return Err(DataError::Manifest { path: file, reason });
        }
        super::check_class_count(&file, &classes)?;
        let notes = self.notes(columns, &examples);
        Ok(DataSet { name: SET.to_owned(), classes, examples, missing: 0, notes })
    }
}

impl ManifestConfig {
    /// Returns notes about columns that are not used.
    fn notes(&self, mut columns: Vec<String>, examples: &[Example]) -> Vec<Note> {
        let mut advice =
            "rename one to path, label, start, end, split, speaker or fold if it has such values";
        let uses_folds = self.custom.split == Some(CustomSplit::Folds);
        if !uses_folds && examples.iter().any(|example| example.fold.is_some()) {
            columns.push("fold".to_owned());
            advice = "to use the column fold, set data.manifest.split = \"folds\"";
        }
        let fact = ["column of the manifest is not used", "columns of the manifest are not used"];
        Note::new(columns, fact, advice).into_iter().collect()
    }

    /// Returns the root folder of the paths, and the manifest.
    fn locate(&self, folder: Option<&Path>) -> Result<(PathBuf, PathBuf), DataError> {
        let given = folder.ok_or(DataError::NoFolder { set: SET, layout: LAYOUT })?;
        if let Some(kind) = SpecialFile::at(given).filter(|kind| *kind != SpecialFile::Folder) {
            // The manifest is read more than once.
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
            None => find_in(given).ok_or_else(|| folder::not_this_set(SET, given, LAYOUT))?,
        };
        Ok((given.to_owned(), file))
    }
}

/// Returns the manifest in a folder, by its default names; a file that is not regular is rejected when it is read.
pub(crate) fn find_in(folder: &Path) -> Option<PathBuf> {
    NAMES.iter().map(|name| folder.join(name)).find(|path| path.exists())
}

/// Rows that were read.
enum Rows<'a> {
    /// One example per row, and its line.
    Examples(Vec<Example>, Vec<usize>),
    /// Segments of examples.
    Segments(SegmentLabels<'a>),
}

impl Rows<'_> {
    fn push(&mut self, row: Row) -> Result<(), String> {
        match self {
            Rows::Examples(examples, lines) => {
                lines.push(row.line);
                examples.push(example(row));
                Ok(())
            }
            Rows::Segments(segments) => segments.push(row),
        }
    }

    /// Returns the examples; `places` maps provisional class indices to final ones.
    fn examples(self, file: &Path, places: &[usize]) -> Result<Vec<Example>, DataError> {
        match self {
            Rows::Segments(segments) => segments.examples(places),
            Rows::Examples(mut examples, lines) => {
                check_repeated(file, &examples, &lines)?;
                for example in &mut examples {
                    if let Label::Class(class) = &mut example.label {
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
            (id, Source::Segment { path: row.path, start_seconds, end_seconds: end })
        }
    };
    Example {
        id,
        label: Label::Class(row.class),
        group: row.speaker,
        fold: row.fold,
        predefined: row.subset,
        source,
    }
}

/// Checks that no two rows have the same segment of the same file.
fn check_repeated(file: &Path, examples: &[Example], lines: &[usize]) -> Result<(), DataError> {
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_by(|&a, &b| examples[a].id.cmp(&examples[b].id).then(a.cmp(&b)));
    let repeated = order.windows(2).find(|pair| examples[pair[0]].id == examples[pair[1]].id);
    match repeated {
        Some(pair) => {
            let reason =
                format!("{} is already in line {}; delete one of them", examples[pair[1]].id, lines[pair[0]]);
            Err(wrong(file, lines[pair[1]], reason))
        }
        None => Ok(()),
    }
}

fn wrong(file: &Path, line: usize, reason: String) -> DataError {
    DataError::Line { path: file.to_owned(), line, reason }
}
