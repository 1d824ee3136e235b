//! Synthetic voices of espeak-ng, if it is installed.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use stapes_infer::InferError;
use stapes_random::Rng;

use super::RATE_HZ;
use crate::error::Error;

/// Program that synthesizes speech.
const PROGRAM: &str = "espeak-ng";
/// Accents of English.
const ACCENTS: [&str; 6] = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029"];
/// Other languages, whose voices read English words in every second case: other vowels and consonants.
const LANGUAGES: [&str; 6] = ["de", "es", "fr", "it", "pl", "ru"];
/// Ranges of pitch (0 to 99) and speed (words per minute).
const PITCH: (usize, usize) = (25, 80);
const SPEED: (usize, usize) = (120, 210);
/// Number of other words of a voice, about 50 s.
const WORDS: usize = 120;
/// Common English words; a voice says some of them in a random order, the wake word excepted.
const COMMON: &str = "time year people way day man thing woman life child world school state family student group country problem \
    hand part place case week company system program question work government number night point home water room mother area \
    money story fact month lot right study book eye job word business issue side kind head house service friend father power hour \
    game line end member law car city community name president team minute idea body information back parent face others level \
    office door health person art war history party result change morning reason research girl guy air teacher force \
    education foot boy age policy music process market sense nation plan college interest death experience effect class control \
    field development role effort rate heart drug show leader light voice wife police mind price report decision son view \
    relationship town road arm difference value building action season society tax director position player record paper space \
    ground form event official matter center couple site project activity star table need court american oil situation cost \
    industry figure street image phone data picture practice piece land product doctor wall patient worker news test movie north \
    love step support technology open turn play stop go yes no up down left please thank hello good tomorrow today yesterday seven \
    three eleven alright okay computing commuter compare complete alexander electric harvest jar service travel visible";

/// Synthetic voices.
pub struct Voices {
    /// Names of the variants of voices.
    variants: Vec<String>,
}

/// Recordings of a voice.
pub(super) struct Spoken {
    /// Recording of the word.
    pub(super) word: Vec<f32>,
    /// Recording of other words.
    pub(super) other: Vec<f32>,
}

impl Voices {
    /// Finds the voices of espeak-ng; `None` if it is not installed.
    pub fn find() -> Option<Voices> {
        let output = run(&["--voices=variant"]).ok().filter(|output| output.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let variant = |line: &str| Some(line.rsplit_once("!v/")?.1.trim().to_owned());
        let variants: Vec<String> =
            text.lines().filter_map(variant).filter(|name| !name.is_empty()).collect();
        (!variants.is_empty()).then_some(Voices { variants })
    }

    /// Lets a voice say a word, and other words; the folder is for temporary files.
    pub(super) fn speak(&self, word: &str, number: usize, seed: u64, folder: &Path) -> Result<Spoken, Error> {
        let mut rng = Rng::numbered(seed, "wake word voice", [number as u64, 0]);
        let variant = &self.variants[rng.below(self.variants.len())];
        let accent = ACCENTS[rng.below(ACCENTS.len())];
        let language = if number.is_multiple_of(2) { accent } else { LANGUAGES[rng.below(LANGUAGES.len())] };
        let mut between = |(low, high): (usize, usize)| low + rng.below(high - low + 1);
        let (pitch, speed) = (between(PITCH).to_string(), between(SPEED).to_string());
        let other = other_words(word, &mut rng);
        let say = |language: &str, text: &str| -> Result<Vec<f32>, Error> {
            let voice = format!("{language}+{variant}");
            let file = tempfile::Builder::new()
                .suffix(".wav")
                .tempfile_in(folder)
                .map_err(|source| Error::File { path: folder.to_owned(), action: "write into", source })?;
            let path = file.path().display().to_string();
            let failed = |reason: &str| {
                Error::Dataset(format!(
                    "{PROGRAM}: cannot speak: {reason}; use --voices 0 for no synthetic voices"
                ))
            };
            let output = run(&["-v", &voice, "-p", &pitch, "-s", &speed, "-w", &path, "--", text])
                .map_err(|error| failed(&error.to_string()))?;
            if !output.status.success() {
                return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
            }
            let clip = stapes_audio::read(file.path()).map_err(InferError::from)?;
            Ok(clip.resampled(RATE_HZ).map_err(InferError::from)?.samples)
        };
        Ok(Spoken { word: say(accent, &word.replace(['_', '-'], " "))?, other: say(language, &other)? })
    }
}

/// Returns random words with pauses, none of which contains the word or is a part of it.
fn other_words(word: &str, rng: &mut Rng) -> String {
    let word = word.to_lowercase();
    let parts: Vec<&str> = word.split(|letter: char| !letter.is_alphanumeric()).collect();
    let is_other = |common: &&str| !word.contains(*common) && !parts.iter().any(|part| common.contains(part));
    let common: Vec<&str> = COMMON.split_whitespace().filter(is_other).collect();
    let mut text = String::new();
    for at in 0..WORDS {
        if at > 0 {
            text += if rng.below(4) == 0 { ", " } else { " " };
        }
        text += common[rng.below(common.len())];
    }
    text
}

fn run(arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_never_say_the_word_among_the_others() {
        let mut rng = Rng::new(1, "test");
        for word in ["water", "hey_computer", "time"] {
            for _ in 0..20 {
                let text = other_words(word, &mut rng);
                assert!(
                    text.split([' ', ',']).all(|other| !word.contains(other) || other.is_empty()),
                    "{word}: {text}"
                );
                assert!(text.split_whitespace().count() == WORDS);
            }
        }
    }
}
