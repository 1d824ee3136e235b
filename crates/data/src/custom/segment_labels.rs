//! Rows that label the moments of recordings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::rows::Row;
use crate::dataset::{Example, Source};
use crate::error::DataError;
use crate::split::Partition;
use crate::truth::{Interval, Intervals, Truth};

/// The recordings of a manifest, in the order of their first rows.
pub(super) struct Moments<'a> {
    file: &'a Path,
    recordings: Vec<Recording>,
    indices: HashMap<String, usize>,
}

struct Recording {
    name: String,
    path: PathBuf,
    part: Option<Partition>,
    speaker: Option<String>,
    first_line: usize,
    rows: Vec<(usize, Interval)>,
}

impl<'a> Moments<'a> {
    /// Of this manifest.
    pub(super) fn new(file: &'a Path) -> Moments<'a> {
        Moments { file, recordings: Vec::new(), indices: HashMap::new() }
    }

    /// Adds a row to its recording, which has one speaker and one part.
    pub(super) fn take(&mut self, row: Row) -> Result<(), String> {
        let (Some(start_seconds), Some(end_seconds)) = (row.start_seconds, row.end_seconds) else {
            return Err("needs start and end, for with moments = true a row labels moments".to_owned());
        };
        let index = *self.indices.entry(row.name.clone()).or_insert(self.recordings.len());
        if index == self.recordings.len() {
            self.recordings.push(Recording {
                name: row.name,
                path: row.path,
                part: row.part,
                speaker: row.speaker,
                first_line: row.line,
                rows: Vec::new(),
            });
        } else {
            let first = &self.recordings[index];
            for (column, same) in
                [("split", first.part == row.part), ("speaker", first.speaker == row.speaker)]
            {
                if !same {
                    let (name, line) = (&first.name, first.first_line);
                    return Err(format!(
                        "{column} is another than in line {line}: {name} has one for all its rows"
                    ));
                }
            }
        }
        self.recordings[index]
            .rows
            .push((row.line, Interval { start_seconds, end_seconds, class: row.class }));
        Ok(())
    }

    /// An example a recording, its rows in the order of time, with the classes that `places` makes of the provisional ones.
    pub(super) fn examples(self, places: &[usize]) -> Result<Vec<Example>, DataError> {
        let example = |mut recording: Recording| {
            recording.rows.sort_by(|a, b| a.1.start_seconds.total_cmp(&b.1.start_seconds));
            recording.rows.iter_mut().for_each(|(_, interval)| interval.class = places[interval.class]);
            Ok(Example {
                id: recording.name,
                truth: Truth::Intervals(Intervals::new(self.file.to_owned(), recording.rows)?),
                group: recording.speaker,
                official: recording.part,
                source: Source::File(recording.path),
            })
        };
        self.recordings.into_iter().map(example).collect()
    }
}
