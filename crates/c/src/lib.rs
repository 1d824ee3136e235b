//! libstapes: models and streams for C, and for every language that calls C.
//!
//! `include/stapes.h` is the interface, `docs/export.md` its manual. Each function converts its arguments, calls
//! `stapes-infer`, and returns a status; nothing is computed here.

mod boundary;
mod model;
mod options;
mod stream;
