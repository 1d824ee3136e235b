//! Models as a service: HTTP with WebSocket streams, and the Wyoming protocol of Home Assistant.
//!
//! A [`Server`] has several models. It classifies recordings (`POST /v1/classify`), finds speech in them (`POST /v1/segments`) and
//! listens to streams (`GET /v1/stream`), with the same library calls as the command line, so with the same bits. Connections are
//! asynchronous; short work is done on the thread that read it, and other work on separate threads with a bounded queue.
//!
//! `docs/serve.md` describes the interface for its users, `/openapi.json` for programs.

mod api_error;
mod app;
mod classify;
mod clips;
mod connection;
mod error;
mod gate;
mod http;
mod log;
mod metrics;
mod models;
mod open_files;
mod options;
mod page;
mod parameters;
mod pool;
mod routes;
mod samples;
mod segments;
mod served_model;
mod server;
mod stream;
mod token;
mod turns;
mod upload;
mod wyoming;

pub use error::ServeError;
pub use log::{LogFormat, LogLevel, start_log};
pub use open_files::allow_connections;
pub use options::{Limits, ServerOptions};
pub use served_model::ServedModel;
pub use server::Server;
pub use token::Token;
