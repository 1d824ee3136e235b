//! Input files: a pipe, a socket, a device or a folder in the place of a file is refused before it is opened, and a text
//! has a longest length.

use std::fmt;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Kind of a file that is not a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecialFile {
    /// A folder.
    Folder,
    /// A pipe, with a name (FIFO) or without.
    Pipe,
    /// A socket.
    Socket,
    /// A device that is read byte by byte, such as a terminal or `/dev/zero`.
    CharacterDevice,
    /// A device that is read in blocks, such as a disk.
    BlockDevice,
    /// Anything else that a system may have.
    Other,
}

impl SpecialFile {
    /// Returns the kind of what a path leads to, links followed; `None` for a regular file, and where nothing is found.
    pub fn at(path: &Path) -> Option<SpecialFile> {
        SpecialFile::of(fs::metadata(path).ok()?.file_type())
    }

    /// Returns the kind that an error of this crate is about; `None` for every other error.
    pub fn behind(error: &io::Error) -> Option<SpecialFile> {
        error.get_ref()?.downcast_ref::<NotRegular>().map(|NotRegular(kind)| *kind)
    }

    fn of(found: FileType) -> Option<SpecialFile> {
        if found.is_file() {
            return None;
        }
        if found.is_dir() {
            return Some(SpecialFile::Folder);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            let kinds = [
                (found.is_fifo(), SpecialFile::Pipe),
                (found.is_socket(), SpecialFile::Socket),
                (found.is_char_device(), SpecialFile::CharacterDevice),
                (found.is_block_device(), SpecialFile::BlockDevice),
            ];
            if let Some((_, kind)) = kinds.into_iter().find(|(fits, _)| *fits) {
                return Some(kind);
            }
        }
        Some(SpecialFile::Other)
    }

    fn is_stream(self) -> bool {
        matches!(self, SpecialFile::Pipe | SpecialFile::CharacterDevice)
    }
}

impl fmt::Display for SpecialFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            SpecialFile::Folder => "a folder",
            SpecialFile::Pipe => "a pipe",
            SpecialFile::Socket => "a socket",
            SpecialFile::CharacterDevice | SpecialFile::BlockDevice => "a device",
            SpecialFile::Other => "a special file",
        })
    }
}

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
#[error("it is {0} and not a regular file; use a regular file instead")]
struct NotRegular(SpecialFile);

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is longer than {}, the limit that keeps a wrong file from filling the memory; check that it is the right file",
    in_units(*.0)
)]
struct TooLong(u64);

fn in_units(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

/// Refuses anything but a regular file, or nothing, at a path; nothing is opened.
///
/// # Errors
/// An error of which [`SpecialFile::behind`] returns the kind.
pub fn check_regular(path: &Path) -> io::Result<()> {
    match SpecialFile::at(path) {
        Some(kind) => Err(refused(kind)),
        None => Ok(()),
    }
}

fn refused(kind: SpecialFile) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, NotRegular(kind))
}

/// Opens a regular file to read it; links are followed. Nothing else is opened, and the call never waits for the other end
/// of a pipe, even where one takes the file's place meanwhile.
///
/// # Errors
/// An error of which [`SpecialFile::behind`] returns the kind, for anything but a regular file; those of
/// [`File::open`].
///
/// # Example
/// ```
/// use stapes_files::SpecialFile;
///
/// let error = stapes_files::open(&std::env::temp_dir()).unwrap_err();
/// assert_eq!(SpecialFile::behind(&error), Some(SpecialFile::Folder));
/// assert_eq!(error.to_string(), "it is a folder and not a regular file; use a regular file instead");
/// ```
pub fn open(path: &Path) -> io::Result<File> {
    // Opening a device may already do something.
    regular(&fs::metadata(path)?)?;
    let file = open_without_waiting(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    SpecialFile::of(metadata.file_type()).map_or(Ok(()), |kind| Err(refused(kind)))
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // For regular files the flags mean nothing.
    File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Returns the bytes of a regular file.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the text of a regular file.
///
/// # Errors
/// As [`open`]; an error where the file is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Returns the text of a regular file of at most `limit` bytes; a longer one is refused and not read further.
///
/// # Errors
/// As [`read_to_string`]; an error that names the limit.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    text(open(path)?, limit)
}

/// Returns the text of a file that somebody named on purpose, as [`read_text`] does, but also reads from a pipe or a
/// character device, such as `/dev/stdin` or a shell's `<(command)`. Like other programs it waits for who writes there.
///
/// # Errors
/// As [`read_text`]; folders, sockets and block devices are refused.
///
/// # Example
/// ```no_run
/// // Standard input, of which at most a kibibyte is read.
/// let text = stapes_files::read_text_or_stream("/dev/stdin".as_ref(), 1024)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_text_or_stream(path: &Path, limit: u64) -> io::Result<String> {
    match SpecialFile::of(fs::metadata(path)?.file_type()) {
        Some(kind) if kind.is_stream() => text(File::open(path)?, limit),
        _ => read_text(path, limit),
    }
}

fn text(file: File, limit: u64) -> io::Result<String> {
    let too_long = || io::Error::new(io::ErrorKind::FileTooLarge, TooLong(limit));
    // Of a stream this is 0.
    if file.metadata()?.len() > limit {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    // One more byte distinguishes a text that ends at the limit from a longer one.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_long());
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_read_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "sound").unwrap();
        assert_eq!(read(&path).unwrap(), b"sound");
        assert_eq!(read_to_string(&path).unwrap(), "sound");
        assert_eq!((SpecialFile::at(&path), check_regular(&path).is_ok()), (None, true));
        let nothing = folder.path().join("nothing");
        assert_eq!(read(&nothing).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(check_regular(&nothing).is_ok());
        fs::write(&path, b"\xff").unwrap();
        for error in [read_to_string(&path).unwrap_err(), read_text(&path, 9).unwrap_err()] {
            assert_eq!(error.to_string(), "stream did not contain valid UTF-8");
        }
    }

    #[test]
    fn a_text_is_read_up_to_its_limit_and_not_further() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "sound").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "sound");
        let error = read_text(&path, 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert!(error.to_string().starts_with("it is longer than 4 bytes, the limit"), "{error}");
        // Sparse: only what is written takes room.
        File::create(&path).unwrap().set_len(3 << 30).unwrap();
        let error = read_text(&path, 16 << 20).unwrap_err();
        assert!(error.to_string().starts_with("it is longer than 16 MiB"), "{error}");
    }

    #[cfg(unix)]
    mod special {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;
        use std::path::PathBuf;

        use stapes_testkit::hang::{fifo, finishes};

        use super::*;

        /// One of each kind in a folder.
        fn all(folder: &Path) -> Vec<(PathBuf, SpecialFile)> {
            let at = |name: &str| folder.join(name);
            fifo(&at("pipe"));
            symlink("pipe", at("link")).unwrap();
            UnixListener::bind(at("socket")).unwrap();
            symlink("/dev/zero", at("device")).unwrap();
            fs::create_dir(at("folder")).unwrap();
            [
                ("pipe", SpecialFile::Pipe),
                ("link", SpecialFile::Pipe),
                ("socket", SpecialFile::Socket),
                ("device", SpecialFile::CharacterDevice),
                ("folder", SpecialFile::Folder),
            ]
            .map(|(name, kind)| (at(name), kind))
            .to_vec()
        }

        #[test]
        fn special_files_are_refused_by_their_kind() {
            let folder = tempfile::tempdir().unwrap();
            for (path, kind) in all(folder.path()) {
                assert_eq!(SpecialFile::at(&path), Some(kind));
                let errors = finishes(move || {
                    [
                        open(&path).unwrap_err(),
                        read(&path).unwrap_err(),
                        read_to_string(&path).unwrap_err(),
                        read_text(&path, 9).unwrap_err(),
                        check_regular(&path).unwrap_err(),
                    ]
                });
                for error in errors {
                    assert_eq!(SpecialFile::behind(&error), Some(kind), "{error}");
                    assert!(error.to_string().contains(&format!("it is {kind} and")), "{error}");
                }
            }
        }

        #[test]
        fn a_pipe_that_takes_a_files_place_is_not_waited_for() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("pipe");
            fifo(&path);
            // As in `open`, after the path was looked at.
            let file = finishes(move || open_without_waiting(&path).unwrap());
            let error = regular(&file.metadata().unwrap()).unwrap_err();
            assert_eq!(SpecialFile::behind(&error), Some(SpecialFile::Pipe));
        }

        #[test]
        fn a_stream_that_is_named_on_purpose_is_read_up_to_the_limit() {
            let folder = tempfile::tempdir().unwrap();
            let all = all(folder.path());
            let pipe = all[0].0.clone();
            let given = |limit: u64| {
                let (path, other) = (pipe.clone(), pipe.clone());
                let writer = std::thread::spawn(move || fs::write(other, "sound"));
                let read = finishes(move || read_text_or_stream(&path, limit));
                // The reader of a refused text is gone, and with it whoever writes.
                let _ = writer.join().unwrap();
                read
            };
            assert_eq!(given(5).unwrap(), "sound");
            assert!(given(4).unwrap_err().to_string().starts_with("it is longer than 4 bytes"));
            let endless = finishes(|| read_text_or_stream(Path::new("/dev/zero"), 1 << 20).unwrap_err());
            assert!(endless.to_string().starts_with("it is longer than 1 MiB"), "{endless}");
            for (path, kind) in all.into_iter().filter(|(_, kind)| !kind.is_stream()) {
                let error = read_text_or_stream(&path, 9).unwrap_err();
                assert_eq!(SpecialFile::behind(&error), Some(kind));
            }
        }
    }
}
