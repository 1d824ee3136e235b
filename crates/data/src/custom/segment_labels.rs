//! Manifest rows that label segments of recordings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use stapes_audio::Channel;
use stapes_features::Segment;

use super::rows::Row;
use crate::dataset::{Example, Source};
use crate::error::DataError;
use crate::label::{Label, Segments};
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
}

impl SegmentLabels {
    /// Adds a row of a manifest to its recording, which has one speaker and one subset.
    pub(super) fn push(&mut self, file: &Path, row: Row) -> Result<(), String> {
        let (Some(start_seconds), Some(end_seconds)) = (row.start_seconds, row.end_seconds) else {
            return Err("needs start and end (or duration), because frame_labels = true".to_owned());
        };
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
        self.recordings[index]
            .rows
            .push((row.line, Segment { start_seconds, end_seconds, class: row.class }));
        Ok(())
    }

    /// Returns one example per recording, its rows sorted by time; `places` maps provisional class indices to final
    /// ones.
    pub(super) fn examples(self, places: &[usize], channel: Channel) -> Result<Vec<Example>, DataError> {
        let example = |mut recording: Recording| {
            recording.rows.sort_by(|a, b| a.1.start_seconds.total_cmp(&b.1.start_seconds));
            recording.rows.iter_mut().for_each(|(_, segment)| segment.class = places[segment.class]);
            Ok(Example {
                id: recording.name,
                label: Label::Segments(Segments::new(recording.file, recording.rows)?),
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
