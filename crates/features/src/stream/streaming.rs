//! Streaming of extractors whose frames are independent.

use super::{Analysis, EdgePolicy, FramePipeline, FrameSpec, StreamingDelta};
use crate::sample::Sample;
use crate::{Extractor, FeatureError, StreamingExtractor};

/// Streaming extractor of uncentered, independent frames; made by `stream` of a librosa or torchaudio
/// configuration or of [`WaveformConfig`](crate::WaveformConfig).
///
/// A frame is complete with its last sample; samples after the last whole frame are ignored.
#[derive(Clone, Debug)]
pub struct Streaming<E: Extractor<S>, S: Sample> {
    pipeline: FramePipeline<SingleFrame<E, S>>,
    /// Number of zeros before the first and after the last sample.
    pad: usize,
    /// True after the zeros before the first sample have been pushed.
    begun: bool,
}

/// Analysis of one frame by an extractor of whole clips.
#[derive(Clone, Debug)]
struct SingleFrame<E, S> {
    extractor: E,
    values: Vec<S>,
}

impl<E: Extractor<S>, S: Sample> Analysis for SingleFrame<E, S> {
    type Number = S;

    fn width(&self) -> usize {
        self.extractor.width()
    }

    fn analyze(&mut self, samples: &[S], values: &mut [S]) {
        match self.extractor.extract_into(samples, &mut self.values) {
            Ok(_) => values.copy_from_slice(&self.values),
            // The samples are finite and enough, so their power overflowed: the pipeline reports NaN as
            // overflow.
            Err(_) => values.fill(S::narrow(f64::NAN)),
        }
    }
}

/// Framing of an uncentered front end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UncenteredFrames {
    pub length: usize,
    pub hop: usize,
    /// Number of zeros at both ends of the clip.
    pub pad: usize,
}

impl<E: Extractor<S>, S: Sample> Streaming<E, S> {
    /// Wraps an extractor that returns one frame for `frames.length` samples, independent of the clip.
    pub(crate) fn new(extractor: E, frames: UncenteredFrames) -> Streaming<E, S> {
        let spec = FrameSpec { length: frames.length, hop: frames.hop, edges: EdgePolicy::Discard };
        let width = extractor.width();
        let analysis = SingleFrame { extractor, values: Vec::with_capacity(width) };
        Streaming {
            pipeline: FramePipeline::new(spec, analysis, StreamingDelta::repeated(width, 0, 1)),
            pad: frames.pad,
            begun: false,
        }
    }

    fn push_silence(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        const RUN: usize = 64;
        let mut emitted = 0;
        for at in (0..self.pad).step_by(RUN) {
            let zeros = [S::default(); RUN];
            emitted += self.pipeline.push(&zeros[..RUN.min(self.pad - at)], frames, |zeros, numbers| {
                numbers.copy_from_slice(zeros)
            })?;
        }
        Ok(emitted)
    }

    fn begin(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        if std::mem::replace(&mut self.begun, true) { Ok(0) } else { self.push_silence(frames) }
    }
}

impl<E: Extractor<S>, S: Sample> StreamingExtractor<S> for Streaming<E, S> {
    fn width(&self) -> usize {
        self.pipeline.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        if samples == 0 { 0 } else { self.pipeline.frames_for(samples + 2 * self.pad) }
    }

    fn push(&mut self, samples: &[S], frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        if samples.is_empty() {
            return Ok(0);
        }
        let early = self.begin(frames)?;
        let pushed = self.pipeline.push(samples, frames, |samples, numbers| numbers.copy_from_slice(samples));
        let emitted = pushed.map_err(|error| match error {
            FeatureError::NotFinite { sample, value } => {
                FeatureError::NotFinite { sample: sample - self.pad, value }
            }
            other => other,
        })?;
        Ok(early + emitted)
    }

    fn finish(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        let samples = self.pipeline.received().saturating_sub(self.pad);
        if self.frames_for(samples) == 0 {
            self.reset();
            let needed = self.pipeline.spec().length.saturating_sub(2 * self.pad).max(1);
            return Err(FeatureError::TooShort { samples, needed });
        }
        let late = self.push_silence(frames)?;
        self.begun = false;
        Ok(late + self.pipeline.finish(frames)?)
    }

    fn reset(&mut self) {
        self.begun = false;
        self.pipeline.reset();
    }
}
