//! Tests of the front ends: recorded variants, streams, allocations and edge cases.
//!
//! They are one program, as each program is linked on its own; what needs a program of its own stands beside this folder.

mod allocation;
mod composition;
mod edge_cases;
mod feature_streams;
mod properties;
#[path = "../replay/mod.rs"]
mod replay;
mod streams;
mod torchaudio_edges;
mod variants;
