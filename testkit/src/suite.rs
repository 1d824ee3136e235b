//! Suites with one named test a recorded case.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::fixture::{self, Fixture};

/// One test: a name and what it checks; an error is its failure.
pub struct Case {
    name: String,
    check: Box<dyn FnOnce() -> Result<(), String> + Send>,
    ignored: bool,
}

impl Case {
    /// A test of the given name.
    pub fn new(name: impl Into<String>, check: impl FnOnce() -> Result<(), String> + Send + 'static) -> Case {
        Case { name: name.into(), check: Box::new(check), ignored: false }
    }

    /// A recorded case of something that is not built yet: shown as ignored, with the reason.
    pub fn not_built(name: impl std::fmt::Display, reason: &str) -> Case {
        let failure = format!("not built: {reason}");
        Case { name: format!("{name} ({reason})"), check: Box::new(|| Err(failure)), ignored: true }
    }
}

/// Runs the cases that `list` finds in the fixture's folder, with the options of `cargo test`.
///
/// Without the folder there is one ignored test whose name says how to get it, or a failing one where
/// fixtures are required. A list that fails or is empty is a failing test: nothing is skipped silently.
pub fn run(fixture: Fixture, list: impl FnOnce(&Path) -> Result<Vec<Case>, String>) -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match fixture.folder() {
        Ok(folder) => found(folder, list),
        Err(reason) if fixture::required() => vec![failing("the folder of recorded cases is there", reason)],
        Err(reason) => vec![Trial::test(format!("SKIPPED: {reason}"), || Ok(())).with_ignored_flag(true)],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn found(folder: PathBuf, list: impl FnOnce(&Path) -> Result<Vec<Case>, String>) -> Vec<Trial> {
    match list(&folder) {
        Ok(cases) if cases.is_empty() => {
            vec![failing("the folder lists cases", format!("{} lists no case", folder.display()))]
        }
        Ok(cases) => cases
            .into_iter()
            .map(|case| {
                Trial::test(case.name, || (case.check)().map_err(Failed::from))
                    .with_ignored_flag(case.ignored)
            })
            .collect(),
        Err(reason) => vec![failing("the list of cases can be read", reason)],
    }
}

fn failing(name: &str, reason: String) -> Trial {
    Trial::test(name, move || Err(Failed::from(reason)))
}
