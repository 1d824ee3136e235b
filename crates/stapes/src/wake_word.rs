//! Data and recipe of a wake word from few recordings.
//!
//! The word is found in each recording ([`word_region`]) and placed into windows of background at random offsets and levels
//! ([`windows`]). Everything else, and parts of the word, are the class [`OTHER`]. Speech synthesis adds voices ([`voices`]). For the
//! choice of a threshold and for the test, words are placed into long recordings ([`stream`]).

mod background;
mod stream;
mod voices;
mod windows;
mod word_region;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use stapes_audio::{Clip, wav_bytes};
use stapes_data::{DataError, Subset};
use stapes_infer::InferError;
use stapes_random::Rng;

use crate::error::Error;
use crate::recipe::Recipe;
use background::Background;
pub use voices::Voices;
use windows::{Windows, Word};

/// Class of everything but the word.
const OTHER: &str = "_other_";

/// Folders of the clips, and of long recordings.
const CLIPS: &str = "clips";
const STREAMS: &str = "streams";

/// Sample rate of all clips.
const RATE_HZ: u32 = 16_000;
/// Minimum number of recordings of the word.
const MIN_RECORDINGS: usize = 10;
/// Number of windows of the word for training, over all recordings.
const WORD_WINDOWS: usize = 1200;
/// Windows of the word of each synthetic voice, and of each recording in validation and test.
const VOICE_WINDOWS: usize = 3;
/// Windows of each hard negative.
const HARD_WINDOWS: usize = 10;
/// Windows of synthetic noise for training.
const NOISE_WINDOWS: usize = 300;

/// A wake word: recordings of it, and of anything else.
pub struct WakeWord<'a> {
    /// The word: its class, and what synthetic voices say.
    pub word: &'a str,
    /// Recordings of the word, one each.
    pub recordings: &'a [PathBuf],
    /// Recordings of any length without the word.
    pub negatives: &'a [PathBuf],
    /// Recordings that a model took for the word; each is used several times, for training only.
    pub hard_negatives: &'a [PathBuf],
    /// Synthetic voices, if there are any.
    pub voices: Option<&'a Voices>,
    /// Number of synthetic voices.
    pub voice_count: usize,
    /// Seed of the split and of all draws.
    pub seed: u64,
}

/// Data of a wake word that was written, and its recipe.
pub struct WakeWordData {
    /// TOML text with comments.
    pub recipe: String,
    /// Data, features and model that were written, with the reasons.
    pub reasons: [String; 3],
    /// Warnings about the recordings.
    pub warnings: Vec<String>,
}

/// Number of windows of a subset.
#[derive(Clone, Copy, Default)]
struct Counts {
    word: usize,
    other: usize,
}

impl WakeWord<'_> {
    /// Writes the clips into a new folder and returns the recipe, in which the folder has the given name; `on_file` receives
    /// the number of files that were read, and of all.
    ///
    /// # Errors
    /// [`Error::Dataset`] if there are too few recordings; [`Error::Infer`] if one cannot be read or written;
    /// [`Error::Data`] when stopped.
    pub fn write(
        &self,
        folder: &Path,
        data_folder: &str,
        stop: &AtomicBool,
        on_file: &dyn Fn(usize, usize),
    ) -> Result<WakeWordData, Error> {
        let total = self.recordings.len() + self.negatives.len() + self.hard_negatives.len();
        let done = std::cell::Cell::new(0);
        let next = || {
            done.set(done.get() + 1);
            on_file(done.get(), total);
            match stop.load(Ordering::Relaxed) {
                true => Err(Error::from(DataError::Stopped { done: done.get(), total })),
                false => Ok(()),
            }
        };
        let mut warnings = Vec::new();
        let mut words = self.words(&next, &mut warnings)?;
        let window = window_length(&words);
        let clips = &folder.join(CLIPS);
        let mut background = Background::new(window, clips, self.seed);
        for file in order(self.negatives, self.seed) {
            next()?;
            if let Err(error) = background.add_file(file) {
                warnings.push(format!("not used: {error}"));
            }
        }
        if let Some(voices) = self.voices {
            self.add_voices(voices, folder, &mut words, &mut background, stop)?;
        }
        background.add_noise(NOISE_WINDOWS, self.seed)?;
        for file in self.hard_negatives {
            next()?;
            background.add_hard(file, HARD_WINDOWS, self.seed)?;
        }
        let windows = Windows { window, folder: clips, word: self.word, seed: self.seed };
        let mut counts = [Counts::default(); 3];
        for (at, subset) in Subset::ALL.into_iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Err(DataError::Stopped { done: done.get(), total }.into());
            }
            let of_subset: Vec<&Word> = words.iter().filter(|word| word.subset == subset).collect();
            let each = match subset {
                Subset::Train => (WORD_WINDOWS
                    / of_subset.iter().filter(|word| !word.is_voice).count().max(1))
                .clamp(4, 40),
                _ => VOICE_WINDOWS,
            };
            let (word, parts) = windows.write(subset, &of_subset, each, &background)?;
            counts[at] = Counts { word, other: background.count(subset) + parts };
            if subset != Subset::Train {
                stream::write_words(
                    folder,
                    subset,
                    self.word,
                    &of_subset,
                    background.stream(subset),
                    self.seed,
                )?;
            }
        }
        warnings.extend(background.notes());
        self.data(data_folder, window, &words, counts, background.seconds(), warnings)
    }

    /// Reads the recordings, finds the word in each, and splits them.
    fn words(
        &self,
        next: &dyn Fn() -> Result<(), Error>,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Word>, Error> {
        let mut words = Vec::new();
        for file in order(self.recordings, self.seed) {
            next()?;
            let found = background::read(file).map(|samples| Word::new(samples, false));
            match found {
                Ok(Some(word)) => words.push(word),
                Ok(None) => warnings.push(format!("{}: no word was found; not used", file.display())),
                Err(error) => warnings.push(format!("not used: {error}")),
            }
        }
        if words.len() < MIN_RECORDINGS {
            let reason = warnings.first().map(|warning| format!(" ({warning})")).unwrap_or_default();
            return Err(Error::Dataset(format!(
                "{} recordings of the word can be used{reason}; a wake word needs at least {MIN_RECORDINGS}",
                words.len()
            )));
        }
        // One of ten for each of validation and test.
        let tenth = words.len().div_ceil(10);
        for (at, word) in words.iter_mut().enumerate() {
            word.subset = match at {
                at if at < tenth => Subset::Test,
                at if at < 2 * tenth => Subset::Validation,
                _ => Subset::Train,
            };
        }
        Ok(words)
    }

    /// Adds synthetic voices, which say the word and other words; three of ten are for validation, for a threshold needs hours
    /// without the word, and one is for the test.
    fn add_voices(
        &self,
        voices: &Voices,
        folder: &Path,
        words: &mut Vec<Word>,
        background: &mut Background<'_>,
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        for number in 0..self.voice_count {
            if stop.load(Ordering::Relaxed) {
                return Err(DataError::Stopped { done: number, total: self.voice_count }.into());
            }
            let spoken = voices.speak(self.word, number, self.seed, folder)?;
            let subset = match number % 10 {
                6..9 => Subset::Validation,
                9 => Subset::Test,
                _ => Subset::Train,
            };
            // Words of synthetic voices are for training only: the measured accuracy is that of the recordings.
            if subset == Subset::Train {
                words.extend(Word::new(spoken.word, true));
            }
            background.add(&spoken.other, subset)?;
        }
        Ok(())
    }

    fn data(
        &self,
        data_folder: &str,
        window: usize,
        words: &[Word],
        counts: [Counts; 3],
        hours: [f64; 3],
        warnings: Vec<String>,
    ) -> Result<WakeWordData, Error> {
        let seconds = window as f64 / f64::from(RATE_HZ);
        let voices = words.iter().filter(|word| word.is_voice).count();
        let [train, validation, test] = counts;
        let recipe = recipe(self.word, data_folder, window);
        Recipe::from_toml(self.word, &recipe, &[])?;
        let with_voices = if voices > 0 { format!(" and {voices} synthetic voices") } else { String::new() };
        let [train_hours, validation_hours, test_hours] = hours.map(|seconds| seconds / 3600.0);
        Ok(WakeWordData {
            recipe,
            reasons: [
                format!(
                    "{} recordings{with_voices}: {} windows of the word and {} others for training, {} and {} for validation, {} and \
                     {} for the test; {train_hours:.1} h, {validation_hours:.2} h and {test_hours:.2} h without the word",
                    words.len() - voices,
                    train.word,
                    train.other,
                    validation.word,
                    validation.other,
                    test.word,
                    test.other
                ),
                format!(
                    "40 log-mel bands every 10 ms at {RATE_HZ} Hz in windows of {seconds:.1} s, which fit the word; its recordings \
                     differ in level, room and noise"
                ),
                format!("TC-ResNet8, a small convolutional network for keywords, {EPOCHS} epochs"),
            ],
            warnings,
        })
    }
}

/// Number of epochs of the recipe.
const EPOCHS: usize = 10;

/// Recipe with names in braces in place of values.
const RECIPE: &str = include_str!("wake_word/recipe.toml");

/// Returns the recipe.
fn recipe(word: &str, data_folder: &str, window: usize) -> String {
    let quoted = |text: &str| toml::Value::String(text.into()).to_string();
    // Texts from outside come last, so that nothing is replaced in them.
    [
        ("{sample_rate_hz}", RATE_HZ.to_string()),
        ("{window}", window.to_string()),
        ("{seconds}", format!("{:.1}", window as f64 / f64::from(RATE_HZ))),
        ("{epochs}", EPOCHS.to_string()),
        ("{classes}", toml::Value::from(vec![OTHER, word]).to_string()),
        ("{data_folder}", quoted(&format!("{data_folder}/{CLIPS}"))),
        ("{title}", quoted(&format!("Wake word: {word}"))),
    ]
    .into_iter()
    .fold(RECIPE.to_owned(), |recipe, (name, value)| recipe.replacen(name, &value, 1))
}

/// Returns the length of windows that contain the word and 0.3 s more: 1 to 2 s, a multiple of 0.1 s.
fn window_length(words: &[Word]) -> usize {
    let mut lengths: Vec<usize> = words.iter().map(|word| word.region.len()).collect();
    lengths.sort_unstable();
    let long = lengths.get(lengths.len() * 19 / 20).or(lengths.last()).copied().unwrap_or(0);
    let tenth = RATE_HZ as usize / 10;
    ((long + 3 * tenth).div_ceil(tenth)).clamp(10, 20) * tenth
}

/// Returns files in a random order.
fn order(files: &[PathBuf], seed: u64) -> Vec<&PathBuf> {
    let mut files: Vec<&PathBuf> = files.iter().collect();
    Rng::new(seed, "wake word files").shuffle(&mut files);
    files
}

/// Writes samples as a 16-bit WAV file, its folder too.
fn write(path: &Path, samples: Vec<f32>) -> Result<(), Error> {
    let failed = |path: &Path, source| Error::File { path: path.to_owned(), action: "write", source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    }
    let clip = Clip { samples, sample_rate_hz: RATE_HZ };
    let bytes = wav_bytes(path, &clip).map_err(InferError::from)?;
    stapes_files::write_unflushed(path, &bytes).map_err(|source| failed(path, source))
}
