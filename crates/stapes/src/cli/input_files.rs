//! The input files of a command: paths, folders, patterns, and lists of files.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Maximum size of a list of files in bytes: more than a million paths.
const MAX_LIST: u64 = 256 << 20;

/// Path that means the standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// File of a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InputFile {
    pub(crate) path: PathBuf,
    /// Path below the folder that was given; the name of a file that was given itself.
    pub(crate) below: PathBuf,
}

/// Files of the arguments, and the paths and patterns whose files cannot be found.
pub(crate) struct Found {
    pub(crate) files: Vec<InputFile>,
    pub(crate) failed: Vec<(PathBuf, anyhow::Error)>,
}

impl Found {
    /// Returns the files if every folder could be read.
    pub(crate) fn all(self) -> Result<Vec<InputFile>> {
        match self.failed.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(self.files),
        }
    }
}

/// Returns the files of the arguments in their order; the files of a folder or pattern are sorted by name. `is_wanted` chooses
/// the files of folders. Paths that do not exist remain in the list and fail when they are read.
pub(crate) fn find(paths: &[PathBuf], list: Option<&Path>, is_wanted: fn(&Path) -> bool) -> Result<Found> {
    let single = |path: PathBuf| InputFile { below: path.file_name().unwrap_or_default().into(), path };
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            match files_of_folder(path, is_wanted) {
                Ok(found) => files.extend(found),
                Err(error) => failed.push((path.clone(), error)),
            }
        } else if path.symlink_metadata().is_ok() || path.as_os_str() == STANDARD_INPUT {
            files.push(single(path.clone()));
        } else {
            match path.to_str().filter(|text| text.contains(['*', '?', '['])) {
                Some(pattern) => match of_pattern(pattern) {
                    Ok(found) => files.extend(found.into_iter().map(single)),
                    Err(error) => failed.push((path.clone(), error)),
                },
                None => files.push(single(path.clone())),
            }
        }
    }
    if let Some(list) = list {
        let text = read_list(list)?;
        let paths = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(PathBuf::from);
        files.extend(paths.map(single));
    }
    if files.is_empty() && failed.is_empty() {
        bail!("the list of files is empty; give at least one file");
    }
    Ok(Found { files, failed })
}

/// Returns the wanted files below a folder, at least one.
fn files_of_folder(folder: &Path, is_wanted: fn(&Path) -> bool) -> Result<Vec<InputFile>> {
    let found = stapes_files::files_below(folder, |_| true)
        .map_err(|(folder, error)| anyhow::anyhow!("{}: cannot be read: {error}", folder.display()))?;
    let wanted = found.into_iter().map(|(entry, _)| entry.path).filter(|path| is_wanted(path));
    let below = |file: &Path| file.strip_prefix(folder).unwrap_or(file).to_owned();
    let files: Vec<InputFile> = wanted.map(|file| InputFile { below: below(&file), path: file }).collect();
    if files.is_empty() {
        bail!("{}: no file in this folder can be classified; give other files or folders", folder.display());
    }
    Ok(files)
}

/// True for a sound file by its extension.
pub(crate) fn is_recording(path: &Path) -> bool {
    stapes::audio::has_audio_extension(path)
}

/// True for a file of frames by its extension.
pub(crate) fn is_frames(path: &Path) -> bool {
    stapes::data::has_frame_extension(path)
}

fn of_pattern(pattern: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    // Hidden files are not found, as by a shell.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let found = glob::glob_with(pattern, options)
        .with_context(|| format!("{pattern}: is not a file and not a valid pattern"))?;
    for path in found {
        let path = path.with_context(|| pattern.to_owned())?;
        if !path.is_dir() {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("{pattern}: no file fits this pattern; check the path");
    }
    Ok(files)
}

/// Reads a list of files, one path per line; `-` is the standard input.
fn read_list(list: &Path) -> Result<String> {
    if list.as_os_str() != STANDARD_INPUT {
        return stapes_files::read_text_or_stream(list, MAX_LIST)
            .with_context(|| format!("{}: cannot read the list of files", list.display()));
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_LIST)
        .read_to_string(&mut text)
        .context("standard input: cannot read the list of files")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_patterns_and_lists_are_expanded_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("a/b")).unwrap();
        for name in ["a/2.wav", "a/1.FLAC", "a/b/3.mp3", "a/notes.txt", "a/.hidden.wav", "x[1].wav"] {
            std::fs::write(path(name), "").unwrap();
        }
        std::fs::write(path("list"), format!("{}\r\n\nmissing.wav\n", path("a/2.wav").display())).unwrap();
        let names = |paths: &[PathBuf], list: Option<&Path>| -> Vec<String> {
            let found = find(paths, list, is_recording).unwrap();
            found.all().unwrap().iter().map(|file| file.below.to_str().unwrap().replace('\\', "/")).collect()
        };
        assert_eq!(names(&[path("a")], None), ["1.FLAC", "2.wav", "b/3.mp3"]);
        assert_eq!(names(&[path("a/*.wav"), path("gone.wav")], None), ["2.wav", "gone.wav"]);
        // A file whose name is also a pattern.
        assert_eq!(names(&[path("x[1].wav")], None), ["x[1].wav"]);
        assert_eq!(names(&[], Some(&path("list"))), ["2.wav", "missing.wav"]);
        for wrong in [path("a/*.ogg"), path("a/[")] {
            let error = find(std::slice::from_ref(&wrong), None, is_recording).unwrap().all().unwrap_err();
            assert!(error.to_string().contains(&wrong.display().to_string()), "{error}");
        }
        std::fs::create_dir(path("empty")).unwrap();
        assert!(find(&[], Some(&path("a/notes.txt")), is_recording).is_err());
        // The others are found.
        let found = find(&[path("empty"), path("a")], None, is_recording).unwrap();
        assert_eq!((found.files.len(), &found.failed[0].0), (3, &path("empty")));
        assert!(found.all().is_err());
        assert!(is_frames(Path::new("a.NPY")) && !is_frames(Path::new("a.wav")));
    }
}
