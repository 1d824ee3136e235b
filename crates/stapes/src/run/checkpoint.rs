//! Checkpoint file: a safetensors file with the buffers of a training, and its progress as JSON in the header.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use stapes_train::{Checkpoint, Progress, Snapshot};

use super::CHECKPOINT;
use super::folder::RunFolder;
use crate::error::Error;

/// Data and program of a training; they must match those of its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Fingerprint of the data and its split.
    pub data_fingerprint: String,
    /// Fingerprint of the recordings of noise and impulse responses for augmentation, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment_fingerprint: Option<String>,
    /// Program and instruction set; others give different last digits.
    pub program: String,
}

impl Provenance {
    /// Returns the provenance of a training with this program on this machine.
    pub fn current(data_fingerprint: String, augment_fingerprint: Option<String>) -> Provenance {
        let instructions = stapes_kernels::InstructionSet::best();
        let program = format!("stapes {} with {instructions}", env!("CARGO_PKG_VERSION"));
        Provenance { data_fingerprint, augment_fingerprint, program }
    }
}

/// Content of a checkpoint file.
pub struct SavedRun {
    /// Data and program.
    pub provenance: Provenance,
    /// State of the training.
    pub checkpoint: Checkpoint,
}

const FORMAT: u64 = 2;
const HEADER: &str = "stapes.checkpoint";

#[derive(Serialize)]
struct Header<'a> {
    format: u64,
    origin: &'a Provenance,
    progress: &'a Progress,
}

#[derive(Deserialize)]
struct Format {
    format: u64,
}

#[derive(Deserialize)]
struct ReadHeader {
    origin: Provenance,
    progress: Progress,
}

impl SavedRun {
    /// Writes a checkpoint into the folder of its run.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be written; the previous checkpoint is kept then.
    pub fn write(folder: &RunFolder, snapshot: &Snapshot<'_>, provenance: &Provenance) -> Result<(), Error> {
        let bytes: Vec<(&str, usize, Vec<u8>)> = snapshot
            .buffers
            .iter()
            .map(|(name, values)| {
                (*name, values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
            })
            .collect();
        let views = bytes.iter().map(|(name, len, bytes)| {
            // The number of bytes is that of `len` values.
            let view = TensorView::new(Dtype::F32, vec![*len], bytes);
            (*name, view.unwrap_or_else(|error| unreachable!("{name}: {error}")))
        });
        let header = Header { format: FORMAT, origin: provenance, progress: snapshot.progress };
        // JSON can represent all strings, numbers and lists.
        let header = serde_json::to_string(&header).unwrap_or_else(|error| unreachable!("header: {error}"));
        let metadata = HashMap::from([(HEADER.to_string(), header)]);
        let bytes = safetensors::serialize(views, Some(metadata));
        folder.write(CHECKPOINT, &bytes.unwrap_or_else(|error| unreachable!("tensors just made: {error}")))
    }

    /// Reads the checkpoint file of a run; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Vec<u8>>, Error> {
        let path = folder.join(CHECKPOINT);
        match stapes_files::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::File { path, action: "read the checkpoint", source }),
        }
    }

    /// Parses the content of a checkpoint file.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is invalid.
    pub fn parse(folder: &Path, bytes: &[u8]) -> Result<SavedRun, Error> {
        let path = folder.join(CHECKPOINT);
        parse(bytes).map_err(|reason| Error::Damaged { path, reason: reason + "; start again with --force" })
    }
}

fn parse(bytes: &[u8]) -> Result<SavedRun, String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let header = metadata.metadata().as_ref().and_then(|entries| entries.get(HEADER));
    let header = header.ok_or("the file has no header of a checkpoint")?;
    // The format comes first: the header of another format may have other fields.
    let Format { format } = serde_json::from_str(header).map_err(|error| error.to_string())?;
    if format != FORMAT {
        return Err(format!("the checkpoint has format {format}, but this program reads format {FORMAT}"));
    }
    let ReadHeader { origin, progress } = serde_json::from_str(header).map_err(|error| error.to_string())?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let buffer = |(name, view): (String, TensorView<'_>)| {
        let numbers = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        (name, numbers.collect())
    };
    Ok(SavedRun {
        provenance: origin,
        checkpoint: Checkpoint { progress, buffers: tensors.tensors().into_iter().map(buffer).collect() },
    })
}
