//! Text about files that cannot be used.

use std::fmt::Write;
use std::path::PathBuf;

/// Names the first five files with the reasons, counts the others and ends with the advice.
///
/// # Example
/// ```
/// let failed = [("a.wav".into(), "is empty".to_owned())];
/// let text = stapes_files::list_failures(&failed, 8, "repair or remove them");
/// assert_eq!(text, "1 of 8 files cannot be used:\n  a.wav: is empty\nrepair or remove them");
/// ```
pub fn list_failures(failed: &[(PathBuf, String)], total: usize, advice: &str) -> String {
    const SHOWN: usize = 5;
    let mut text = format!("{} of {total} files cannot be used:", failed.len());
    for (path, reason) in failed.iter().take(SHOWN) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {}: {reason}", path.display());
    }
    if failed.len() > SHOWN {
        let _ = write!(text, "\n  and {} more", failed.len() - SHOWN);
    }
    format!("{text}\n{advice}")
}
