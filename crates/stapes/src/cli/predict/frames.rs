//! Files of frames: text with one frame per line, or NumPy arrays.

use std::path::Path;

use anyhow::{Context, Result, bail};
use ndarray::ArrayView2;
use ndarray_npy::ViewNpyExt;
use stapes::features::Features;

/// Extensions of files of frames in a folder.
pub(crate) const EXTENSIONS: [&str; 3] = ["csv", "npy", "txt"];

/// Reads a file of frames, an array [T, F] or text.
pub(super) fn read(file: &Path) -> Result<Features> {
    match file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy")) {
        true => read_npy(file),
        false => read_frames(file),
    }
}

/// Reads a NumPy array [T, F] of 32-bit or 64-bit floats.
fn read_npy(file: &Path) -> Result<Features> {
    let name = || file.display().to_string();
    let bytes = stapes_files::read(file).with_context(name)?;
    // A view is not larger than the file, whatever its header claims.
    let array = match ArrayView2::<f32>::view_npy(&bytes) {
        Ok(array) => array.to_owned(),
        Err(_) => match ArrayView2::<f64>::view_npy(&bytes) {
            Ok(array) => array.mapv(|value| value as f32),
            Err(error) => bail!(
                "{}: not an array [frames, features] of float32 or float64 in the byte order of this machine ({error})",
                name()
            ),
        },
    };
    let (frames, width) = array.dim();
    if frames == 0 || width == 0 {
        bail!("{}: the array is empty; it must be [frames, features]", name());
    }
    if let Some(((frame, _), value)) = array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        bail!("{}: frame {frame} has the value {value}; all values must be finite numbers", name());
    }
    // In the order of rows, whatever the order of the file.
    Ok(Features::new(width, array.iter().copied().collect()))
}

/// Maximum size of a text file of frames in bytes: more than an hour of frames.
const MAX_FRAMES_TEXT: u64 = 256 << 20;

/// Splits a line into values separated by commas or spaces; a missing value between two commas is an empty word.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let columns = line.split(',').map(str::trim);
    let commas = line.contains(',');
    columns.flat_map(move |column| {
        let missing = (commas && column.is_empty()).then_some(column);
        missing.into_iter().chain(column.split_whitespace())
    })
}

/// Reads a text file with one frame per line.
fn read_frames(file: &Path) -> Result<Features> {
    let text = stapes_files::read_text_or_stream(file, MAX_FRAMES_TEXT)
        .with_context(|| format!("{}: cannot read the frames", file.display()))?;
    let mut values = Vec::new();
    let mut width = 0;
    for (line, text) in text.lines().enumerate() {
        let before = values.len();
        for word in words(text) {
            let value = word.parse().ok().filter(|value: &f32| value.is_finite());
            values.push(value.with_context(|| {
                let word: String = word.chars().take(20).collect();
                format!("{}: line {}: {word:?} is not a finite number; correct it", file.display(), line + 1)
            })?);
        }
        let here = values.len() - before;
        if here == 0 {
            continue;
        }
        if width != 0 && here != width {
            bail!(
                "{}: line {}: {here} values instead of {width} as in the lines before; correct the line",
                file.display(),
                line + 1
            );
        }
        width = here;
    }
    if width == 0 {
        bail!(
            "{}: the file has no frames; write one frame per line, values separated by commas or spaces",
            file.display()
        );
    }
    Ok(Features::new(width, values))
}
