//! Options of a training step: randomness, augmentation, mixup, label smoothing and class weights.

use stapes_augment::AugmentConfig;
use stapes_nn::objective::LossOptions;

use crate::config::{ClassWeights, NamedWeights};
use crate::error::TrainError;
use crate::examples::LabelsRef;

/// Options of a training step.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepOptions<'a> {
    /// Random key of the step, for dropout and mixup; differs from step to step.
    pub key: u64,
    /// Augmentation of the examples.
    pub augment: Option<&'a AugmentConfig>,
    /// Alpha of mixup's Beta distribution; `None` turns mixup off.
    pub mixup: Option<f32>,
    /// Seed of the training, for augmentation (with the repetition and the example of a crop) and for mixup.
    pub seed: u64,
    /// Label smoothing.
    pub label_smoothing: f32,
    /// Weight of each class in the loss.
    pub class_weights: Option<&'a [f32]>,
}

impl<'a> StepOptions<'a> {
    /// Returns the loss options of the step, without mixup.
    pub(crate) fn loss_options(&self) -> LossOptions<'a> {
        LossOptions { smoothing: self.label_smoothing, class_weights: self.class_weights, mixup: None }
    }
}

impl ClassWeights {
    /// Returns a weight for each of `classes` classes.
    ///
    /// # Errors
    /// [`TrainError::ClassWeights`] if the number of weights is not `classes`, [`TrainError::UnbalancedClass`] for a class
    /// without training examples.
    pub(crate) fn resolve(&self, labels: LabelsRef<'_>, classes: usize) -> Result<Vec<f32>, TrainError> {
        match self {
            ClassWeights::Values(weights) if weights.len() == classes => Ok(weights.clone()),
            ClassWeights::Values(weights) => Err(TrainError::ClassWeights { got: weights.len(), classes }),
            ClassWeights::Named(NamedWeights::Balanced) => {
                let mut counts = vec![0usize; classes];
                let all: Vec<&usize> = match labels {
                    LabelsRef::PerExample(classes) => classes.iter().collect(),
                    LabelsRef::PerFrame(classes) => classes.iter().flatten().collect(),
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
    fn balanced_weights_are_inversely_proportional_to_class_frequencies() {
        let named = ClassWeights::Named(NamedWeights::Balanced);
        let classes = [0, 1, 1, 1, 2, 1];
        assert_eq!(named.resolve(LabelsRef::PerExample(&classes), 3).unwrap(), [2.0, 0.5, 2.0]);
        let frames = [vec![0, 1], vec![1, 1]];
        assert_eq!(named.resolve(LabelsRef::PerFrame(&frames), 2).unwrap(), [2.0, 2.0 / 3.0]);
        let error = named.resolve(LabelsRef::PerExample(&classes), 4).unwrap_err();
        assert_eq!(error, TrainError::UnbalancedClass { class: 3 });
        let values = ClassWeights::Values(vec![1.0, 2.0]);
        assert_eq!(values.resolve(LabelsRef::PerExample(&classes), 2).unwrap(), [1.0, 2.0]);
        assert!(values.resolve(LabelsRef::PerExample(&classes), 3).is_err());
    }
}
