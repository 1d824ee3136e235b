//! Trained models for other programs.
//!
//! Each target reads the [`Graph`](stapes_nn::graph::Graph) of the network and writes files that compute the same
//! probabilities: [`onnx_model`] an ONNX model, [`triton_repository`] one with settings for a server, [`torch_files`] PyTorch code
//! with calls of the toolkit of the front end.

mod error;
mod onnx;
mod torch;
mod triton;

pub use error::ExportError;
pub use onnx::{OPSET, OnnxModel, OnnxOptions, State, onnx_model};
pub use torch::{torch_files, torch_module};
pub use triton::triton_repository;

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// Path within the folder of the export, with `/` between its parts.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}
