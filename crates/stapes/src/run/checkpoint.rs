//! Checkpoint file: a safetensors file with the buffers of a training, its progress as JSON in the header, and a checksum.

use std::io;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::{Deserialize, Serialize};
use stapes_files::tensors::{Tensor, TensorFile};
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
const FILE: TensorFile = TensorFile { entry: "stapes.checkpoint", format: FORMAT };

#[derive(Serialize)]
struct Header<'a> {
    format: u64,
    origin: &'a Provenance,
    progress: &'a Progress,
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
        let buffers = snapshot.buffers.iter();
        let tensors: Vec<Tensor<'_>> =
            buffers.map(|(name, values)| Tensor::f32(name, vec![values.len()], values)).collect();
        let header = Header { format: FORMAT, origin: provenance, progress: snapshot.progress };
        folder.write(CHECKPOINT, &FILE.to_bytes(&header, &tensors))
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
        parse(bytes).map_err(|reason| {
            let reason = format!("the checkpoint cannot be used: {reason}; start again with --force");
            Error::Damaged { path, reason }
        })
    }
}

fn parse(bytes: &[u8]) -> Result<SavedRun, String> {
    let (header, tensors) = FILE.read(bytes).map_err(|error| error.to_string())?;
    let ReadHeader { origin, progress } = header;
    let buffer = |(name, view): (String, TensorView<'_>)| match (view.dtype(), view.shape()) {
        (Dtype::F32, [_]) => {
            let numbers = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            Ok((name, numbers.collect()))
        }
        (dtype, shape) => Err(format!("tensor {name} has the type {dtype} and the shape {shape:?}")),
    };
    let buffers = tensors.tensors().into_iter().map(buffer).collect::<Result<_, String>>()?;
    Ok(SavedRun { provenance: origin, checkpoint: Checkpoint { progress, buffers } })
}
