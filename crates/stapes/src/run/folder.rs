//! A run's folder while the run is made.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{CHECKPOINT, MODEL, RECIPE, RECORD};
use crate::error::Error;

/// What to do with a run that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it, and refuse to make another in its place.
    Refuse,
    /// Put the new run in its place; a complete one is kept aside until the new one is complete too.
    Replace,
    /// Go on with it; one that is complete stays as it is.
    Resume,
}

/// What stands where a run is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No folder, or an empty one.
    Nothing,
    /// A run that was killed, stopped, or failed on the way.
    Unfinished,
    /// A run that was trained to its end.
    Complete,
}

impl Standing {
    /// What stands at a path.
    ///
    /// # Errors
    /// [`Error::NotARun`] for anything else.
    pub fn of(folder: &Path) -> Result<Standing, Error> {
        let has = |file: &str| folder.join(file).is_file();
        if folder.symlink_metadata().is_err() || is_empty_folder(folder) {
            Ok(Standing::Nothing)
        } else if has(CHECKPOINT) || (has(RECIPE) && !has(RECORD)) {
            Ok(Standing::Unfinished)
        } else if has(RECORD) {
            Ok(Standing::Complete)
        } else {
            Err(Error::NotARun(folder.into()))
        }
    }
}

/// The folders that this process is making, for [`abandon_all`].
static OPEN: Mutex<Vec<(PathBuf, PathBuf)>> = Mutex::new(Vec::new());

/// Leaves all runs that are being made, as dropping their [`RunFolder`] does; for a program that ends at once.
pub fn abandon_all() {
    let folders = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    for (folder, replaced) in folders.iter() {
        abandon(folder, replaced);
    }
}

/// A run's folder while it is being made. No other process can make it meanwhile.
///
/// Dropped before [`RunFolder::finish`], it stays if something was learned: then the run can be resumed. Else it is
/// removed, and what was there before comes back.
pub struct RunFolder {
    folder: PathBuf,
    /// Where a complete run waits that is to be replaced, if there is one.
    replaced: PathBuf,
    standing: Standing,
    _lock: File,
}

/// Held while a run is made; the system lets go of it however the process ends.
const LOCK: &str = ".lock";

impl RunFolder {
    /// Whether [`RunFolder::begin`] may begin.
    ///
    /// # Errors
    /// [`Error::NotARun`] for what is no run; if it is to be refused, [`Error::RunExists`] and [`Error::UnfinishedRun`].
    pub fn check(folder: &Path, existing: Existing) -> Result<Standing, Error> {
        match (Standing::of(folder)?, existing) {
            (Standing::Complete, Existing::Refuse) => Err(Error::RunExists(folder.into())),
            (Standing::Unfinished, Existing::Refuse) => Err(Error::UnfinishedRun(folder.into())),
            (standing, _) => Ok(standing),
        }
    }

    /// Makes a folder for a run, or goes on with the one that is there.
    ///
    /// # Errors
    /// As [`RunFolder::check`]; [`Error::Busy`] while another process makes it; [`Error::File`] if the file system
    /// refuses.
    pub fn begin(folder: &Path, existing: Existing) -> Result<RunFolder, Error> {
        RunFolder::check(folder, existing)?;
        let refuse = |action| move |source| Error::File { path: folder.into(), action, source };
        let Some(name) = folder.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path names no folder");
            return Err(refuse("make the run folder")(source));
        };
        let mut name = name.to_os_string();
        name.push(".replaced");
        let replaced = folder.with_file_name(name);
        fs::create_dir_all(folder).map_err(refuse("make the run folder"))?;
        let mut lock = locked(folder)?;
        // Again, now that nobody else changes it.
        let mut standing = RunFolder::check(folder, existing)?;
        if existing == Existing::Replace && standing != Standing::Nothing {
            if standing == Standing::Complete {
                if Standing::of(&replaced)? != Standing::Nothing {
                    fs::remove_dir_all(&replaced).map_err(refuse("remove an older run beside it"))?;
                }
                fs::rename(folder, &replaced).map_err(refuse("put the old run aside"))?;
            } else {
                fs::remove_dir_all(folder).map_err(refuse("remove the unfinished run"))?;
            }
            fs::create_dir_all(folder).map_err(refuse("make the run folder"))?;
            lock = locked(folder)?;
            standing = Standing::Nothing;
        }
        stapes_files::clear(folder).map_err(refuse("remove half-written files"))?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.push((folder.into(), replaced.clone()));
        Ok(RunFolder { folder: folder.into(), replaced, standing, _lock: lock })
    }

    /// What of the run was there when it was begun.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of the run lies.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Writes one file of the run.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be written.
    pub fn write(&self, file: &str, contents: &[u8]) -> Result<(), Error> {
        let path = self.path(file);
        stapes_files::write(&path, contents).map_err(|source| Error::File {
            path,
            action: "write a file of the run",
            source,
        })
    }

    /// Whether the run could go on from what was written.
    pub fn has_learned(&self) -> bool {
        has_learned(&self.folder)
    }

    /// The run is complete: nothing needs its checkpoint or the run that it replaces. Returns its folder.
    ///
    /// # Errors
    /// [`Error::File`] if one of them cannot be removed.
    pub fn finish(self) -> Result<PathBuf, Error> {
        let remove = |path: &Path, removed: io::Result<()>| match removed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::File { path: path.into(), action: "remove it", source })
            }
            _ => Ok(()),
        };
        let checkpoint = self.path(CHECKPOINT);
        remove(&checkpoint, fs::remove_file(&checkpoint))?;
        if matches!(Standing::of(&self.replaced), Ok(Standing::Complete)) {
            remove(&self.replaced, fs::remove_dir_all(&self.replaced))?;
        }
        Ok(self.folder.clone())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(folder, _)| *folder != self.folder);
        abandon(&self.folder, &self.replaced);
    }
}

/// Unlocks a folder; without anything learned it is removed, and what it replaces comes back.
fn abandon(folder: &Path, replaced: &Path) {
    // Nobody can be told, and the error that led here is the one to report.
    let _ = fs::remove_file(folder.join(LOCK));
    if !has_learned(folder) && !folder.join(RECORD).is_file() {
        let _ = fs::remove_dir_all(folder);
        let _ = fs::rename(replaced, folder);
    }
}

fn has_learned(folder: &Path) -> bool {
    [MODEL, CHECKPOINT].iter().any(|file| folder.join(file).is_file())
}

fn locked(folder: &Path) -> Result<File, Error> {
    let refuse = |source| Error::File { path: folder.into(), action: "write into the run folder", source };
    let lock = File::create(folder.join(LOCK)).map_err(refuse)?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Busy(folder.into())),
        // File systems without locks are used by one process at a time.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(lock),
    }
}

/// Whether a folder holds nothing but the lock, and what else is hidden.
fn is_empty_folder(folder: &Path) -> bool {
    let hidden = |entry: &io::Result<fs::DirEntry>| {
        entry.as_ref().is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"."))
    };
    fs::read_dir(folder).is_ok_and(|mut entries| entries.all(|entry| hidden(&entry)))
}
