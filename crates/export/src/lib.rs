//! Trained models for other programs.
//!
//! Each target reads the [`Graph`](stapes_nn::graph::Graph) of the network and writes files that compute the same
//! probabilities. [`torch_files`] returns PyTorch code with calls of the toolkit of the front end,
//! [`onnx_model`] an ONNX model.

mod error;
mod onnx;
mod torch;

pub use error::ExportError;
pub use onnx::{OPSET, OnnxModel, OnnxOptions, State, onnx_model};
pub use torch::{torch_files, torch_module};
