//! Everything but the word: recordings, voices and noise, split into subsets and cut into windows.

use std::path::{Path, PathBuf};

use stapes_audio::{Recording, StreamResampler};
use stapes_augment::SpeedFilter;
use stapes_data::Subset;
use stapes_infer::InferError;
use stapes_random::Rng;

use super::windows::speeds;
use super::word_region::word_region;
use super::{OTHER, RATE_HZ, write};
use crate::error::Error;

/// Unit of the split: a recording, or a piece of at most a minute.
const PIECE: usize = 60 * RATE_HZ as usize;
/// Maximum length of the background for training, samples: four hours, 460 MB of files.
const MAX_TRAIN: usize = 4 * 3600 * RATE_HZ as usize;
/// Maximum length of each of the others, samples: an hour and a half.
const MAX_OTHER: usize = 5400 * RATE_HZ as usize;
/// Maximum length of a recording whose word is joined to others, samples.
const SHORT: usize = 2 * RATE_HZ as usize;
/// Speeds of joined words, and the overlap of the quiet ends of two of them, samples.
const JOINED_SPEED: [f32; 2] = [0.9, 1.3];
const JOINED_OVERLAP: usize = RATE_HZ as usize / 10;
/// Range of levels of synthetic noise, dBFS.
const NOISE_DB: (f32, f32) = (-70.0, -20.0);

/// Background of all subsets. The windows of the training subset are files as soon as they are complete; the other two are long
/// recordings, of which windows are a part.
pub(super) struct Background<'a> {
    window: usize,
    folder: &'a Path,
    /// Samples for training that are not a window yet.
    rest: Vec<f32>,
    /// Words of short recordings without pauses, for training.
    joined: Vec<f32>,
    speeds: Vec<SpeedFilter>,
    rng: Rng,
    /// Number of windows for training.
    windows: usize,
    /// Samples of validation and test.
    streams: [Vec<f32>; 2],
    /// Number of pieces.
    pieces: usize,
    /// Samples for training that were not used, because there are enough.
    unused: usize,
}

/// Reads a recording at the rate of the clips.
pub(super) fn read(file: &Path) -> Result<Vec<f32>, InferError> {
    let clip = stapes_audio::read(file)?;
    Ok(match clip.sample_rate_hz {
        RATE_HZ => clip.samples,
        _ => clip.resampled(RATE_HZ)?.samples,
    })
}

impl<'a> Background<'a> {
    pub(super) fn new(window: usize, folder: &'a Path, seed: u64) -> Background<'a> {
        Background {
            window,
            folder,
            rest: Vec::new(),
            joined: Vec::new(),
            speeds: speeds(JOINED_SPEED),
            rng: Rng::new(seed, "wake word joined words"),
            windows: 0,
            streams: [Vec::new(), Vec::new()],
            pieces: 0,
            unused: 0,
        }
    }

    /// Adds a recording of any length; of ten pieces, one each is for validation and test.
    pub(super) fn add_file(&mut self, file: &Path) -> Result<(), Error> {
        let mut recording = Recording::open(file).map_err(InferError::from)?;
        let mut resampler =
            StreamResampler::new(recording.sample_rate_hz(), RATE_HZ).map_err(InferError::from)?;
        let mut samples = Vec::new();
        while let Some(block) = recording.next_block().map_err(InferError::from)? {
            resampler.push(block, &mut samples).map_err(InferError::from)?;
            while samples.len() >= PIECE {
                let rest = samples.split_off(PIECE);
                self.add_piece(&std::mem::replace(&mut samples, rest))?;
            }
        }
        resampler.finish(&mut samples).map_err(InferError::from)?;
        self.add_piece(&samples)
    }

    fn add_piece(&mut self, samples: &[f32]) -> Result<(), Error> {
        let subset = match self.pieces % 10 {
            4 => Subset::Validation,
            9 => Subset::Test,
            _ => Subset::Train,
        };
        self.pieces += 1;
        if subset == Subset::Train {
            self.join(samples)?;
        }
        self.add(samples, subset)
    }

    /// Adds the word of a short recording to those before it, faster or slower, almost without a pause: recordings of single words
    /// become continuous speech.
    fn join(&mut self, samples: &[f32]) -> Result<(), Error> {
        if samples.len() > SHORT || self.is_full() {
            return Ok(());
        }
        let Some(word) = word_region(samples) else { return Ok(()) };
        let speed = &self.speeds[self.rng.below(self.speeds.len())];
        let word = speed.apply(&samples[word]);
        // The quiet ends of a word overlap those of its neighbors.
        let overlap = JOINED_OVERLAP.min(self.joined.len()).min(word.len());
        let (start, end) = word.split_at(overlap);
        let at = self.joined.len() - overlap;
        self.joined[at..].iter_mut().zip(start).for_each(|(before, sample)| *before += sample);
        self.joined.extend_from_slice(end);
        while self.joined.len() >= self.window + JOINED_OVERLAP {
            let rest = self.joined.split_off(self.window);
            let window = std::mem::replace(&mut self.joined, rest);
            self.push(&window)?;
        }
        Ok(())
    }

    /// Adds samples to a subset, up to its maximum.
    pub(super) fn add(&mut self, samples: &[f32], subset: Subset) -> Result<(), Error> {
        let stream = match subset {
            Subset::Validation => &mut self.streams[0],
            Subset::Test => &mut self.streams[1],
            Subset::Train => {
                if self.is_full() {
                    self.unused += samples.len();
                    return Ok(());
                }
                self.rest.extend_from_slice(samples);
                let whole = self.rest.len() - self.rest.len() % self.window;
                let rest = self.rest.split_off(whole);
                let whole = std::mem::replace(&mut self.rest, rest);
                return whole.chunks_exact(self.window).try_for_each(|window| self.push(window));
            }
        };
        let room = MAX_OTHER.saturating_sub(stream.len());
        stream.extend_from_slice(&samples[..samples.len().min(room)]);
        Ok(())
    }

    /// Returns true if there is enough for training.
    fn is_full(&self) -> bool {
        self.windows * self.window >= MAX_TRAIN
    }

    /// Writes a window of the training subset.
    fn push(&mut self, window: &[f32]) -> Result<(), Error> {
        write(&self.path(self.windows), window.to_vec())?;
        self.windows += 1;
        Ok(())
    }

    fn path(&self, window: usize) -> PathBuf {
        self.folder.join(Subset::Train.name()).join(OTHER).join(format!("{window:05}.wav"))
    }

    /// Adds windows of synthetic noise at drawn levels, from white to brown, for training.
    pub(super) fn add_noise(&mut self, count: usize, seed: u64) -> Result<(), Error> {
        for number in 0..count {
            let mut rng = Rng::numbered(seed, "wake word noise", [number as u64, 0]);
            let noise = noise(self.window, &mut rng);
            self.push(&noise)?;
        }
        Ok(())
    }

    /// Adds a recording that a model took for the word: windows at drawn offsets, for training.
    pub(super) fn add_hard(&mut self, file: &Path, count: usize, seed: u64) -> Result<(), Error> {
        let samples = read(file)?;
        let mut rng = Rng::new(seed, &format!("wake word hard negative {}", file.display()));
        let slack = samples.len().abs_diff(self.window) + 1;
        for _ in 0..count {
            let offset = rng.below(slack);
            let mut window = noise(self.window, &mut rng);
            window.iter_mut().for_each(|sample| *sample *= 0.01);
            match samples.len() >= self.window {
                true => window.copy_from_slice(&samples[offset..offset + self.window]),
                false => window[offset..offset + samples.len()].copy_from_slice(&samples),
            }
            self.push(&window)?;
        }
        Ok(())
    }

    /// Returns a window of the background of a subset.
    pub(super) fn draw(&self, subset: Subset, rng: &mut Rng) -> Result<Vec<f32>, Error> {
        let stream = self.stream(subset);
        match subset {
            Subset::Train => Ok(read(&self.path(rng.below(self.windows.max(1))))?),
            _ if stream.len() < self.window => Ok(noise(self.window, rng)),
            _ => {
                let at = rng.below(stream.len() - self.window + 1);
                Ok(stream[at..at + self.window].to_vec())
            }
        }
    }

    /// Returns the long recording of a subset; that of training is not kept.
    pub(super) fn stream(&self, subset: Subset) -> &[f32] {
        match subset {
            Subset::Train => &[],
            Subset::Validation => &self.streams[0],
            Subset::Test => &self.streams[1],
        }
    }

    /// Returns the number of windows of a subset.
    pub(super) fn count(&self, subset: Subset) -> usize {
        match subset {
            Subset::Train => self.windows,
            _ => self.stream(subset).len() / self.window,
        }
    }

    /// Returns the length of the background of each subset, s.
    pub(super) fn seconds(&self) -> [f64; 3] {
        Subset::ALL.map(|subset| (self.count(subset) * self.window) as f64 / f64::from(RATE_HZ))
    }

    /// Returns what is short or was not used.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let hours = |samples: usize| samples as f64 / f64::from(RATE_HZ) / 3600.0;
        if self.unused > 0 {
            notes.push(format!(
                "{:.1} h without the word were not used, because {:.1} h are enough for training",
                hours(self.unused),
                hours(MAX_TRAIN)
            ));
        }
        let train = hours(self.windows * self.window);
        if train < 0.5 {
            notes.push(format!(
                "only {train:.2} h without the word for training; the model will have many false accepts, so add folders with \
                 speech and noise (--negatives)"
            ));
        }
        for subset in [Subset::Validation, Subset::Test] {
            let seconds = self.count(subset) * self.window / RATE_HZ as usize;
            if seconds < 60 {
                notes.push(format!(
                    "only {seconds} s without the word for {subset}; false accepts cannot be measured"
                ));
            }
        }
        notes
    }
}

/// Returns noise with a drawn level and color: white noise through a first-order low-pass filter.
fn noise(length: usize, rng: &mut Rng) -> Vec<f32> {
    let (low, high) = NOISE_DB;
    let level = 10f32.powf((low + (high - low) * rng.uniform()) / 20.0);
    let smoothing = (1.2 * rng.uniform()).min(0.98);
    let mut last = 0.0f32;
    let mut noise: Vec<f32> = (0..length)
        .map(|_| {
            last = smoothing * last + (1.0 - smoothing) * rng.normal() as f32;
            last
        })
        .collect();
    let power = noise.iter().map(|x| x * x).sum::<f32>() / length.max(1) as f32;
    let gain = level / power.sqrt().max(1e-9);
    noise.iter_mut().for_each(|x| *x = (*x * gain).clamp(-1.0, 1.0));
    noise
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: usize = RATE_HZ as usize;

    /// Recording of 1.5 s with a tone of half a second.
    fn word(amplitude: f32) -> Vec<f32> {
        let sample = |n: usize| match (8000..16_000).contains(&n) {
            true => amplitude * (n as f32 * 0.2).sin(),
            false => 1e-4 * (n as f32 * 0.9).sin(),
        };
        (0..24_000).map(sample).collect()
    }

    #[test]
    fn of_ten_recordings_one_each_is_for_validation_and_test() {
        let folder = tempfile::tempdir().unwrap();
        let mut background = Background::new(WINDOW, folder.path(), 1);
        for number in 0..20 {
            background.add_piece(&vec![number as f32 / 100.0; 4 * WINDOW]).unwrap();
        }
        assert_eq!(Subset::ALL.map(|subset| background.count(subset)), [64, 8, 8]);
        let of = |subset| background.stream(subset).iter().step_by(4 * WINDOW).copied().collect::<Vec<f32>>();
        assert_eq!((of(Subset::Validation), of(Subset::Test)), (vec![0.04, 0.14], vec![0.09, 0.19]));
        let last = read(&folder.path().join("train/_other_/00063.wav")).unwrap();
        assert!((last[0] - 0.18).abs() < 1e-4 && last.len() == WINDOW);
    }

    #[test]
    fn words_of_short_recordings_are_joined_without_their_silence() {
        let folder = tempfile::tempdir().unwrap();
        let mut background = Background::new(WINDOW, folder.path(), 1);
        for _ in 0..40 {
            background.join(&word(0.5)).unwrap();
        }
        // Words of 0.4 to 0.7 s, of which 0.1 s overlap, at speeds from 0.9 to 1.3.
        assert!((13..26).contains(&background.windows), "{}", background.windows);
        for window in 0..background.windows {
            let samples = read(&background.path(window)).unwrap();
            let is_quiet = |part: &&[f32]| part.iter().all(|sample| sample.abs() < 0.01);
            let quiet = samples.chunks(160).filter(is_quiet).count();
            assert!(quiet < 40, "window {window}: {quiet} of 100 frames are quiet");
        }
        let before = background.windows;
        (0..40).for_each(|_| background.join(&[word(0.5), word(0.5)].concat()).unwrap());
        assert_eq!(background.windows, before, "long recordings are not single words");
    }

    #[test]
    fn synthetic_noise_has_levels_within_their_range() {
        for number in 0..50 {
            let noise = noise(WINDOW, &mut Rng::numbered(3, "test", [number, 0]));
            let power = noise.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / noise.len() as f64;
            let level = 10.0 * power.log10();
            assert!((-70.5..-19.5).contains(&level), "{level}");
        }
    }
}
