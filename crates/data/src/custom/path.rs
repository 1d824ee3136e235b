//! Paths of a manifest: within its folder, or refused.

use std::path::{Component, Path, PathBuf};

/// A path as a manifest writes it, relative to `root` or absolute within it: the example's name, the same on every machine,
/// and the file. Nothing is looked up, so links may lead anywhere.
pub(super) fn inside(root: &Path, text: &str) -> Result<(String, PathBuf), String> {
    let outside = || {
        format!(
            "path `{text}` is outside {}, in which the paths of the manifest lie: move the file there, or give --data the \
             folder that holds both",
            root.display()
        )
    };
    if text.is_empty() {
        return Err("path is empty: must name a sound file".to_owned());
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
            // Made of text, so it is text.
            Component::Normal(name) => names.push(name.to_str().unwrap_or_default()),
            Component::CurDir => {}
            Component::ParentDir => {
                names.pop().ok_or_else(outside)?;
            }
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    if names.is_empty() {
        return Err(format!("path `{text}` names no file"));
    }
    let name = names.join("/");
    let file = root.join(&name);
    Ok((name, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_within_has_one_name_however_it_is_written() {
        let root = Path::new("/sounds/mine");
        for text in ["a/b.wav", "./a/b.wav", "a/./b.wav", "a/c/../b.wav", "/sounds/mine/a/b.wav", "a//b.wav"]
        {
            let (name, file) = inside(root, text).unwrap();
            assert_eq!((name.as_str(), file), ("a/b.wav", PathBuf::from("/sounds/mine/a/b.wav")), "{text}");
        }
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
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
            let reason = inside(Path::new("/sounds/mine"), text).unwrap_err();
            assert!(reason.starts_with("path "), "{reason}");
        }
    }
}
