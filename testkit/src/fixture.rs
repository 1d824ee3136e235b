//! Where recorded references and data sets lie.

use std::path::{Path, PathBuf};

/// A folder that tests read and that is not part of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixture {
    /// Recorded numbers of the reference toolkits: `STAPES_GOLDEN`, by default `../shared/golden`.
    Golden,
    /// Real data sets: `STAPES_DATA`, by default `../shared/data`.
    Data,
}

impl Fixture {
    /// The environment variable that names the folder.
    pub fn variable(self) -> &'static str {
        match self {
            Fixture::Golden => "STAPES_GOLDEN",
            Fixture::Data => "STAPES_DATA",
        }
    }

    /// The folder, or why it is not there and how to get it.
    pub fn folder(self) -> Result<PathBuf, String> {
        let default = match self {
            Fixture::Golden => "../shared/golden",
            Fixture::Data => "../shared/data",
        };
        let named = std::env::var_os(self.variable()).filter(|value| !value.is_empty());
        // A relative path counts from the workspace's root, wherever cargo runs the test.
        let folder = workspace_root().join(named.map_or_else(|| PathBuf::from(default), PathBuf::from));
        if folder.is_dir() {
            return Ok(folder);
        }
        Err(format!(
            "no folder {}: set {} to the folder (CONTRIBUTING.md, \"Recorded references and data\", says how to get it)",
            folder.display(),
            self.variable()
        ))
    }
}

/// Whether an absent folder is a failure: `STAPES_REQUIRE_FIXTURES=1`, as in the continuous check.
pub fn required() -> bool {
    std::env::var("STAPES_REQUIRE_FIXTURES").is_ok_and(|value| value == "1")
}

/// The root of the workspace.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
