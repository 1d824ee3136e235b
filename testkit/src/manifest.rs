//! The manifest of recorded networks.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Every group of the recorded networks; each is run by a test somewhere.
const GROUPS: [&str; 6] = ["recurrent", "wiring", "gru_reset_before", "head", "trajectory", "net"];

/// A recorded case: what the manifest says of it, and where its tensors lie.
pub struct RecordedCase<R> {
    /// Its name.
    pub name: String,
    /// What the manifest says.
    pub recorded: R,
    /// The file of its tensors.
    pub file: PathBuf,
}

/// The cases of some groups of the networks recorded in `golden`.
///
/// # Errors
/// If the manifest cannot be read, a case has no name or group, a group is one that no test knows, or a case of
/// these groups says something that `R` does not understand.
pub fn networks<R: DeserializeOwned>(golden: &Path, groups: &[&str]) -> Result<Vec<RecordedCase<R>>, String> {
    let folder = golden.join("nn");
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let manifest: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut cases = Vec::new();
    for case in manifest["cases"].as_array().ok_or("the manifest has no list of cases")? {
        let name = case["name"].as_str().ok_or("a case without a name")?;
        let group = case["group"].as_str().ok_or_else(|| format!("{name} has no group"))?;
        if !GROUPS.contains(&group) {
            return Err(format!("{name}: no test knows the group {group}"));
        }
        if groups.contains(&group) {
            let recorded = R::deserialize(case).map_err(|error| format!("{name}: {error}"))?;
            let file = folder.join(format!("{name}.safetensors"));
            cases.push(RecordedCase { name: name.into(), recorded, file });
        }
    }
    Ok(cases)
}
