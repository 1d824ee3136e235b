//! From samples to frames to features to deltas, one after the other.

use super::cutter::{BLOCK, Cutter};
use super::{DeltaLine, Slicing, all_finite};
use crate::FeatureError;
use crate::sample::{Sample, all_numbers};

/// What a toolkit makes of the samples of one frame.
pub(crate) trait Analysis {
    /// What it computes in.
    type Number: Sample;

    /// How many values it gives.
    fn width(&self) -> usize;

    /// # Shapes
    /// samples \[length\] -> values \[width\]
    fn analyse(&mut self, samples: &[Self::Number], values: &mut [Self::Number]);
}

/// The way of a clip through a toolkit.
#[derive(Clone, Debug)]
pub(crate) struct Line<A: Analysis> {
    cutter: Cutter<A::Number>,
    analysis: A,
    deltas: DeltaLine<A::Number>,
    frame: Vec<A::Number>,
}

impl<A: Analysis> Line<A> {
    pub(crate) fn new(slicing: Slicing, analysis: A, deltas: DeltaLine<A::Number>) -> Line<A> {
        let frame = vec![A::Number::default(); analysis.width()];
        Line { cutter: Cutter::new(slicing), analysis, deltas, frame }
    }

    pub(crate) fn width(&self) -> usize {
        self.deltas.width()
    }

    pub(crate) fn frames_for(&self, samples: usize) -> usize {
        self.cutter.slicing().frames(samples)
    }

    pub(crate) fn slicing(&self) -> &Slicing {
        self.cutter.slicing()
    }

    /// How many samples of the clip there have been.
    pub(crate) fn received(&self) -> usize {
        self.cutter.received()
    }

    pub(crate) fn reset(&mut self) {
        self.cutter.reset();
        self.deltas.reset();
    }

    /// As [`Stream::push`](super::Stream::push); `prepare` makes the toolkit's samples of those that arrive,
    /// in their order.
    pub(crate) fn push<S: Sample>(
        &mut self,
        samples: &[S],
        frames: &mut Vec<S>,
        mut prepare: impl FnMut(S) -> A::Number,
    ) -> Result<usize, FeatureError> {
        all_finite(samples, self.received())?;
        let before = frames.len();
        for block in samples.chunks(BLOCK) {
            self.cutter.take_in(block.iter().map(|&sample| prepare(sample)));
            self.drain(false, frames)?;
        }
        Ok((frames.len() - before) / self.width())
    }

    /// As [`Stream::finish`](super::Stream::finish).
    pub(crate) fn finish<S: Sample>(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        let before = frames.len();
        self.drain(true, frames)?;
        self.deltas.finish(|part| append(part, frames))?;
        self.reset();
        Ok((frames.len() - before) / self.width())
    }

    fn drain<S: Sample>(&mut self, ended: bool, frames: &mut Vec<S>) -> Result<(), FeatureError> {
        while let Some(samples) = self.cutter.frame(ended) {
            self.analysis.analyse(samples, &mut self.frame);
            all_numbers(&self.frame, self.cutter.given() - 1)?;
            self.deltas.push(&self.frame, |part| append(part, frames));
        }
        Ok(())
    }
}

fn append<V: Sample, S: Sample>(part: &[V], frames: &mut Vec<S>) {
    frames.extend(part.iter().map(|value| S::narrow(value.widen())));
}
