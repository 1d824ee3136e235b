//! Safetensors files of the program: tensors, a header as JSON in an entry of the metadata, and a checksum of both.
//!
//! The checksum is the first field of the header: `{"checksum": "crc64:…", …}`. It covers names, types, shapes and values of all
//! tensors and the rest of the header, so that it survives a program that reads the file and writes the same tensors again.
//!
//! # Source
//! CRC-64/XZ, ECMA-182.

use std::collections::HashMap;

use crc::{CRC_64_XZ, Crc, Digest, Table};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Tensor that is written.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    /// Name.
    pub name: &'a str,
    /// Type of the values.
    pub dtype: Dtype,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Values, little-endian.
    pub bytes: Vec<u8>,
}

impl<'a> Tensor<'a> {
    /// Returns a tensor of numbers.
    pub fn f32(name: &'a str, shape: Vec<usize>, values: &[f32]) -> Tensor<'a> {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor { name, dtype: Dtype::F32, shape, bytes }
    }
}

/// Reason why the bytes are not a file of the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorFileError {
    /// The file is not complete, not of this kind, or damaged.
    #[error("{0}")]
    Damaged(String),
    /// The file has another format.
    #[error("the file has format {found}, but this program reads format {expected}")]
    Format {
        /// Format of the file.
        found: u64,
        /// Format that this program reads.
        expected: u64,
        /// Program that wrote the file, if it is known.
        writer: String,
    },
}

/// Kind of file: the entry of the metadata that contains its header, and the format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorFile {
    /// Entry of the metadata.
    pub entry: &'static str,
    /// Value of the header's field `format`.
    pub format: u64,
}

/// Fields that the header has in every version.
#[derive(Deserialize)]
struct AnyHeader {
    format: u64,
    #[serde(default)]
    writer: String,
}

/// Tables of the checksum, 2 KB each: many are fast, and one makes a WebAssembly module small.
#[cfg(not(target_arch = "wasm32"))]
type Tables = Table<16>;
#[cfg(target_arch = "wasm32")]
type Tables = Table<1>;

const CRC: Crc<u64, Tables> = Crc::<u64, Tables>::new(&CRC_64_XZ);

/// Start of a header with a checksum; 16 hexadecimal digits and [`AFTER`] follow.
const BEFORE: &str = "{\"checksum\":\"crc64:";
const AFTER: &str = "\",";

impl TensorFile {
    /// Returns the bytes of a file; equal arguments give equal bytes. The header must be a map with the field `format`.
    ///
    /// # Panics
    /// If two tensors have the same name, or the bytes of one do not match its shape.
    pub fn to_bytes(self, header: &impl Serialize, tensors: &[Tensor<'_>]) -> Vec<u8> {
        // JSON can represent all strings, numbers and lists.
        let header = serde_json::to_string(header).unwrap_or_else(|error| unreachable!("header: {error}"));
        let views = tensors.iter().map(|tensor| {
            let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
            (tensor.name, view.unwrap_or_else(|error| panic!("{}: {error}", tensor.name)))
        });
        let views: Vec<(&str, TensorView<'_>)> = views.collect();
        let checksum = self.checksum(&header, &views);
        let header = format!("{BEFORE}{checksum}{AFTER}{}", &header[1..]);
        let metadata = HashMap::from([(self.entry.to_owned(), header)]);
        safetensors::serialize(views, Some(metadata)).unwrap_or_else(|error| panic!("tensors: {error}"))
    }

    /// Reads header and tensors, and compares the checksum.
    ///
    /// # Errors
    /// [`TensorFileError::Damaged`] if the bytes are not those of a complete file of this kind, or the checksum is missing or
    /// wrong; [`TensorFileError::Format`] for another format.
    pub fn read<H: DeserializeOwned>(self, bytes: &[u8]) -> Result<(H, SafeTensors<'_>), TensorFileError> {
        let (header, tensors) = self.parse(bytes)?;
        let sealed = split(&header);
        self.compare(sealed.as_ref(), &tensors)?;
        let AnyHeader { format, writer } = serde_json::from_str(&header).map_err(damaged)?;
        if format != self.format {
            return Err(TensorFileError::Format { found: format, expected: self.format, writer });
        }
        let Some((_, header)) = sealed else {
            return Err(damaged(
                "it has no checksum, so a version before checksums or another program wrote it",
            ));
        };
        let header = serde_json::from_str(&header).map_err(damaged)?;
        Ok((header, tensors))
    }

    /// Compares the checksum of a safetensors file, if it is of this kind and has one; a file of another program is accepted.
    ///
    /// # Errors
    /// [`TensorFileError::Damaged`] if the file is not a complete safetensors file, or the checksum is wrong.
    pub fn verify(self, bytes: &[u8]) -> Result<(), TensorFileError> {
        SafeTensors::deserialize(bytes).map_err(damaged)?;
        let Ok((header, tensors)) = self.parse(bytes) else { return Ok(()) };
        self.compare(split(&header).as_ref(), &tensors)
    }

    /// Returns the header, with the checksum if there is one, and the tensors.
    fn parse(self, bytes: &[u8]) -> Result<(String, SafeTensors<'_>), TensorFileError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let header = metadata.metadata().as_ref().and_then(|entries| entries.get(self.entry));
        let missing = || format!("it is a safetensors file without the metadata entry `{}`", self.entry);
        let header = header.ok_or_else(|| damaged(missing()))?;
        Ok((header.clone(), SafeTensors::deserialize(bytes).map_err(damaged)?))
    }

    fn compare(
        self,
        sealed: Option<&(&str, String)>,
        tensors: &SafeTensors<'_>,
    ) -> Result<(), TensorFileError> {
        let Some((checksum, header)) = sealed else { return Ok(()) };
        match *checksum == self.checksum(header, &tensors.iter().collect::<Vec<_>>()) {
            true => Ok(()),
            false => Err(damaged("its checksum is wrong, so a part of it was changed")),
        }
    }

    /// Returns the checksum of the header without it and of the tensors in the order of their names.
    fn checksum(self, header: &str, tensors: &[(&str, TensorView<'_>)]) -> String {
        let mut digest = CRC.digest();
        add(&mut digest, self.entry.as_bytes());
        add(&mut digest, header.as_bytes());
        let mut tensors: Vec<&(&str, TensorView<'_>)> = tensors.iter().collect();
        tensors.sort_by_key(|(name, _)| *name);
        for (name, view) in tensors {
            add(&mut digest, name.as_bytes());
            add(&mut digest, view.dtype().to_string().as_bytes());
            add(&mut digest, format!("{:?}", view.shape()).as_bytes());
            add(&mut digest, view.data());
        }
        format!("{:016x}", digest.finalize())
    }
}

fn damaged(error: impl ToString) -> TensorFileError {
    TensorFileError::Damaged(error.to_string())
}

/// Adds a field with its length, so that no other list of fields has the same bytes.
fn add(digest: &mut Digest<'_, u64, Tables>, field: &[u8]) {
    digest.update(&(field.len() as u64).to_le_bytes());
    digest.update(field);
}

/// Splits a header into its checksum and the header without it; `None` without a checksum.
fn split(header: &str) -> Option<(&str, String)> {
    let rest = header.strip_prefix(BEFORE)?;
    let (checksum, rest) = rest.split_at_checked(16)?;
    Some((checksum, format!("{{{}", rest.strip_prefix(AFTER)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Header {
        format: u64,
        labels: Vec<String>,
    }

    const FILE: TensorFile = TensorFile { entry: "test", format: 2 };

    fn header() -> Header {
        Header { format: 2, labels: vec!["no".into(), "\"yes\"".into()] }
    }

    fn tensors() -> Vec<Tensor<'static>> {
        vec![Tensor::f32("b", vec![2, 1], &[1.5, -2.0]), Tensor::f32("a", vec![1], &[0.25])]
    }

    /// Returns the header and all tensors as text, so that equal contents are equal.
    fn content(bytes: &[u8]) -> Result<String, TensorFileError> {
        let (header, tensors): (Header, _) = FILE.read(bytes)?;
        let mut all: Vec<String> = tensors
            .iter()
            .map(|(name, view)| format!("{name} {:?} {:?} {:?}", view.dtype(), view.shape(), view.data()))
            .collect();
        all.sort();
        Ok(format!("{header:?} {all:?}"))
    }

    #[test]
    fn every_flipped_bit_is_found_or_changes_nothing() {
        let bytes = FILE.to_bytes(&header(), &tensors());
        assert_eq!(bytes, FILE.to_bytes(&header(), &tensors()));
        let written = content(&bytes).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = content(&flipped) {
                assert_eq!(read, written, "bit {bit}");
            }
        }
        for end in 0..bytes.len() {
            assert!(content(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_file_of_the_same_tensors_in_another_order_is_read() {
        let mut reversed = tensors();
        reversed.reverse();
        let written = content(&FILE.to_bytes(&header(), &tensors())).unwrap();
        assert_eq!(content(&FILE.to_bytes(&header(), &reversed)).unwrap(), written);
    }

    #[test]
    fn files_of_another_format_or_kind_and_without_a_checksum_are_named() {
        let message = |bytes: &[u8]| content(bytes).unwrap_err().to_string();
        let other = FILE.to_bytes(&Header { format: 7, ..header() }, &tensors());
        assert_eq!(message(&other), "the file has format 7, but this program reads format 2");
        let other = TensorFile { entry: "other", ..FILE }.to_bytes(&header(), &tensors());
        assert_eq!(message(&other), "it is a safetensors file without the metadata entry `test`");
        let plain = |header: &str| {
            let tensors: Vec<(String, TensorView<'_>)> = Vec::new();
            safetensors::serialize(tensors, Some(HashMap::from([("test".into(), header.into())]))).unwrap()
        };
        assert!(message(&plain(r#"{"format":2,"labels":[]}"#)).starts_with("it has no checksum"));
        assert_eq!(
            message(&plain(r#"{"format":1}"#)),
            "the file has format 1, but this program reads format 2"
        );
        assert!(message(b"nothing").contains("eader"));
    }
}
