//! Errors of recipes, experiments and runs.

use std::path::PathBuf;

/// Error of a recipe, an experiment or a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A recipe cannot be read, or has an invalid value.
    #[error("{name}: {reason}")]
    Recipe {
        /// Name of the file.
        name: String,
        /// Line or key, and the expected content.
        reason: String,
    },
    /// A name is neither that of a recipe file nor that of a built-in recipe.
    #[error("{name}: {reason}")]
    NoRecipe {
        /// The name.
        name: String,
        /// Where recipes are searched, and the closest name.
        reason: String,
    },
    /// Examples in memory do not form a data set.
    #[error("{0}")]
    Dataset(String),
    /// A recipe has the wrong input section for its data set.
    #[error(
        "[{section}] {rule} (data set {set}); use [features] for recordings, and [frames] for data that comes as frames"
    )]
    Input {
        /// Name of the data set.
        set: &'static str,
        /// Name of the section.
        section: &'static str,
        /// Fault of the section.
        rule: &'static str,
    },
    /// Waveform augmentation is configured for data that comes as frames.
    #[error(
        "[augment.waveform]: {set} comes as frames and has no samples; remove it, or augment frames with [augment.NAME]"
    )]
    NoWaveforms {
        /// Name of the data set.
        set: &'static str,
    },
    /// The run folder already exists.
    #[error("{}: already exists; choose another --out, or replace it with --force", .0.display())]
    RunExists(PathBuf),
    /// The path exists and is not a run folder.
    #[error("{}: exists and is not a run folder; choose another --out", .0.display())]
    NotARun(PathBuf),
    /// A single run exists where a folder of several runs is needed.
    #[error("{}: is a single run; choose another --out, for a folder that can hold several runs", .0.display())]
    IsARun(PathBuf),
    /// The run folder contains an unfinished run.
    #[error(
        "{}: is an unfinished run; continue it with `stapes train --resume`, or start again with --force",
        .0.display()
    )]
    UnfinishedRun(PathBuf),
    /// The run in the folder was stopped or killed, and has a checkpoint.
    #[error(
        "{}: the run stopped at step {step}; continue it with `stapes train --resume`, or start again with --force",
        folder.display()
    )]
    StoppedRun {
        /// Run folder.
        folder: PathBuf,
        /// Step of the checkpoint.
        step: usize,
    },
    /// The run was written before recipe keys were renamed.
    #[error(
        "{}: this run was written before keys were renamed ({key}; see CHANGELOG.md); train it again",
        folder.display()
    )]
    OldRun {
        /// Run folder.
        folder: PathBuf,
        /// First renamed key, with its new name.
        key: String,
    },
    /// The folder was moved or removed during training.
    #[error(
        "{}: the folder was moved or removed during training; continue with --resume and the new location as --out",
        .0.display()
    )]
    FolderGone(PathBuf),
    /// Another process is training this run.
    #[error("{}: another process is training this run; wait for it, or choose another --out", .0.display())]
    Busy(PathBuf),
    /// The backup path for the run to be replaced already exists.
    #[error("{}: already exists, but the run to be replaced must be moved there; move it away", .0.display())]
    BackupExists(PathBuf),
    /// The run was started with a different recipe.
    #[error(
        "{}: the run was started with a different recipe: `{then}` then, `{now}` now; resume it with the same recipe, or \
         start again with --force",
        folder.display()
    )]
    DifferentRecipe {
        /// Run folder.
        folder: PathBuf,
        /// First line of the run's recipe that the new recipe does not have.
        then: String,
        /// First line of the new recipe that the run's recipe does not have.
        now: String,
    },
    /// The run was started with different data.
    #[error(
        "{}: the run was started with different data or a different split; use its original --data, or start again with \
         --force",
        .0.display()
    )]
    DifferentData(PathBuf),
    /// Processes that train together have different data.
    #[error(
        "process {own} and process {process} have different data; give all processes the same --data and recipe"
    )]
    ProcessDataMismatch {
        /// Rank of the process that reports the error.
        own: usize,
        /// Lowest rank with different data.
        process: usize,
    },
    /// An error occurred after a checkpoint was written.
    #[error("{source}\nthe last checkpoint is in {}; continue from there with --resume", folder.display())]
    Resumable {
        /// Run folder.
        folder: PathBuf,
        /// Cause.
        source: Box<Error>,
    },
    /// The classes come from the data, but the data is not available.
    #[error(
        "data.{set}: the classes come from the data; set its folder with --data DIR, or list the classes as \
         data.{set}.classes"
    )]
    UnknownClasses {
        /// Name of the data set.
        set: &'static str,
    },
    /// The classes of the data set differ from those of the model.
    #[error(
        "the classes of the data set are {data}, but those of the model are {model}; evaluate it on the data of its training"
    )]
    ClassMismatch {
        /// Classes of the data set, in order.
        data: String,
        /// Classes of the model, in order.
        model: String,
    },
    /// The data has labels that the model does not have.
    #[error(
        "{set}: the model has no label {unknown}, only {model}; rename the labels, or leave out these examples"
    )]
    UnknownLabels {
        /// Name of the data set.
        set: String,
        /// Labels of the data that are not labels of the model.
        unknown: String,
        /// Labels of the model, in order.
        model: String,
    },
    /// The data has frame-level labels and the model is not frame-level, or the reverse.
    #[error(
        "{}",
        if *per_frame {
            "the data has frame-level labels, but the model predicts one class per recording; choose a frame-level model, \
             such as [model.recurrent] with head = \"per_frame\""
        } else {
            "the data has one label per recording, but the model predicts one class per frame; choose a model that \
             predicts one class per recording, such as [model.recurrent] with a head other than per_frame"
        }
    )]
    Labels {
        /// `true` if the data has frame-level labels.
        per_frame: bool,
    },
    /// Recordings with frame-level labels cannot be cut or padded.
    #[error(
        "features.fixed_length_samples = {samples}: the data has frame-level labels, so its recordings keep their length; \
         remove the key (train.segment_frames sets the length of training segments)"
    )]
    FixedLength {
        /// Configured length.
        samples: usize,
    },
    /// A search needs validation examples, and the run has none.
    #[error("{}: the run has no validation examples, which a search needs; set data.SET.validation_fraction, where SET is the data set of the recipe", .0.display())]
    NoValidation(PathBuf),
    /// The model has no recurrent layer.
    #[error(
        "the model has no recurrent layer, so there are no gradients through time; choose a recurrent model"
    )]
    NoRecurrentLayer,
    /// The folder does not contain a run.
    #[error("{}: is not a run folder, {file} is missing; use the folder that `stapes train --out` wrote", folder.display())]
    NoRun {
        /// Folder.
        folder: PathBuf,
        /// Missing file.
        file: &'static str,
    },
    /// There is neither a file, nor a folder, nor a built-in model of this name.
    #[error("{}: does not exist, and is not a built-in model; {advice}", path.display())]
    NoModel {
        /// The path or name.
        path: PathBuf,
        /// The next step.
        advice: String,
    },
    /// The folder contains run folders.
    #[error("{}: is not a run folder, but contains runs; choose one, such as {}", folder.display(), run.display())]
    SeveralRuns {
        /// The folder.
        folder: PathBuf,
        /// One of the runs.
        run: PathBuf,
    },
    /// A file operation failed.
    #[error("{}: cannot {action}: {source}", path.display())]
    File {
        /// Path of the file or folder.
        path: PathBuf,
        /// Operation.
        action: &'static str,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// A file of the run has invalid content.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Fault.
        reason: String,
    },
    /// A recording must be read whole, and is too long for that.
    #[error(
        "{}: the recording has more than {max_samples} samples, the limit for recordings that are read whole ({reason}); cut it \
         into shorter files, or use a model that runs on a stream, at its sample rate",
        path.display()
    )]
    TooLong {
        /// Sound file.
        path: PathBuf,
        /// Reason why it is read whole.
        reason: String,
        /// Maximum number of samples.
        max_samples: usize,
    },
    /// Error of the data set.
    #[error(transparent)]
    Data(#[from] stapes_data::DataError),
    /// Error of the augmentation.
    #[error(transparent)]
    Augment(#[from] stapes_augment::AugmentError),
    /// Error of the features.
    #[error(transparent)]
    Features(#[from] stapes_features::FeatureError),
    /// Error of the model configuration.
    #[error(transparent)]
    Model(#[from] stapes_nn::ModelError),
    /// Error of the training.
    #[error(transparent)]
    Train(#[from] stapes_train::TrainError),
    /// Error of a metric.
    #[error(transparent)]
    Metrics(#[from] stapes_metrics::MetricsError),
    /// Error of a table, figure or page.
    #[error(transparent)]
    Report(#[from] stapes_report::ReportError),
    /// Error of the model file or the classifier.
    #[error(transparent)]
    Infer(#[from] stapes_infer::InferError),
    /// A model cannot be quantized.
    #[error(transparent)]
    Quantize(Box<stapes_quantize::QuantizeError>),
}

impl From<stapes_quantize::QuantizeError> for Error {
    fn from(error: stapes_quantize::QuantizeError) -> Error {
        match error {
            stapes_quantize::QuantizeError::Model(error) => Error::Infer(error),
            error => Error::Quantize(Box::new(error)),
        }
    }
}

impl Error {
    /// Returns `true` if the checkpoint does not fit, so that --resume would fail again.
    pub(crate) fn rejects_checkpoint(&self) -> bool {
        let of_file = |path: &std::path::Path| path.ends_with(crate::run::CHECKPOINT);
        match self {
            Error::DifferentRecipe { .. } | Error::DifferentData(_) => true,
            Error::Damaged { path, .. } => of_file(path),
            _ => false,
        }
    }

    /// Returns `true` if loading was stopped on request, which is not a fault.
    pub fn is_stop(&self) -> bool {
        match self {
            Error::Resumable { source, .. } => source.is_stop(),
            error => matches!(error, Error::Data(stapes_data::DataError::Stopped { .. })),
        }
    }

    /// Returns `true` if the cause is that a file, a folder, a run or a recipe does not exist.
    pub fn is_not_found(&self) -> bool {
        use {stapes_augment::AugmentError, stapes_data::DataError};
        let mut causes =
            std::iter::successors(Some(self as &(dyn std::error::Error + 'static)), |error| error.source());
        match self {
            Error::NoRun { .. }
            | Error::NoModel { .. }
            | Error::SeveralRuns { .. }
            | Error::NoRecipe { .. }
            | Error::Data(DataError::MissingFolder { .. })
            | Error::Augment(AugmentError::MissingFolder { .. }) => true,
            Error::Resumable { source, .. } => source.is_not_found(),
            _ => causes.any(|cause| {
                let cause = cause.downcast_ref::<std::io::Error>();
                cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::NotFound)
            }),
        }
    }

    /// Returns `true` for an error about a key of the recipe, whose text does not name the recipe.
    pub fn is_about_key(&self) -> bool {
        use stapes_data::DataError;
        matches!(
            self,
            Error::Data(
                DataError::Setting { .. }
                    | DataError::NoFolds { .. }
                    | DataError::NoExamples { .. }
                    | DataError::SharedSpeakers { .. }
                    | DataError::SharedContent { .. }
            ) | Error::UnknownClasses { .. }
        )
    }
}

/// Removes the numbers of system errors: `No such file or directory (os error 2)`.
pub fn without_os_numbers(text: &str) -> String {
    const NUMBER: &str = " (os error ";
    let mut pieces = text.split(NUMBER);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(')') {
            Some((number, rest)) if number.parse::<i32>().is_ok() => kept += rest,
            _ => kept += &format!("{NUMBER}{piece}"),
        }
    }
    kept
}
