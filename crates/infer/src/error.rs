//! What can go wrong with a model file or with what it is asked to classify.

use std::path::PathBuf;

/// Why a model cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// The file system refuses.
    #[error("{}: cannot {action}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried: `read the model`, `write the model`.
        action: &'static str,
        /// What it says.
        source: std::io::Error,
    },
    /// The file is no model file, or only part of one.
    #[error("{}: no complete model file: {reason}. Train again, or copy the file again from where it came", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file to take weights from holds none that can be read.
    #[error(
        "{}: no weights in the safetensors format: {reason}. Write them with safetensors.torch.save_file(model.state_dict(), ...)",
        path.display()
    )]
    NoWeights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file's tensors are not those of the model.
    #[error(
        "{}: the weights do not fit the model\n{}",
        path.display(),
        listed(&[("missing", missing), ("not expected", unexpected), ("of another shape", misshapen)])
    )]
    Weights {
        /// The file.
        path: PathBuf,
        /// What the model has and the file has not, with its shape.
        missing: Vec<String>,
        /// What the file has and the model has not.
        unexpected: Vec<String>,
        /// What has another shape or type, with both.
        misshapen: Vec<String>,
    },
    /// The file was written by a version with another format.
    #[error("{}: model format {found}, and this program reads format {expected}: use the stapes that wrote it ({writer}), or train again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u64,
        /// The format that this program reads.
        expected: u64,
        /// The program that wrote the file.
        writer: String,
    },
    /// The model was trained on frames and is asked for a recording, or the other way round.
    #[error("this model reads {expected}, not {got}")]
    WrongInput {
        /// What it was trained on.
        expected: String,
        /// What it was given.
        got: String,
    },
    /// The model's output for an input is not finite.
    #[error(
        "the probabilities are not finite: the weights or the frames are too large. Train the model again with a lower \
         train.learning_rate, or check the recording"
    )]
    NotFinite,
    /// A model has a number that is not finite, and no reader takes one.
    #[error("{name} holds {value}, and a model file holds finite numbers only: train again with a lower train.learning_rate")]
    NotFiniteModel {
        /// The tensor.
        name: String,
        /// The number.
        value: f32,
    },
    /// The recording yields no frame.
    #[error("the recording is too short for one frame of features: {samples} samples")]
    NoFrames {
        /// How many samples it has.
        samples: usize,
    },
    /// The model looks ahead.
    #[error("the model cannot run on a stream: {0}")]
    NotCausal(#[from] stapes_nn::NotCausal),
    /// It is not known where the front end's frames lie in time.
    #[error(
        "features.front_end.{front_end}: it is not known where its frames lie in time, so they have no labels by time: use another front end"
    )]
    NoTimes {
        /// Its name in a recipe.
        front_end: &'static str,
    },
    /// The features cannot be computed.
    #[error(transparent)]
    Features(#[from] stapes_features::FeatureError),
    /// The recording cannot be resampled.
    #[error(transparent)]
    Audio(#[from] stapes_audio::AudioError),
    /// The model cannot be built.
    #[error(transparent)]
    Model(#[from] stapes_nn::ModelError),
}

/// The lists that are not empty, a line each.
fn listed(lists: &[(&str, &[String])]) -> String {
    let full = lists.iter().filter(|(_, names)| !names.is_empty());
    let lines: Vec<String> =
        full.map(|(what, names)| format!("  {what}: {}", names.join(&format!("\n  {what}: ")))).collect();
    lines.join("\n")
}
