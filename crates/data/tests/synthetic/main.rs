//! Data sets made for the test in temporary folders: every rule, every refusal.

mod folders;
mod fsdd;
mod japanese_vowels;
mod loading;
mod own;
mod recipe;
#[path = "../rules/mod.rs"]
mod rules;
mod separated;
#[cfg(unix)]
mod special_files;
mod speech_commands;
mod upc_vad;
