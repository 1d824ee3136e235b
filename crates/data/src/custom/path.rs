//! Paths of a manifest, which must be inside its folder.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

/// Returns the name of an example, the same on every machine, and the path of its file. The path in the manifest is
/// relative to `folder` in `root` (or to `root` if `folder` is empty), or absolute and inside `root`. Links may point anywhere.
///
/// The file system is accessed only for paths with `\` or with letters beyond ASCII: `\` is a separator, and a composed or
/// decomposed letter (é as one or two characters) the other form, if the file exists only so.
pub(super) fn resolve(root: &Path, folder: &str, text: &str) -> Result<(String, PathBuf), String> {
    if text.is_empty() {
        return Err("path is empty; it must name an audio file".to_owned());
    }
    if let Some(rest) = drive(text) {
        return Err(format!(
            "path `{text}` begins with a drive letter, and this folder has another place; write the path relative to the folder \
             of the manifest, such as `{}`",
            rest.rsplit(['\\', '/']).next().unwrap_or_default()
        ));
    }
    let found = inside(root, folder, text)?;
    if (text.is_ascii() && !text.contains('\\')) || found.1.exists() {
        return Ok(found);
    }
    let exists = |text: &str| inside(root, folder, text).ok().filter(|(_, path)| path.exists());
    let unix = match text.contains('\\') {
        true => Cow::Owned(text.replace('\\', "/")),
        false => Cow::Borrowed(text),
    };
    let forms = [unix.to_string(), unix.nfc().collect(), unix.nfd().collect()];
    Ok(forms.iter().find_map(|form| exists(form)).unwrap_or(found))
}

/// Returns the rest of a path that begins with a drive letter of Windows, on other systems.
fn drive(text: &str) -> Option<&str> {
    let (drive, rest) = text.split_once(':')?;
    let is_drive = !cfg!(windows)
        && drive.len() == 1
        && drive.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && rest.starts_with(['\\', '/']);
    is_drive.then_some(rest)
}

fn inside(root: &Path, folder: &str, text: &str) -> Result<(String, PathBuf), String> {
    let outside = || {
        format!(
            "path `{text}` is outside {}, the folder of the manifest; move the file there, or set --data to a folder that \
             contains both",
            root.display()
        )
    };
    let path = Path::new(text);
    let relative = if path.is_absolute() {
        let root = std::path::absolute(root).map_err(|error| format!("{}: {error}", root.display()))?;
        path.strip_prefix(&root).map_err(|_| outside())?.to_owned()
    } else {
        Path::new(folder).join(path)
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
            let (name, file) = resolve(root, "", text).unwrap();
            assert_eq!((name.as_str(), file), ("a/b.wav", PathBuf::from("/sounds/mine/a/b.wav")), "{text}");
        }
    }

    #[test]
    fn a_path_is_relative_to_the_folder_of_its_manifest() {
        let root = Path::new("/sounds/mine");
        for text in ["b.wav", "../train/b.wav", "/sounds/mine/train/b.wav"] {
            let found = resolve(root, "train", text).unwrap();
            assert_eq!(found, ("train/b.wav".to_owned(), root.join("train/b.wav")), "{text}");
        }
        assert_eq!(resolve(root, "train", "../b.wav").unwrap().0, "b.wav");
        assert!(resolve(root, "train", "../../b.wav").is_err());
    }

    #[test]
    fn a_windows_path_and_another_unicode_form_name_the_file_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join("oui")).unwrap();
        for name in ["oui/a.wav", "oui/composed \u{e9}.wav", "oui/decomposed e\u{301}.wav"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        for (text, name) in [
            ("oui\\a.wav", "oui/a.wav"),
            (".\\oui\\a.wav", "oui/a.wav"),
            ("oui/composed e\u{301}.wav", "oui/composed \u{e9}.wav"),
            ("oui\\decomposed \u{e9}.wav", "oui/decomposed e\u{301}.wav"),
            // Nothing exists: the name is that of the manifest.
            ("non\\b.wav", "non\\b.wav"),
        ] {
            assert_eq!(resolve(root, "", text).unwrap(), (name.to_owned(), root.join(name)), "{text}");
        }
        #[cfg(unix)]
        {
            std::fs::write(root.join("oui\\b.wav"), "").unwrap();
            assert_eq!(resolve(root, "", "oui\\b.wav").unwrap().0, "oui\\b.wav", "a file with this name");
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn a_drive_letter_is_rejected_with_a_hint() {
        let reason = resolve(Path::new("/sounds"), "", "C:\\Users\\ann\\yes\\1.wav").unwrap_err();
        assert!(reason.contains("drive letter") && reason.ends_with("such as `1.wav`"), "{reason}");
        assert!(resolve(Path::new("/sounds"), "", "a:b.wav").is_ok());
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
            let reason = resolve(Path::new("/sounds/mine"), "", text).unwrap_err();
            assert!(reason.starts_with("path "), "{reason}");
        }
    }
}
