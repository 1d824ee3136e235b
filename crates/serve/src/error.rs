//! Errors that prevent a server from starting.

use std::net::SocketAddr;

use stapes_infer::InferError;

/// Error that prevents a server from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The list of models is empty.
    #[error("no model is named; name at least one to serve")]
    NoModels,
    /// Two models have the same name.
    #[error("two models have the name {0}; rename one of them")]
    SameName(String),
    /// A model cannot be served.
    #[error("{name}: {reason}")]
    Model {
        /// Name of the model.
        name: String,
        /// The problem, and advice.
        reason: String,
    },
    /// A model cannot be loaded.
    #[error("{name}: {source}")]
    Infer {
        /// Name of the model.
        name: String,
        /// Error of the model.
        source: Box<InferError>,
    },
    /// The address cannot be used.
    #[error("{addr}: {source}; choose another address or port")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The operating system does not start threads, or does not deliver signals.
    #[error("the server cannot start: {0}; check the limits of the system")]
    System(#[from] std::io::Error),
}
