//! A short hash by which two runs can tell whether they saw the same data.

use std::fs;
use std::path::Path;

use crate::dataset::{DataSet, Source};
use crate::split::{Partition, Split};
use crate::truth::Truth;

/// Sixteen hexadecimal digits that depend on the classes and, part by part, on each example's id, truth and size.
///
/// Files count with their length in bytes, frames with their values; where the folder lies does not count. FNV-1a
/// with 64 bits: it finds accidents, not forgeries, and two recordings of one length look the same to it.
///
/// A file that is gone counts as such, for a recipe may allow that some cannot be read.
///
/// # Panics
/// If the split is not of this data set.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, JapaneseVowelsConfig, fingerprint};
///
/// let config = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default());
/// let vowels = config.open(None)?;
/// let first = fingerprint(&vowels, &config.split(&vowels, 1)?);
/// assert_eq!(first.len(), 16);
/// assert_ne!(first, fingerprint(&vowels, &config.split(&vowels, 2)?));
/// # Ok::<(), stapes_data::DataError>(())
/// ```
pub fn fingerprint(dataset: &DataSet, split: &Split) -> String {
    let mut hash = Fnv::new();
    hash.text(&dataset.name);
    hash.number(dataset.classes.len());
    dataset.classes.iter().for_each(|class| hash.text(class));
    for partition in Partition::ALL {
        hash.text(partition.name());
        hash.number(split.part(partition).len());
        for &index in split.part(partition) {
            let example = &dataset.examples[index];
            hash.text(&example.id);
            hash.truth(&example.truth);
            match &example.source {
                Source::File(path) => hash.file(path),
                Source::Part { path, start_seconds, end_seconds } => {
                    hash.file(path);
                    hash.bytes(&start_seconds.to_bits().to_le_bytes());
                    hash.bytes(&end_seconds.unwrap_or(f64::INFINITY).to_bits().to_le_bytes());
                }
                Source::Frames(frames) => {
                    hash.number(frames.width());
                    hash.number(frames.frames());
                    frames.values().iter().for_each(|value| hash.bytes(&value.to_bits().to_le_bytes()));
                }
            }
        }
    }
    hash.digits()
}

/// In the place of the length of a file that is not there: whether it is missed is for who reads it to say.
const GONE: u64 = u64::MAX;

/// FNV-1a with 64 bits.
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn digits(&self) -> String {
        format!("{:016x}", self.0)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn file(&mut self, path: &Path) {
        let length = fs::metadata(path).map_or(GONE, |described| described.len());
        self.bytes(&length.to_le_bytes());
    }

    pub(crate) fn number(&mut self, number: usize) {
        self.bytes(&(number as u64).to_le_bytes());
    }

    fn truth(&mut self, truth: &Truth) {
        match truth {
            Truth::Class(class) => self.number(*class),
            Truth::Intervals(intervals) => {
                self.number(intervals.list().len());
                for interval in intervals.list() {
                    self.bytes(&interval.start_seconds.to_bits().to_le_bytes());
                    self.bytes(&interval.end_seconds.to_bits().to_le_bytes());
                    self.number(interval.class);
                }
            }
        }
    }

    /// The length first, so that `ab` and `c` is not `a` and `bc`.
    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.bytes(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use stapes_features::Features;

    use super::*;
    use crate::dataset::Example;

    #[test]
    fn the_hash_is_the_one_that_another_program_computes() {
        let example = |id: &str, class: usize, width: usize, values: Vec<f32>| Example {
            id: id.to_owned(),
            truth: Truth::Class(class),
            group: None,
            official: None,
            source: Source::Frames(Features::new(width, values)),
        };
        let dataset = DataSet {
            name: "made".to_owned(),
            classes: vec!["a".to_owned(), "b".to_owned()],
            examples: vec![example("x/0", 1, 2, vec![1.5, -2.0]), example("x/1", 0, 1, vec![0.25, 3.0])],
            absent: 0,
        };
        let split = Split { train: vec![0], validation: vec![], test: vec![1] };
        // From a few lines of Python over the same bytes.
        assert_eq!(fingerprint(&dataset, &split), "d7bc161fe0f24832");
    }
}
