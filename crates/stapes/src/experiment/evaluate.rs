//! What a model says of examples, and how right it is.

use stapes_eval::{Evaluation, RecordingFrames};
use stapes_infer::{Model, Classifier, InferError};
use stapes_nn::loss::argmax;

use super::{LoadedExamples, Labels};
use crate::error::Error;

/// The probabilities of each example's labels, in order: \[K\], or [T, K] of a model that decides for every frame.
///
/// # Errors
/// [`Error::Infer`] if the frames do not fit the model.
pub fn classify(model: &Model, loaded: &LoadedExamples) -> Result<Vec<Vec<f32>>, Error> {
    use rayon::prelude::*;
    // One classifier a chunk: it owns buffers, and the outcome does not depend on the chunks.
    let share = loaded.features.len() / (4 * rayon::current_num_threads());
    let chunks = loaded.features.par_chunks(share.clamp(1, 64)).map(|chunk| {
        let mut classifier = Classifier::new(model)?;
        chunk.iter().map(|frames| classifier.classify_frames(frames)).collect::<Result<Vec<_>, _>>()
    });
    let probabilities: Vec<Vec<Vec<f32>>> = chunks.collect::<Result<_, InferError>>()?;
    Ok(probabilities.into_iter().flatten().collect())
}

/// Compares the probabilities of examples with the truth.
///
/// # Errors
/// [`Error::Eval`] if there is not one row an example, or a frame of an example.
pub fn evaluate(labels: &[String], labels: &Labels, probabilities: &[Vec<f32>]) -> Result<Evaluation, Error> {
    match labels {
        Labels::PerExample(classes) => {
            let predictions: Vec<usize> = probabilities.iter().map(|row| argmax(row)).collect();
            Ok(Evaluation::new(labels, classes, &predictions)?)
        }
        Labels::PerFrame(classes) => {
            Ok(Evaluation::of_frames(labels, &recording_frames(labels.len(), classes, probabilities))?)
        }
    }
}

/// What is said of the frames of recordings, by the probabilities of so many classes.
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

/// The decision for each frame, of probabilities [T, K].
pub fn argmax_frames(probabilities: &[f32], classes: usize) -> Vec<usize> {
    probabilities.chunks_exact(classes).map(argmax).collect()
}
