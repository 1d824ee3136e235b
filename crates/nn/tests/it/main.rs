//! Tests of layers and models.
//!
//! They form one program, because linking takes long; tests that need a separate program are beside this folder.

mod convolutional;
mod keyword;
mod network;
#[path = "../recorded/mod.rs"]
mod recorded;
mod recurrent_stack;
mod streams;
