//! Run folder during training: lock, replacement of an older run, and clean-up.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{CHECKPOINT, LAST, METRICS, MODEL, RECIPE, RECORD, REPORT, tensorboard};
use crate::error::Error;

/// Treatment of an existing run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    /// Keep it and return an error.
    Refuse,
    /// Replace it; a complete run is kept as a backup until the new one is complete.
    Replace,
    /// Continue it; a complete run is not changed.
    Resume,
}

/// State of a run folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// The folder does not exist or is empty.
    Empty,
    /// The run was killed or stopped, or failed.
    Partial,
    /// The run was trained to its end.
    Complete,
}

impl RunState {
    /// Determines the state of a run folder.
    ///
    /// # Errors
    /// [`Error::NotARun`] if the path is anything else.
    pub fn of(folder: &Path) -> Result<RunState, Error> {
        // Entries that are not regular files are rejected when they are read.
        let has = |file: &str| folder.join(file).exists();
        if folder.symlink_metadata().is_err() || is_empty_folder(folder) {
            Ok(RunState::Empty)
        } else if has(CHECKPOINT) || (has(RECIPE) && !has(RECORD)) {
            Ok(RunState::Partial)
        } else if has(RECORD) {
            Ok(RunState::Complete)
        } else {
            Err(Error::NotARun(folder.into()))
        }
    }
}

/// Folders that this process has open, for [`abandon_all`].
static OPEN: Mutex<Vec<Location>> = Mutex::new(Vec::new());

/// Locked while a file of a run is written.
static WRITING: Mutex<()> = Mutex::new(());

/// Closes all open run folders as if they were dropped, for a program that exits immediately. Afterwards nothing is written
/// into a run any more.
pub fn abandon_all() {
    std::mem::forget(WRITING.lock().unwrap_or_else(PoisonError::into_inner));
    OPEN.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(Location::abandon);
}

/// Run folder during training, locked against other processes.
///
/// If the folder is moved or removed, writing fails, and a new folder in its place is not changed.
///
/// If it is dropped before [`RunFolder::finish`], a folder with a checkpoint is kept, so that the run can be resumed.
/// Otherwise its files are removed, and the run that it would have replaced is restored.
pub struct RunFolder {
    location: Location,
    state: RunState,
    _lock: File,
}

#[derive(Clone, PartialEq)]
struct Location {
    folder: PathBuf,
    /// `true` if the folder was created for this run.
    created: bool,
    /// Backup of the run that this one replaces, if there is one.
    backup: Option<PathBuf>,
    /// Lock file, which identifies the folder.
    lock: Option<Identity>,
}

/// Device and inode of a file, if the system has them. They are unique while the file is open.
type Identity = (u64, u64);

/// Lock file; the system releases the lock however the process ends.
const LOCK: &str = ".lock";
/// Mark of a run that replaces the one in the backup folder.
const REPLACES: &str = ".replaces";

impl RunFolder {
    /// Checks that [`RunFolder::open`] is permitted, and returns the state of the folder.
    ///
    /// # Errors
    /// [`Error::NotARun`] if the path is not a run folder; with [`IfExists::Refuse`], [`Error::RunExists`] and
    /// [`Error::UnfinishedRun`].
    pub fn check(folder: &Path, if_exists: IfExists) -> Result<RunState, Error> {
        match (RunState::of(folder)?, if_exists) {
            (RunState::Complete, IfExists::Refuse) => Err(Error::RunExists(folder.into())),
            (RunState::Partial, IfExists::Refuse) => Err(Error::UnfinishedRun(folder.into())),
            (state, _) => Ok(state),
        }
    }

    /// Creates a run folder, or opens an existing one.
    ///
    /// # Errors
    /// Errors of [`RunFolder::check`]; [`Error::Busy`] if another process has it open; [`Error::File`] for errors of the
    /// file system.
    pub fn open(folder: &Path, if_exists: IfExists) -> Result<RunFolder, Error> {
        RunFolder::check(folder, if_exists)?;
        let failed = |action| move |source| Error::File { path: folder.into(), action, source };
        let Some(name) = folder.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path does not name a folder");
            return Err(failed("create the run folder")(source));
        };
        let mut name = name.to_os_string();
        name.push(".replaced");
        let backup = folder.with_file_name(name);
        let mut created = folder.symlink_metadata().is_err();
        fs::create_dir_all(folder).map_err(failed("create the run folder"))?;
        let mut lock = locked(folder)?;
        // Check again, because the folder is locked now.
        let mut state = RunFolder::check(folder, if_exists)?;
        let mut replaces = folder.join(REPLACES).is_file();
        if if_exists == IfExists::Replace && state != RunState::Empty {
            // If a partial run was to replace a complete one, the complete one stays the backup.
            if replaces && RunState::of(&backup)? == RunState::Complete {
                fs::remove_dir_all(folder).map_err(failed("remove the unfinished run"))?;
            } else {
                if RunState::of(&backup)? != RunState::Empty {
                    return Err(Error::BackupExists(backup));
                }
                fs::rename(folder, &backup).map_err(failed("move the old run to its backup folder"))?;
            }
            fs::create_dir_all(folder).map_err(failed("create the run folder"))?;
            lock = locked(folder)?;
            fs::write(folder.join(REPLACES), "").map_err(failed("write into the run folder"))?;
            (state, created, replaces) = (RunState::Empty, true, true);
        }
        stapes_files::remove_temporary(folder).map_err(failed("remove half-written files"))?;
        let locked = lock.metadata().map_err(failed("write into the run folder"))?;
        let backup = replaces.then_some(backup);
        let location = Location { folder: folder.into(), created, backup, lock: identity_of(&locked) };
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).push(location.clone());
        Ok(RunFolder { location, state, _lock: lock })
    }

    /// Returns the state of the run when the folder was opened.
    pub fn state(&self) -> RunState {
        self.state
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.location.folder
    }

    /// Checks that the folder still exists at its path.
    ///
    /// # Errors
    /// [`Error::FolderGone`] if it does not.
    pub fn check_exists(&self) -> Result<(), Error> {
        if self.location.exists() { Ok(()) } else { Err(Error::FolderGone(self.path().into())) }
    }

    /// Writes one file of the run.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be written; [`Error::FolderGone`] if the folder was moved or removed.
    pub fn write(&self, file: &str, contents: &[u8]) -> Result<(), Error> {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_exists()?;
        let path = self.path().join(file);
        // The folder may be moved between the check and the writing.
        stapes_files::write_regular(&path, contents).map_err(|source| match self.check_exists() {
            Ok(()) => Error::File { path, action: "write a file of the run", source },
            Err(gone) => gone,
        })
    }

    /// Returns `true` if the run can be resumed from its files.
    pub fn has_checkpoint(&self) -> bool {
        self.location.has_checkpoint()
    }

    /// Completes the run: removes its checkpoint and the backup of the run that it replaces. Returns the path of the folder.
    ///
    /// # Errors
    /// [`Error::File`] if one of them cannot be removed; [`Error::FolderGone`] if the folder was moved or removed.
    pub fn finish(self) -> Result<PathBuf, Error> {
        self.check_exists()?;
        let remove = |path: &Path, removed: io::Result<()>| match removed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::File { path: path.into(), action: "remove it", source })
            }
            _ => Ok(()),
        };
        let checkpoint = self.path().join(CHECKPOINT);
        remove(&checkpoint, fs::remove_file(&checkpoint))?;
        if let Some(backup) = &self.location.backup {
            remove(backup, fs::remove_dir_all(backup))?;
            let mark = self.path().join(REPLACES);
            remove(&mark, fs::remove_file(&mark))?;
        }
        Ok(self.path().into())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).retain(|location| *location != self.location);
        self.location.abandon();
    }
}

impl Location {
    /// Returns `true` if the folder still exists at its path: its lock file is the one that is locked.
    fn exists(&self) -> bool {
        fs::metadata(self.folder.join(LOCK)).is_ok_and(|lock| identity_of(&lock) == self.lock)
    }

    fn has_checkpoint(&self) -> bool {
        self.exists() && [MODEL, CHECKPOINT, RECORD].iter().any(|file| self.folder.join(file).is_file())
    }

    /// Unlocks the folder. Without a checkpoint its files are removed, and the replaced run is restored.
    fn abandon(&self) {
        let (exists, has_checkpoint) = (self.exists(), self.has_checkpoint());
        // If the folder was moved, a new folder in its place is not part of this run.
        if exists {
            // An error is ignored, because the error that led here is reported.
            let _ = fs::remove_file(self.folder.join(LOCK));
        }
        if has_checkpoint {
            return;
        }
        if exists {
            self.clear();
        }
        if let Some(backup) = &self.backup {
            let _ = fs::rename(backup, &self.folder);
        }
    }

    /// Removes the files of the run, and the folder if it was created for the run and is empty then.
    fn clear(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let own = [RECIPE, METRICS, LAST, REPORT, REPLACES].contains(&&*name);
            if own || name.starts_with(tensorboard::PREFIX) || stapes_files::is_temporary(&name) {
                let _ = fs::remove_file(entry.path());
            }
        }
        if self.created {
            // This fails if the folder is not empty.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

#[cfg(unix)]
fn identity_of(file: &fs::Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

/// On other systems a folder with an open file cannot be moved.
#[cfg(not(unix))]
fn identity_of(_: &fs::Metadata) -> Option<Identity> {
    None
}

fn locked(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let failed = |source| Error::File { path: path.clone(), action: "write into the run folder", source };
    stapes_files::check_regular(&path).map_err(failed)?;
    let lock = File::create(&path).map_err(failed)?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Busy(folder.into())),
        // A file system without locks is assumed to be used by one process at a time.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(lock),
    }
}

/// Returns `true` if the folder has no files, apart from those of a run that has just started.
fn is_empty_folder(folder: &Path) -> bool {
    let ours = |entry: &io::Result<fs::DirEntry>| {
        entry.as_ref().is_ok_and(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name == LOCK || name == REPLACES || stapes_files::is_temporary(&name)
        })
    };
    fs::read_dir(folder).is_ok_and(|mut entries| entries.all(|entry| ours(&entry)))
}
