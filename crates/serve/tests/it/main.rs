//! The server as its clients use it: real sockets, the built-in models. Every answer is compared with the description of the
//! interface.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod classify;
mod errors;
mod limits;
mod service;
mod stop;
mod stream;
mod wyoming;
