//! Errors.

use stapes_infer::InferError;

/// Reason why a model cannot be quantized.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantizeError {
    /// Integers cannot run a layer.
    #[error("int8 cannot run {layer}: {reason}")]
    Layer {
        /// The layer.
        layer: String,
        /// The reason, and what to do.
        reason: &'static str,
    },
    /// The model, a recording or its frames.
    #[error(transparent)]
    Model(#[from] InferError),
    /// There was no recording to measure ranges on.
    #[error("no recording to calibrate on; give recordings that the model was trained on")]
    NoRecordings,
}
