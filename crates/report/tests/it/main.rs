//! Tests of metrics, tables and pages.
//!
//! They are one program, as each program is linked on its own; what needs a program of its own stands beside this folder.

mod comparison_page;
mod hostile_names;
mod numbers;
#[path = "../pages/mod.rs"]
mod pages;
mod report;
mod terminal;
