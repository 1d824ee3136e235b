//! Trait of all feature extractors.

use crate::sample::Sample;
use crate::{FeatureError, Features};

/// Turns samples into frames of features.
///
/// An extractor owns its tables and buffers. Clone one per thread and reuse it for all clips.
pub trait Extractor<S: Sample> {
    /// Returns F, the number of values per frame.
    fn width(&self) -> usize;

    /// Returns T, the number of frames of a clip of `samples` samples; 0 if the clip is too short.
    fn frames_for(&self, samples: usize) -> usize;

    /// Replaces the content of `values` with the features of a clip and returns the number of frames.
    ///
    /// Allocates nothing after the first clip of a given length.
    ///
    /// # Shapes
    /// samples \[L\] -> values \[T, F\]
    ///
    /// # Errors
    /// [`FeatureError::NotFinite`] with the sample's index, [`FeatureError::TooShort`],
    /// [`FeatureError::Overflow`].
    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError>;

    /// Returns the features of a clip.
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
