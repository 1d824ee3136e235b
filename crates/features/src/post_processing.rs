//! Post-processing of a front end's frames: deltas, then stacking.

use crate::FeatureError;
use crate::config::FeatureConfig;
use crate::deltas::Deltas;
use crate::librosa::delta::{Columns, Delta};
use crate::stacking::StreamingStack;

/// Deltas and stacking, frame by frame.
#[derive(Clone, Debug)]
pub(crate) struct PostProcessing {
    /// Number of values per frame of the front end.
    base: usize,
    deltas: Option<Deltas>,
    stacking: Stacking,
    /// Features of a whole clip with their deltas.
    with_deltas: Vec<f32>,
}

/// Stacking stage, which follows the deltas.
#[derive(Clone, Debug)]
struct Stacking {
    /// Number of values per frame with its deltas, and the values of the current frame so far.
    width: usize,
    frame: Vec<f32>,
    stack: Option<StreamingStack>,
}

impl Stacking {
    /// Processes a part of a frame: the features or one order of deltas.
    fn push(&mut self, part: &[f32], frames: &mut Vec<f32>) {
        let Some(stack) = &mut self.stack else { return frames.extend_from_slice(part) };
        self.frame.extend_from_slice(part);
        if self.frame.len() == self.width {
            stack.push(&self.frame, frames);
            self.frame.clear();
        }
    }
}

impl PostProcessing {
    /// Checks the settings and builds the stages for frames of `base` values.
    pub(crate) fn new(config: &FeatureConfig, base: usize) -> Result<PostProcessing, FeatureError> {
        let deltas = config.deltas.as_ref().map_or(Ok(None), |deltas| deltas.init(base));
        let deltas = deltas.map_err(|error| error.with_prefix("deltas"))?;
        let width = base * (1 + config.deltas.as_ref().map_or(0, |deltas| deltas.order));
        let stack = StreamingStack::new(config.stacking, width);
        let stack = stack.map_err(|error| error.with_prefix("stacking"))?;
        let stack = (!config.stacking.is_none()).then_some(stack);
        let frame = Vec::with_capacity(width);
        Ok(PostProcessing {
            base,
            deltas,
            stacking: Stacking { width, frame, stack },
            with_deltas: Vec::new(),
        })
    }

    /// Returns F, the number of values per frame.
    pub(crate) fn width(&self) -> usize {
        self.stacking.stack.as_ref().map_or(self.stacking.width, StreamingStack::width)
    }

    /// Returns true if frames stay unchanged.
    pub(crate) fn is_none(&self) -> bool {
        self.deltas.is_none() && self.stacking.stack.is_none()
    }

    /// Resets to the start of a clip.
    pub(crate) fn reset(&mut self) {
        if let Some(Deltas::Streaming(deltas)) = &mut self.deltas {
            deltas.reset();
        }
        if let Some(stack) = &mut self.stacking.stack {
            stack.reset();
        }
        self.stacking.frame.clear();
    }

    /// Processes frames and appends those that are complete.
    ///
    /// # Shapes
    /// base \[new, base\] -> frames \[complete, F\]
    pub(crate) fn push(&mut self, base: &[f32], frames: &mut Vec<f32>) {
        let PostProcessing { deltas, stacking, .. } = self;
        for row in base.chunks_exact(self.base) {
            match deltas {
                Some(Deltas::Streaming(deltas)) => deltas.push(row, |part| stacking.push(part, frames)),
                Some(Deltas::WholeClip(_)) | None => stacking.push(row, frames),
            }
        }
    }

    /// Ends the clip: appends the remaining frames and resets.
    ///
    /// # Errors
    /// [`FeatureError::TooFewFrames`] for deltas.
    pub(crate) fn finish(&mut self, frames: &mut Vec<f32>) -> Result<(), FeatureError> {
        let PostProcessing { deltas, stacking, .. } = self;
        let result = match deltas {
            Some(Deltas::Streaming(deltas)) => deltas.finish(|part| stacking.push(part, frames)),
            Some(Deltas::WholeClip(_)) | None => Ok(()),
        };
        if let Some(stack) = &mut stacking.stack {
            stack.finish(frames);
        }
        self.reset();
        result
    }

    /// Replaces the content of `frames` with the frames of a whole clip.
    ///
    /// # Shapes
    /// base \[T, base\] -> frames \[kept, F\]
    ///
    /// # Errors
    /// [`FeatureError::TooFewFrames`] for deltas.
    pub(crate) fn process_clip(&mut self, base: &[f32], frames: &mut Vec<f32>) -> Result<(), FeatureError> {
        frames.clear();
        let Some(Deltas::WholeClip(filters)) = &self.deltas else {
            self.push(base, frames);
            return self.finish(frames);
        };
        append_deltas(base, self.base, filters, &mut self.with_deltas)?;
        self.with_deltas.chunks_exact(self.stacking.width).for_each(|row| self.stacking.push(row, frames));
        self.finish(frames)
    }
}

/// Replaces the content of `values` with the features of a clip followed by their deltas.
fn append_deltas(
    base: &[f32],
    count: usize,
    filters: &[Delta],
    values: &mut Vec<f32>,
) -> Result<(), FeatureError> {
    let width = count * (1 + filters.len());
    values.clear();
    values.resize(base.len() / count * width, 0.0);
    for (row, base) in values.chunks_exact_mut(width).zip(base.chunks_exact(count)) {
        row[..count].copy_from_slice(base);
    }
    for (order, delta) in filters.iter().enumerate() {
        let output_first = (order + 1) * count;
        let columns = Columns { input_width: count, count, output_width: width, output_first };
        delta.apply_columns(base, values, columns)?;
    }
    Ok(())
}
