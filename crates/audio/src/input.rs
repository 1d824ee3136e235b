//! Bytes of a file, read in order.

use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use stapes_files::SpecialFile;

use crate::AudioError;

/// Source of bytes: a file or memory.
pub(crate) trait ByteSource: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> ByteSource for T {}

/// File that is read mostly from start to end.
///
/// Memory is allocated only for bytes that exist: a request beyond the end of the file is rejected first.
pub(crate) struct Input {
    path: PathBuf,
    reader: BufReader<Box<dyn ByteSource>>,
    length: u64,
    position: u64,
}

impl Input {
    /// Opens a regular file that is not empty.
    pub(crate) fn open(path: &Path) -> Result<Input, AudioError> {
        let to_error = |source| match SpecialFile::behind(&source) {
            Some(kind) => AudioError::NotAFile { path: path.to_owned(), kind },
            None => AudioError::Io { path: path.to_owned(), source },
        };
        let file = stapes_files::open(path).map_err(to_error)?;
        let length = file.metadata().map_err(to_error)?.len();
        Input::new(path, Box::new(file), length)
    }

    fn new(path: &Path, bytes: Box<dyn ByteSource>, length: u64) -> Result<Input, AudioError> {
        if length == 0 {
            return Err(AudioError::Empty { path: path.to_owned() });
        }
        Ok(Input { path: path.to_owned(), reader: BufReader::new(bytes), length, position: 0 })
    }

    /// Reads bytes in memory; `path` is used in error messages.
    pub(crate) fn from_bytes(
        path: &Path,
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
    ) -> Result<Input, AudioError> {
        let length = bytes.as_ref().len() as u64;
        Input::new(path, Box::new(std::io::Cursor::new(bytes)), length)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.length - self.position
    }

    /// Moves to a byte of the file, at most to its end.
    pub(crate) fn seek(&mut self, byte: u64) -> Result<(), AudioError> {
        let byte = byte.min(self.length);
        // File lengths have 63 bits.
        let distance = byte as i64 - self.position as i64;
        self.reader.seek_relative(distance).map_err(|source| self.io(source))?;
        self.position = byte;
        Ok(())
    }

    /// Reads exactly `count` bytes; `what` names them in messages.
    pub(crate) fn read(&mut self, count: u64, what: &str) -> Result<Vec<u8>, AudioError> {
        let mut bytes = Vec::new();
        self.append(&mut bytes, count, what)?;
        Ok(bytes)
    }

    /// Reads exactly `count` bytes and appends them to the buffer.
    pub(crate) fn append(&mut self, buffer: &mut Vec<u8>, count: u64, what: &str) -> Result<(), AudioError> {
        if count > self.remaining() {
            return Err(self.truncated(what, self.position, count, self.remaining()));
        }
        let got = self.reader.by_ref().take(count).read_to_end(buffer).map_err(|source| self.io(source))?;
        if got as u64 != count {
            // The file was truncated after it was opened.
            return Err(self.truncated(what, self.position, count, got as u64));
        }
        self.position += count;
        Ok(())
    }

    /// Returns the next bytes, fewer at the end of the file, and keeps the position.
    pub(crate) fn peek(&mut self, count: u64) -> Result<Vec<u8>, AudioError> {
        let start = self.position;
        let bytes = self.read(count.min(self.remaining()), "file")?;
        self.seek(start)?;
        Ok(bytes)
    }

    /// Hides the bytes after this position.
    pub(crate) fn end_at(&mut self, byte: u64) {
        self.length = byte.clamp(self.position, self.length);
    }

    /// Returns the bytes from here to the end of the file.
    pub(crate) fn into_rest(self) -> impl Read + Send + Sync {
        let remaining = self.remaining();
        self.reader.take(remaining)
    }

    fn io(&self, source: std::io::Error) -> AudioError {
        AudioError::Io { path: self.path.clone(), source }
    }

    pub(crate) fn truncated(&self, what: &str, byte: u64, expected: u64, got: u64) -> AudioError {
        AudioError::Truncated { path: self.path.clone(), what: what.to_owned(), byte, expected, got }
    }

    pub(crate) fn header(&self, byte: u64, field: &'static str, value: String, rule: &str) -> AudioError {
        AudioError::Header { path: self.path.clone(), byte, field, value, rule: rule.to_owned() }
    }

    pub(crate) fn no_samples(&self, what: &'static str, byte: u64) -> AudioError {
        AudioError::NoSamples { path: self.path.clone(), what, byte }
    }

    /// Returns the error of a decoder that rejects the file.
    pub(crate) fn refused(&self, reason: String) -> AudioError {
        AudioError::Decode { path: self.path.clone(), reason }
    }

    pub(crate) fn unsupported(&self, byte: u64, what: impl Into<String>) -> AudioError {
        AudioError::Unsupported { path: self.path.clone(), byte, what: what.into() }
    }

    pub(crate) fn damaged(&self, byte: u64, what: impl Into<String>) -> AudioError {
        AudioError::Damaged { path: self.path.clone(), byte, what: what.into() }
    }
}
