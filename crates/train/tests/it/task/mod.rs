//! A small task for tests of the training loop: sequences that follow one of two tones.

#![allow(dead_code)] // each test binary uses some of it

use std::sync::atomic::AtomicBool;

use stapes_augment::AugmentConfig;
use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_train::{
    Event, Examples, LabelsRef, SingleProcess, Start, TrainConfig, TrainError, TrainingInputs,
    TrainingResult, train,
};

pub(crate) struct Task {
    pub(crate) model: ModelConfig,
    pub(crate) config: TrainConfig,
    pub(crate) features: Vec<Features>,
    pub(crate) classes: Vec<usize>,
    pub(crate) augment: Option<AugmentConfig>,
    /// `true` to use validation examples.
    pub(crate) has_validation: bool,
}

impl Task {
    pub(crate) fn new(settings: &str) -> Task {
        let model =
            "[recurrent]\ncell = 'lstm'\nhidden_size = 8\nnum_layers = 2\ndropout = 0.2\nhead_dropout = 0.2";
        let base = "batch_size = 7\nepochs = 6\n";
        let features = |index: usize| {
            let period = if index.is_multiple_of(2) { 2.5 } else { 9.0 };
            let value = |t| ((t + index) as f32 * std::f32::consts::TAU / period).sin();
            Features::new(1, (0..8 + index % 5).map(value).collect())
        };
        Task {
            model: toml::from_str(model).unwrap(),
            config: toml::from_str(&format!("{base}{settings}")).unwrap(),
            features: (0..40).map(features).collect(),
            classes: (0..40).map(|index| index % 2).collect(),
            augment: None,
            has_validation: true,
        }
    }

    pub(crate) fn run(
        &self,
        stop: &AtomicBool,
        report: impl FnMut(Event<'_>) -> Result<(), TrainError>,
    ) -> Result<TrainingResult, TrainError> {
        self.run_from(Start::Random, stop, report)
    }

    pub(crate) fn run_from(
        &self,
        start: Start<'_>,
        stop: &AtomicBool,
        report: impl FnMut(Event<'_>) -> Result<(), TrainError>,
    ) -> Result<TrainingResult, TrainError> {
        let examples = |from: usize, to: usize| {
            Examples::new(&self.features[from..to], LabelsRef::PerExample(&self.classes[from..to]))
        };
        let inputs = TrainingInputs {
            model: &self.model,
            input: Shape::frames(1),
            classes: 2,
            config: &self.config,
            train: examples(0, 30)?,
            validation: examples(30, if self.has_validation { 40 } else { 30 })?,
            augment: self.augment.as_ref(),
            source: None,
            start,
            seed: 1,
            communicator: &SingleProcess,
        };
        train(&inputs, stop, report)
    }

    pub(crate) fn train(&self) -> TrainingResult {
        self.run(&AtomicBool::new(false), |_| Ok(())).unwrap()
    }
}

pub(crate) fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}
