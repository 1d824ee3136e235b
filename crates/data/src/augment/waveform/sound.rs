//! Sounds that are prepared once, and what is measured on samples.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use stapes_random::Stream;

use crate::augment::draw::Entry;
use crate::error::DataError;
use crate::folder::{entries, recordings};

/// Samples of noise that are made once; what an example gets is cut out of them.
pub(super) const NOISE_SAMPLES: usize = 1 << 19;

/// White noise: normally distributed, of power 1.
pub(super) fn white() -> Vec<f32> {
    let mut stream = Stream::new(0, "augment white noise");
    (0..NOISE_SAMPLES).map(|_| stream.normal() as f32).collect()
}

/// The sum of the squares.
pub(super) fn energy(samples: &[f32]) -> f64 {
    const LANES: usize = 8;
    // Few enough squares are added in f32 that the sum is right to six digits.
    let sums = samples.chunks(256).map(|block| {
        let (eights, rest) = block.as_chunks::<LANES>();
        let mut sums = [0.0f32; LANES];
        for eight in eights {
            sums.iter_mut().zip(eight).for_each(|(sum, sample)| *sum += sample * sample);
        }
        f64::from(sums.iter().sum::<f32>() + rest.iter().map(|sample| sample * sample).sum::<f32>())
    });
    sums.sum()
}

/// `length` samples from `start` on, in pieces; behind the end the sound begins again.
///
/// # Panics
/// If there is no sample, or `start` is behind the last.
pub(super) fn pieces(sound: &[f32], start: usize, length: usize) -> impl Iterator<Item = &[f32]> {
    assert!(start < sound.len(), "sample {start} of {}", sound.len());
    let whole = std::iter::once(&sound[start..]).chain(std::iter::repeat(sound));
    whole.scan(length, |left, piece| {
        let piece = &piece[..piece.len().min(*left)];
        *left -= piece.len();
        (!piece.is_empty()).then_some(piece)
    })
}

/// The `.wav` recordings of a folder and of the folders in it, by name, at one rate.
pub(super) fn sounds(entry: Entry, folder: &Path, rate_hz: u32) -> Result<Vec<Vec<f32>>, DataError> {
    const EXPECTED: &str = "text";
    let refused = |rule: &str| entry.refuse("folder", folder.display(), rule);
    if !folder.is_dir() {
        return Err(refused("there is no such folder: give one that holds .wav recordings"));
    }
    let mut found = recordings(folder, EXPECTED)?;
    for inner in entries(folder)?.iter().filter(|inner| inner.is_folder) {
        // A folder that is called as a recording is refused as one.
        if !found.iter().any(|recording| recording.path == inner.path) {
            found.extend(recordings(&inner.path, EXPECTED)?);
        }
    }
    if found.is_empty() {
        return Err(refused("holds no .wav recording, nor do its folders: give one that does"));
    }
    let sound = |path: &PathBuf| -> Result<Vec<f32>, String> {
        let reason = |error: stapes_audio::AudioError| error.to_string();
        let samples =
            stapes_audio::read(path).and_then(|clip| clip.resampled(rate_hz)).map_err(reason)?.samples;
        match energy(&samples) > 0.0 {
            true => Ok(samples),
            false => Err("is silent".to_owned()),
        }
    };
    let sounds: Vec<_> = found.par_iter().map(|found| sound(&found.path)).collect();
    let total = found.len();
    let (mut read, mut failed) = (Vec::with_capacity(total), Vec::new());
    for (found, sound) in found.into_iter().zip(sounds) {
        match sound {
            Ok(samples) => read.push(samples),
            Err(reason) => failed.push((found.path, reason)),
        }
    }
    match failed.is_empty() {
        true => Ok(read),
        false => Err(DataError::Files { failed, total }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_the_sum_of_squares() {
        let samples: Vec<f32> = (0..1003).map(|n| (n as f32 * 0.37).sin() * 1e3).collect();
        let expected: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        assert!((energy(&samples) / expected - 1.0).abs() < 1e-6);
        assert_eq!(energy(&[]), 0.0);
    }

    #[test]
    fn pieces_go_round_a_short_sound() {
        let sound = [1.0, 2.0, 3.0];
        let taken = |start, length| pieces(&sound, start, length).flatten().copied().collect::<Vec<_>>();
        assert_eq!(taken(2, 6), [3.0, 1.0, 2.0, 3.0, 1.0, 2.0]);
        assert_eq!(taken(0, 2), [1.0, 2.0]);
        assert_eq!(pieces(&sound, 1, 2).count(), 1);
        assert_eq!(pieces(&sound, 0, 0).count(), 0);
    }

    #[test]
    fn white_noise_has_power_1_and_no_memory() {
        let noise = white();
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / NOISE_SAMPLES as f64;
        let power = mean(&mut noise.iter().map(|&value| f64::from(value).powi(2)));
        assert!((power - 1.0).abs() < 0.01, "{power}");
        for lag in [1, 2, 7, 100] {
            let products = noise.iter().zip(&noise[lag..]).map(|(&a, &b)| f64::from(a * b));
            let along = mean(&mut products.into_iter());
            assert!(along.abs() < 0.008, "{lag}: {along}");
        }
    }
}
