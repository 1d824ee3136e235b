//! Trained models for other programs.
//!
//! Each target reads the [`Graph`](stapes_nn::graph::Graph) of the network and writes files that compute the same
//! probabilities: [`onnx_model`] an ONNX model, [`triton_repository`] one with settings for a server, [`torch_files`] PyTorch code
//! with calls of the toolkit of the front end, [`c_files`] C code for small processors, [`web_files`] a page with the
//! model and a package for JavaScript.

mod c;
mod error;
mod onnx;
mod torch;
mod triton;
mod web;

pub use c::{COptions, c_files};
pub use error::ExportError;
pub use onnx::{OPSET, OnnxModel, OnnxOptions, State, onnx_model};
pub use torch::{torch_files, torch_module};
pub use triton::triton_repository;
pub use web::{WebOptions, web_files};

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// Path within the folder of the export, with `/` between its parts.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl ExportFile {
    pub(crate) fn new(path: impl Into<String>, content: impl Into<Vec<u8>>) -> ExportFile {
        ExportFile { path: path.into(), bytes: content.into() }
    }
}
