//! Streaming feature extraction.

mod framer;
mod pipeline;
mod streaming;
mod streaming_delta;

pub(crate) use framer::{EdgePolicy, FrameSpec};
pub(crate) use pipeline::{Analysis, FramePipeline};
pub use streaming::Streaming;
pub(crate) use streaming::UncenteredFrames;
pub(crate) use streaming_delta::StreamingDelta;

use crate::FeatureError;
use crate::sample::Sample;
use crate::simd::with_simd;

/// Turns samples into frames as they arrive.
///
/// For every chunk size the frames equal those of the whole clip, bit for bit: a front end that can be
/// streamed has one implementation, and its [`Extractor`](crate::Extractor) pushes the clip in one piece.
///
/// # Example
/// ```
/// use stapes_features::{Extractor, KaldiMfccConfig, StreamingExtractor};
///
/// let config = KaldiMfccConfig { deltas: 2, ..Default::default() };
/// let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.3).sin()).collect();
/// let (mut stream, mut frames) = (config.stream(16_000)?, Vec::new());
/// let mut early = 0;
/// for chunk in samples.chunks(160) {
///     early += stream.push(chunk, &mut frames)?;
/// }
/// let late = stream.finish(&mut frames)?;
/// assert_eq!((early, late), (94, 4)); // deltas of order 2 look four frames ahead
/// assert_eq!(frames, config.init(16_000)?.extract(&samples)?.values());
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
pub trait StreamingExtractor<S: Sample> {
    /// Returns F, the number of values per frame.
    fn width(&self) -> usize;

    /// Returns T, the number of frames of a clip of `samples` samples.
    fn frames_for(&self, samples: usize) -> usize;

    /// Receives samples, appends the frames that are now complete and returns their number.
    ///
    /// Allocates nothing but `frames` after the first call.
    ///
    /// # Shapes
    /// samples \[any\] -> frames \[new, F\]
    ///
    /// # Errors
    /// [`FeatureError::NotFinite`] with the sample's index from the start of the clip; the samples are then
    /// ignored. [`FeatureError::Overflow`]; call [`StreamingExtractor::reset`] next.
    fn push(&mut self, samples: &[S], frames: &mut Vec<S>) -> Result<usize, FeatureError>;

    /// Ends the clip, appends the remaining frames, resets for the next clip and returns the number of frames
    /// appended.
    ///
    /// # Shapes
    /// -> frames \[new, F\]
    ///
    /// # Errors
    /// [`FeatureError::TooShort`] if the toolkit rejects a clip this short, [`FeatureError::Overflow`].
    fn finish(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError>;

    /// Discards the clip so far.
    fn reset(&mut self);
}

/// Replaces the content of `values` with the features of a whole clip and returns the number of frames.
pub(crate) fn extract_clip<S: Sample>(
    stream: &mut impl StreamingExtractor<S>,
    samples: &[S],
    values: &mut Vec<S>,
) -> Result<usize, FeatureError> {
    values.clear();
    values.reserve_exact(stream.frames_for(samples.len()) * stream.width());
    stream.reset();
    let early = stream.push(samples, values)?;
    Ok(early + stream.finish(values)?)
}

/// Returns the error for a setting that needs the whole clip.
pub(crate) fn needs_whole_clip(key: &str, value: impl std::fmt::Display, alternative: &str) -> FeatureError {
    FeatureError::NeedsWholeClip {
        key: key.into(),
        value: value.to_string(),
        alternative: alternative.into(),
    }
}

/// Rejects centered frames, which need samples beyond the ends of the clip.
pub(crate) fn check_uncentered(center: bool) -> Result<(), FeatureError> {
    let alternative = "use center = false, in training too";
    if center { Err(needs_whole_clip("center", true, alternative)) } else { Ok(()) }
}

/// Rejects a floor relative to the clip's peak.
pub(crate) fn check_no_floor(top_db: Option<f64>) -> Result<(), FeatureError> {
    let alternative = "use top_db = \"none\", in training too";
    top_db.map_or(Ok(()), |top_db| Err(needs_whole_clip("top_db", top_db, alternative)))
}

/// Checks that all samples are finite; `before` is the index of the first.
pub(crate) fn check_finite<S: Sample>(samples: &[S], before: usize) -> Result<(), FeatureError> {
    const RUN: usize = 64;
    let invalid_run = with_simd(
        #[inline(always)]
        || {
            // Without an early end the compiler tests several at once.
            let numbers = |part: &[S]| part.iter().fold(true, |numbers, sample| numbers & sample.is_finite());
            samples.chunks(RUN).position(
                #[inline(always)]
                |part| !numbers(part),
            )
        },
    );
    let Some(run) = invalid_run else { return Ok(()) };
    let offset = samples[run * RUN..].iter().position(|sample| !sample.is_finite()).unwrap_or(0);
    let sample = run * RUN + offset;
    Err(FeatureError::NotFinite { sample: before + sample, value: samples[sample].widen() })
}
