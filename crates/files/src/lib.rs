//! Atomic file writes: a file is written under a temporary name and renamed, so that a reader sees the old file or
//! the new one, never a part. Links, devices and pipes are preserved. [`number`] serializes numbers that JSON lacks.
//!
//! [`open`] and the functions around it read regular files only, so that a program never waits for a pipe.
//!
//! [`contain_panic`] turns the panic of a library into an error. The feature `tensors` adds safetensors files with a checksum.

mod contain;
mod entries;
mod failures;
mod input;
pub mod number;
#[cfg(test)]
mod sources;
#[cfg(feature = "tensors")]
pub mod tensors;

pub use contain::contain_panic;
pub use entries::{Entry, entries, files_below};
pub use failures::list_failures;
pub use input::{SpecialFile, check_regular, open, read, read_text, read_text_or_stream, read_to_string};

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file atomically: into a new file in the same folder, flushed to the disk, then renamed to the path.
///
/// On an error the old file, if any, is unchanged and the new one is removed. A symbolic link is preserved; its
/// target is written, even if it does not exist yet. A device or pipe is preserved too: it is written directly and
/// not flushed, and after an error it may have received a part of the contents.
///
/// # Errors
/// Errors of the file system: the path is a folder, a folder is missing, no permission, disk full.
///
/// # Example
/// ```
/// let path = std::env::temp_dir().join(format!("stapes-files-{}.txt", std::process::id()));
/// stapes_files::write_atomic(&path, b"whole")?;
/// assert_eq!(std::fs::read(&path)?, b"whole");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_atomic(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_to(path, contents, File::sync_all)
}

/// Writes a file as [`write_atomic`] does, for a name that the program chose: a pipe, a device or a folder in its place is
/// an error, and is not opened.
///
/// # Errors
/// Those of [`write_atomic`] and [`check_regular`].
pub fn write_regular(path: &Path, contents: &[u8]) -> io::Result<()> {
    check_regular(path)?;
    write_atomic(path, contents)
}

/// Writes a file as [`write_regular`] does, but without flushing to the disk: for many small files that can be recreated.
/// If the machine crashes, a file written shortly before may be damaged or lost.
///
/// # Errors
/// Those of [`write_regular`].
pub fn write_unflushed(path: &Path, contents: &[u8]) -> io::Result<()> {
    check_regular(path)?;
    write_to(path, contents, |_| Ok(()))
}

fn write_to(path: &Path, contents: &[u8], flush: impl Fn(&File) -> io::Result<()>) -> io::Result<()> {
    match fs::metadata(path) {
        // Not flushed, because a pipe refuses it. A folder is an error.
        Ok(there) if !there.is_file() => File::options().write(true).open(path)?.write_all(contents),
        Ok(_) => write_and_rename(&fs::canonicalize(path)?, contents, flush),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_and_rename(&link_target(path)?, contents, flush)
        }
        Err(error) => Err(error),
    }
}

/// Target of a chain of links that ends at a missing file; the path itself if it is not a link.
fn link_target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    // The limit of Linux.
    for _ in 0..40 {
        if !target.is_symlink() {
            return Ok(target);
        }
        // The target of a link is relative to its folder.
        target = target.with_file_name("").join(fs::read_link(&target)?);
    }
    Err(io::Error::other("too many levels of symbolic links; check for a cycle"))
}

fn write_and_rename(path: &Path, contents: &[u8], flush: impl Fn(&File) -> io::Result<()>) -> io::Result<()> {
    let temporary = temporary_path(path)?;
    let write_new = || {
        let mut file = File::options().write(true).create_new(true).open(&temporary)?;
        file.write_all(contents)?;
        flush(&file)
    };
    let written = write_new().and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error matters; the file may not exist.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Removes the temporary files that killed processes left in a folder. No process may be writing there.
///
/// # Errors
/// Errors of the file system.
pub fn remove_temporary(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_temporary(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// True if this is the name of a temporary file of [`write_atomic`].
pub fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY_SUFFIX)
}

/// Suffix of a temporary file.
const TEMPORARY_SUFFIX: &str = ".part";

/// Returns a hidden temporary name in the same folder, unique among processes and threads.
fn temporary_path(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path does not name a file; add a file name",
        ));
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = format!(".{}.{}-{count}{TEMPORARY_SUFFIX}", name.to_string_lossy(), std::process::id());
    Ok(path.with_file_name(temporary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_only_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        fs::write(&path, "old").unwrap();
        let failed = write_to(&path, b"new", |_| Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_folder_at_the_path_is_an_error_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        let kind = write_atomic(&path, b"new").unwrap_err().kind();
        // Windows does not say more.
        let expected =
            if cfg!(windows) { io::ErrorKind::PermissionDenied } else { io::ErrorKind::IsADirectory };
        assert_eq!(kind, expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_preserved_and_its_target_is_written() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let [near, far] = ["near", "far"].map(|name| folder.path().join(name));
        fs::create_dir(&near).unwrap();
        fs::create_dir(&far).unwrap();
        fs::write(far.join("old.txt"), "old").unwrap();
        symlink("../far/old.txt", near.join("link")).unwrap();
        symlink("link", near.join("link to the link")).unwrap();
        write_atomic(&near.join("link to the link"), b"new").unwrap();
        assert_eq!(fs::read(far.join("old.txt")).unwrap(), b"new");

        // A link to a link to a missing file.
        symlink("../far/next", near.join("dangling")).unwrap();
        symlink("new.txt", far.join("next")).unwrap();
        write_atomic(&near.join("dangling"), b"new").unwrap();
        assert_eq!(fs::read(far.join("new.txt")).unwrap(), b"new");

        symlink("../gone/new.txt", near.join("lost")).unwrap();
        assert_eq!(write_atomic(&near.join("lost"), b"new").unwrap_err().kind(), io::ErrorKind::NotFound);
        symlink("ring", near.join("ring")).unwrap();
        assert!(write_atomic(&near.join("ring"), b"new").is_err());
        symlink("../far", near.join("folder")).unwrap();
        assert_eq!(
            write_atomic(&near.join("folder"), b"new").unwrap_err().kind(),
            io::ErrorKind::IsADirectory
        );
        for (folder, entries) in [(&near, 6), (&far, 3)] {
            assert_eq!(fs::read_dir(folder).unwrap().count(), entries, "{}", folder.display());
        }
        assert!(fs::read_dir(&near).unwrap().all(|entry| entry.unwrap().path().is_symlink()));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_preserved_and_written_to() {
        use std::io::Read;
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [pipe, link] = ["pipe", "link"].map(|name| folder.path().join(name));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink("pipe", &link).unwrap();
        // Open for reading and writing, so that neither end waits.
        let mut reader = File::options().read(true).write(true).open(&pipe).unwrap();
        for (path, contents) in [(&pipe, b"straight"), (&link, b"the link")] {
            write_atomic(path, contents).unwrap();
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
    fn only_temporary_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole.txt");
        write_atomic(&path, b"whole").unwrap();
        fs::write(temporary_path(&path).unwrap(), "ha").unwrap();
        fs::write(folder.path().join(".hidden"), "").unwrap();
        fs::write(folder.path().join("book.part"), "").unwrap();
        remove_temporary(folder.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".hidden", "book.part", "whole.txt"]);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            write_atomic(&folder.path().join("no/file"), b"x").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
