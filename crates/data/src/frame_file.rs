//! Files of frames: NumPy arrays, or text with one frame per line.

use std::fmt::Display;
use std::path::Path;

use ndarray::ArrayView2;
use ndarray_npy::ViewNpyExt;
use stapes_features::Features;

use crate::error::DataError;

/// Extensions of files of frames.
pub const FRAME_EXTENSIONS: [&str; 3] = ["csv", "npy", "txt"];

/// Maximum size of a text file of frames in bytes: more than an hour of frames.
const MAX_TEXT: u64 = 256 << 20;

/// Returns true if the extension is that of a file of frames, in any case.
pub fn has_frame_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    FRAME_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// Reads a file of frames: a NumPy array [T, F] of 32-bit or 64-bit floats if the extension is `npy`, else text with one frame
/// per line, values separated by commas or spaces. Text may also come from a pipe.
///
/// # Errors
/// [`DataError::Unreadable`] if the file cannot be read; [`DataError::Line`] with the line of a fault in text;
/// [`DataError::Manifest`] for other content.
///
/// # Example
/// ```
/// let path = std::env::temp_dir().join(format!("stapes-frames-{}.csv", std::process::id()));
/// std::fs::write(&path, "0.5,1\n2,-1e-3\n")?;
/// let frames = stapes_data::read_frames(&path)?;
/// assert_eq!((frames.frames(), frames.width(), frames.values()), (2, 2, &[0.5, 1.0, 2.0, -1e-3][..]));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_frames(path: &Path) -> Result<Features, DataError> {
    let is_npy = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
    let unreadable = |reason| DataError::unreadable(path, reason);
    match is_npy {
        true => npy(path, &stapes_files::read(path).map_err(unreadable)?),
        false => text(path, &stapes_files::read_text_or_stream(path, MAX_TEXT).map_err(unreadable)?),
    }
}

fn fault(path: &Path, reason: impl Display) -> DataError {
    DataError::Manifest { path: path.to_owned(), reason: reason.to_string() }
}

fn npy(path: &Path, bytes: &[u8]) -> Result<Features, DataError> {
    // A view is not larger than the file, whatever its header claims.
    let array = match ArrayView2::<f32>::view_npy(bytes) {
        Ok(array) => array.to_owned(),
        Err(_) => match ArrayView2::<f64>::view_npy(bytes) {
            Ok(array) => array.mapv(|value| value as f32),
            Err(error) => {
                let rule =
                    "not an array [frames, features] of float32 or float64 in the byte order of this machine";
                return Err(fault(path, format_args!("{rule} ({error})")));
            }
        },
    };
    let (frames, width) = array.dim();
    if frames == 0 || width == 0 {
        return Err(fault(path, "the array is empty; it must be [frames, features]"));
    }
    if let Some(((frame, _), value)) = array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        let reason = format_args!("frame {frame} has the value {value}; all values must be finite numbers");
        return Err(fault(path, reason));
    }
    // In the order of rows, whatever the order of the file.
    Ok(Features::new(width, array.iter().copied().collect()))
}

/// Splits a line into values separated by commas or spaces; a missing value between two commas is an empty word.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let columns = line.split(',').map(str::trim);
    let commas = line.contains(',');
    columns.flat_map(move |column| {
        let missing = (commas && column.is_empty()).then_some(column);
        missing.into_iter().chain(column.split_whitespace())
    })
}

fn text(path: &Path, text: &str) -> Result<Features, DataError> {
    let wrong = |line: usize, reason| DataError::Line { path: path.to_owned(), line: line + 1, reason };
    let mut values = Vec::new();
    let mut width = 0;
    for (line, text) in text.lines().enumerate() {
        let before = values.len();
        for word in words(text) {
            let value = word.parse().ok().filter(|value: &f32| value.is_finite());
            values.push(value.ok_or_else(|| {
                let word: String = word.chars().take(20).collect();
                wrong(line, format!("{word:?} is not a finite number; correct it"))
            })?);
        }
        let here = values.len() - before;
        if here == 0 {
            continue;
        }
        if width != 0 && here != width {
            let reason = format!("{here} values instead of {width} as in the lines before; correct the line");
            return Err(wrong(line, reason));
        }
        width = here;
    }
    if width == 0 {
        let advice = "write one frame per line, values separated by commas or spaces";
        return Err(fault(path, format_args!("the file has no frames; {advice}")));
    }
    Ok(Features::new(width, values))
}
