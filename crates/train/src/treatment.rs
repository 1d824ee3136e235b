//! What a training step makes of its examples.

use stapes_data::AugmentConfig;
use stapes_nn::objective::Bend;

use crate::config::{ClassWeights, NamedWeights};
use crate::error::TrainError;
use crate::examples::Labels;

/// What a training step makes of its examples: what is drawn for them, and how their truth is bent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Treatment<'a> {
    /// For dropout and mixing: a number that differs from step to step.
    pub key: u64,
    /// How examples are changed, if they are.
    pub augment: Option<&'a AugmentConfig>,
    /// Alpha of the Beta distribution by which examples are mixed, if they are.
    pub mixup: Option<f32>,
    /// For augmentation, with the pass and the example of a cut, and for mixing: the run's seed.
    pub seed: u64,
    /// Label smoothing.
    pub smoothing: f32,
    /// A weight for each class.
    pub class_weights: Option<&'a [f32]>,
}

impl<'a> Treatment<'a> {
    /// How the truth of every decision is bent.
    pub(crate) fn bend(&self) -> Bend<'a> {
        Bend { smoothing: self.smoothing, class_weights: self.class_weights, others: None }
    }
}

impl ClassWeights {
    /// A weight for each of `classes` classes.
    ///
    /// # Errors
    /// [`TrainError::ClassWeights`] if there are more or fewer, [`TrainError::UnbalancedClass`] for a class that training
    /// examples do not have.
    pub(crate) fn weights(&self, labels: Labels<'_>, classes: usize) -> Result<Vec<f32>, TrainError> {
        match self {
            ClassWeights::Given(weights) if weights.len() == classes => Ok(weights.clone()),
            ClassWeights::Given(weights) => Err(TrainError::ClassWeights { got: weights.len(), classes }),
            ClassWeights::Named(NamedWeights::Balanced) => {
                let mut counts = vec![0usize; classes];
                let all: Vec<&usize> = match labels {
                    Labels::Examples(classes) => classes.iter().collect(),
                    Labels::Frames(classes) => classes.iter().flatten().collect(),
                };
                all.iter().for_each(|class| counts[**class] += 1);
                if let Some(class) = counts.iter().position(|count| *count == 0) {
                    return Err(TrainError::UnbalancedClass { class });
                }
                let weight = |count: &usize| all.len() as f32 / (classes as f32 * *count as f32);
                Ok(counts.iter().map(weight).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_weights_make_all_classes_count_the_same() {
        let named = ClassWeights::Named(NamedWeights::Balanced);
        let classes = [0, 1, 1, 1, 2, 1];
        assert_eq!(named.weights(Labels::Examples(&classes), 3).unwrap(), [2.0, 0.5, 2.0]);
        let frames = [vec![0, 1], vec![1, 1]];
        assert_eq!(named.weights(Labels::Frames(&frames), 2).unwrap(), [2.0, 2.0 / 3.0]);
        let error = named.weights(Labels::Examples(&classes), 4).unwrap_err();
        assert_eq!(error, TrainError::UnbalancedClass { class: 3 });
        let given = ClassWeights::Given(vec![1.0, 2.0]);
        assert_eq!(given.weights(Labels::Examples(&classes), 2).unwrap(), [1.0, 2.0]);
        assert!(given.weights(Labels::Examples(&classes), 3).is_err());
    }
}
