//! What every front end does.

use crate::sample::Sample;
use crate::{FeatureError, Features};

/// Turns samples into frames of features.
///
/// An extractor owns its tables and its buffers: one is made for each thread, by cloning, and used for clip
/// after clip.
pub trait Extractor<S: Sample> {
    /// F, the number of values a frame.
    fn width(&self) -> usize;

    /// T, the number of frames that so many samples give; 0 if they are too few.
    fn frames_for(&self, samples: usize) -> usize;

    /// Replaces the content of `values` by the features of a clip; their number of frames.
    ///
    /// After the first clip of a length nothing is allocated.
    ///
    /// # Shapes
    /// samples \[L\] -> values \[T, F\]
    ///
    /// # Errors
    /// [`FeatureError::NotFinite`] with the sample's index, [`FeatureError::TooShort`],
    /// [`FeatureError::Overflow`].
    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError>;

    /// The features of a clip.
    ///
    /// # Shapes
    /// samples \[L\] -> \[T, F\]
    ///
    /// # Errors
    /// As [`Extractor::extract_into`].
    fn extract(&mut self, samples: &[S]) -> Result<Features<S>, FeatureError> {
        let mut values = Vec::new();
        self.extract_into(samples, &mut values)?;
        Ok(Features::new(self.width(), values))
    }
}
