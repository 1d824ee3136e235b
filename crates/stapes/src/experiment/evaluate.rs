//! Predictions of a model on examples, and their evaluation.

use stapes_infer::{Classifier, InferError, Model};
use stapes_metrics::{Evaluation, RecordingFrames};
use stapes_nn::loss::argmax;
use stapes_train::Labels;

use super::LoadedExamples;
use crate::error::Error;

/// Computes the class probabilities of each example: \[K\], or [T, K] for a frame-level model.
///
/// # Errors
/// [`Error::Infer`] if the frames do not fit the model.
pub fn classify(model: &Model, loaded: &LoadedExamples) -> Result<Vec<Vec<f32>>, Error> {
    use rayon::prelude::*;
    // One classifier per chunk, because it owns buffers; the result does not depend on the chunks.
    let chunk_size = loaded.features.len() / (4 * rayon::current_num_threads());
    let chunks = loaded.features.par_chunks(chunk_size.clamp(1, 64)).map(|chunk| {
        let mut classifier = Classifier::new(model)?;
        chunk.iter().map(|frames| classifier.classify_frames(frames)).collect::<Result<Vec<_>, _>>()
    });
    let probabilities: Vec<Vec<Vec<f32>>> = chunks.collect::<Result<_, InferError>>()?;
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
