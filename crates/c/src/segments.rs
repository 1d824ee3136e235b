//! Speech of whole recordings.

use stapes_audio::Clip;
use stapes_infer::SpeechStream;

use crate::boundary::{Failure, Status, call, check_pointer, copy, reference, slice, write};
use crate::model::ModelHandle;
use crate::options::SpeechOptions;

/// Segment of a recording, s.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentTimes {
    /// Start.
    pub start_seconds: f64,
    /// End.
    pub end_seconds: f64,
}

/// Finds the speech of a recording with a frame-level model, like silero-vad's get_speech_timestamps.
///
/// - samples: num_samples samples at sample_rate_hz (100 to 1,000,000), which are resampled to the model's rate.
/// - options: NULL for the defaults.
/// - segments: receives the segments; capacity is the number that fits. It may be NULL if capacity is 0.
/// - num_segments: receives the number of segments.
///
/// Errors: STAPES_STATUS_BUFFER_TOO_SMALL if capacity is too small; then only *num_segments is written, and a buffer
/// of that size is large enough. STAPES_STATUS_INVALID_ARGUMENT if an option is invalid, or the model is not
/// frame-level. STAPES_STATUS_INVALID_INPUT if a sample is not finite.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_speech_segments(
    model: *const ModelHandle,
    samples: *const f32,
    num_samples: usize,
    sample_rate_hz: u32,
    options: *const SpeechOptions,
    segments: *mut SegmentTimes,
    capacity: usize,
    num_segments: *mut usize,
) -> Status {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { write(num_segments, 0, "num_segments") }?;
        // SAFETY: the caller's promise; models do not change.
        let model = unsafe { reference(model, "model") }?;
        // SAFETY: the caller's promise.
        let samples = unsafe { slice(samples, num_samples, "samples") }?.to_vec();
        let options = match options.is_null() {
            true => stapes_infer::SpeechOptions::default(),
            // SAFETY: the caller's promise; every bit pattern is a value of the fields.
            false => unsafe { reference(options, "options") }?.to_infer(),
        };
        options.check().map_err(|(name, fault)| Failure::argument(format!("{name} is {fault}")))?;
        if capacity > 0 {
            check_pointer(segments, "segments")?;
        }
        let stream = SpeechStream::new(&model.model, &options)
            .map_err(|error| Failure::argument(error.to_string()))?;
        let seconds = samples.len() as f64 / f64::from(sample_rate_hz.max(1));
        let probabilities =
            model.classify(&Clip { samples, sample_rate_hz }).map_err(|error| Failure::input(&error))?;
        let found: Vec<SegmentTimes> = stream
            .segments(&probabilities, seconds)
            .into_iter()
            .map(|[start_seconds, end_seconds]| SegmentTimes { start_seconds, end_seconds })
            .collect();
        // SAFETY: the caller's promise.
        unsafe { write(num_segments, found.len(), "num_segments") }?;
        // SAFETY: the caller's promise; the values are elsewhere.
        unsafe { copy(&found, segments, capacity, "segments") }
    })
}
