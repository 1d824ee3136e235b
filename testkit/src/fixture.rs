//! Folders of recorded references and data sets.

use std::path::{Path, PathBuf};

/// A folder that tests read and that is not part of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixture {
    /// Recorded outputs of the reference toolkits: `STAPES_GOLDEN`, by default `../shared/golden`.
    Golden,
    /// Real data sets: `STAPES_DATA`, by default `../shared/data`.
    Data,
}

impl Fixture {
    /// Environment variable with the path of the folder.
    pub fn variable(self) -> &'static str {
        match self {
            Fixture::Golden => "STAPES_GOLDEN",
            Fixture::Data => "STAPES_DATA",
        }
    }

    /// Returns the folder, or the reason why it is missing and how to get it.
    pub fn folder(self) -> Result<PathBuf, String> {
        let default = match self {
            Fixture::Golden => "../shared/golden",
            Fixture::Data => "../shared/data",
        };
        let named = std::env::var_os(self.variable()).filter(|value| !value.is_empty());
        // A relative path is relative to the root of the workspace, wherever cargo runs the test.
        let folder = workspace_root().join(named.map_or_else(|| PathBuf::from(default), PathBuf::from));
        if folder.is_dir() {
            return Ok(folder);
        }
        Err(format!(
            "{} is not a folder; set {} to the folder (see CONTRIBUTING.md, \"Recorded references and data\")",
            folder.display(),
            self.variable()
        ))
    }
}

/// True if a missing folder is a failure: `STAPES_REQUIRE_FIXTURES=1`, as in continuous integration.
pub fn required() -> bool {
    std::env::var("STAPES_REQUIRE_FIXTURES").is_ok_and(|value| value == "1")
}

/// Root of the workspace.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
