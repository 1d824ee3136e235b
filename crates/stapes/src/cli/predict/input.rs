//! Classifier of the files that a model reads: sound files, or files of frames.

use std::path::Path;

use anyhow::{Context, Result, bail};
use stapes::audio::{AudioError, Channel};
use stapes::data::read_frames;
use stapes::infer::{Classifier, InferError, Input, Model};
use stapes::{Error, FileClassifier, FileProbabilities, WindowProbabilities};

/// Windows of a recording.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) seconds: f64,
    pub(super) hop_seconds: f64,
}

/// Result for a file.
pub(super) enum Predicted {
    /// Probabilities of the labels, \[K\].
    Label(FileProbabilities),
    /// Probabilities of the labels of every frame, [T, K].
    Frames(FileProbabilities),
    /// Probabilities of the labels of every window.
    Windows(Vec<WindowProbabilities>),
}

/// Classifier of the files that a model reads.
pub(super) enum InputClassifier<'a> {
    Recordings { classifier: Box<FileClassifier<'a>>, is_frame_level: bool },
    Frames(Box<Classifier<'a>>),
}

impl InputClassifier<'_> {
    /// Creates a classifier; `channel` is that of the recordings.
    pub(super) fn new(model: &Model, channel: Channel) -> Result<InputClassifier<'_>> {
        Ok(match &model.input {
            Input::Recordings(_) => InputClassifier::Recordings {
                classifier: Box::new(FileClassifier::new(model)?.with_channel(channel)),
                is_frame_level: model.network()?.objective().is_frame_level(),
            },
            Input::Frames(_) => InputClassifier::Frames(Box::new(Classifier::new(model)?)),
        })
    }

    /// Classifies a file, or windows of it.
    pub(super) fn predict(&mut self, file: &Path, windows: Option<Windows>) -> Result<Predicted> {
        let path = || file.display().to_string();
        match (self, windows) {
            (InputClassifier::Recordings { classifier, .. }, Some(Windows { seconds, hop_seconds })) => {
                let found = with_path(classifier.classify_windows(file, seconds, hop_seconds), file)?;
                Ok(Predicted::Windows(found))
            }
            (InputClassifier::Recordings { classifier, is_frame_level }, None) => {
                let found = with_path(classifier.classify(file), file)?;
                Ok(if *is_frame_level { Predicted::Frames(found) } else { Predicted::Label(found) })
            }
            (InputClassifier::Frames(classifier), None) => {
                let probabilities = classifier.classify_frames(&read_frames(file)?).with_context(path)?;
                Ok(Predicted::Label(FileProbabilities::of_frames(probabilities)))
            }
            (InputClassifier::Frames(_), Some(_)) => bail!("windows need a model of recordings"),
        }
    }
}

/// Adds the path to an error, unless it is one of reading, which has it.
pub(crate) fn with_path<T>(found: Result<T, Error>, file: &Path) -> Result<T> {
    let path = || file.display().to_string();
    match &found {
        Err(Error::Infer(InferError::Audio(AudioError::Resample { .. }))) => found.with_context(path),
        Err(Error::Infer(InferError::Audio(_)) | Error::TooLong { .. }) => Ok(found?),
        _ => found.with_context(path),
    }
}
