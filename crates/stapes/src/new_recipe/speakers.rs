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

/// Returns the first rule that finds plausible speakers: at least three, with recordings of two classes on average. Names are
/// preferred to numbers, and a number at the end of the name is a take.
pub(super) fn speaker_rule(recordings: &[Recording<'_>]) -> Option<SpeakerRule> {
    let mut patterns = vec!["folder".to_owned()];
    let mut ends = Vec::new();
    for mark in SEPARATORS {
        let part = format!("[^{mark}]+");
        for at in 0..MAX_PARTS {
            let before = format!("{part}{mark}").repeat(at);
            patterns.push(format!("^{before}({part}){mark}"));
            // The last part has a letter.
            ends.push(format!(r"^{before}([^{mark}.]*[^\W\d_][^{mark}.]*)\."));
        }
        // All characters before a number at the end, such as anna_maria_07.
        patterns.push(format!(r"^(.+){mark}\d+\."));
    }
    patterns.push(r"^([^\W\d_]+)\d+\.".to_owned());
    patterns.extend(ends);
    let rules: Vec<SpeakerRule> = patterns.iter().filter_map(|pattern| pattern.parse().ok()).collect();
    let mut plausible = rules.into_iter().filter_map(|rule| Some((has_names(&rule, recordings)?, rule)));
    let first = plausible.next();
    match first {
        Some((false, rule)) => {
            Some(plausible.find(|(has_names, _)| *has_names).map_or(rule, |(_, named)| named))
        }
        Some((true, rule)) => Some(rule),
        None => None,
    }
}

/// Returns `None` if the values of the rule cannot be speakers; else if at least half of them have a letter.
fn has_names(rule: &SpeakerRule, recordings: &[Recording<'_>]) -> Option<bool> {
    let mut classes_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Recording { class, path } in recordings {
        classes_of.entry(rule.speaker(path)?).or_default().insert(class);
    }
    let pairs: usize = classes_of.values().map(BTreeSet::len).sum();
    if classes_of.len() < MIN_SPEAKERS || pairs < 2 * classes_of.len() {
        return None;
    }
    let named = classes_of.keys().filter(|speaker| speaker.contains(char::is_alphabetic)).count();
    Some(2 * named >= classes_of.len())
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
            names(|person, _, take| format!("{take}_{person}.wav")),
            names(|person, _, take| format!("{person}/{take}.wav")),
            names(|person, _, take| format!("{person}{take}.mp3")),
            names(|person, _, take| format!("{person} {take}.m4a")),
        ] {
            assert_eq!(speakers(&files).as_deref(), Some(&expected[..]), "{}", files[0]);
        }
    }

    #[test]
    fn speakers_may_have_only_some_of_the_classes() {
        // As in Speech Commands: each of 40 speakers has two of 20 words, and a few names have no letter.
        let files: Vec<String> = (0..40)
            .flat_map(|n| {
                let name = if n % 9 == 0 { format!("{:08}", 7 * n) } else { format!("{:07}a", 7 * n) };
                [n % 20, (n + 7) % 20].map(|word| format!("word{word}/{name}_nohash_0.wav"))
            })
            .collect();
        assert_eq!(speakers(&files).unwrap().len(), 40);
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
