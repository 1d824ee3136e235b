//! Streaming pipeline: framing, analysis of each frame, deltas.

use super::framer::{BLOCK, Framer};
use super::{FrameSpec, StreamingDelta, check_finite};
use crate::FeatureError;
use crate::sample::{Sample, check_overflow};
use crate::stages::FrameStage;

/// Feature extraction from a single frame.
pub(crate) trait Analysis {
    /// Number type of the computation.
    type Number: Sample;

    /// Returns the number of values per frame.
    fn width(&self) -> usize;

    /// Computes the features of a frame.
    ///
    /// # Shapes
    /// samples \[length\] -> values \[width\]
    fn analyze(&mut self, samples: &[Self::Number], values: &mut [Self::Number]);
}

/// Framer, frame analysis and deltas of a toolkit.
#[derive(Clone, Debug)]
pub(crate) struct FramePipeline<A: Analysis> {
    framer: Framer<A::Number>,
    analysis: A,
    deltas: StreamingDelta<A::Number>,
    frame: Vec<A::Number>,
}

impl<A: Analysis> FramePipeline<A> {
    pub(crate) fn new(spec: FrameSpec, analysis: A, deltas: StreamingDelta<A::Number>) -> FramePipeline<A> {
        let frame = vec![A::Number::default(); analysis.width()];
        FramePipeline { framer: Framer::new(spec), analysis, deltas, frame }
    }

    pub(crate) fn width(&self) -> usize {
        self.deltas.width()
    }

    pub(crate) fn frames_for(&self, samples: usize) -> usize {
        self.framer.spec().frames(samples)
    }

    /// Returns the analysis of a frame.
    pub(crate) fn analysis(&self) -> &A {
        &self.analysis
    }

    /// Returns the stage of the deltas, if there are any.
    pub(crate) fn delta_stages(&self) -> Vec<FrameStage> {
        let stage = self.deltas.stage();
        if stage.filters.is_empty() { Vec::new() } else { vec![FrameStage::Deltas(stage)] }
    }

    pub(crate) fn spec(&self) -> &FrameSpec {
        self.framer.spec()
    }

    /// Returns the number of samples of the clip received so far.
    pub(crate) fn received(&self) -> usize {
        self.framer.received()
    }

    pub(crate) fn reset(&mut self) {
        self.framer.reset();
        self.deltas.reset();
    }

    /// Implements [`StreamingExtractor::push`](super::StreamingExtractor::push); `prepare` converts the samples of a block to
    /// the toolkit's, block after block.
    ///
    /// # Shapes
    /// prepare: samples \[n\] -> numbers \[n\]
    pub(crate) fn push<S: Sample>(
        &mut self,
        samples: &[S],
        frames: &mut Vec<S>,
        mut prepare: impl FnMut(&[S], &mut [A::Number]),
    ) -> Result<usize, FeatureError> {
        check_finite(samples, self.received())?;
        let before = frames.len();
        for block in samples.chunks(BLOCK) {
            prepare(block, self.framer.push(block.len()));
            self.drain(false, frames)?;
        }
        Ok((frames.len() - before) / self.width())
    }

    /// Implements [`StreamingExtractor::finish`](super::StreamingExtractor::finish).
    pub(crate) fn finish<S: Sample>(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        let before = frames.len();
        self.drain(true, frames)?;
        self.deltas.finish(|part| append(part, frames))?;
        self.reset();
        Ok((frames.len() - before) / self.width())
    }

    fn drain<S: Sample>(&mut self, ended: bool, frames: &mut Vec<S>) -> Result<(), FeatureError> {
        while let Some(samples) = self.framer.frame(ended) {
            self.analysis.analyze(samples, &mut self.frame);
            check_overflow(&self.frame, self.framer.emitted() - 1)?;
            self.deltas.push(&self.frame, |part| append(part, frames));
        }
        Ok(())
    }
}

fn append<V: Sample, S: Sample>(part: &[V], frames: &mut Vec<S>) {
    frames.extend(part.iter().map(|value| S::narrow(value.widen())));
}
