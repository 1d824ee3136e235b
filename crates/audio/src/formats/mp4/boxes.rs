//! Boxes: length, name, and content, which can consist of boxes.

use std::path::Path;

use crate::AudioError;
use crate::formats::big_endian;

/// Box whose content is in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mp4Box<'a> {
    /// File name, for messages.
    pub path: &'a Path,
    pub name: [u8; 4],
    /// Position of the content in the file.
    pub byte: u64,
    pub content: &'a [u8],
}

impl<'a> Mp4Box<'a> {
    /// Returns the boxes in the content.
    pub(super) fn children(self) -> impl Iterator<Item = Result<Mp4Box<'a>, AudioError>> {
        self.children_from(0)
    }

    /// Returns the boxes in the content after a position.
    pub(super) fn children_from(
        self,
        position: usize,
    ) -> impl Iterator<Item = Result<Mp4Box<'a>, AudioError>> {
        let mut position = position;
        std::iter::from_fn(move || {
            let rest = self.content.get(position..)?;
            // QuickTime ends some lists with a zero.
            if rest.len() < 8 {
                return None;
            }
            let size = big_endian(&rest[..4]);
            let byte = self.byte + position as u64;
            let valid = usize::try_from(size).ok().filter(|&size| (8..=rest.len()).contains(&size));
            let Some(size) = valid else {
                position = self.content.len();
                let rule = format!("8..={}, the rest of the box around it", rest.len());
                let (path, value) = (self.path.to_owned(), format!("{size} bytes"));
                return Some(Err(AudioError::Header { path, byte, field: "MP4 box size", value, rule }));
            };
            position += size;
            let name = [rest[4], rest[5], rest[6], rest[7]];
            Some(Ok(Mp4Box { path: self.path, name, byte: byte + 8, content: &rest[8..size] }))
        })
    }

    /// Returns the boxes with this name, and errors.
    pub(super) fn all(self, name: &'static [u8; 4]) -> impl Iterator<Item = Result<Mp4Box<'a>, AudioError>> {
        self.all_from(0, name)
    }

    /// Returns the boxes with this name after a position, and errors.
    pub(super) fn all_from(
        self,
        position: usize,
        name: &'static [u8; 4],
    ) -> impl Iterator<Item = Result<Mp4Box<'a>, AudioError>> {
        self.children_from(position)
            .filter(move |child| child.as_ref().map_or(true, |child| child.name == *name))
    }

    /// Returns the first box with this name.
    pub(super) fn find(self, name: &'static [u8; 4]) -> Result<Option<Mp4Box<'a>>, AudioError> {
        self.all(name).next().transpose()
    }

    pub(super) fn require(self, name: &'static [u8; 4]) -> Result<Mp4Box<'a>, AudioError> {
        let missing = || {
            let (inner, outer) = (name.escape_ascii(), self.name.escape_ascii());
            self.damaged(format!("the MP4 box \"{outer}\" does not contain a box \"{inner}\""))
        };
        self.find(name)?.ok_or_else(missing)
    }

    /// Returns the number of this many bytes at a position of the content.
    pub(super) fn number(&self, position: usize, width: usize) -> Result<u64, AudioError> {
        self.bytes(position, width).map(big_endian)
    }

    pub(super) fn bytes(&self, position: usize, width: usize) -> Result<&'a [u8], AudioError> {
        self.content.get(position..position + width).ok_or_else(|| {
            let name = self.name.escape_ascii();
            self.damaged(format!("the MP4 box \"{name}\" is too short with {} bytes", self.content.len()))
        })
    }

    /// Returns the rows of a table, given their width; their number is stored at the position before them.
    pub(super) fn rows(&self, position: usize, width: usize) -> Result<&'a [u8], AudioError> {
        let count = self.number(position, 4)?;
        let rows = &self.content[position + 4..];
        let max_rows = (rows.len() / width) as u64;
        if count > max_rows {
            let (path, byte) = (self.path.to_owned(), self.byte + position as u64);
            let (value, rule) =
                (format!("{count} rows"), format!("at most {max_rows}, the number of rows in the box"));
            return Err(AudioError::Header { path, byte, field: "MP4 table length", value, rule });
        }
        // At most the length of the content.
        Ok(&rows[..count as usize * width])
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> AudioError {
        AudioError::Damaged { path: self.path.to_owned(), byte: self.byte, what: what.into() }
    }

    pub(super) fn unsupported(&self, what: impl Into<String>) -> AudioError {
        AudioError::Unsupported { path: self.path.to_owned(), byte: self.byte, what: what.into() }
    }
}
