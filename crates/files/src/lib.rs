//! Files are written aside and renamed: a reader sees the old file or the new one, never half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file whole: into a new file beside it, flushed to the disk, then renamed over it.
///
/// On an error the old file, if any, is untouched and the new one removed.
///
/// # Errors
/// Whatever the file system says: no such folder, no permission, disk full.
///
/// # Example
/// ```
/// let path = std::env::temp_dir().join(format!("stapes-files-{}.txt", std::process::id()));
/// stapes_files::write(&path, b"whole")?;
/// assert_eq!(std::fs::read(&path)?, b"whole");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_aside(path, contents, File::sync_all)
}

/// As [`write()`], but not flushed to the disk: for many small files that can be made again. If the machine itself stops, a
/// file written shortly before may be damaged or gone.
///
/// # Errors
/// As [`write()`].
pub fn write_unflushed(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_aside(path, contents, |_| Ok(()))
}

fn write_aside(path: &Path, contents: &[u8], flush: impl Fn(&File) -> io::Result<()>) -> io::Result<()> {
    let aside = aside(path)?;
    let write_new = || {
        let mut file = File::options().write(true).create_new(true).open(&aside)?;
        file.write_all(contents)?;
        flush(&file)
    };
    let written = write_new().and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // The error that matters is the first; the file may not even exist.
        let _ = fs::remove_file(&aside);
    }
    written
}

/// Removes what processes that were killed within [`write()`] have left in a folder. Nothing may be writing there.
///
/// # Errors
/// Whatever the file system says.
pub fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_aside(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether this is the name of a file that [`write()`] has not finished.
pub fn is_aside(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(ASIDE)
}

/// What the name of a file ends with until it is renamed.
const ASIDE: &str = ".part";

/// A hidden name beside the file that no other process or thread uses.
fn aside(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let aside = format!(".{}.{}-{count}{ASIDE}", name.to_string_lossy(), std::process::id());
    Ok(path.with_file_name(aside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        // A folder in the file's place makes the rename fail after the write.
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "old").unwrap();
        assert!(write(&path, b"new").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"old");
    }

    #[test]
    fn half_written_files_are_cleared_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole.txt");
        write(&path, b"whole").unwrap();
        fs::write(aside(&path).unwrap(), "ha").unwrap();
        fs::write(folder.path().join(".hidden"), "").unwrap();
        fs::write(folder.path().join("book.part"), "").unwrap();
        clear(folder.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".hidden", "book.part", "whole.txt"]);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write(&folder.path().join("no/file"), b"x").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
