//! Quantization of a model on training examples.

use std::sync::atomic::{AtomicBool, Ordering};

use stapes_data::DataError;
use stapes_infer::Model;
use stapes_quantize::{Calibration, QuantizedNetwork};

use super::LoadedExamples;
use crate::error::Error;

/// Number of examples that ranges are measured on.
const CALIBRATION_EXAMPLES: usize = 200;

/// Number of frames after which no further example is read.
const CALIBRATION_FRAMES: usize = 100_000;

/// Returns at most 200 of the indices, evenly spaced, for [`quantize`].
pub fn calibration_indices(indices: &[usize]) -> Vec<usize> {
    let count = indices.len().min(CALIBRATION_EXAMPLES);
    (0..count).map(|at| indices[at * indices.len() / count]).collect()
}

/// Quantizes a model; the ranges of its values are those on the examples, of which the first 100,000 frames are enough.
///
/// # Errors
/// [`Error::Quantize`] if integers cannot run a layer or there is no example; [`Error::Data`] if `stop` became true.
pub fn quantize(
    model: &Model,
    examples: &LoadedExamples,
    stop: &AtomicBool,
) -> Result<QuantizedNetwork, Error> {
    let calibration = Calibration::new(model)?;
    let mut frames = 0;
    for (done, features) in examples.features.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Data(DataError::Stopped { done, total: examples.features.len() }));
        }
        if frames >= CALIBRATION_FRAMES {
            break;
        }
        calibration.add(features)?;
        frames += features.frames();
    }
    Ok(calibration.quantize()?)
}
