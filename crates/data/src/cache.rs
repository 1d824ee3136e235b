//! Cache of frames on disk.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use stapes_audio::Channel;
use stapes_features::Features;

use crate::dataset::{Example, Source};
use crate::error::DataError;

/// Folder of cached frames. The name of each file is a hash of everything that determines the frames: the bytes of
/// the recording, the segment, the channel, and the front end.
///
/// A recording that was moved or renamed is still found; a changed one is not. Files are written to a temporary file
/// and renamed, so several processes may share a folder, and any of them may be killed. A damaged file is ignored and
/// written again. Files are never removed; the folder may be deleted at any time.
pub struct FrameCache {
    folder: PathBuf,
    front_end: String,
    /// Hashes of files with several segments, so that each file is read once.
    contents: Mutex<HashMap<PathBuf, Hash>>,
    write_error: OnceLock<String>,
}

/// Cached frames of a recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CachedFrames {
    pub(crate) features: Features,
    /// Duration of the recording.
    pub(crate) seconds: f64,
}

type Hash = [u8; 32];

/// Part of every hash; must change when the same settings result in different frames.
const FORMAT: &str = "stapes frames 1";
const FRAMES: &str = "frames";
const SECONDS: &str = "seconds";
const HASH: &str = "sha256";

impl FrameCache {
    /// Opens a folder, and creates it if necessary. `front_end` is a description of everything that the frames depend
    /// on besides the recording.
    ///
    /// # Errors
    /// [`DataError::Cache`] if the folder cannot be created or written to.
    pub fn open(folder: &Path, front_end: String) -> Result<FrameCache, DataError> {
        let error = |reason| DataError::Cache { path: folder.to_owned(), reason };
        fs::create_dir_all(folder).map_err(error)?;
        // Fails now rather than after an hour of decoding.
        let about = folder.join("about.txt");
        stapes_files::write_unflushed(&about, ABOUT.as_bytes())
            .map_err(|reason| DataError::Cache { path: about, reason })?;
        let (contents, write_error) = (Mutex::default(), OnceLock::new());
        Ok(FrameCache { folder: folder.to_owned(), front_end, contents, write_error })
    }

    /// Returns why frames could not be cached, if that happened, for example because the disk was full. The frames
    /// were used nevertheless.
    pub fn write_error(&self) -> Option<&str> {
        self.write_error.get().map(String::as_str)
    }

    /// Returns the path of the cached frames of a recording; `None` for examples that are frames, and if the file
    /// cannot be read, which reading the recording reports.
    pub(crate) fn path(&self, example: &Example) -> Option<PathBuf> {
        let (content, mut part) = match &example.source {
            Source::File(path) => (content(path).ok()?, "whole".to_owned()),
            Source::Segment { path, start_seconds, end_seconds } => {
                (self.content_once(path).ok()?, format!("{start_seconds:?} {end_seconds:?}"))
            }
            Source::Frames(_) => return None,
        };
        if let Channel::Index(channel) = example.channel {
            part += &format!(" channel {channel}");
        }
        let mut hash = Sha256::new();
        for field in [FORMAT.as_bytes(), self.front_end.as_bytes(), part.as_bytes(), &content] {
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field);
        }
        let name = hex(&hash.finalize());
        // Folders with millions of files are slow.
        Some(self.folder.join(&name[..2]).join(format!("{}.safetensors", &name[2..])))
    }

    /// Returns the cached frames; `None` if there are none or they are damaged.
    pub(crate) fn read(path: &Path) -> Option<CachedFrames> {
        let file = stapes_files::read(path).ok()?;
        let (_, metadata) = SafeTensors::read_metadata(&file).ok()?;
        let metadata = metadata.metadata().as_ref()?;
        let tensors = SafeTensors::deserialize(&file).ok()?;
        let frames = tensors.tensor(FRAMES).ok()?;
        let (&[_, width], Dtype::F32) = (frames.shape(), frames.dtype()) else { return None };
        let seconds: f64 = metadata.get(SECONDS)?.parse().ok()?;
        if width == 0 || metadata.get(HASH)? != &checksum(frames.data(), seconds) {
            return None;
        }
        let values =
            frames.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Some(CachedFrames { features: Features::new(width, values), seconds })
    }

    /// Caches frames. [`FrameCache::write_error`] returns the error.
    pub(crate) fn store(&self, path: &Path, cached: &CachedFrames) {
        if let Err(reason) = write(path, cached) {
            let _ =
                self.write_error.set(format!("{}: frames cannot be cached: {reason}", self.folder.display()));
        }
    }

    fn content_once(&self, path: &Path) -> io::Result<Hash> {
        let known = |contents: &HashMap<PathBuf, Hash>| contents.get(path).copied();
        if let Some(hash) = known(&self.contents.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(hash);
        }
        // Not under the lock: other threads read other files. Two threads that read the same file compute the same
        // hash.
        let hash = content(path)?;
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), hash);
        Ok(hash)
    }
}

/// Description of the folder for people who find it.
const ABOUT: &str = "\
Frames of recordings, cached by stapes (--cache).
Each file name is a hash of the recording and the settings of the front end.
This folder can be deleted at any time.
";

fn write(path: &Path, CachedFrames { features, seconds }: &CachedFrames) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let bytes: Vec<u8> = features.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    let metadata = [(SECONDS, format!("{seconds:?}")), (HASH, checksum(&bytes, *seconds))];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    let file = TensorView::new(Dtype::F32, vec![features.frames(), features.width()], &bytes)
        .and_then(|view| safetensors::serialize([(FRAMES, view)], Some(metadata)))
        .map_err(io::Error::other)?;
    stapes_files::write_unflushed(path, &file)
}

/// Returns a checksum of the cached frames.
fn checksum(frames: &[u8], seconds: f64) -> String {
    hex(&Sha256::new().chain_update(frames).chain_update(seconds.to_le_bytes()).finalize())
}

/// Returns the hash of the bytes of a file.
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
