//! Manifest rows that label segments of recordings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use stapes_audio::Channel;
use stapes_features::Segment;

use super::rows::{ClassIndex, Row};
use crate::dataset::{Example, Source};
use crate::error::DataError;
use crate::label::{Label, Segments};
use crate::label_files;
use crate::labeled_segment::LabeledSegment;
use crate::subset::Subset;

/// Recordings of a manifest, in the order of their first rows.
#[derive(Default)]
pub(super) struct SegmentLabels {
    recordings: Vec<Recording>,
    indices: HashMap<String, usize>,
}

struct Recording {
    name: String,
    /// Manifest.
    file: PathBuf,
    path: PathBuf,
    subset: Option<Subset>,
    speaker: Option<String>,
    fold: Option<String>,
    first_line: usize,
    rows: Vec<(usize, Segment)>,
    /// Label file beside the recording, and the class of the parts without a label; the manifest has one row without labels.
    label_file: Option<(PathBuf, usize)>,
}

/// Labels of a row.
enum RowLabels {
    Segment(Segment),
    File { path: PathBuf, segments: Vec<(usize, Segment)>, background: usize },
}

impl RowLabels {
    fn read(row: &Row, labels: &mut ClassIndex) -> Result<RowLabels, String> {
        match (row.class, row.start_seconds, row.end_seconds) {
            (Some(class), Some(start_seconds), Some(end_seconds)) => {
                Ok(RowLabels::Segment(Segment { start_seconds, end_seconds, class }))
            }
            (None, ..) => RowLabels::beside(&row.path, labels),
            _ => Err("needs start and end (or duration), because frame_labels = true".to_owned()),
        }
    }

    /// Reads the label file beside a recording.
    fn beside(recording: &Path, labels: &mut ClassIndex) -> Result<RowLabels, String> {
        let Some(path) = label_files::beside(recording)? else {
            let advice =
                "label the segments in the manifest, or write a label file such as a.TextGrid for a.wav";
            return Err(format!("has no label, and there is no label file beside the recording; {advice}"));
        };
        let background = labels.background()?;
        let rows = label_files::read(&path).map_err(|error| error.to_string())?;
        let class = |(line, row): (usize, LabeledSegment)| {
            let class =
                labels.class(&row.label).map_err(|fault| format!("{}:{line}: {fault}", path.display()))?;
            let LabeledSegment { start_seconds, end_seconds, .. } = row;
            Ok((line, Segment { start_seconds, end_seconds, class }))
        };
        let segments = rows.into_iter().map(class).collect::<Result<_, String>>()?;
        Ok(RowLabels::File { path, segments, background })
    }
}

impl SegmentLabels {
    /// Adds a row of a manifest to its recording, which has one speaker and one subset.
    pub(super) fn push(&mut self, file: &Path, row: Row, labels: &mut ClassIndex) -> Result<(), String> {
        let row_labels = RowLabels::read(&row, labels)?;
        let index = *self.indices.entry(row.name.clone()).or_insert(self.recordings.len());
        if index == self.recordings.len() {
            self.recordings.push(Recording {
                name: row.name,
                file: file.to_owned(),
                path: row.path,
                subset: row.subset,
                speaker: row.speaker,
                fold: row.fold,
                first_line: row.line,
                rows: Vec::new(),
                label_file: None,
            });
        } else {
            let first = &self.recordings[index];
            if first.file != file {
                return Err(format!(
                    "{} is already in {}; delete it in one of them",
                    first.name,
                    first.file.display()
                ));
            }
            for (column, equal) in [
                ("split", first.subset == row.subset),
                ("speaker", first.speaker == row.speaker),
                ("fold", first.fold == row.fold),
            ] {
                if !equal {
                    let (name, line) = (&first.name, first.first_line);
                    return Err(format!(
                        "{column} differs from line {line}; all rows of {name} must have the same"
                    ));
                }
            }
        }
        let recording = &mut self.recordings[index];
        match row_labels {
            RowLabels::Segment(segment) if recording.label_file.is_none() => {
                recording.rows.push((row.line, segment));
            }
            RowLabels::File { path, segments, background } if recording.first_line == row.line => {
                (recording.rows, recording.label_file) = (segments, Some((path, background)));
            }
            _ => {
                let (name, line) = (&recording.name, recording.first_line);
                return Err(format!(
                    "{name} has a row without labels, for its label file, and line {line}; delete one of them"
                ));
            }
        }
        Ok(())
    }

    /// Returns one example per recording, its rows sorted by time; `places` maps provisional class indices to final
    /// ones.
    pub(super) fn examples(self, places: &[usize], channel: Channel) -> Result<Vec<Example>, DataError> {
        let example = |mut recording: Recording| {
            recording.rows.sort_by(|a, b| a.1.start_seconds.total_cmp(&b.1.start_seconds));
            let segments = match recording.label_file {
                Some((file, background)) => Segments::with_background(file, recording.rows, background)?,
                None => Segments::new(recording.file, recording.rows)?,
            };
            Ok(Example {
                id: recording.name,
                label: Label::Segments(segments).renumbered(places),
                group: recording.speaker,
                fold: recording.fold,
                predefined: recording.subset,
                source: Source::File(recording.path),
                channel,
            })
        };
        self.recordings.into_iter().map(example).collect()
    }
}
