//! A share of examples drawn by chance, with every class and every speaker in proportion.

use std::collections::BTreeMap;

use stapes_random::Stream;

use crate::dataset::DataSet;
use crate::error::DataError;

/// The share of training that is carved off for validation, where a recipe says nothing.
pub(crate) const VALIDATION_SHARE: f64 = 0.1;

/// Draws `share` of the examples `from`: of each class the share rounded to whole examples, of each group within
/// the class its share rounded up or down. The result is ascending. Examples whose moments have classes are as one
/// class.
///
/// Which groups are rounded up is drawn too: in a fixed order the same speakers would always give more.
pub(crate) fn carve(dataset: &DataSet, from: &[usize], share: f64, stream: &mut Stream) -> Vec<usize> {
    let mut classes: BTreeMap<Option<usize>, BTreeMap<Option<&str>, Vec<usize>>> = BTreeMap::new();
    for &index in from {
        let example = &dataset.examples[index];
        let groups = classes.entry(example.truth.class()).or_default();
        groups.entry(example.group.as_deref()).or_default().push(index);
    }
    let mut carved = Vec::new();
    for groups in classes.into_values() {
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        stream.shuffle(&mut groups);
        let (mut seen, mut taken) = (0, 0);
        for mut group in groups {
            stream.shuffle(&mut group);
            seen += group.len();
            let due = (share * seen as f64).round() as usize;
            let count = (due - taken).min(group.len());
            taken += count;
            carved.extend_from_slice(&group[..count]);
        }
    }
    carved.sort_unstable();
    carved
}

/// Checks a share that may be 0, "none", but leaves something over.
pub(crate) fn check_validation_share(key: &str, share: f64) -> Result<(), DataError> {
    if (0.0..1.0).contains(&share) {
        return Ok(());
    }
    Err(DataError::setting(key, share, "must be at least 0 (no validation) and less than 1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Example, Source};
    use crate::truth::Truth;

    /// `counts[class][group]` examples.
    fn dataset(counts: &[&[usize]]) -> DataSet {
        let mut examples = Vec::new();
        for (class, groups) in counts.iter().enumerate() {
            for (group, &count) in groups.iter().enumerate() {
                examples.extend((0..count).map(|index| Example {
                    id: format!("{class}/{group}/{index}"),
                    truth: Truth::Class(class),
                    group: Some(group.to_string()),
                    official: None,
                    source: Source::File("unused".into()),
                }));
            }
        }
        let classes = (0..counts.len()).map(|class| class.to_string()).collect();
        DataSet { name: "made".to_owned(), classes, examples, absent: 0 }
    }

    fn drawn(dataset: &DataSet, share: f64, seed: u64) -> Vec<usize> {
        let all: Vec<usize> = (0..dataset.examples.len()).collect();
        carve(dataset, &all, share, &mut Stream::new(seed, "split"))
    }

    #[test]
    fn every_class_gives_its_rounded_share_and_every_group_its_share_up_or_down() {
        let counts: [&[usize]; 3] = [&[45, 45, 45, 45, 45, 45], &[7, 1, 1, 20, 3], &[2, 2]];
        let dataset = dataset(&counts);
        for seed in 0..20 {
            for share in [0.0, 0.1, 1.0 / 3.0, 0.95] {
                let carved = drawn(&dataset, share, seed);
                assert!(carved.is_sorted_by(|a, b| a < b));
                for (class, groups) in counts.iter().enumerate() {
                    let of = |group: Option<usize>| {
                        let start = match group {
                            Some(group) => format!("{class}/{group}/"),
                            None => format!("{class}/"),
                        };
                        carved.iter().filter(|&&i| dataset.examples[i].id.starts_with(&start)).count()
                    };
                    let size: usize = groups.iter().sum();
                    assert_eq!(of(None), (share * size as f64).round() as usize, "class {class}, {share}");
                    for (group, &size) in groups.iter().enumerate() {
                        let exact = share * size as f64;
                        let count = of(Some(group)) as f64;
                        assert!(
                            (count - exact).abs() < 1.0,
                            "class {class}, group {group}: {count} of {exact}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_seed_decides_what_is_drawn() {
        let dataset = dataset(&[&[50, 50], &[50, 50]]);
        assert_eq!(drawn(&dataset, 0.2, 1), drawn(&dataset, 0.2, 1));
        assert_ne!(drawn(&dataset, 0.2, 1), drawn(&dataset, 0.2, 2));
    }

    #[test]
    fn no_group_gives_more_for_every_seed() {
        let dataset = dataset(&[&[45, 45]]);
        let first = |seed| drawn(&dataset, 0.1, seed).iter().filter(|&&index| index < 45).count();
        let counts: Vec<usize> = (0..40).map(first).collect();
        assert!(counts.contains(&4) && counts.contains(&5), "{counts:?}");
    }
}
