//! Tests of tables, figures and pages.
//!
//! They are one program, because each program is linked separately; tests that need a separate program are next to this folder.

mod comparison_page;
mod hostile_names;
mod numbers;
#[path = "../pages/mod.rs"]
mod pages;
mod report;
mod terminal;
