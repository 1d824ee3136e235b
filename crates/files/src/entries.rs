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

/// Maximum depth of folders; a deeper one is probably a circular link.
const MAX_DEPTH: usize = 32;

/// Returns the files of a folder and of its subfolders, sorted by name, without names that begin with a dot, each with its path in
/// the folder: names with `/` between them. A folder for which `enters` is false counts as a file.
///
/// # Errors
/// A folder that cannot be read, or that is more than 32 folders deep, with the reason.
///
/// # Example
/// ```
/// let folder = std::env::temp_dir().join(format!("stapes-files-below-{}", std::process::id()));
/// std::fs::create_dir_all(folder.join("b"))?;
/// for name in ["a.txt", "b/c.txt"] {
///     std::fs::write(folder.join(name), "")?;
/// }
/// let found = stapes_files::files_below(&folder, |_| true).map_err(|(_, error)| error)?;
/// let paths: Vec<&str> = found.iter().map(|(_, path)| &**path).collect();
/// assert_eq!(paths, ["a.txt", "b/c.txt"]);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn files_below(
    folder: &Path,
    enters: impl Fn(&Entry) -> bool,
) -> Result<Vec<(Entry, String)>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    collect(folder, "", 0, &enters, &mut found)?;
    Ok(found)
}

fn collect(
    folder: &Path,
    within: &str,
    depth: usize,
    enters: &dyn Fn(&Entry) -> bool,
    found: &mut Vec<(Entry, String)>,
) -> Result<(), (PathBuf, io::Error)> {
    let failed = |error: io::Error| (folder.to_owned(), error);
    if depth > MAX_DEPTH {
        let reason = format!("more than {MAX_DEPTH} folders inside each other; remove circular links");
        return Err(failed(io::Error::other(reason)));
    }
    for entry in entries(folder).map_err(failed)? {
        let path = format!("{within}{}", entry.name);
        match entry.is_folder && enters(&entry) {
            true => collect(&entry.path, &format!("{path}/"), depth + 1, enters, found)?,
            false => found.push((entry, path)),
        }
    }
    Ok(())
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
