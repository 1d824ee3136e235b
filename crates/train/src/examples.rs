//! Examples in memory.

use stapes_features::Features;

use crate::config::TrainError;

/// Features and classes of the examples to train or validate on.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    features: &'a [Features],
    classes: &'a [usize],
}

impl<'a> Examples<'a> {
    /// Pairs features with their classes.
    ///
    /// # Errors
    /// [`TrainError::NoFrames`] names an example without a frame.
    ///
    /// # Panics
    /// If there are not as many classes as features.
    pub fn new(features: &'a [Features], classes: &'a [usize]) -> Result<Examples<'a>, TrainError> {
        assert_eq!(features.len(), classes.len(), "features and classes");
        match features.iter().position(|features| features.frames() == 0) {
            Some(index) => Err(TrainError::NoFrames { index }),
            None => Ok(Examples { features, classes }),
        }
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The features of an example.
    pub fn features(&self, index: usize) -> &'a Features {
        &self.features[index]
    }

    /// The class of an example.
    pub fn class(&self, index: usize) -> usize {
        self.classes[index]
    }
}
