//! Windows with the word, and with parts of it.

use std::ops::Range;
use std::path::Path;

use stapes_augment::{SpeedConfig, SpeedFilter};
use stapes_data::Subset;
use stapes_random::Rng;

use super::background::Background;
use super::word_region::word_region;
use super::{OTHER, RATE_HZ, write};
use crate::error::Error;

/// Maximum time from the end of the word to the end of a window, s: a stream is classified more often.
const MAX_AFTER: f32 = 0.4;
/// Fraction of the windows that have other recordings as background; the others have their own, and a little noise.
const MIXED: f32 = 0.6;
/// Ranges of the ratio of word to background, dB.
const MIXED_SNR_DB: [f32; 2] = [3.0, 25.0];
const OWN_SNR_DB: [f32; 2] = [20.0, 45.0];
/// Range of speeds, which changes tempo and pitch.
const SPEED: [f32; 2] = [0.9, 1.1];
/// Fraction of the word that windows without the rest of it contain.
const BEGINNING: [f32; 2] = [0.2, 0.6];
const ENDING: [f32; 2] = [0.2, 0.5];
/// Samples over which a recording fades in and out.
const FADE: usize = RATE_HZ as usize / 100;

/// A recording of the word.
pub(super) struct Word {
    pub(super) samples: Vec<f32>,
    /// Samples of the word.
    pub(super) region: Range<usize>,
    pub(super) subset: Subset,
    /// True for a synthetic voice.
    pub(super) is_voice: bool,
}

impl Word {
    /// Finds the word in a recording, which is for training at first.
    pub(super) fn new(samples: Vec<f32>, is_voice: bool) -> Option<Word> {
        let region = word_region(&samples)?;
        Some(Word { samples, region, subset: Subset::Train, is_voice })
    }

    /// Returns the word at another speed, with at least `context` samples before and after it, as far as the recording has them.
    fn at_speed(&self, speed: &SpeedFilter, context: usize) -> Word {
        // A faster recording needs more samples.
        let context = (context as f32 * speed.factor()).ceil() as usize;
        let start = self.region.start.saturating_sub(context);
        let end = (self.region.end + context).min(self.samples.len());
        let samples = speed.apply(&self.samples[start..end]);
        let scaled = |sample: usize| (((sample - start) as f32 / speed.factor()) as usize).min(samples.len());
        let region = scaled(self.region.start)..scaled(self.region.end);
        Word { region, samples, subset: self.subset, is_voice: self.is_voice }
    }
}

/// Returns the filters of a range of speeds.
pub(super) fn speeds(factor: [f32; 2]) -> Vec<SpeedFilter> {
    SpeedConfig { probability: 1.0, factor }.filters()
}

/// Writer of windows.
pub(super) struct Windows<'a> {
    pub(super) window: usize,
    pub(super) folder: &'a Path,
    pub(super) word: &'a str,
    pub(super) seed: u64,
}

impl Windows<'_> {
    /// Writes `each` windows of each recording of a subset (fewer of synthetic voices), two with a part of it, and those without
    /// it unless they were written before. Returns the number of windows with the word and with parts.
    pub(super) fn write(
        &self,
        subset: Subset,
        words: &[&Word],
        each: usize,
        background: &Background<'_>,
    ) -> Result<(usize, usize), Error> {
        let folder = self.folder.join(subset.name());
        let speeds = speeds(SPEED);
        let (mut count, mut parts) = (0, 0);
        for (number, word) in words.iter().enumerate() {
            let kind = if word.is_voice { "voice" } else { "recording" };
            let each = if word.is_voice { super::VOICE_WINDOWS } else { each };
            for variant in 0..each {
                let numbers = [number as u64, variant as u64];
                let mut rng = Rng::numbered(self.seed, &format!("wake word {subset}"), numbers);
                let changed;
                let spoken = match subset {
                    Subset::Train => {
                        changed = word.at_speed(&speeds[rng.below(speeds.len())], self.window);
                        &changed
                    }
                    _ => *word,
                };
                let window = self.with_word(spoken, background, subset, &mut rng)?;
                write(&folder.join(self.word).join(format!("{kind}_{number:04}_{variant:02}.wav")), window)?;
                count += 1;
                if variant < 2 {
                    let window = self.with_part(spoken, variant == 0, background, subset, &mut rng)?;
                    let name = format!("part_{kind}_{number:04}_{variant}.wav");
                    write(&folder.join(OTHER).join(name), window)?;
                    parts += 1;
                }
            }
        }
        for (at, window) in background.stream(subset).chunks_exact(self.window).enumerate() {
            write(&folder.join(OTHER).join(format!("{at:05}.wav")), window.to_vec())?;
        }
        Ok((count, parts))
    }

    /// Returns a window that ends with the word or up to 0.4 s after it.
    fn with_word(
        &self,
        word: &Word,
        background: &Background<'_>,
        subset: Subset,
        rng: &mut Rng,
    ) -> Result<Vec<f32>, Error> {
        let most = (MAX_AFTER * RATE_HZ as f32) as usize;
        let most = most.min(self.window.saturating_sub(word.region.len()));
        let end = word.region.end + rng.below(most + 1);
        self.mix(word, end, 0..word.samples.len(), background, subset, rng)
    }

    /// Returns a window with the beginning of the word at its end, or with the end of the word at its beginning.
    fn with_part(
        &self,
        word: &Word,
        beginning: bool,
        background: &Background<'_>,
        subset: Subset,
        rng: &mut Rng,
    ) -> Result<Vec<f32>, Error> {
        let length = word.region.len() as f32;
        if beginning {
            let end = word.region.start + (between(BEGINNING, rng) * length) as usize;
            return self.mix(word, end, 0..end, background, subset, rng);
        }
        let start = word.region.end - (between(ENDING, rng) * length) as usize;
        self.mix(word, start + self.window, start..word.samples.len(), background, subset, rng)
    }

    /// Returns the window that ends at sample `end` of a recording, of which a range is used, over a background.
    fn mix(
        &self,
        word: &Word,
        end: usize,
        used: Range<usize>,
        background: &Background<'_>,
        subset: Subset,
        rng: &mut Rng,
    ) -> Result<Vec<f32>, Error> {
        let mut window = background.draw(subset, rng)?;
        let snr_db = between(if rng.uniform() < MIXED { MIXED_SNR_DB } else { OWN_SNR_DB }, rng);
        let word_power = power(&word.samples[word.region.clone()]);
        let gain = (word_power / power(&window).max(1e-12) * 10f32.powf(-snr_db / 10.0)).sqrt();
        window.iter_mut().for_each(|sample| *sample *= gain);
        for (at, sample) in window.iter_mut().enumerate() {
            // The first sample of the window may be before the recording.
            let Some(from) = (end + at).checked_sub(self.window).filter(|from| used.contains(from)) else {
                continue;
            };
            let edge = (from - used.start + 1).min(used.end - from).min(FADE);
            *sample += word.samples[from] * edge as f32 / FADE as f32;
        }
        limit(&mut window);
        Ok(window)
    }
}

/// Returns the mean power of samples.
pub(super) fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32
}

/// Scales samples whose peak would be clipped.
pub(super) fn limit(samples: &mut [f32]) {
    let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    if peak > 0.99 {
        samples.iter_mut().for_each(|sample| *sample *= 0.99 / peak);
    }
}

/// Draws a number from a range.
pub(super) fn between([low, high]: [f32; 2], rng: &mut Rng) -> f32 {
    low + (high - low) * rng.uniform()
}
