//! Tests of the command line, each in a scratch folder.
//!
//! They are one program, as each program is linked on its own; what needs a program of its own stands beside this folder.

mod attention;
mod bad_input;
mod compare;
mod gradients;
mod hostile_names;
mod inspect;
mod models;
#[cfg(feature = "mpi")]
mod mpi;
mod own_data;
mod page;
mod path;
mod records;
mod resume;
mod search;
#[cfg(unix)]
mod special_files;
#[path = "../support/mod.rs"]
mod support;
mod voice;
mod waveforms;
