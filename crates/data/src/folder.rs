//! Folders, read in the order of names, because the order of the file system depends on the machine.

use std::path::{Path, PathBuf};

pub(crate) use stapes_files::Entry;
use stapes_files::SpecialFile;

use crate::error::{DataError, listed};

/// Returns the content of a folder, sorted by name, without names that begin with a dot.
pub(crate) fn entries(folder: &Path) -> Result<Vec<Entry>, DataError> {
    stapes_files::entries(folder).map_err(|reason| DataError::unreadable(folder, reason))
}

/// Returns the files of a folder and of its subfolders, each with its path in the folder; a folder for which `enters` is false counts
/// as a file.
pub(crate) fn files_below(
    folder: &Path,
    enters: impl Fn(&Entry) -> bool,
) -> Result<Vec<(Entry, String)>, DataError> {
    stapes_files::files_below(folder, enters)
        .map_err(|(folder, reason)| DataError::unreadable(&folder, reason))
}

/// Returns the `.wav` files of a folder, sorted by name; other files are ignored. An entry called `.wav` that is not
/// a file stays in the list and is rejected when it is read.
///
/// `expected` is the form of a name, for the message about a name that is not UTF-8.
pub(crate) fn recordings(folder: &Path, expected: &'static str) -> Result<Vec<Entry>, DataError> {
    let mut found = entries(folder)?;
    found.retain(|entry| {
        entry.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
    });
    let is_text = |entry: &&Entry| entry.path.file_name().is_some_and(|name| name.to_str().is_some());
    let others: Vec<PathBuf> =
        found.iter().filter(|entry| !is_text(entry)).map(|entry| entry.path.clone()).collect();
    match others.is_empty() {
        false => Err(DataError::FileName { paths: others, expected }),
        true => Ok(found),
    }
}

/// Returns the given folder, or an error if there is none.
pub(crate) fn required<'a>(
    folder: Option<&'a Path>,
    set: &'static str,
    layout: &'static str,
) -> Result<&'a Path, DataError> {
    let folder = folder.ok_or(DataError::NoFolder { set, layout })?;
    if folder.is_dir() {
        return Ok(folder);
    }
    if folder.exists() {
        return Err(DataError::NotThisSet {
            set,
            folder: folder.to_owned(),
            looked_for: layout.to_owned(),
            found: SpecialFile::at(folder).map_or("a file".to_owned(), |kind| kind.to_string()),
        });
    }
    Err(DataError::MissingFolder { path: folder.to_owned(), layout })
}

/// Returns the error for a folder that contains something else.
pub(crate) fn not_this_set(set: &'static str, folder: &Path, looked_for: &str) -> DataError {
    match entries(folder) {
        Ok(found) => {
            let names: Vec<String> = found
                .iter()
                .map(|entry| if entry.is_folder { format!("{}/", entry.name) } else { entry.name.clone() })
                .collect();
            let looked_for = looked_for.to_owned();
            DataError::NotThisSet { set, folder: folder.to_owned(), looked_for, found: listed(&names, 8) }
        }
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn entries_are_sorted_without_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.wav", "a.txt", ".hidden.wav", "c.WAV", "0.wav"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("d.wav")).unwrap();
        let names = |found: Vec<Entry>| found.into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        assert_eq!(names(entries(folder.path()).unwrap()), ["0.wav", "a.txt", "b.wav", "c.WAV", "d.wav"]);
        assert_eq!(names(recordings(folder.path(), "x").unwrap()), ["0.wav", "b.wav", "c.WAV", "d.wav"]);
    }

    #[test]
    fn an_unreadable_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = entries(&file).expect_err("a file has no entries");
        assert!(matches!(&error, DataError::Unreadable { path, .. } if *path == file), "{error}");
        assert!(error.to_string().starts_with(&format!("{}: cannot be read:", file.display())), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_recording_with_a_name_that_is_not_utf8_is_named() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"0_\xff_1.wav");
        fs::write(folder.path().join(name), "").unwrap();
        let error = recordings(folder.path(), "text").expect_err("the name is not UTF-8");
        assert!(matches!(error, DataError::FileName { .. }), "{error}");
    }
}
