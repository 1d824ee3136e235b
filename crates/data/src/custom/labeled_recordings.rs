//! Long recordings with labeled segments, or without any: for the evaluation of models on streams.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::columns::{ColumnNames, ManifestColumns};
use super::manifest_files;
use super::rows::{Cells, end_seconds, seconds, subset};
use super::table;
use crate::error::DataError;
use crate::folder::{self, Entry};
use crate::label_files;
use crate::labeled_segment::LabeledSegment;
use crate::note::Note;
use crate::subset::Subset;

/// Recording with labeled segments, or without any.
#[derive(Clone, Debug, PartialEq)]
pub struct LabeledRecording {
    /// Path inside the folder.
    pub id: String,
    /// Sound file.
    pub path: PathBuf,
    /// Subset that the manifest assigns.
    pub subset: Option<Subset>,
    /// True if the recording has a label file or a row of a manifest, which may be without segments.
    pub has_labels: bool,
    /// Labeled segments, in the order of their starts; the end is infinite for a segment up to the end of the recording.
    pub segments: Vec<LabeledSegment>,
}

/// Recordings of a folder or manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabeledRecordings {
    /// Recordings, those of a folder sorted by name.
    pub recordings: Vec<LabeledRecording>,
    /// Recordings and label files without a counterpart.
    pub notes: Vec<Note>,
}

impl LabeledRecordings {
    /// Finds the recordings of a folder or of a manifest.
    ///
    /// A manifest has the columns `path` and `label`, and optionally `start`, `end` or `duration`, and `split`: a row per segment,
    /// and a row with an empty label for a recording without segments; the files of `stapes vad --format csv` and `json` are
    /// manifests, too. In a folder without a manifest, a sound file `a.wav` has its labels in `a.lab` or `a.txt` (Audacity; a line
    /// `start end label` per segment), `a.TextGrid` (Praat), `a.vtt` (Web Video Text Tracks) or `a.rttm` (NIST Rich
    /// Transcription Time Marked).
    ///
    /// # Errors
    /// [`DataError::Line`] for an invalid line, [`DataError::Manifest`] without recordings, and errors of reading.
    ///
    /// # Example
    /// ```
    /// use stapes_data::LabeledRecordings;
    ///
    /// let folder = std::env::temp_dir().join(format!("stapes-recordings-{}", std::process::id()));
    /// std::fs::create_dir_all(&folder)?;
    /// for (name, text) in [("a.wav", ""), ("a.lab", "0.5 1.25 yes\n"), ("b.wav", "")] {
    ///     std::fs::write(folder.join(name), text)?;
    /// }
    /// let found = LabeledRecordings::open(&folder)?;
    /// assert_eq!(found.recordings[0].segments[0].label, "yes");
    /// assert!(!found.recordings[1].has_labels && found.notes[0].to_string().contains("b.wav"));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(place: &Path) -> Result<LabeledRecordings, DataError> {
        let manifest = match place.is_dir() {
            true => manifest_files::find_in(place),
            false => Some(place.to_owned()),
        };
        let found = match manifest {
            Some(manifest) => of_manifest(&manifest)?,
            None => of_folder(place)?,
        };
        match found.recordings.is_empty() {
            true => {
                let reason =
                    "contains no recordings; give a folder with sound files, or a manifest".to_owned();
                Err(DataError::Manifest { path: place.to_owned(), reason })
            }
            false => Ok(found),
        }
    }
}

fn of_folder(root: &Path) -> Result<LabeledRecordings, DataError> {
    let (sounds, mut labels) = sounds_and_labels(root)?;
    let id = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let mut recordings = Vec::new();
    for path in sounds {
        let label_file = labels.remove(&path.with_extension(""));
        let segments = match &label_file {
            Some(file) => label_files::read(file)?,
            None => Vec::new(),
        };
        recordings.push(LabeledRecording {
            id: id(&path),
            path,
            subset: None,
            has_labels: label_file.is_some(),
            segments: sorted(segments.into_iter().map(|(_, segment)| segment).collect()),
        });
    }
    let mut notes = Vec::new();
    if recordings.iter().any(|recording| recording.has_labels) {
        let without = recordings.iter().filter(|recording| !recording.has_labels);
        let fact = ["recording has no label file", "recordings have no label file"];
        let advice = "evaluated as recordings without segments; an empty label file confirms that";
        notes.extend(Note::new(without.map(|recording| recording.id.clone()).collect(), fact, advice));
    }
    // Other texts may be in the folder.
    let mut alone: Vec<String> =
        labels.values().filter(|file| label_files::is_certain(file)).map(|file| id(file)).collect();
    alone.sort();
    let fact = ["label file has no recording", "label files have no recording"];
    notes.extend(Note::new(alone, fact, "add the recordings, or correct the names"));
    Ok(LabeledRecordings { recordings, notes })
}

/// Returns the sound files of a folder, and its label files by their paths without extension.
fn sounds_and_labels(root: &Path) -> Result<(Vec<PathBuf>, HashMap<PathBuf, PathBuf>), DataError> {
    let (mut sounds, mut labels) = (Vec::new(), HashMap::new());
    for (Entry { path, .. }, _) in folder::files_below(root, |_| true)? {
        if stapes_audio::has_audio_extension(&path) {
            sounds.push(path);
        } else if label_files::is_label_file(&path)
            && let Some(other) = labels.insert(path.with_extension(""), path.clone())
        {
            let reason = label_files::ambiguous(&other, &path);
            let path = path.parent().unwrap_or(root).to_owned();
            return Err(DataError::Manifest { path, reason });
        }
    }
    Ok((sounds, labels))
}

fn sorted(mut segments: Vec<LabeledSegment>) -> Vec<LabeledSegment> {
    segments.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds));
    segments
}

fn of_manifest(path: &Path) -> Result<LabeledRecordings, DataError> {
    let (root, _) = manifest_files::locate(Some(path), None, None)?;
    let columns = ManifestColumns::default();
    let mut recordings: Vec<LabeledRecording> = Vec::new();
    let mut indices: HashMap<String, usize> = HashMap::new();
    table::read(path, &ColumnNames::of_recordings(&columns), &mut |line, cells| {
        let wrong = |reason: String| DataError::Line { path: path.to_owned(), line, reason };
        let row = row(&root, cells).map_err(wrong)?;
        let index = *indices.entry(row.id.clone()).or_insert(recordings.len());
        match recordings.get_mut(index) {
            None => recordings.push(row),
            Some(first) if first.subset != row.subset => {
                let reason =
                    format!("split differs from an earlier row; all rows of {} must have the same", first.id);
                return Err(wrong(reason));
            }
            Some(first) => first.segments.extend(row.segments),
        }
        Ok(())
    })?;
    for recording in &mut recordings {
        recording.segments = sorted(std::mem::take(&mut recording.segments));
    }
    Ok(LabeledRecordings { recordings, notes: Vec::new() })
}

/// Reads a row of a manifest as a recording with one segment or none.
fn row(root: &Path, cells: &Cells<'_>) -> Result<LabeledRecording, String> {
    let [path, label, start, end, duration, split, ..] = cells.each_ref().map(|cell| cell.trim());
    let (id, path) = super::path::resolve(root, "", path)?;
    let start_seconds = seconds("start", start)?;
    let end_seconds = end_seconds(start_seconds, seconds("end", end)?, seconds("duration", duration)?)?;
    let segments = match label.is_empty() {
        true if start_seconds.or(end_seconds).is_some() => {
            return Err(
                "label is empty; name the segment, or remove its times for a recording without segments"
                    .to_owned(),
            );
        }
        true => Vec::new(),
        false => {
            let (start_seconds, end_seconds) =
                (start_seconds.unwrap_or(0.0), end_seconds.unwrap_or(f64::INFINITY));
            vec![LabeledSegment { start_seconds, end_seconds, label: label.to_owned() }.checked()?]
        }
    };
    Ok(LabeledRecording { id, path, subset: subset(split)?, has_labels: true, segments })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(files: &[(&str, &str)], place: &str) -> Result<LabeledRecordings, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        LabeledRecordings::open(&folder.path().join(place)).map_err(|error| error.to_string())
    }

    fn segments(recording: &LabeledRecording) -> Vec<(f64, f64, &str)> {
        let times = |segment: &LabeledSegment| (segment.start_seconds, segment.end_seconds);
        recording.segments.iter().map(|one| (times(one).0, times(one).1, &*one.label)).collect()
    }

    #[test]
    fn a_folder_has_label_files_beside_its_recordings() {
        let found = open(
            &[
                ("b/x.FLAC", ""),
                ("b/x.txt", "\u{feff}3.0\t4.5\tturn left\n\\\t100\t200\n\n1.0\t2.0\tyes\n"),
                ("a.wav", ""),
                ("a.lab", ""),
                ("c.wav", ""),
                ("gone.lab", "0 1 yes"),
                ("readme.txt", "not labels"),
            ],
            "",
        )
        .unwrap();
        let ids: Vec<&str> = found.recordings.iter().map(|recording| &*recording.id).collect();
        assert_eq!(ids, ["a.wav", "b/x.FLAC", "c.wav"]);
        assert_eq!(segments(&found.recordings[1]), [(1.0, 2.0, "yes"), (3.0, 4.5, "turn left")]);
        assert_eq!(
            found.recordings.iter().map(|one| one.has_labels).collect::<Vec<_>>(),
            [true, true, false]
        );
        let notes: Vec<String> = found.notes.iter().map(Note::to_string).collect();
        assert!(notes[0].starts_with("1 recording has no label file: c.wav; "), "{notes:?}");
        assert!(notes[1].starts_with("1 label file has no recording: gone.lab; "), "{notes:?}");
    }

    #[test]
    fn a_folder_without_any_labels_has_no_note() {
        let found = open(&[("a.wav", ""), ("b.wav", "")], "").unwrap();
        assert!(found.notes.is_empty() && found.recordings.len() == 2);
    }

    #[test]
    fn a_manifest_has_a_row_per_segment() {
        let rows = "path,label,start,end,split\nb.wav,no,2,3,test\na.wav,,,,dev\nb.wav,yes,0.5,1,test\nb.wav,all,,,test\n";
        for place in ["", "manifest.csv"] {
            let found = open(&[("manifest.csv", rows)], place).unwrap().recordings;
            assert_eq!((&*found[0].id, found[0].subset), ("b.wav", Some(Subset::Test)));
            let expected = [(0.0, f64::INFINITY, "all"), (0.5, 1.0, "yes"), (2.0, 3.0, "no")];
            assert_eq!(segments(&found[0]), expected);
            assert_eq!((found[1].segments.len(), found[1].subset), (0, Some(Subset::Validation)));
        }
    }

    #[test]
    fn faults_are_reported_with_their_line() {
        let manifest =
            |rows: &str| open(&[("manifest.csv", &format!("path,label,start,end,split\n{rows}"))], "");
        for (found, parts) in [
            (open(&[("a.wav", ""), ("a.lab", "0 1 yes\n1 x no")], ""), &["a.lab:2: ", "`x`"][..]),
            (open(&[("a.wav", ""), ("a.lab", ""), ("a.txt", "")], ""), &["a.lab and a.txt both"]),
            (open(&[("readme.md", "")], ""), &["no recordings"]),
            (manifest("a.wav,yes,2,1,"), &["manifest.csv:2: ", "ends at 1 s"]),
            (manifest("a.wav,,1,2,"), &[":2: ", "label is empty"]),
            (manifest("a.wav,yes,1,2,test\na.wav,yes,3,4,dev"), &[":3: ", "split differs"]),
            (manifest(""), &["no recordings"]),
        ] {
            let error = found.unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }
}
