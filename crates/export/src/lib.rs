//! Trained models for other programs.
//!
//! Each target reads the [`Graph`](stapes_nn::graph::Graph) of the network and writes files that compute the same
//! probabilities. [`torch_module`] returns PyTorch code,
//! [`c_files`] C code for small processors.

mod c;
mod error;
mod torch;

pub use c::{COptions, c_files};
pub use error::ExportError;
pub use torch::torch_module;
