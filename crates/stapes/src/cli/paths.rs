//! Paths of inputs and outputs.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Returns the file names of the inputs; the name of an output is that of its input and `extension`.
pub(super) fn file_names<'a>(files: &'a [PathBuf], extension: &str) -> Result<Vec<&'a OsStr>> {
    let mut seen: HashMap<OsString, &Path> = HashMap::new();
    let mut names = Vec::new();
    for file in files {
        let Some(name) = file.file_name() else {
            bail!("{}: the path has no file name; give the path of a file", file.display())
        };
        if let Some(other) = seen.insert(name.to_owned(), file) {
            bail!(
                "{} and {} would both be written to {}{extension}; write them to two folders",
                other.display(),
                file.display(),
                name.display()
            );
        }
        names.push(name);
    }
    Ok(names)
}

/// Returns the given output path, or the first free one of `runs/NAME`, `runs/NAME-2`, ….
pub(super) fn output(out: Option<PathBuf>, name: &Path) -> PathBuf {
    out.unwrap_or_else(|| stapes::run::free_name(&Path::new("runs").join(name)))
}

/// True if an output is the file of an input, or the model file of an input that is a run folder.
pub(super) fn is_input(out: &Path, input: &Path) -> bool {
    let same = |file: &Path| matches!((out.canonicalize(), file.canonicalize()), (Ok(a), Ok(b)) if a == b);
    same(input) || same(&input.join(stapes::run::MODEL))
}

/// True for a pipe or a device, whose content is not replaced.
pub(super) fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Checks that the name of an output that replaces an existing file has the extension of its format, so that a recording or a
/// recipe is not replaced by mistake.
pub(super) fn check_extension(option: &str, path: &Path, extension: &str) -> Result<()> {
    if !is_special(path) && path.extension().is_none_or(|found| !found.eq_ignore_ascii_case(extension)) {
        bail!(
            "{option} {}: is not a .{extension} file; give a name that ends with .{extension}",
            path.display()
        );
    }
    Ok(())
}

/// Creates a folder for results unless it exists.
pub(super) fn create_folder(out: &Path) -> Result<()> {
    if out.exists() && !out.is_dir() {
        bail!("{}: is a file; give a folder", out.display());
    }
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot create the folder", out.display()))
}

/// Writes a file atomically.
pub(super) fn write_file(path: &Path, contents: &[u8]) -> Result<()> {
    stapes_files::write_atomic(path, contents)
        .with_context(|| format!("{}: cannot write the file", path.display()))
}

/// Makes the folder of the data absolute, so that `eval` finds it from any working directory.
pub(super) fn absolute(data: Option<&Path>) -> Result<Option<PathBuf>> {
    let absolute = |data: &Path| std::path::absolute(data).with_context(|| data.display().to_string());
    data.map(absolute).transpose()
}
