//! Neural network layers with explicit forward and backward passes over one flat parameter buffer, and named
//! models built from a checked configuration.
//!
//! [`ModelConfig`] is the `[model]` section of a recipe; [`ModelConfig::build`] checks it and creates a
//! [`Network`] of [`layer::Layer`]s. To add a layer, implement [`layer::Layer`] in a file of its own,
//! backward pass below forward pass, and use it in a named model in `model/`.

mod batch_norm;
mod batch_stats;
pub mod convolution;
pub mod dropout;
pub mod graph;
pub mod head;
pub mod layer;
pub mod linear;
pub mod loss;
mod model;
mod network;
mod norm_activation;
pub mod objective;
pub mod parameters;
pub mod recurrent;
mod swish;
mod weight_init;

pub use batch_stats::BatchStats;
pub use model::{
    AttentionRnnConfig, BcResnetConfig, BcResnetWidth, CdnnConfig, CdnnRawConfig, CrnnConfig, DsCnnConfig,
    DsCnnSize, MAX_PARAMETERS, MfccCnnConfig, ModelConfig, ModelError, RecurrentModelConfig, TcResnetConfig,
    WaveCnnConfig,
};
pub use network::{
    LayerSummary, LoadedNetwork, Network, NetworkBackward, NetworkStream, NotCausal, Outlet, Plan,
};
pub use norm_activation::NormActivation;
pub use swish::Swish;
pub use weight_init::WeightInit;
