//! Tests of layers and models.
//!
//! They are one program, as each program is linked on its own; what needs a program of its own stands beside this folder.

mod convolutional;
mod keyword;
mod network;
#[path = "../recorded/mod.rs"]
mod recorded;
mod recurrent_stack;
mod streams;
