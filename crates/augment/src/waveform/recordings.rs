//! Recordings of noise and of impulse responses.

use std::path::Path;

use crate::draws::AugmentKey;
use crate::error::AugmentError;

/// Returns the recordings of a folder and its subfolders, sorted by name, at one rate.
#[cfg(feature = "recordings")]
pub(super) fn read_recordings(
    key: AugmentKey,
    folder: &Path,
    rate_hz: u32,
) -> Result<Vec<Vec<f32>>, AugmentError> {
    use super::sound::energy;
    use rayon::prelude::*;

    let error = |rule: &str| key.error("folder", folder.display(), rule);
    if !folder.is_dir() {
        return Err(AugmentError::MissingFolder { key: key.path("folder"), path: folder.to_owned() });
    }
    let found = find(folder)?;
    if found.is_empty() {
        return Err(error("contains no recordings; set another folder"));
    }
    let sound = |path: &Path| -> Result<Vec<f32>, String> {
        let clip = stapes_audio::read(path).and_then(|clip| clip.resampled(rate_hz));
        let samples = clip.map_err(|error| without_path(path, &error.to_string()))?.samples;
        match energy(&samples) > 0.0 {
            true => Ok(samples),
            false => Err("is silent; remove it".to_owned()),
        }
    };
    let sounds: Vec<_> = found.par_iter().map(|path| sound(path)).collect();
    let total = found.len();
    let (mut read, mut failed) = (Vec::with_capacity(total), Vec::new());
    for (path, sound) in found.into_iter().zip(sounds) {
        match sound {
            Ok(samples) => read.push(samples),
            Err(reason) => failed.push((path, reason)),
        }
    }
    match failed.is_empty() {
        true => Ok(read),
        false => Err(AugmentError::Files { failed, total }),
    }
}

/// Without the feature `recordings`, returns an error.
#[cfg(not(feature = "recordings"))]
pub(super) fn read_recordings(
    key: AugmentKey,
    folder: &Path,
    _rate_hz: u32,
) -> Result<Vec<Vec<f32>>, AugmentError> {
    let rule = "recordings need the feature `recordings` of stapes-augment; build with it or remove the key";
    Err(key.error("folder", folder.display(), rule))
}

/// Returns the paths of the audio files of a folder, then those of its subfolders, each sorted by name.
#[cfg(feature = "recordings")]
fn find(folder: &Path) -> Result<Vec<std::path::PathBuf>, AugmentError> {
    let entries = |folder: &Path| {
        stapes_files::entries(folder)
            .map_err(|reason| AugmentError::Unreadable { path: folder.to_owned(), reason })
    };
    use stapes_audio::has_audio_extension;
    let outer = entries(folder)?;
    let mut found: Vec<_> = outer
        .iter()
        .filter(|entry| has_audio_extension(&entry.path))
        .map(|entry| entry.path.clone())
        .collect();
    // A folder with the name of a recording is rejected like a damaged recording.
    for inner in outer.iter().filter(|entry| entry.is_folder && !has_audio_extension(&entry.path)) {
        found.extend(
            entries(&inner.path)?
                .into_iter()
                .map(|entry| entry.path)
                .filter(|path| has_audio_extension(path)),
        );
    }
    Ok(found)
}

/// Removes the path at the start of a message, because the path is reported separately.
#[cfg(feature = "recordings")]
fn without_path(path: &Path, message: &str) -> String {
    let prefix = format!("{}: ", path.display());
    message.strip_prefix(&prefix).unwrap_or(message).to_owned()
}
