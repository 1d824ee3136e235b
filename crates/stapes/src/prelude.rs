//! The types of common use: `use stapes::prelude::*`.

pub use stapes_audio::Clip;
pub use stapes_features::{FeatureConfig, Features, Normalization, Segment};
pub use stapes_infer::{Classifier, Input, Model, Prediction, StreamClassifier};
pub use stapes_nn::recurrent::CellKind;
pub use stapes_nn::{ModelConfig, RecurrentModelConfig};
pub use stapes_train::TrainConfig;

pub use crate::{Error, Fitted, InMemoryDataset, Trainer};
