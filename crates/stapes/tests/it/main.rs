//! Tests of the command line, each in its own temporary folder.
//!
//! They form one program to save link time; suites with their own `main` are beside this folder.

mod attention;
mod bad_input;
mod compare;
mod custom_data;
mod damage;
mod documentation;
mod eval_stream;
mod examples;
mod export;
mod first_hour;
mod frame_labels;
mod fuzz_corpus;
mod gradients;
mod hostile_names;
mod inspect;
mod keys;
mod left_out;
mod models;
#[cfg(feature = "mpi")]
mod mpi;
mod page;
mod records;
mod resume;
mod search;
#[cfg(unix)]
mod special_files;
mod speech;
#[path = "../support/mod.rs"]
mod support;
mod wake_word;
mod waveforms;
mod workflow;
