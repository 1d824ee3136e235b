//! Synthetic data sets in temporary folders: all rules and error cases.

mod channels;
mod custom;
mod folders;
mod frame_folders;
mod fsdd;
mod japanese_vowels;
mod layouts;
mod left_out;
mod loading;
mod manifest_columns;
mod recipe;
#[path = "../rules/mod.rs"]
mod rules;
mod separated;
#[cfg(unix)]
mod special_files;
mod speech_commands;
mod upc_vad;
