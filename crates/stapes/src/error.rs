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
    /// Waveforms are to be changed, and the data comes as frames.
    #[error(
        "[augment.waveform]: {set} comes as frames and has no samples: leave it out, or change frames by [augment.NAME]"
    )]
    NoWaveforms {
        /// The data set.
        set: &'static str,
    },
    /// The run's folder is taken.
    #[error("{}: exists already. Give another --out, or --force to replace it when training is done", .0.display())]
    RunExists(PathBuf),
    /// What stands where the run is to go is no run.
    #[error("{}: exists and is no run, so it is not replaced: give another --out", .0.display())]
    NotARun(PathBuf),
    /// A run stands where a folder of runs is to go.
    #[error("{}: is a run, and several runs need a folder that is none: give another --out", .0.display())]
    IsARun(PathBuf),
    /// A run stands there that is not finished.
    #[error(
        "{}: is a run that is not finished: `stapes train` with --resume goes on with it, with --force begins anew",
        .0.display()
    )]
    UnfinishedRun(PathBuf),
    /// The folder of a run, or of several, was moved or removed while they were made.
    #[error(
        "{}: the folder was moved or removed while a run was made in it: give the new place as --out, with --resume to go on \
         from the last checkpoint",
        .0.display()
    )]
    FolderGone(PathBuf),
    /// Another process makes the run.
    #[error("{}: another process is making this run: wait for it, or give another --out", .0.display())]
    Busy(PathBuf),
    /// Something stands where a run that is to be replaced would wait.
    #[error("{}: exists already, and the run to be replaced would wait there: move it away", .0.display())]
    BackupExists(PathBuf),
    /// A run was begun with another recipe.
    #[error(
        "{}: the run was begun with another recipe: `{then}` then, `{now}` now. Resume it with the same one, or begin anew \
         with --force",
        folder.display()
    )]
    DifferentRecipe {
        /// The folder of the run.
        folder: PathBuf,
        /// The first line of its recipe that is not in the other.
        then: String,
        /// The first line of the other that is not in its recipe.
        now: String,
    },
    /// A run was begun with other data.
    #[error(
        "{}: the run was begun with other data or another split of it: give the --data it was begun with, or begin anew \
         with --force",
        .0.display()
    )]
    DifferentData(PathBuf),
    /// Two processes that train together see different data.
    #[error(
        "process {own} and process {process} see different data: give all of them the same --data and recipe"
    )]
    ProcessDataMismatch {
        /// The one that says so.
        own: usize,
        /// The first that sees other data.
        process: usize,
    },
    /// Something went wrong when there was something to keep.
    #[error("{source}\nwhat was reached until the last checkpoint is kept in {}; --resume goes on from there", folder.display())]
    Kept {
        /// The folder of the run.
        folder: PathBuf,
        /// What went wrong.
        source: Box<Error>,
    },
    /// The recipe leaves its classes to the data, which is not at hand.
    #[error(
        "data.{set}: the recipe names no classes, so the data does: give its folder with --data DIR, or list them as \
         data.{set}.classes"
    )]
    UnknownClasses {
        /// The data set.
        set: &'static str,
    },
    /// The data set has other classes than the model.
    #[error(
        "the data set's classes are {data}, and the model's are {model}: evaluate it on the data it was trained for"
    )]
    ClassMismatch {
        /// The data set's, in their order.
        data: String,
        /// The model's, in their order.
        model: String,
    },
    /// The model decides for frames and the data has a label a recording, or the other way round.
    #[error(
        "{}",
        if *of_frames {
            "the data has a class for every moment, and the model decides for whole recordings: choose a model that \
             decides for every frame, such as [model.recurrent] with head = \"per_frame\""
        } else {
            "the data has one label a recording, and the model decides for every frame: choose a model that decides \
             for whole recordings, such as [model.recurrent] with another head than per_frame"
        }
    )]
    Labels {
        /// Whether the classes of the data are of moments.
        of_frames: bool,
    },
    /// Recordings whose every moment has a class are to be cut or padded.
    #[error(
        "features.fixed_length_samples = {samples}: the data has a class for every moment, and its recordings keep \
         their length: leave it out (train.segment_frames cuts for training)"
    )]
    FixedLength {
        /// The length asked for.
        samples: usize,
    },
    /// A run without validation examples is to be judged.
    #[error("{}: the run has no validation examples, and a search judges by these: give data.….validation_share", .0.display())]
    NoValidation(PathBuf),
    /// The model has no recurrent layer.
    #[error("the model has no recurrent layer, and only such a layer's states have gradients through time")]
    NoRecurrentLayer,
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
    Eval(#[from] stapes_eval::MetricsError),
    /// The model file or its use.
    #[error(transparent)]
    Infer(#[from] stapes_infer::InferError),
}

impl Error {
    /// Whether it says that loading was stopped, and not that something is wrong.
    pub fn is_stop(&self) -> bool {
        match self {
            Error::Resumable { source, .. } => source.is_stop(),
            error => matches!(error, Error::Data(stapes_data::DataError::Stopped { .. })),
        }
    }
}
