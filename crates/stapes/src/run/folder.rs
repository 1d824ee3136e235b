//! A run's folder while the run is made.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{CHECKPOINT, LAST, METRICS, MODEL, RECIPE, RECORD, REPORT, events};
use crate::error::Error;

/// What to do with a run that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    /// Leave it, and refuse to make another in its place.
    Refuse,
    /// Put the new run in its place; a complete one is kept aside until the new one is complete too.
    Replace,
    /// Go on with it; one that is complete stays as it is.
    Resume,
}

/// What stands where a run is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// No folder, or an empty one.
    Nothing,
    /// A run that was killed, stopped, or failed on the way.
    Unfinished,
    /// A run that was trained to its end.
    Complete,
}

impl RunState {
    /// What stands at a path.
    ///
    /// # Errors
    /// [`Error::NotARun`] for anything else.
    pub fn of(folder: &Path) -> Result<RunState, Error> {
        // What is there and is not a regular file is refused when it is read.
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

/// The folders that this process is making, for [`abandon_all`].
static OPEN: Mutex<Vec<Place>> = Mutex::new(Vec::new());

/// Held while a file of a run is written.
static WRITING: Mutex<()> = Mutex::new(());

/// Leaves all runs that are being made, as dropping their [`RunFolder`] does; for a program that ends at once. Nothing is
/// written into a run any more.
pub fn abandon_all() {
    std::mem::forget(WRITING.lock().unwrap_or_else(PoisonError::into_inner));
    OPEN.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(Place::abandon);
}

/// A run's folder while it is being made. No other process can make it meanwhile.
///
/// If the folder is moved or removed meanwhile, writing fails, and what stands in its place is left as it is.
///
/// Dropped before [`RunFolder::finish`], it stays if something was learned: then the run can be resumed. Else what was
/// written is removed, and the run that was there before comes back.
pub struct RunFolder {
    place: Place,
    standing: RunState,
    _lock: File,
}

#[derive(Clone, PartialEq)]
struct Place {
    folder: PathBuf,
    /// Whether it was made for this run.
    made: bool,
    /// Where the run waits that this one is to replace, if there is one.
    replaced: Option<PathBuf>,
    /// The lock, by which the folder is known again.
    lock: Option<Identity>,
}

/// The device and the number of a file, where the system has them. No other file has them while the file is open.
type Identity = (u64, u64);

/// Held while a run is made; the system lets go of it however the process ends.
const LOCK: &str = ".lock";
/// Says that the run replaces the one beside it.
const REPLACES: &str = ".replaces";

impl RunFolder {
    /// Whether [`RunFolder::open`] may begin.
    ///
    /// # Errors
    /// [`Error::NotARun`] for what is no run; if it is to be refused, [`Error::RunExists`] and [`Error::UnfinishedRun`].
    pub fn check(folder: &Path, if_exists: IfExists) -> Result<RunState, Error> {
        match (RunState::of(folder)?, if_exists) {
            (RunState::Complete, IfExists::Refuse) => Err(Error::RunExists(folder.into())),
            (RunState::Partial, IfExists::Refuse) => Err(Error::UnfinishedRun(folder.into())),
            (standing, _) => Ok(standing),
        }
    }

    /// Makes a folder for a run, or goes on with the one that is there.
    ///
    /// # Errors
    /// As [`RunFolder::check`]; [`Error::Busy`] while another process makes it; [`Error::File`] if the file system
    /// refuses.
    pub fn open(folder: &Path, if_exists: IfExists) -> Result<RunFolder, Error> {
        RunFolder::check(folder, if_exists)?;
        let refuse = |action| move |source| Error::File { path: folder.into(), action, source };
        let Some(name) = folder.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path names no folder");
            return Err(refuse("make the run folder")(source));
        };
        let mut name = name.to_os_string();
        name.push(".replaced");
        let aside = folder.with_file_name(name);
        let mut made = folder.symlink_metadata().is_err();
        fs::create_dir_all(folder).map_err(refuse("make the run folder"))?;
        let mut lock = locked(folder)?;
        // Again, now that nobody else changes it.
        let mut standing = RunFolder::check(folder, if_exists)?;
        let mut replaces = folder.join(REPLACES).is_file();
        if if_exists == IfExists::Replace && standing != RunState::Empty {
            // Of an unfinished run that replaces a complete one, the complete one is kept.
            if replaces && RunState::of(&aside)? == RunState::Complete {
                fs::remove_dir_all(folder).map_err(refuse("remove the unfinished run"))?;
            } else {
                if RunState::of(&aside)? != RunState::Empty {
                    return Err(Error::BackupExists(aside));
                }
                fs::rename(folder, &aside).map_err(refuse("put the old run aside"))?;
            }
            fs::create_dir_all(folder).map_err(refuse("make the run folder"))?;
            lock = locked(folder)?;
            fs::write(folder.join(REPLACES), "").map_err(refuse("write into the run folder"))?;
            (standing, made, replaces) = (RunState::Empty, true, true);
        }
        stapes_files::remove_temporary(folder).map_err(refuse("remove half-written files"))?;
        let locked = lock.metadata().map_err(refuse("write into the run folder"))?;
        let replaced = replaces.then_some(aside);
        let place = Place { folder: folder.into(), made, replaced, lock: identity_of(&locked) };
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).push(place.clone());
        Ok(RunFolder { place, standing, _lock: lock })
    }

    /// What of the run was there when it was begun.
    pub fn standing(&self) -> RunState {
        self.standing
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// Whether the folder is still where it was.
    ///
    /// # Errors
    /// [`Error::FolderGone`] if it is not.
    pub fn check_exists(&self) -> Result<(), Error> {
        if self.place.is_there() { Ok(()) } else { Err(Error::FolderGone(self.folder().into())) }
    }

    /// Writes one file of the run.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be written; [`Error::FolderGone`] if the folder is not where it was.
    pub fn write(&self, file: &str, contents: &[u8]) -> Result<(), Error> {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_exists()?;
        let path = self.folder().join(file);
        stapes_files::write_regular(&path, contents).map_err(|source| Error::File {
            path,
            action: "write a file of the run",
            source,
        })
    }

    /// Whether the run could go on from what was written.
    pub fn has_checkpoint(&self) -> bool {
        self.place.has_checkpoint()
    }

    /// The run is complete: nothing needs its checkpoint or the run that it replaces. Returns its folder.
    ///
    /// # Errors
    /// [`Error::File`] if one of them cannot be removed; [`Error::FolderGone`] if the folder is not where it was.
    pub fn finish(self) -> Result<PathBuf, Error> {
        self.check_exists()?;
        let remove = |path: &Path, removed: io::Result<()>| match removed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::File { path: path.into(), action: "remove it", source })
            }
            _ => Ok(()),
        };
        let checkpoint = self.folder().join(CHECKPOINT);
        remove(&checkpoint, fs::remove_file(&checkpoint))?;
        if let Some(replaced) = &self.place.replaced {
            remove(replaced, fs::remove_dir_all(replaced))?;
            let mark = self.folder().join(REPLACES);
            remove(&mark, fs::remove_file(&mark))?;
        }
        Ok(self.folder().into())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).retain(|place| *place != self.place);
        self.place.abandon();
    }
}

impl Place {
    /// Whether the folder is still where it was: its lock is the file that is locked.
    fn is_there(&self) -> bool {
        fs::metadata(self.folder.join(LOCK)).is_ok_and(|lock| identity_of(&lock) == self.lock)
    }

    fn has_checkpoint(&self) -> bool {
        self.is_there() && [MODEL, CHECKPOINT, RECORD].iter().any(|file| self.folder.join(file).is_file())
    }

    /// Unlocks the folder; without anything learned what was written is removed, and what it replaces comes back.
    fn abandon(&self) {
        let (is_there, has_checkpoint) = (self.is_there(), self.has_checkpoint());
        // What stands in the place of a folder that was moved is not of this run.
        if is_there {
            // NoProgress can be told, and the error that led here is the one to report.
            let _ = fs::remove_file(self.folder.join(LOCK));
        }
        if has_checkpoint {
            return;
        }
        if is_there {
            self.clear();
        }
        if let Some(replaced) = &self.replaced {
            let _ = fs::rename(replaced, &self.folder);
        }
    }

    /// Removes the files of the run, and the folder if it was made for it and nothing else is in it.
    fn clear(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let own = [RECIPE, METRICS, LAST, REPORT, REPLACES].contains(&&*name);
            if own || name.starts_with(events::PREFIX) || stapes_files::is_temporary(&name) {
                let _ = fs::remove_file(entry.path());
            }
        }
        if self.made {
            // Only if it is empty.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

#[cfg(unix)]
fn identity_of(file: &fs::Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

/// Elsewhere a folder with an open file cannot be moved.
#[cfg(not(unix))]
fn identity_of(_: &fs::Metadata) -> Option<Identity> {
    None
}

fn locked(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let refuse = |source| Error::File { path: path.clone(), action: "write into the run folder", source };
    stapes_files::check_regular(&path).map_err(refuse)?;
    let lock = File::create(&path).map_err(refuse)?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Busy(folder.into())),
        // File systems without locks are used by one process at a time.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(lock),
    }
}

/// Whether a folder holds nothing but what a run that was just begun leaves.
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
