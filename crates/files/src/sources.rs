//! A test that every file of data is opened by this crate, and by no other source of the project.

use std::fs;
use std::path::{Path, PathBuf};

/// Calls that open or read a file without a look at its kind.
const OPENS: [&str; 5] =
    ["File::open(", "fs::read(", "fs::read_to_string(", "File::options()", "OpenOptions::new("];
/// Sources that may: this crate, and the one that asks the system about its processor.
const ALLOWED: [&str; 2] = ["crates/files/", "crates/stapes/src/run/versions.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn no_other_crate_opens_files_by_itself() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path()) {
        sources(&entry.join("src"), &mut found);
    }
    assert!(found.len() > 100, "{} sources", found.len());
    let mut wrong = Vec::new();
    for path in found {
        let name = path.strip_prefix(&root).unwrap().display().to_string().replace('\\', "/");
        if ALLOWED.iter().any(|allowed| name.starts_with(allowed)) || name.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // Tests are behind the code, and examples in its documentation.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (at, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if OPENS.iter().any(|opens| line.contains(opens)) {
                wrong.push(format!("{name}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "open these by stapes_files:\n{}", wrong.join("\n"));
}
