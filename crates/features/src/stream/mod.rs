//! Features of samples that arrive piece by piece.

mod cutter;
mod delta_line;
mod line;
mod uncentred;

pub(crate) use cutter::{Ending, Slicing};
pub(crate) use delta_line::DeltaLine;
pub(crate) use line::{Analysis, Line};
pub(crate) use uncentred::Cut;
pub use uncentred::Uncentred;

use crate::FeatureError;
use crate::sample::Sample;
use crate::vector::widest;

/// Turns samples into frames while they arrive.
///
/// However a clip is cut into pieces, the frames are those of the whole clip, bit for bit: a front end that can
/// be streamed has one implementation, and its [`Extractor`](crate::Extractor) pushes the clip in one piece.
///
/// # Example
/// ```
/// use stapes_features::{Extractor, KaldiMfccConfig, Stream};
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
pub trait Stream<S: Sample> {
    /// F, the number of values a frame.
    fn width(&self) -> usize;

    /// T, the number of frames that a clip of so many samples has.
    fn frames_for(&self, samples: usize) -> usize;

    /// Takes in further samples and appends the frames that are now complete; their number.
    ///
    /// Apart from `frames` nothing is allocated after the first call.
    ///
    /// # Shapes
    /// samples \[any\] -> frames \[new, F\]
    ///
    /// # Errors
    /// [`FeatureError::NotFinite`] with the sample's index from the start of the clip; then nothing was taken
    /// in. [`FeatureError::Overflow`]; then [`Stream::reset`] comes next.
    fn push(&mut self, samples: &[S], frames: &mut Vec<S>) -> Result<usize, FeatureError>;

    /// Ends the clip, appends the frames that waited for more samples, and is ready for another clip; the
    /// frames' number.
    ///
    /// # Shapes
    /// -> frames \[new, F\]
    ///
    /// # Errors
    /// [`FeatureError::TooShort`] where the toolkit refuses so short a clip, [`FeatureError::Overflow`].
    fn finish(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError>;

    /// Forgets the clip so far.
    fn reset(&mut self);
}

/// The features of a whole clip, in place of the content of `values`; the number of frames.
pub(crate) fn whole_clip<S: Sample>(
    stream: &mut impl Stream<S>,
    samples: &[S],
    values: &mut Vec<S>,
) -> Result<usize, FeatureError> {
    values.clear();
    values.reserve_exact(stream.frames_for(samples.len()) * stream.width());
    stream.reset();
    let early = stream.push(samples, values)?;
    Ok(early + stream.finish(values)?)
}

/// That a setting needs the whole clip, and what can be streamed instead.
pub(crate) fn needs_whole_clip(key: &str, value: impl std::fmt::Display, instead: &str) -> FeatureError {
    FeatureError::NeedsWholeClip { key: key.into(), value: value.to_string(), instead: instead.into() }
}

/// That centred frames look ahead and behind the ends of the clip.
pub(crate) fn uncentred(center: bool) -> Result<(), FeatureError> {
    let instead = "use center = false, in training too";
    if center { Err(needs_whole_clip("center", true, instead)) } else { Ok(()) }
}

/// That decibels have no floor beneath the clip's peak.
pub(crate) fn without_floor(top_db: Option<f64>) -> Result<(), FeatureError> {
    let instead = "use top_db = \"none\", in training too";
    top_db.map_or(Ok(()), |top_db| Err(needs_whole_clip("top_db", top_db, instead)))
}

/// Checks that all samples are numbers; `before` is the index of the first.
pub(crate) fn all_finite<S: Sample>(samples: &[S], before: usize) -> Result<(), FeatureError> {
    const RUN: usize = 64;
    let strange = widest(
        #[inline(always)]
        || {
            // Without an early end the compiler tests several at once.
            let numbers = |part: &[S]| part.iter().fold(true, |numbers, sample| numbers & sample.is_number());
            samples.chunks(RUN).position(
                #[inline(always)]
                |part| !numbers(part),
            )
        },
    );
    let Some(run) = strange else { return Ok(()) };
    let within = samples[run * RUN..].iter().position(|sample| !sample.is_number()).unwrap_or(0);
    let sample = run * RUN + within;
    Err(FeatureError::NotFinite { sample: before + sample, value: samples[sample].widen() })
}
