//! A training written down: a safetensors file with its buffers, and its numbers as JSON in the header.

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

/// What a training must have in common with its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Of the data and its split.
    pub data_fingerprint: String,
    /// Of the recordings that augmentation uses, if it uses any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment_fingerprint: Option<String>,
    /// The program that wrote it, and the instruction set that it computed with: others give other last digits.
    pub program: String,
}

impl Provenance {
    /// Of this program on this machine.
    pub fn here(data_fingerprint: String, augment_fingerprint: Option<String>) -> Provenance {
        let instructions = stapes_kernels::InstructionSet::best();
        let program = format!("stapes {} with {instructions}", env!("CARGO_PKG_VERSION"));
        Provenance { data_fingerprint, augment_fingerprint, program }
    }
}

/// A checkpoint as it is read.
pub struct SavedRun {
    /// Where it comes from.
    pub origin: Provenance,
    /// The training.
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
struct ReadHeader {
    format: u64,
    origin: Provenance,
    progress: Progress,
}

impl SavedRun {
    /// Writes a checkpoint into the folder of its run.
    ///
    /// # Errors
    /// [`Error::File`] if the file system refuses; the checkpoint before is untouched then.
    pub fn write(folder: &RunFolder, snapshot: &Snapshot<'_>, origin: &Provenance) -> Result<(), Error> {
        let bytes: Vec<(&str, usize, Vec<u8>)> = snapshot
            .buffers
            .iter()
            .map(|(name, values)| {
                (*name, values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
            })
            .collect();
        let views = bytes.iter().map(|(name, len, bytes)| {
            // The bytes were made from as many numbers.
            let view = TensorView::new(Dtype::F32, vec![*len], bytes);
            (*name, view.unwrap_or_else(|error| unreachable!("{name}: {error}")))
        });
        let header = Header { format: FORMAT, origin, progress: snapshot.progress };
        // Strings, numbers and lists: nothing that JSON cannot hold.
        let header = serde_json::to_string(&header).unwrap_or_else(|error| unreachable!("header: {error}"));
        let metadata = HashMap::from([(HEADER.to_string(), header)]);
        let bytes = safetensors::serialize(views, Some(metadata));
        folder.write(CHECKPOINT, &bytes.unwrap_or_else(|error| unreachable!("tensors just made: {error}")))
    }

    /// The file of a run's checkpoint; none where nothing was written yet.
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

    /// What the file of a checkpoint says.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be understood.
    pub fn understand(folder: &Path, bytes: &[u8]) -> Result<SavedRun, Error> {
        let path = folder.join(CHECKPOINT);
        understood(bytes)
            .map_err(|reason| Error::Damaged { path, reason: reason + ": begin anew with --force" })
    }
}

fn understood(bytes: &[u8]) -> Result<SavedRun, String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let header = metadata.metadata().as_ref().and_then(|entries| entries.get(HEADER));
    let header = header.ok_or("a safetensors file without a checkpoint's header")?;
    let ReadHeader { format, origin, progress } =
        serde_json::from_str(header).map_err(|error| error.to_string())?;
    if format != FORMAT {
        return Err(format!("a checkpoint of format {format}, and this program reads {FORMAT}"));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let buffer = |(name, view): (String, TensorView<'_>)| {
        let numbers = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        (name, numbers.collect())
    };
    Ok(SavedRun {
        origin,
        checkpoint: Checkpoint { progress, buffers: tensors.tensors().into_iter().map(buffer).collect() },
    })
}
