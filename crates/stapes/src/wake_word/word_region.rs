//! Where a word is in a recording.

use std::ops::Range;

use super::RATE_HZ;

/// Frame of the energies, samples.
const HOP: usize = RATE_HZ as usize / 100;
/// Part of the range from the background to the loudest frame above which a frame is speech, dB over dB.
const THRESHOLD: f64 = 0.4;
/// Silence inside a word, such as before a plosive, frames.
const MAX_GAP: usize = 20;
/// Minimum length of a word, frames; clicks are shorter.
const MIN_LENGTH: usize = 12;
/// Quiet beginning and end of a word that are below the threshold, frames.
const BEFORE: usize = 5;
const AFTER: usize = 10;
/// Minimum range from the background to the loudest frame, dB.
const MIN_RANGE: f64 = 6.0;

/// Returns the samples of the loudest word, or `None` if nothing is louder than the background.
///
/// Frames of 10 ms whose energy is above a threshold between background (the lowest tenth) and maximum are speech; parts with
/// gaps of at most 0.2 s are one word, and that with the most energy above the threshold is chosen.
pub(super) fn word_region(samples: &[f32]) -> Option<Range<usize>> {
    let level = |frame: &[f32]| {
        let power = frame.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / frame.len() as f64;
        10.0 * power.max(1e-9).log10()
    };
    let levels: Vec<f64> = samples.chunks(HOP).map(level).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f64::total_cmp);
    let (background, loudest) = (*sorted.get(sorted.len() / 10)?, *sorted.last()?);
    if loudest - background < MIN_RANGE {
        return None;
    }
    let threshold = background + THRESHOLD * (loudest - background);
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (frame, _) in levels.iter().enumerate().filter(|(_, level)| **level > threshold) {
        match parts.last_mut() {
            Some(last) if frame - last.end <= MAX_GAP => last.end = frame + 1,
            _ => parts.push(frame..frame + 1),
        }
    }
    let energy = |part: &Range<usize>| -> f64 {
        levels[part.clone()].iter().map(|level| (level - threshold).max(0.0)).sum()
    };
    let word = parts
        .into_iter()
        .filter(|part| part.len() >= MIN_LENGTH)
        .max_by(|a, b| energy(a).total_cmp(&energy(b)))?;
    let (start, end) = (word.start.saturating_sub(BEFORE) * HOP, (word.end + AFTER) * HOP);
    Some(start..end.min(samples.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(seconds: f64, amplitude: f32) -> Vec<f32> {
        let count = (seconds * f64::from(RATE_HZ)) as usize;
        (0..count).map(|n| amplitude * (n as f32 * 0.3).sin()).collect()
    }

    #[test]
    fn the_word_is_found_between_clicks_and_pauses() {
        // Background, a click, background, a word with a pause of 0.1 s, background.
        let parts =
            [(0.5, 0.001), (0.03, 0.9), (0.5, 0.001), (0.3, 0.3), (0.1, 0.001), (0.2, 0.3), (0.6, 0.001)];
        let samples: Vec<f32> =
            parts.iter().flat_map(|&(seconds, amplitude)| tone(seconds, amplitude)).collect();
        let word = word_region(&samples).unwrap();
        let seconds = |sample: usize| sample as f64 / f64::from(RATE_HZ);
        assert!((seconds(word.start) - (1.03 - 0.05)).abs() < 0.011, "{}", seconds(word.start));
        assert!((seconds(word.end) - (1.63 + 0.1)).abs() < 0.011, "{}", seconds(word.end));
    }

    #[test]
    fn noise_alone_has_no_word() {
        assert_eq!(word_region(&tone(1.0, 0.01)), None);
        assert_eq!(word_region(&[]), None);
        assert_eq!(word_region(&[0.0; 8000]), None);
    }
}
