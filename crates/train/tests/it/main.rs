//! Tests of training.
//!
//! They form one program, because linking takes long; tests that need a separate program are beside this folder.

mod checkpoints;
mod distributed;
mod loader;
mod shards;
mod task;
mod training;
