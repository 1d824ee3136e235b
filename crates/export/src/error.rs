//! Errors of exports.

/// Error of a model that a target cannot take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The target has no such layer.
    #[error("{target} cannot run {layer}: {reason}")]
    Layer {
        /// Target, such as PyTorch.
        target: &'static str,
        /// The layer.
        layer: String,
        /// Missing feature, and its replacement.
        reason: &'static str,
    },
    /// An option is missing or invalid.
    #[error("{key} = {value}: {rule}")]
    Option {
        /// Key.
        key: &'static str,
        /// Value; `absent` if it is not set.
        value: String,
        /// Rule, and the value to use.
        rule: String,
    },
    /// The network cannot be built.
    #[error("the model cannot be built: {0}")]
    Model(String),
}
