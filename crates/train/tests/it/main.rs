//! Tests of training.
//!
//! They are one program, as each program is linked on its own; what needs a program of its own stands beside this folder.

mod checkpoints;
mod distributed;
mod loader;
mod shards;
mod task;
mod training;
