//! Custom data listed in a manifest with one row per example.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stapes_audio::Channel;

use super::columns::{ColumnNames, ManifestColumns, ManifestLayout};
use super::config::{CustomDataConfig, CustomSplit, is_false};
use super::keys::Keys;
use super::manifest_files::{self, ManifestFile};
use super::rows::{ClassIndex, FOLD, Location, NO_LABEL, Row};
use super::segment_labels::SegmentLabels;
use super::source::CustomSource;
use super::table;
use crate::dataset::{DataSet, Example, Source};
use crate::error::{DataError, MAX_SHOWN};
use crate::label::Label;
use crate::note::Note;

const SET: &str = "manifest";

/// Audio files with labels, listed in a manifest.
///
/// The folder contains the manifest and the files, which may be in subfolders; the path of the manifest itself may be
/// given instead. A manifest is CSV, TSV or JSON lines (Parquet if the program is built with the feature `parquet`).
/// It has the columns `path` and `label`, and optionally `start`, and `end` or `duration` (in seconds; the example is that
/// segment of the file), `split` (train, validation or test), `speaker` and `fold` (for `split = "folds"`). `columns` and
/// `layout` define other names. Other columns are [`notes`](DataSet::notes). Paths are relative to the folder, or absolute and inside it; a Windows path with `\` and
/// another Unicode form of a name are accepted if the file exists.
///
/// With `frame_labels`, all rows of a path together label the frames of one example; each row starts at the end of
/// the previous one. A path with an empty label and no times has its labels in a file beside it, as
/// [`LabeledRecordings`](crate::LabeledRecordings) reads it; parts without a label are the first of the classes, or `silence`.
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
    /// Layout of another toolkit; by default the layout described above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<ManifestLayout>,
    /// Names of columns that differ from those above.
    #[serde(skip_serializing_if = "ManifestColumns::is_empty")]
    pub columns: ManifestColumns,
    /// True if the rows of a path label the frames of one example; false if each row is an example.
    #[serde(skip_serializing_if = "is_false")]
    pub frame_labels: bool,
    /// Classes, split and tolerance.
    #[serde(flatten)]
    pub custom: CustomDataConfig,
}

impl CustomSource for ManifestConfig {
    const NAME: &str = SET;
    const LAYOUT: &str = manifest_files::LAYOUT;

    fn custom(&self) -> &CustomDataConfig {
        &self.custom
    }

    fn has_frame_labels(&self) -> bool {
        self.frame_labels
    }

    fn check_form(&self) -> Result<(), DataError> {
        self.columns.check()
    }

    fn read(&self, folder: Option<&Path>) -> Result<DataSet, DataError> {
        let (root, files) = manifest_files::locate(folder, self.file.as_deref(), self.layout)?;
        let mut labels = ClassIndex::new(SET, self.custom.classes.as_deref());
        let names = ColumnNames::new(&self.columns, self.layout);
        let mut rows = match self.frame_labels {
            true => Rows::Segments(SegmentLabels::default()),
            false => Rows::Examples(Vec::new(), Vec::new()),
        };
        let mut columns = BTreeSet::new();
        for (index, ManifestFile { path, folder, subset }) in files.iter().enumerate() {
            let (mut faults, mut count) = (Vec::new(), 0);
            let location = Location { root: &root, folder, subset: *subset };
            let unused = table::read(path, &names, &mut |line, cells| {
                let row = Row::read(line, cells, &location, &mut labels);
                let pushed =
                    row.and_then(|row| rows.push((index, path), row, &mut labels, self.custom.channel));
                if let Err(reason) = pushed {
                    count += 1;
                    faults.extend((count <= MAX_SHOWN).then_some((line, reason)));
                }
                Ok(())
            })?;
            columns.extend(unused);
            if count > 0 {
                return Err(DataError::Lines { path: path.clone(), faults, count });
            }
        }
        let (classes, places) = labels.sorted();
        let examples = rows.examples(&files, &places, self.custom.channel)?;
        // For messages about all manifests.
        let place = if files.len() == 1 { &files[0].path } else { &root };
        if examples.is_empty() {
            let reason = "has no rows; expected one per example".to_owned();
            return Err(DataError::Manifest { path: place.clone(), reason });
        }
        super::check_class_count(place, &classes, &self.custom)?;
        let notes = self.notes(columns.into_iter().collect(), &names, &examples);
        Ok(DataSet { name: SET.to_owned(), classes, examples, missing: 0, notes })
    }
}

impl ManifestConfig {
    /// Returns notes about columns that are not used.
    fn notes(&self, mut columns: Vec<String>, names: &ColumnNames<'_>, examples: &[Example]) -> Vec<Note> {
        let mut advice = "if one has the values of path, label, start, end, duration, split, speaker or fold, map it with \
                          data.manifest.columns";
        let uses_folds = self.custom.split == Some(CustomSplit::Folds);
        if !uses_folds && examples.iter().any(|example| example.fold.is_some()) {
            columns.push(names.names_of(FOLD));
            advice = "to use the column fold, set data.manifest.split = \"folds\"";
        }
        let fact = ["column of the manifest is not used", "columns of the manifest are not used"];
        Note::new(columns, fact, advice).into_iter().collect()
    }
}

/// Rows that were read.
enum Rows {
    /// One example per row, and its manifest and line.
    Examples(Vec<Example>, Vec<(usize, usize)>),
    /// Segments of examples.
    Segments(SegmentLabels),
}

impl Rows {
    fn push(
        &mut self,
        file: (usize, &Path),
        row: Row,
        labels: &mut ClassIndex,
        channel: Channel,
    ) -> Result<(), String> {
        match self {
            Rows::Examples(examples, lines) => {
                lines.push((file.0, row.line));
                examples.push(example(row, channel)?);
                Ok(())
            }
            Rows::Segments(segments) => segments.push(file.1, row, labels),
        }
    }

    /// Returns the examples; `places` maps provisional class indices to final ones.
    fn examples(
        self,
        files: &[ManifestFile],
        places: &[usize],
        channel: Channel,
    ) -> Result<Vec<Example>, DataError> {
        match self {
            Rows::Segments(segments) => segments.examples(places, channel),
            Rows::Examples(mut examples, lines) => {
                check_repeated(files, &examples, &lines)?;
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

fn example(row: Row, channel: Channel) -> Result<Example, String> {
    let class = row.class.ok_or(NO_LABEL)?;
    let (id, source) = match (row.start_seconds, row.end_seconds) {
        (None, None) => (row.name, Source::File(row.path)),
        (start, end) => {
            let start_seconds = start.unwrap_or(0.0);
            let until = end.map_or_else(String::new, |end| end.to_string());
            let id = format!("{} {start_seconds}-{until}", row.name);
            (id, Source::Segment { path: row.path, start_seconds, end_seconds: end })
        }
    };
    let label = Label::Class(class);
    Ok(Example { id, label, group: row.speaker, fold: row.fold, predefined: row.subset, source, channel })
}

/// Checks that no two rows have the same segment of the same file.
fn check_repeated(
    files: &[ManifestFile],
    examples: &[Example],
    lines: &[(usize, usize)],
) -> Result<(), DataError> {
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_by(|&a, &b| examples[a].id.cmp(&examples[b].id).then(a.cmp(&b)));
    let repeated = order.windows(2).find(|pair| examples[pair[0]].id == examples[pair[1]].id);
    let Some(&[first, second]) = repeated else { return Ok(()) };
    let ((file, line), (other, other_line)) = (lines[second], lines[first]);
    let of_other = match file == other {
        true => String::new(),
        false => format!(" of {}", files[other].path.display()),
    };
    let reason =
        format!("{} is already in line {other_line}{of_other}; delete one of them", examples[second].id);
    Err(DataError::Line { path: files[file].path.clone(), line, reason })
}
