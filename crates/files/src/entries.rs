//! Content of folders, in an order that does not depend on the file system.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// File or folder inside a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name; characters that are not UTF-8 are replaced.
    pub name: String,
    /// Path of the folder, joined with the name.
    pub path: PathBuf,
    /// True for folders and for symbolic links to folders.
    pub is_folder: bool,
}

/// Returns the content of a folder, sorted by name, without names that begin with a dot.
///
/// # Errors
/// Errors of the file system, such as a missing folder or permission.
///
/// # Example
/// ```
/// let folder = std::env::temp_dir().join(format!("stapes-entries-{}", std::process::id()));
/// std::fs::create_dir_all(folder.join("b"))?;
/// std::fs::write(folder.join("a.txt"), "")?;
/// let entries = stapes_files::entries(&folder)?;
/// assert_eq!((entries[0].name.as_str(), entries[1].is_folder), ("a.txt", true));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = text(&entry.file_name());
        if name.starts_with('.') {
            continue;
        }
        let (kind, path) = (entry.file_type()?, entry.path());
        let is_folder = kind.is_dir() || (kind.is_symlink() && path.is_dir());
        found.push(Entry { name, path, is_folder });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
    Ok(found)
}
/// Returns a name as text; bytes that are not UTF-8 become `\xff`, so that different names stay different.
fn text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text += chunk.valid();
        chunk.invalid().iter().for_each(|byte| text += &format!("\\x{byte:02x}"));
    }
    text
}
