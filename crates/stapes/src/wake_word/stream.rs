//! Long recordings with words in them, to choose a threshold and to test.

use std::fmt::Write as _;
use std::path::Path;

use stapes_data::Subset;
use stapes_random::Rng;

use super::windows::{Word, between, limit, power};
use super::{RATE_HZ, STREAMS, write};
use crate::error::Error;

/// Range of the time from the end of a word to the beginning of the next, s.
const PAUSE: [f32; 2] = [3.0, 6.0];
/// Range of the ratio of word to background, dB.
const SNR_DB: [f32; 2] = [5.0, 20.0];
/// Number of times that each recording is placed.
const TIMES: usize = 3;
/// Minimum power that the ratio refers to, -45 dBFS: words in silence are not too quiet.
const QUIET: f32 = 3e-5;

/// Writes the background of a subset with its words in it, and a manifest of the words: `streams/test/words.wav`.
pub(super) fn write_words(
    folder: &Path,
    subset: Subset,
    label: &str,
    words: &[&Word],
    background: &[f32],
    seed: u64,
) -> Result<(), Error> {
    let folder = folder.join(STREAMS).join(subset.name());
    let mut rng = Rng::new(seed, &format!("wake word stream {subset}"));
    let mut samples = background.to_vec();
    let mut manifest = "path,label,start,end\n".to_owned();
    let mut at = 0;
    let words = words.iter().filter(|word| !word.is_voice);
    for word in std::iter::repeat_n(words, TIMES).flatten() {
        let start = at + (between(PAUSE, &mut rng) * RATE_HZ as f32) as usize;
        let end = start + word.region.len();
        if end > samples.len() {
            break;
        }
        let (spoken, place) = (&word.samples[word.region.clone()], &mut samples[start..end]);
        let snr = 10f32.powf(between(SNR_DB, &mut rng) / 10.0);
        let gain = (power(place).max(QUIET) / power(spoken).max(1e-12) * snr).sqrt();
        place.iter_mut().zip(spoken).for_each(|(sample, word)| *sample += gain * word);
        limit(place);
        let seconds = |sample: usize| sample as f64 / f64::from(RATE_HZ);
        let _ = writeln!(manifest, "words.wav,{label},{:.4},{:.4}", seconds(start), seconds(end));
        at = end;
    }
    write(&folder.join("words.wav"), samples)?;
    let path = folder.join("manifest.csv");
    stapes_files::write_atomic(&path, manifest.as_bytes()).map_err(|source| Error::File {
        path,
        action: "write",
        source,
    })
}
