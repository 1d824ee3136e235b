//! Layers and nets against PyTorch's recorded numbers.

mod head;
mod net;
#[path = "../recorded/mod.rs"]
mod recorded;
mod recurrent;

use std::path::Path;
use std::process::ExitCode;

use stapes_testkit::fixture::Fixture;
use stapes_testkit::suite::{self, Case};

fn main() -> ExitCode {
    suite::run(Fixture::Golden, list)
}

fn list(golden: &Path) -> Result<Vec<Case>, String> {
    Ok([head::list(golden)?, net::list(golden)?, recurrent::list(golden)?].into_iter().flatten().collect())
}
