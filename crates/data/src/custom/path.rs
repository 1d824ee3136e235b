//! Paths of a manifest, which must be inside its folder.

use std::path::{Component, Path, PathBuf};

/// Returns the name of an example, the same on every machine, and the path of its file. The path in the manifest is
/// relative to `root`, or absolute and inside it. The file system is not accessed, so links may point anywhere.
pub(super) fn resolve(root: &Path, text: &str) -> Result<(String, PathBuf), String> {
    let outside = || {
        format!(
            "path `{text}` is outside {}, the folder of the manifest; move the file there, or set --data to a folder that \
             contains both",
            root.display()
        )
    };
    if text.is_empty() {
        return Err("path is empty; it must name an audio file".to_owned());
    }
    let path = Path::new(text);
    let relative = if path.is_absolute() {
        let root = std::path::absolute(root).map_err(|error| format!("{}: {error}", root.display()))?;
        path.strip_prefix(&root).map_err(|_| outside())?.to_owned()
    } else {
        path.to_owned()
    };
    let mut names: Vec<&str> = Vec::new();
    for component in relative.components() {
        match component {
            // A component of valid text is valid text.
            Component::Normal(name) => names.push(name.to_str().unwrap_or_default()),
            Component::CurDir => {}
            Component::ParentDir => {
                names.pop().ok_or_else(outside)?;
            }
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    if names.is_empty() {
        return Err(format!("path `{text}` does not name a file"));
    }
    let name = names.join("/");
    let file = root.join(&name);
    Ok((name, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_path_have_one_name() {
        let root = Path::new("/sounds/mine");
        for text in ["a/b.wav", "./a/b.wav", "a/./b.wav", "a/c/../b.wav", "/sounds/mine/a/b.wav", "a//b.wav"]
        {
            let (name, file) = resolve(root, text).unwrap();
            assert_eq!((name.as_str(), file), ("a/b.wav", PathBuf::from("/sounds/mine/a/b.wav")), "{text}");
        }
    }

    #[test]
    fn a_path_outside_the_folder_is_rejected() {
        for text in [
            "../b.wav",
            "a/../../b.wav",
            "/sounds/b.wav",
            "/sounds/mine/../b.wav",
            "/etc/passwd",
            "",
            ".",
            "a/..",
        ] {
            let reason = resolve(Path::new("/sounds/mine"), text).unwrap_err();
            assert!(reason.starts_with("path "), "{reason}");
        }
    }
}
