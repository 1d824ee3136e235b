//! Speakers in the names of recordings: the rule that fits them.

use std::collections::{BTreeMap, BTreeSet};

use stapes_data::SpeakerRule;

/// Separators of the parts of a file name.
const SEPARATORS: [char; 3] = ['_', '-', ' '];
/// Maximum number of parts that are tried from the left.
const MAX_PARTS: usize = 4;
/// Minimum number of speakers that can be split into training, validation and test speakers.
const MIN_SPEAKERS: usize = 3;

/// Recording: its class, and its path in the folder of the class with `/` as separator.
#[derive(Clone, Copy)]
pub(super) struct Recording<'a> {
    pub(super) class: &'a str,
    pub(super) path: &'a str,
}

/// Returns the first rule that finds plausible speakers: at least three, each in at least half of the classes with at least
/// two recordings on average. A number at the end of the name is a take, unless a letter belongs to it.
pub(super) fn speaker_rule(recordings: &[Recording<'_>]) -> Option<SpeakerRule> {
    let mut patterns = vec!["folder".to_owned()];
    // All characters before a number at the end, such as anna_maria_07.
    let mut ends = Vec::new();
    for mark in SEPARATORS {
        let part = format!("[^{mark}]+");
        for at in 0..MAX_PARTS {
            let before = format!("{part}{mark}").repeat(at);
            patterns.push(format!("^{before}({part}){mark}"));
            // The last part has a letter.
            ends.push(format!(r"^{before}([^{mark}.]*[^\W\d_][^{mark}.]*)\."));
        }
        ends.push(format!(r"^(.+){mark}\d+\."));
    }
    ends.push(r"^([^\W\d_]+)\d+\.".to_owned());
    patterns.extend(ends);
    patterns.iter().filter_map(|pattern| pattern.parse().ok()).find(|rule| is_plausible(rule, recordings))
}

/// Returns true if the values of the rule can be speakers.
fn is_plausible(rule: &SpeakerRule, recordings: &[Recording<'_>]) -> bool {
    let mut classes_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Recording { class, path } in recordings {
        let Some(speaker) = rule.speaker(path) else { return false };
        classes_of.entry(speaker).or_default().insert(class);
    }
    let classes: BTreeSet<&str> = recordings.iter().map(|recording| recording.class).collect();
    let pairs: usize = classes_of.values().map(BTreeSet::len).sum();
    classes_of.len() >= MIN_SPEAKERS
        && recordings.len() >= 2 * classes_of.len()
        && 2 * pairs >= classes_of.len() * classes.len().max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the speakers of names `class/path`, sorted.
    fn speakers(names: &[String]) -> Option<Vec<String>> {
        let recordings: Vec<Recording<'_>> = names
            .iter()
            .map(|name| name.split_once('/').map(|(class, path)| Recording { class, path }).unwrap())
            .collect();
        let rule = speaker_rule(&recordings)?;
        let found: BTreeSet<&str> = recordings.iter().filter_map(|one| rule.speaker(one.path)).collect();
        Some(found.into_iter().map(str::to_owned).collect())
    }

    /// Returns the names of four speakers, two classes and three takes.
    fn names(name: impl Fn(&str, usize, usize) -> String) -> Vec<String> {
        let (people, classes) = (["anna", "bo", "carl", "dora"], ["no", "yes"]);
        let mut names = Vec::new();
        for (number, person) in people.iter().enumerate() {
            for (class, label) in classes.iter().enumerate() {
                names
                    .extend((0..3).map(|take| format!("{label}/{}", name(person, 2 * number + class, take))));
            }
        }
        names
    }

    #[test]
    fn speakers_are_found_in_the_names_that_people_give() {
        let label = |number: usize| ["no", "yes"][number % 2];
        let expected = ["anna", "bo", "carl", "dora"].map(str::to_owned).to_vec();
        for files in [
            names(|person, _, take| format!("{person}_{take}.wav")),
            names(|person, _, take| format!("{person}-{take:02}.flac")),
            names(|person, class, take| format!("{}_{person}_{take}.wav", label(class))),
            names(|person, class, take| format!("{take}_{}_{person}.wav", label(class))),
            names(|person, _, take| format!("{person}/{take}.wav")),
            names(|person, _, take| format!("{person}{take}.mp3")),
            names(|person, _, take| format!("{person} {take}.m4a")),
        ] {
            // A leading take has the structure of a speaker, and is found first.
            let takes_first = files[0].contains("/0_no");
            let found = speakers(&files);
            if takes_first {
                assert_eq!(found.unwrap(), ["0", "1", "2"]);
            } else {
                assert_eq!(found.as_deref(), Some(&expected[..]), "{}", files[0]);
            }
        }
    }

    #[test]
    fn names_with_a_separator_and_numbered_speakers_are_speakers() {
        let files = names(|person, _, take| format!("{person}_x_{take}.wav"));
        assert_eq!(speakers(&files).unwrap(), ["anna", "bo", "carl", "dora"]);
        // One take each.
        let files: Vec<String> = (0..8)
            .flat_map(|n| ["no", "yes"].map(|label| format!("{label}/speaker{n}_{label}.mp3")))
            .collect();
        assert_eq!(speakers(&files).unwrap().len(), 8);
        let files: Vec<String> =
            (0..8).flat_map(|n| ["no", "yes"].map(|label| format!("{label}/speaker{n}.mp3"))).collect();
        assert_eq!(speakers(&files).unwrap().len(), 8);
    }

    #[test]
    fn takes_and_labels_are_not_speakers() {
        let label = |number: usize| ["no", "yes"][number % 2];
        assert_eq!(speakers(&names(|_, class, take| format!("{}_{take}.wav", label(class)))), None);
        assert_eq!(speakers(&names(|_, number, take| format!("{}.wav", 10 * number + take))), None);
        // Two speakers cannot be split into three subsets.
        let files = ["no/a_1.wav", "no/b_1.wav", "yes/a_1.wav", "yes/b_1.wav"].map(str::to_owned);
        assert_eq!(speakers(&files), None);
    }
}
