//! Predictions of a model on examples, and their evaluation.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use stapes_data::DataError;
use stapes_features::Features;
use stapes_infer::{Classifier, InferError, Model};
use stapes_metrics::{Evaluation, RecordingFrames};
use stapes_nn::loss::argmax;
use stapes_quantize::{QuantizedClassifier, QuantizedNetwork};
use stapes_train::Labels;

use super::LoadedExamples;
use crate::error::Error;

/// Computes the class probabilities of each example: \[K\], or [T, K] for a frame-level model.
///
/// # Errors
/// [`Error::Infer`] if the frames do not fit the model; [`Error::Data`] if `stop` became true before the last example.
pub fn classify(model: &Model, loaded: &LoadedExamples, stop: &AtomicBool) -> Result<Vec<Vec<f32>>, Error> {
    classify_with(loaded, stop, || Classifier::new(model), Classifier::classify_frames)
}

/// Computes the class probabilities of each example with integers, as [`classify`] does in floating point.
///
/// # Errors
/// Those of [`classify`].
pub fn classify_quantized(
    model: &Model,
    network: &QuantizedNetwork,
    loaded: &LoadedExamples,
    stop: &AtomicBool,
) -> Result<Vec<Vec<f32>>, Error> {
    let create = || QuantizedClassifier::new(model, network);
    classify_with(loaded, stop, create, |classifier, frames| classifier.classify_frames(frames))
}

/// Classifies examples on all threads, each with classifiers of its own; the result does not depend on the number of threads.
fn classify_with<C>(
    loaded: &LoadedExamples,
    stop: &AtomicBool,
    create: impl Fn() -> Result<C, InferError> + Sync,
    classify: impl Fn(&mut C, &Features) -> Result<Vec<f32>, InferError> + Sync,
) -> Result<Vec<Vec<f32>>, Error> {
    use rayon::prelude::*;
    let done = AtomicUsize::new(0);
    let classify = |classifier: &mut C, frames| {
        if stop.load(Ordering::Relaxed) {
            let (done, total) = (done.load(Ordering::Relaxed), loaded.features.len());
            return Err(Error::Data(DataError::Stopped { done, total }));
        }
        let probabilities = classify(classifier, frames)?;
        done.fetch_add(1, Ordering::Relaxed);
        Ok(probabilities)
    };
    // One classifier per chunk, because it owns buffers.
    let chunk_size = loaded.features.len() / (4 * rayon::current_num_threads());
    let chunks = loaded.features.par_chunks(chunk_size.clamp(1, 64)).map(|chunk| {
        let mut classifier = create()?;
        chunk.iter().map(|frames| classify(&mut classifier, frames)).collect::<Result<Vec<_>, Error>>()
    });
    let probabilities: Vec<Vec<Vec<f32>>> = chunks.collect::<Result<_, Error>>()?;
    Ok(probabilities.into_iter().flatten().collect())
}

/// Evaluates the probabilities of examples against their labels.
///
/// # Errors
/// [`Error::Metrics`] if the number of rows is not that of the examples, or of the frames of an example.
pub fn evaluate(
    classes: &[String],
    labels: &Labels,
    probabilities: &[Vec<f32>],
) -> Result<Evaluation, Error> {
    match labels {
        Labels::PerExample(labels) => {
            let predictions: Vec<usize> = probabilities.iter().map(|row| argmax(row)).collect();
            Ok(Evaluation::new(classes, labels, &predictions)?)
        }
        Labels::PerFrame(labels) => {
            Ok(Evaluation::from_frames(classes, &recording_frames(classes.len(), labels, probabilities))?)
        }
    }
}

/// Returns labels, predictions and, for two classes, scores of the frames of recordings; K is `classes`.
pub(crate) fn recording_frames(
    classes: usize,
    labels: &[Vec<usize>],
    probabilities: &[Vec<f32>],
) -> Vec<RecordingFrames> {
    let recording = |(labels, rows): (&Vec<usize>, &Vec<f32>)| RecordingFrames {
        labels: labels.clone(),
        predictions: argmax_frames(rows, classes),
        scores: match classes {
            2 => rows.iter().skip(1).step_by(2).copied().collect(),
            _ => Vec::new(),
        },
    };
    labels.iter().zip(probabilities).map(recording).collect()
}

/// Returns the most probable class of each frame, from probabilities [T, K].
pub fn argmax_frames(probabilities: &[f32], classes: usize) -> Vec<usize> {
    probabilities.chunks_exact(classes).map(argmax).collect()
}
