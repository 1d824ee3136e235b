//! The manifest of recorded networks.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// All groups of the recorded networks; a test covers each group.
const GROUPS: [&str; 6] = ["recurrent", "wiring", "gru_reset_before", "head", "trajectory", "net"];

/// A recorded case: its entry in the manifest, and the file of its tensors.
pub struct RecordedCase<R> {
    /// Name of the case.
    pub name: String,
    /// Entry in the manifest.
    pub recorded: R,
    /// File of its tensors.
    pub file: PathBuf,
}

/// Reads the cases of some groups of the networks recorded in `golden`.
///
/// # Errors
/// If the manifest cannot be read, a case has no name or group, a group is not covered by a test, or a case of the
/// requested groups cannot be deserialized as `R`.
pub fn networks<R: DeserializeOwned>(golden: &Path, groups: &[&str]) -> Result<Vec<RecordedCase<R>>, String> {
    let folder = golden.join("nn");
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let manifest: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut cases = Vec::new();
    for case in manifest["cases"].as_array().ok_or("the manifest has no list of cases")? {
        let name = case["name"].as_str().ok_or("a case has no name")?;
        let group = case["group"].as_str().ok_or_else(|| format!("{name} has no group"))?;
        if !GROUPS.contains(&group) {
            return Err(format!("{name}: no test covers the group {group}; add it to GROUPS and to a test"));
        }
        if groups.contains(&group) {
            let recorded = R::deserialize(case).map_err(|error| format!("{name}: {error}"))?;
            let file = folder.join(format!("{name}.safetensors"));
            cases.push(RecordedCase { name: name.into(), recorded, file });
        }
    }
    Ok(cases)
}
