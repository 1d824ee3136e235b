//! Errors of model files and classification.

use std::path::PathBuf;

/// Error that prevents reading, writing or running a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// An operation of the file system failed.
    #[error("{}: cannot {action}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Attempted action: `read the model`, `write the model`.
        action: &'static str,
        /// Error of the file system.
        source: std::io::Error,
    },
    /// A sample is so large that the power of its frame overflows.
    #[error(
        "sample {sample} is {value:e}, and the power of its frame overflows; scale the samples to [-1, 1]"
    )]
    TooLarge {
        /// Index of the largest sample of the recording, from 0.
        sample: usize,
        /// Its value.
        value: f32,
    },
    /// The file is not a complete model file.
    #[error("{}: not a complete model file: {reason}. Copy the file again, or train again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
    /// The file with initial weights is not a readable safetensors file.
    #[error(
        "{}: not a file of weights in the safetensors format: {reason}. Write it with \
         safetensors.torch.save_file(model.state_dict(), ...)",
        path.display()
    )]
    NoWeights {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
    /// The tensors of the file are not those of the model.
    #[error(
        "{}: the weights do not fit the model\n{}",
        path.display(),
        list_problems(&[("missing", missing), ("not expected", unexpected), ("of another shape", misshapen)])
    )]
    Weights {
        /// The file.
        path: PathBuf,
        /// Names and shapes of the model's tensors that the file lacks.
        missing: Vec<String>,
        /// Names of the file's tensors that the model lacks.
        unexpected: Vec<String>,
        /// Names of tensors with a wrong shape or type, with the found and the expected one.
        misshapen: Vec<String>,
    },
    /// The file has another format version.
    #[error(
        "{}: the file has model format {found}, but this program reads format {expected}; use the version that wrote it \
         ({writer}), or train again",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Format of the file.
        found: u64,
        /// Format that this program reads.
        expected: u64,
        /// Program that wrote the file.
        writer: String,
    },
    /// The input is not of the kind or shape that the model reads.
    #[error("this model reads {expected}, not {got}")]
    WrongInput {
        /// Input that the model reads.
        expected: String,
        /// Input that it was given.
        got: String,
    },
    /// The model predicts a class per frame, or one class per recording, and the other was requested.
    #[error("{}", if *frame_level {
        "the model predicts a class per frame; use `segments` or `classify`"
    } else {
        "the model predicts one class per recording; use `predict`"
    })]
    FrameLevel {
        /// True for a frame-level model.
        frame_level: bool,
    },
    /// The output of the model is not finite.
    #[error(
        "the probabilities are not finite because weights or frames are too large; train with a lower \
         train.learning_rate, or check the recording"
    )]
    NotFinite,
    /// The model has a parameter that is not finite.
    #[error(
        "{name} contains {value}; a model file contains finite numbers only, so train with a lower train.learning_rate"
    )]
    NotFiniteModel {
        /// The tensor.
        name: String,
        /// The value.
        value: f32,
    },
    /// The settings of keywords do not fit the model.
    #[error("{0}; correct the settings of the keywords")]
    Keywords(String),
    /// An option of speech segments is invalid.
    #[error("{name} = {fault}; correct the options of speech segments")]
    SpeechOptions {
        /// Name of the option.
        name: &'static str,
        /// Its value and the rule that it violates.
        fault: String,
    },
    /// The recording is too short for a frame.
    #[error("the recording has {samples} samples, too few for one frame of features; use a longer recording")]
    NoFrames {
        /// Number of its samples.
        samples: usize,
    },
    /// The model needs future frames.
    #[error("the model cannot run on a stream: {0}")]
    NotCausal(#[from] stapes_nn::NotCausal),
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

/// Formats the lists that are not empty, one name per line.
fn list_problems(lists: &[(&str, &[String])]) -> String {
    let lines = lists.iter().flat_map(|(problem, names)| names.iter().map(move |name| (problem, name)));
    lines.map(|(problem, name)| format!("  {problem}: {name}")).collect::<Vec<_>>().join("\n")
}
