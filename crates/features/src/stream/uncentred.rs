//! Streams of extractors whose frames stand alone.

use super::{Analysis, DeltaLine, Ending, Line, Slicing};
use crate::sample::Sample;
use crate::{Extractor, FeatureError, Stream};

/// Features of uncentred frames, each of its own samples alone, while the samples arrive; made by `stream` of a
/// librosa or torchaudio configuration or of [`WaveformConfig`](crate::WaveformConfig).
///
/// A frame is given with its last sample; samples after the last whole frame are left out.
#[derive(Clone, Debug)]
pub struct Uncentred<E: Extractor<S>, S: Sample> {
    line: Line<Alone<E, S>>,
    /// Zeros before the first and after the last sample.
    pad: usize,
    /// Whether the zeros before the first sample have been taken in.
    begun: bool,
}

/// An extractor as the analysis of one frame.
#[derive(Clone, Debug)]
struct Alone<E, S> {
    extractor: E,
    values: Vec<S>,
}

impl<E: Extractor<S>, S: Sample> Analysis for Alone<E, S> {
    type Number = S;

    fn width(&self) -> usize {
        self.extractor.width()
    }

    fn analyse(&mut self, samples: &[S], values: &mut [S]) {
        match self.extractor.extract_into(samples, &mut self.values) {
            Ok(_) => values.copy_from_slice(&self.values),
            // The samples are numbers and enough, so their power was none: the line looks for such values.
            Err(_) => values.fill(S::narrow(f64::NAN)),
        }
    }
}

/// How an uncentred front end cuts its frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub length: usize,
    pub hop: usize,
    /// Zeros at both ends of the clip.
    pub pad: usize,
}

impl<E: Extractor<S>, S: Sample> Uncentred<E, S> {
    /// For an extractor that gives one frame for `cut.length` samples, whatever clip they are of.
    pub(crate) fn new(extractor: E, cut: Cut) -> Uncentred<E, S> {
        let slicing = Slicing { length: cut.length, hop: cut.hop, ending: Ending::Dropped };
        let width = extractor.width();
        let analysis = Alone { extractor, values: Vec::with_capacity(width) };
        Uncentred {
            line: Line::new(slicing, analysis, DeltaLine::repeated(width, 0, 1)),
            pad: cut.pad,
            begun: false,
        }
    }

    fn silence(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        const RUN: usize = 64;
        let mut given = 0;
        for at in (0..self.pad).step_by(RUN) {
            let zeros = [S::default(); RUN];
            given += self.line.push(&zeros[..RUN.min(self.pad - at)], frames, |sample| sample)?;
        }
        Ok(given)
    }

    fn begin(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        if std::mem::replace(&mut self.begun, true) { Ok(0) } else { self.silence(frames) }
    }
}

impl<E: Extractor<S>, S: Sample> Stream<S> for Uncentred<E, S> {
    fn width(&self) -> usize {
        self.line.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        if samples == 0 { 0 } else { self.line.frames_for(samples + 2 * self.pad) }
    }

    fn push(&mut self, samples: &[S], frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        if samples.is_empty() {
            return Ok(0);
        }
        let early = self.begin(frames)?;
        let pushed = self.line.push(samples, frames, |sample| sample);
        let given = pushed.map_err(|error| match error {
            FeatureError::NotFinite { sample, value } => {
                FeatureError::NotFinite { sample: sample - self.pad, value }
            }
            other => other,
        })?;
        Ok(early + given)
    }

    fn finish(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        let samples = self.line.received().saturating_sub(self.pad);
        if self.frames_for(samples) == 0 {
            self.reset();
            let needed = self.line.slicing().length.saturating_sub(2 * self.pad).max(1);
            return Err(FeatureError::TooShort { samples, needed });
        }
        let late = self.silence(frames)?;
        self.begun = false;
        Ok(late + self.line.finish(frames)?)
    }

    fn reset(&mut self) {
        self.begun = false;
        self.line.reset();
    }
}
