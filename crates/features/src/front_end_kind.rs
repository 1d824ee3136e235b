//! Interface of all front ends.

use std::fmt::Debug;

use crate::layout::{FeatureAxis, Layout};
use crate::settings_macro::Table;
use crate::{Extractor, FeatureError, StreamingExtractor};

/// Settings of a front end, and all that [`FeatureConfig`](crate::FeatureConfig) needs from it.
///
/// Each variant of [`FrontEndConfig`](crate::FrontEndConfig) implements it in its own file.
pub(crate) trait FrontEndKind {
    /// Returns the name in recipes.
    fn name(&self) -> &'static str;

    /// Returns the table of its settings.
    fn settings(&self) -> Table;

    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`].
    fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError>;

    /// Builds the extractor of whole clips.
    ///
    /// # Errors
    /// [`FeatureError::Setting`].
    fn extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn ClipExtractor>, FeatureError>;

    /// Builds the streaming extractor.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], [`FeatureError::NeedsWholeClip`].
    fn streaming_extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn StreamExtractor>, FeatureError>;

    /// Returns the hop between frames, samples.
    fn hop(&self, sample_rate_hz: u32) -> usize;

    /// Returns the center of the window of frame 0, samples; see [`FrameTimes`](crate::FrameTimes).
    fn first_center(&self, sample_rate_hz: u32) -> f64;

    /// Returns the warning of the reference toolkit about these settings.
    fn warning(&self, _sample_rate_hz: u32) -> Option<String> {
        None
    }

    /// Returns the layout of the reference toolkit's feature matrix.
    fn layout(&self) -> Layout;

    /// Returns the quantity of the values, with its unit if it has one.
    fn quantity(&self) -> &'static str;

    /// Returns the feature axis.
    fn axis(&self, _sample_rate_hz: u32) -> FeatureAxis {
        FeatureAxis::Coefficients
    }
}

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
