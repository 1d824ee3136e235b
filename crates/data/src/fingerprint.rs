//! Fingerprint of a data set and its split.

use std::fs;
use std::path::Path;

use stapes_audio::Channel;
use stapes_random::Fnv1a;

use crate::dataset::{DataSet, Source};
use crate::label::Label;
use crate::split::Split;
use crate::subset::Subset;

/// Returns 16 hexadecimal digits that depend on the classes and, subset by subset, on the id, label, channel and size of
/// each example.
///
/// A file contributes its length in bytes, frames contribute their values; the location of the folder does not
/// matter. The hash is 64-bit FNV-1a: it detects accidents, not forgeries, and two recordings of equal length have
/// the same hash.
///
/// A missing file is hashed as missing, because a recipe may allow unreadable files.
///
/// # Panics
/// If the split belongs to another data set.
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
    let mut hash = Fingerprint::default();
    hash.text(&dataset.name);
    hash.number(dataset.classes.len());
    dataset.classes.iter().for_each(|class| hash.text(class));
    for subset in Subset::ALL {
        hash.text(subset.name());
        hash.number(split.subset(subset).len());
        for &index in split.subset(subset) {
            let example = &dataset.examples[index];
            hash.text(&example.id);
            hash.label(&example.label);
            // The mean, the only possibility of earlier versions, is not hashed.
            if let Channel::Index(channel) = example.channel {
                hash.text("channel");
                hash.number(channel);
            }
            match &example.source {
                Source::File(path) => hash.file(path),
                Source::Segment { path, start_seconds, end_seconds } => {
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
    hash.0.to_string()
}

/// Replaces the length of a missing file; reading the file reports the error.
const MISSING: u64 = u64::MAX;

/// Hash of the parts of a data set.
#[derive(Default)]
struct Fingerprint(Fnv1a);

impl Fingerprint {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn file(&mut self, path: &Path) {
        let length = fs::metadata(path).map_or(MISSING, |described| described.len());
        self.bytes(&length.to_le_bytes());
    }

    fn number(&mut self, number: usize) {
        self.bytes(&(number as u64).to_le_bytes());
    }

    fn label(&mut self, label: &Label) {
        match label {
            Label::Class(class) => self.number(*class),
            Label::Segments(segments) => {
                self.number(segments.list().len());
                if let Some(class) = segments.after() {
                    self.text("after");
                    self.number(class);
                }
                for segment in segments.list() {
                    self.bytes(&segment.start_seconds.to_bits().to_le_bytes());
                    self.bytes(&segment.end_seconds.to_bits().to_le_bytes());
                    self.number(segment.class);
                }
            }
        }
    }

    /// The length first, so that `ab`, `c` differs from `a`, `bc`.
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
    fn the_fingerprint_matches_an_independent_implementation() {
        let example = |id: &str, class: usize, width: usize, values: Vec<f32>| Example {
            id: id.to_owned(),
            label: Label::Class(class),
            group: None,
            fold: None,
            predefined: None,
            source: Source::Frames(Features::new(width, values)),
            channel: Channel::Mean,
        };
        let dataset = DataSet {
            name: "made".to_owned(),
            classes: vec!["a".to_owned(), "b".to_owned()],
            examples: vec![example("x/0", 1, 2, vec![1.5, -2.0]), example("x/1", 0, 1, vec![0.25, 3.0])],
            missing: 0,
            notes: Vec::new(),
        };
        let split = Split { train: vec![0], validation: vec![], test: vec![1] };
        // Computed by a Python script from the same bytes.
        assert_eq!(fingerprint(&dataset, &split), "d7bc161fe0f24832");
    }
}
