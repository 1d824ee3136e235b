//! What can go wrong between a recipe and a run.

use std::path::PathBuf;

/// Why an experiment cannot be read, run or found again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A recipe that cannot be read or asks for something impossible.
    #[error("{name}: {reason}")]
    Recipe {
        /// The file.
        name: String,
        /// The line or key, and what is expected there.
        reason: String,
    },
    /// A recipe with the wrong section for its data.
    #[error(
        "[{section}] {rule} (data set {set}): recordings need [features], which says how they become frames; \
         data that comes as frames takes [frames]"
    )]
    Input {
        /// The data set.
        set: &'static str,
        /// The section.
        section: &'static str,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// The run's folder is taken.
    #[error("{}: exists already. Give another --out, or --force to replace it when training is done", .0.display())]
    RunExists(PathBuf),
    /// A folder that is to be replaced holds something else.
    #[error("{}: --force replaces runs, and this is none: give another --out", .0.display())]
    NotARun(PathBuf),
    /// The folder holds no run.
    #[error("{}: no run: {file} is missing. Give the folder that `stapes train --out` wrote", folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
        /// What was looked for.
        file: &'static str,
    },
    /// The file system refuses.
    #[error("{}: cannot {action}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What it says.
        source: std::io::Error,
    },
    /// A file of the run cannot be understood.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Stopped before there was a result.
    #[error("stopped while {0}: nothing was written")]
    Stopped(&'static str),
    /// The data set.
    #[error(transparent)]
    Data(#[from] stapes_data::DataError),
    /// The features.
    #[error(transparent)]
    Features(#[from] stapes_features::FeatureError),
    /// The model.
    #[error(transparent)]
    Model(#[from] stapes_nn::ModelError),
    /// The training.
    #[error(transparent)]
    Train(#[from] stapes_train::TrainError),
    /// The evaluation or its report.
    #[error(transparent)]
    Eval(#[from] stapes_eval::EvalError),
    /// The model file or its use.
    #[error(transparent)]
    Infer(#[from] stapes_infer::InferError),
}
