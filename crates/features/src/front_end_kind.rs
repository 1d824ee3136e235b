//! Interface of all front ends.

use std::fmt::Debug;

use crate::layout::{FeatureAxis, Layout};
use crate::stages::ToolkitStages;
use crate::{Extractor, FeatureError, StreamingExtractor};

/// Settings of a front end, and all that [`FeatureConfig`](crate::FeatureConfig) needs from it.
///
/// Each front end implements it in its own file and has a line in `front_ends.rs`; the one for tests is an example.
pub(crate) trait FrontEndKind {
    /// Checks the settings and builds the extractor of whole clips.
    ///
    /// # Errors
    /// [`FeatureError::Setting`].
    fn extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn ClipExtractor>, FeatureError>;

    /// Checks the settings and builds the streaming extractor.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], [`FeatureError::NeedsWholeClip`].
    fn streaming_extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn StreamExtractor>, FeatureError>;

    /// Returns the hop between frames, samples.
    fn hop(&self, sample_rate_hz: u32) -> usize;

    /// Returns the number of samples that are transformed per frame.
    fn frame_length(&self, sample_rate_hz: u32) -> usize;

    /// Returns the center of the window of frame 0, samples; see [`FrameTimes`](crate::FrameTimes).
    fn first_center(&self, sample_rate_hz: u32) -> f64;

    /// Returns the stages with their tables, see [`FeatureConfig::stages`](crate::FeatureConfig::stages).
    ///
    /// # Errors
    /// [`FeatureError::Setting`].
    fn stages(&self, _sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        Ok(None)
    }

    /// Returns the warning of the reference toolkit about these settings.
    fn warning(&self, _sample_rate_hz: u32) -> Option<String> {
        None
    }

    /// Returns the layout of the reference toolkit's feature matrix.
    fn layout(&self) -> Layout {
        Layout::FramesFirst
    }

    /// Returns the quantity of the values, with its unit if it has one.
    fn quantity(&self) -> &'static str;

    /// Returns the feature axis.
    fn axis(&self, _sample_rate_hz: u32) -> FeatureAxis {
        FeatureAxis::Coefficients
    }
}

/// Implements the extractors of [`FrontEndKind`] by the configuration's `init` and `stream`.
macro_rules! extractors {
    () => {
        fn extractor(
            &self,
            sample_rate_hz: u32,
        ) -> Result<Box<dyn crate::front_end_kind::ClipExtractor>, crate::FeatureError> {
            Ok(Box::new(self.init(sample_rate_hz)?))
        }

        fn streaming_extractor(
            &self,
            sample_rate_hz: u32,
        ) -> Result<Box<dyn crate::front_end_kind::StreamExtractor>, crate::FeatureError> {
            Ok(Box::new(self.stream(sample_rate_hz)?))
        }
    };
}

pub(crate) use extractors;

/// Extractor of whole clips as a trait object.
pub(crate) trait ClipExtractor: Extractor<f32> + Debug + Send + Sync {
    /// Clones the extractor.
    fn boxed_clone(&self) -> Box<dyn ClipExtractor>;
}

impl<E: Extractor<f32> + Clone + Debug + Send + Sync + 'static> ClipExtractor for E {
    fn boxed_clone(&self) -> Box<dyn ClipExtractor> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn ClipExtractor> {
    fn clone(&self) -> Box<dyn ClipExtractor> {
        (**self).boxed_clone()
    }
}

/// Streaming extractor as a trait object.
pub(crate) trait StreamExtractor: StreamingExtractor<f32> + Debug + Send + Sync {
    /// Clones the extractor with its state.
    fn boxed_clone(&self) -> Box<dyn StreamExtractor>;
}

impl<E: StreamingExtractor<f32> + Clone + Debug + Send + Sync + 'static> StreamExtractor for E {
    fn boxed_clone(&self) -> Box<dyn StreamExtractor> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn StreamExtractor> {
    fn clone(&self) -> Box<dyn StreamExtractor> {
        (**self).boxed_clone()
    }
}
