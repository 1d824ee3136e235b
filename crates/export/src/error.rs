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
    /// The toolkit of the front end has no such setting.
    #[error("{toolkit} has no setting {setting}; {advice}")]
    Setting {
        /// Toolkit, such as torchaudio.compliance.kaldi.
        toolkit: &'static str,
        /// The setting with its value.
        setting: String,
        /// Replacement.
        advice: &'static str,
    },
    /// The input of the model does not fit.
    #[error("{0}")]
    Input(&'static str),
    /// The front end or the normalization needs the whole clip.
    #[error("the model cannot run on a stream: {0}")]
    Stream(String),
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

impl ExportError {
    /// Returns the error of an operation that a target does not know.
    pub(crate) fn unknown(target: &'static str, layer: &str) -> ExportError {
        ExportError::Layer { target, layer: layer.into(), reason: "it is not known there" }
    }
}
