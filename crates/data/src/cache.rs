//! Frames of recordings that are kept on disk.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use stapes_features::Features;

use crate::dataset::Source;
use crate::error::DataError;

/// A folder of frames, each file under a hash of what its frames were made of: the bytes of the recording, the part of it,
/// and the front end.
///
/// A recording that was moved or renamed is found again, one that was changed is not. Files are written aside and renamed,
/// so several processes may use one folder and any of them may be killed. A file that is damaged is not used and made
/// anew. Nothing is ever removed: the folder may be deleted at any time.
pub struct FrameCache {
    folder: PathBuf,
    front_end: String,
    /// Of files that examples are parts of, so that each is read once.
    contents: Mutex<HashMap<PathBuf, Hash>>,
    trouble: OnceLock<String>,
}

/// What is kept of a recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) features: Features,
    /// The length of the recording, s.
    pub(crate) seconds: f64,
}

type Hash = [u8; 32];

/// Part of every hash: to be raised when the same settings come to other frames.
const FORMAT: &str = "stapes frames 1";
const FRAMES: &str = "frames";
const SECONDS: &str = "seconds";
const HASH: &str = "sha256";

impl FrameCache {
    /// Opens a folder, and makes it if there is none. `front_end` says in words of any kind all that the frames depend on
    /// beside the recording.
    ///
    /// # Errors
    /// [`DataError::Cache`] if the folder cannot be made or written to.
    pub fn open(folder: &Path, front_end: String) -> Result<FrameCache, DataError> {
        let refuse = |reason| DataError::Cache { path: folder.to_owned(), reason };
        fs::create_dir_all(folder).map_err(refuse)?;
        // Found now, and not after the first hour of decoding.
        let about = folder.join("about.txt");
        stapes_files::write_unflushed(&about, ABOUT.as_bytes())
            .map_err(|reason| DataError::Cache { path: about, reason })?;
        let (contents, trouble) = (Mutex::default(), OnceLock::new());
        Ok(FrameCache { folder: folder.to_owned(), front_end, contents, trouble })
    }

    /// Why frames could not be kept, if any could not: the disk may have become full. They were used all the same.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.get().map(String::as_str)
    }

    /// Where the frames of a recording are or will be; None of what comes as frames, and where the file cannot be read,
    /// which reading the recording will say.
    pub(crate) fn place(&self, source: &Source) -> Option<PathBuf> {
        let (content, part) = match source {
            Source::File(path) => (content(path).ok()?, "whole".to_owned()),
            Source::Part { path, start_seconds, end_seconds } => {
                (self.content_once(path).ok()?, format!("{start_seconds:?} {end_seconds:?}"))
            }
            Source::Frames(_) => return None,
        };
        let mut hash = Sha256::new();
        for field in [FORMAT.as_bytes(), self.front_end.as_bytes(), part.as_bytes(), &content] {
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field);
        }
        let name = hex(&hash.finalize());
        // Folders of millions of files are slow.
        Some(self.folder.join(&name[..2]).join(format!("{}.safetensors", &name[2..])))
    }

    /// What is kept there; None if nothing is, or it is damaged.
    pub(crate) fn read(place: &Path) -> Option<Kept> {
        let file = stapes_files::read(place).ok()?;
        let (_, metadata) = SafeTensors::read_metadata(&file).ok()?;
        let metadata = metadata.metadata().as_ref()?;
        let tensors = SafeTensors::deserialize(&file).ok()?;
        let frames = tensors.tensor(FRAMES).ok()?;
        let (&[_, width], Dtype::F32) = (frames.shape(), frames.dtype()) else { return None };
        let seconds: f64 = metadata.get(SECONDS)?.parse().ok()?;
        if width == 0 || metadata.get(HASH)? != &checked(frames.data(), seconds) {
            return None;
        }
        let values =
            frames.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Some(Kept { features: Features::new(width, values), seconds })
    }

    /// Keeps frames there. What goes wrong is told by [`FrameCache::trouble`].
    pub(crate) fn keep(&self, place: &Path, kept: &Kept) {
        if let Err(reason) = write(place, kept) {
            let _ = self.trouble.set(format!("{}: frames cannot be kept: {reason}", self.folder.display()));
        }
    }

    fn content_once(&self, path: &Path) -> io::Result<Hash> {
        let known = |contents: &HashMap<PathBuf, Hash>| contents.get(path).copied();
        if let Some(hash) = known(&self.contents.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(hash);
        }
        // Not under the lock: other threads read other files. Where two read the same one, they find the same.
        let hash = content(path)?;
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), hash);
        Ok(hash)
    }
}

/// What a folder of frames says of itself.
const ABOUT: &str = "\
Frames of recordings, kept by stapes (--cache) so that they need not be computed again.
Each file is named by a hash of the recording and the settings of the front end.
Everything here can be deleted at any time.
";

fn write(place: &Path, Kept { features, seconds }: &Kept) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    let bytes: Vec<u8> = features.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    let metadata = [(SECONDS, format!("{seconds:?}")), (HASH, checked(&bytes, *seconds))];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    let file = TensorView::new(Dtype::F32, vec![features.frames(), features.width()], &bytes)
        .and_then(|view| safetensors::serialize([(FRAMES, view)], Some(metadata)))
        .map_err(io::Error::other)?;
    stapes_files::write_unflushed(place, &file)
}

/// A hash of what is kept, to tell whether it is damaged.
fn checked(frames: &[u8], seconds: f64) -> String {
    hex(&Sha256::new().chain_update(frames).chain_update(seconds.to_le_bytes()).finalize())
}

/// The hash of a file's bytes.
fn content(path: &Path) -> io::Result<Hash> {
    let mut file = stapes_files::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = [0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
