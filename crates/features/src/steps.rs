//! From a front end's frames to those of a model: deltas, then stacking.

use crate::FeatureError;
use crate::config::FeatureConfig;
use crate::delta::{Columns, Delta};
use crate::deltas::Deltas;
use crate::stacking::StackLine;

/// What is made of frames, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    /// The values of a front end's frame.
    base: usize,
    deltas: Option<Deltas>,
    stacking: Stacking,
    /// Of a whole clip, the features beside their deltas.
    beside: Vec<f32>,
}

/// What comes behind the deltas.
#[derive(Clone, Debug)]
struct Stacking {
    /// The values of a frame with its deltas, and the parts of one that have come.
    width: usize,
    frame: Vec<f32>,
    line: Option<StackLine>,
}

impl Stacking {
    /// Takes in a part of a frame.
    fn take(&mut self, part: &[f32], frames: &mut Vec<f32>) {
        let Some(line) = &mut self.line else { return frames.extend_from_slice(part) };
        self.frame.extend_from_slice(part);
        if self.frame.len() == self.width {
            line.push(&self.frame, frames);
            self.frame.clear();
        }
    }
}

impl Steps {
    /// For frames of `base` values and settings that have been checked.
    pub(crate) fn new(config: &FeatureConfig, base: usize) -> Result<Steps, FeatureError> {
        let wanted = config.deltas.as_ref().filter(|deltas| deltas.order > 0);
        let deltas = wanted.map(|deltas| deltas.init(base)).transpose()?;
        let width = base * (1 + wanted.map_or(0, |deltas| deltas.order));
        let line = (!config.stacking.is_none()).then(|| StackLine::new(config.stacking, width));
        let frame = Vec::with_capacity(width);
        Ok(Steps { base, deltas, stacking: Stacking { width, frame, line }, beside: Vec::new() })
    }

    /// F, the values a frame.
    pub(crate) fn width(&self) -> usize {
        self.stacking.line.as_ref().map_or(self.stacking.width, StackLine::width)
    }

    /// Whether frames stay as they are.
    pub(crate) fn is_none(&self) -> bool {
        self.deltas.is_none() && self.stacking.line.is_none()
    }

    /// Back to the start of a clip.
    pub(crate) fn reset(&mut self) {
        if let Some(Deltas::Line(line)) = &mut self.deltas {
            line.reset();
        }
        if let Some(line) = &mut self.stacking.line {
            line.reset();
        }
        self.stacking.frame.clear();
    }

    /// Takes in frames and appends those that are complete.
    ///
    /// # Shapes
    /// base \[new, base\] -> frames \[given, F\]
    pub(crate) fn push(&mut self, base: &[f32], frames: &mut Vec<f32>) {
        let Steps { deltas, stacking, .. } = self;
        for row in base.chunks_exact(self.base) {
            match deltas {
                Some(Deltas::Line(line)) => line.push(row, |part| stacking.take(part, frames)),
                Some(Deltas::Whole(_)) | None => stacking.take(row, frames),
            }
        }
    }

    /// Appends the frames that waited for others, at the end of the clip, and is ready for another.
    ///
    /// # Errors
    /// [`FeatureError::TooFewFrames`] for deltas.
    pub(crate) fn finish(&mut self, frames: &mut Vec<f32>) -> Result<(), FeatureError> {
        let Steps { deltas, stacking, .. } = self;
        let ended = match deltas {
            Some(Deltas::Line(line)) => line.finish(|part| stacking.take(part, frames)),
            Some(Deltas::Whole(_)) | None => Ok(()),
        };
        if let Some(line) = &mut stacking.line {
            line.finish(frames);
        }
        self.reset();
        ended
    }

    /// The frames of a whole clip in place of the content of `frames`.
    ///
    /// # Shapes
    /// base \[T, base\] -> frames \[kept, F\]
    ///
    /// # Errors
    /// [`FeatureError::TooFewFrames`] for deltas.
    pub(crate) fn whole(&mut self, base: &[f32], frames: &mut Vec<f32>) -> Result<(), FeatureError> {
        frames.clear();
        let Some(Deltas::Whole(filters)) = &self.deltas else {
            self.push(base, frames);
            return self.finish(frames);
        };
        beside(base, self.base, filters, &mut self.beside)?;
        self.beside.chunks_exact(self.stacking.width).for_each(|row| self.stacking.take(row, frames));
        self.finish(frames)
    }
}

/// The features of a clip beside their deltas, in place of the content of `values`.
fn beside(base: &[f32], count: usize, filters: &[Delta], values: &mut Vec<f32>) -> Result<(), FeatureError> {
    let width = count * (1 + filters.len());
    values.clear();
    values.resize(base.len() / count * width, 0.0);
    for (row, base) in values.chunks_exact_mut(width).zip(base.chunks_exact(count)) {
        row[..count].copy_from_slice(base);
    }
    for (order, delta) in filters.iter().enumerate() {
        let output_first = (order + 1) * count;
        let columns = Columns { input_width: count, count, output_width: width, output_first };
        delta.columns(base, values, columns)?;
    }
    Ok(())
}
