//! Files of frames in class folders.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use stapes_features::Features;

use crate::dataset::{Example, Source};
use crate::error::DataError;
use crate::folder;
use crate::frame_file::{has_frame_extension, read_frames};
use crate::load::without_path;

/// Name of the data set in messages; all its files must be readable.
const SET: &str = "folders with frame_width";
/// Number of files that are tried for the number of values per frame.
const TRIED: usize = 5;

/// Reads the frames of all examples, which are files, on all threads.
///
/// # Errors
/// [`DataError::Files`] with every file that cannot be read, or whose frames do not have `width` values.
pub(super) fn read_all(examples: &mut [Example], width: usize) -> Result<(), DataError> {
    let read = |example: &mut Example| {
        let path = example.source.path()?.to_owned();
        match of_width(&path, width) {
            Ok(frames) => example.source = Source::Frames(frames),
            Err(reason) => return Some((path, reason)),
        }
        None
    };
    let failed: Vec<(PathBuf, String)> = examples.par_iter_mut().filter_map(read).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(DataError::Files { set: SET.to_owned(), failed, total: examples.len() }),
    }
}

fn of_width(path: &Path, width: usize) -> Result<Features, String> {
    let frames = of_file(path)?;
    match frames.width() == width {
        true => Ok(frames),
        false => Err(format!("its frames have {} values; expected frame_width = {width}", frames.width())),
    }
}

fn of_file(path: &Path) -> Result<Features, String> {
    // A pipe in a data set would be empty at the next reading.
    stapes_files::check_regular(path).map_err(|error| error.to_string())?;
    read_frames(path).map_err(|error| match error {
        DataError::Line { line, reason, .. } => format!("line {line}: {reason}"),
        other => without_path(path, &other.to_string()),
    })
}

/// Returns the number of values per frame in the class folders of a folder, if they have files of frames: that of the first file
/// that can be read, in the order of names. If none of the first files can be read, the number is 1, and opening the data set with
/// it reports the reasons.
pub(crate) fn width_in(folder: &Path) -> Option<usize> {
    let files = folder::files_below(folder, |entry| !has_frame_extension(&entry.path)).ok()?;
    // A file beside the class folders may be anything.
    let is_inside = |within: &str| within.contains('/');
    let inside: Vec<&Path> = files
        .iter()
        .filter(|(entry, within)| is_inside(within) && has_frame_extension(&entry.path))
        .map(|(entry, _)| &*entry.path)
        .collect();
    inside.first()?;
    let mut readable = inside.iter().take(TRIED).filter_map(|path| of_file(path).ok());
    Some(readable.next().map_or(1, |frames| frames.width()))
}
