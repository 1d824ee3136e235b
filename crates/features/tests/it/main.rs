//! Tests of the front ends: recorded variants, streams, allocations and edge cases.
//!
//! They form one program, because linking takes long; tests that need a separate program are beside this folder.

mod allocation;
mod composition;
mod edge_cases;
mod feature_streams;
mod properties;
#[path = "../replay/mod.rs"]
mod replay;
mod stages;
mod streams;
mod torchaudio_edges;
mod variants;
