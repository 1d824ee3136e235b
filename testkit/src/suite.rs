//! Test suites with one named test per recorded case.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::fixture::{self, Fixture};

/// A test: a name and a check, which fails by returning an error.
pub struct Case {
    name: String,
    check: Box<dyn FnOnce() -> Result<(), String> + Send>,
}

impl Case {
    /// Creates a test of this name.
    pub fn new(name: impl Into<String>, check: impl FnOnce() -> Result<(), String> + Send + 'static) -> Case {
        Case { name: name.into(), check: Box::new(check) }
    }
}

/// Runs the cases that `list` finds in the fixture's folder, with the options of `cargo test`.
///
/// Without the folder there is one ignored test whose name contains the instructions, or a failing test if fixtures
/// are required. A list that fails or is empty is a failing test; nothing is skipped silently.
pub fn run(fixture: Fixture, list: impl FnOnce(&Path) -> Result<Vec<Case>, String>) -> ExitCode {
    let arguments = Arguments::from_args();
    let all = match fixture.folder() {
        Ok(folder) => trials(folder, list),
        Err(reason) if fixture::required() => vec![failing("the folder of recorded cases exists", reason)],
        Err(reason) => vec![Trial::test(format!("SKIPPED: {reason}"), || Ok(())).with_ignored_flag(true)],
    };
    libtest_mimic::run(&arguments, all).exit_code()
}

fn trials(folder: PathBuf, list: impl FnOnce(&Path) -> Result<Vec<Case>, String>) -> Vec<Trial> {
    match list(&folder) {
        Ok(cases) if cases.is_empty() => {
            vec![failing("the folder lists cases", format!("{} lists no case", folder.display()))]
        }
        Ok(cases) => {
            let trial = |case: Case| Trial::test(case.name, || (case.check)().map_err(Failed::from));
            cases.into_iter().map(trial).collect()
        }
        Err(reason) => vec![failing("the list of cases can be read", reason)],
    }
}

fn failing(name: &str, reason: String) -> Trial {
    Trial::test(name, move || Err(Failed::from(reason)))
}
