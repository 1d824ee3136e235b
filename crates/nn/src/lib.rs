//! Layers with forward beside backward over one flat parameter buffer; named models built from a checked
//! configuration.
//!
//! [`ModelConfig`] is what a recipe's `[model]` says; [`ModelConfig::build`] checks it and makes a
//! [`Network`] of [`layer::Layer`]s. To add a layer, write its forward and backward pass under one
//! another in a file of its own and use it in a named model in `model/`.

mod batch_norm;
mod batch_sums;
pub mod convolution;
pub mod dropout;
pub mod head;
mod initialise;
pub mod layer;
pub mod linear;
pub mod loss;
mod model;
mod network;
mod normalise;
pub mod objective;
pub mod parameters;
pub mod recurrent;
mod swish;

pub use batch_sums::BatchSums;
pub use initialise::WeightStart;
pub use model::{
    AttentionRnnConfig, BcResnetConfig, BcResnetWidth, CdnnConfig, CdnnRawConfig, CrnnConfig, DsCnnConfig,
    DsCnnSize, LARGEST_MODEL, MfccCnnConfig, ModelConfig, ModelError, RecurrentModelConfig, TcResnetConfig,
    WaveCnnConfig,
};
pub use network::{LayerSummary, Network, NetworkBackward, NetworkStream, NotCausal, Place, Plan};
pub use normalise::Normalise;
pub use swish::Swish;
