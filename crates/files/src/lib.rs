//! Files are written aside and renamed: a reader sees the old file or the new one, never half of one.
//! Links, devices and pipes stay what they are. [`number`] serializes numbers that JSON lacks.
//!
//! [`open`] and the functions around it read: only regular files are opened, so that no pipe among them is waited for.

mod entries;
mod input;
pub mod number;
#[cfg(test)]
mod sources;

pub use entries::{Entry, entries};
pub use input::{SpecialFile, check_regular, open, read, read_text, read_text_or_stream, read_to_string};

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file whole: into a new file beside it, flushed to the disk, then renamed over it.
///
/// On an error the old file, if any, is untouched and the new one removed. A symbolic link stays one: what it points to is
/// written, also where nothing is there yet. What is there and is no regular file (a device, a pipe) stays too, and is
/// written to straight, not flushed; on an error a part of the contents may have gone there.
///
/// # Errors
/// Whatever the file system says: a folder is there, no such folder, no permission, disk full.
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
    write_to(path, contents, File::sync_all)
}

/// Writes a file as [`write()`] does, for a name that the program chose and nobody made a pipe of on purpose: a pipe, a device
/// or a folder in its place is refused and not opened.
///
/// # Errors
/// As [`write()`] and [`check_regular`].
pub fn write_regular(path: &Path, contents: &[u8]) -> io::Result<()> {
    check_regular(path)?;
    write(path, contents)
}

/// Writes a file as [`write_regular`] does, but not flushed to the disk: for many small files that can be made again. If the
/// machine itself stops, a file written shortly before may be damaged or gone.
///
/// # Errors
/// As [`write_regular`].
pub fn write_unflushed(path: &Path, contents: &[u8]) -> io::Result<()> {
    check_regular(path)?;
    write_to(path, contents, |_| Ok(()))
}

fn write_to(path: &Path, contents: &[u8], flush: impl Fn(&File) -> io::Result<()>) -> io::Result<()> {
    match fs::metadata(path) {
        // There is nothing to flush: a pipe refuses it. A folder is an error.
        Ok(there) if !there.is_file() => File::options().write(true).open(path)?.write_all(contents),
        Ok(_) => write_aside(&fs::canonicalize(path)?, contents, flush),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_aside(&pointed_at(path)?, contents, flush)
        }
        Err(error) => Err(error),
    }
}

/// Where the links lead that begin at a path and end at nothing; the path itself if it is no link.
fn pointed_at(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        if !place.is_symlink() {
            return Ok(place);
        }
        // A link's target is seen from its folder.
        place = place.with_file_name("").join(fs::read_link(&place)?);
    }
    Err(io::Error::other("its symbolic links lead to one another"))
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
        let path = folder.path().join("kept");
        fs::write(&path, "old").unwrap();
        let failed = write_to(&path, b"new", |_| Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_folder_in_the_files_place_is_refused_and_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert_eq!(write(&path, b"new").unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_what_it_points_to_is_written() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let [near, far] = ["near", "far"].map(|name| folder.path().join(name));
        fs::create_dir(&near).unwrap();
        fs::create_dir(&far).unwrap();
        fs::write(far.join("old.txt"), "old").unwrap();
        symlink("../far/old.txt", near.join("link")).unwrap();
        symlink("link", near.join("link to the link")).unwrap();
        write(&near.join("link to the link"), b"new").unwrap();
        assert_eq!(fs::read(far.join("old.txt")).unwrap(), b"new");

        // To nothing yet, and from there on to nothing.
        symlink("../far/next", near.join("dangling")).unwrap();
        symlink("new.txt", far.join("next")).unwrap();
        write(&near.join("dangling"), b"new").unwrap();
        assert_eq!(fs::read(far.join("new.txt")).unwrap(), b"new");

        symlink("../gone/new.txt", near.join("lost")).unwrap();
        assert_eq!(write(&near.join("lost"), b"new").unwrap_err().kind(), io::ErrorKind::NotFound);
        symlink("ring", near.join("ring")).unwrap();
        assert!(write(&near.join("ring"), b"new").is_err());
        symlink("../far", near.join("folder")).unwrap();
        assert_eq!(write(&near.join("folder"), b"new").unwrap_err().kind(), io::ErrorKind::IsADirectory);
        for (folder, entries) in [(&near, 6), (&far, 3)] {
            assert_eq!(fs::read_dir(folder).unwrap().count(), entries, "{}", folder.display());
        }
        assert!(fs::read_dir(&near).unwrap().all(|entry| entry.unwrap().path().is_symlink()));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_stays_one_and_is_written_to() {
        use std::io::Read;
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [pipe, link] = ["pipe", "link"].map(|name| folder.path().join(name));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink("pipe", &link).unwrap();
        // Open for both, so that nobody waits for the other end.
        let mut reader = File::options().read(true).write(true).open(&pipe).unwrap();
        for (path, contents) in [(&pipe, b"straight"), (&link, b"the link")] {
            write(path, contents).unwrap();
            assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo() && link.is_symlink());
            let mut read = [0; 8];
            reader.read_exact(&mut read).unwrap();
            assert_eq!(&read, contents);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_the_place_of_a_file_of_the_program_is_refused() {
        use stapes_testkit::hang::{fifo, finishes};
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        fifo(&pipe);
        let errors = finishes(move || [write_regular, write_unflushed].map(|write| write(&pipe, b"new")));
        for error in errors {
            assert_eq!(SpecialFile::behind(&error.unwrap_err()), Some(SpecialFile::Pipe));
        }
        let path = folder.path().join("new");
        write_regular(&path, b"new").unwrap();
        write_regular(&path, b"newer").unwrap();
        assert_eq!(read(&path).unwrap(), b"newer");
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
