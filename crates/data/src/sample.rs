//! A share of examples drawn by chance, with every class and every speaker in proportion.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

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

/// How many draws of whole groups are compared.
const DRAWS: usize = 32;

/// Draws whole groups of the examples `from`, so that about `share` of each class comes with them; never all groups, and at
/// least one where the share is above 0. The result is ascending. Groups are those of [`groups_of`].
///
/// Of many random draws the one is taken whose classes are nearest to their shares, counted in examples.
pub(crate) fn carve_groups(dataset: &DataSet, from: &[usize], share: f64, stream: &mut Stream) -> Vec<usize> {
    let classes = dataset.classes.len();
    let class = |index: usize| dataset.examples[index].truth.class().unwrap_or(0);
    let mut total = vec![0usize; classes];
    from.iter().for_each(|&index| total[class(index)] += 1);
    let mut groups = groups_of(dataset, from);
    if share == 0.0 || groups.len() < 2 {
        return Vec::new();
    }
    let most = groups.len() - 1;
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..DRAWS {
        stream.shuffle(&mut groups);
        let mut taken = vec![0usize; classes];
        let (mut count, mut drawn) = (0, Vec::new());
        let due = share * from.len() as f64;
        for group in &groups {
            // A group is taken where it brings the number nearer to what is due; the first one always.
            let nearer = (count + group.len()) as f64 - due < due - count as f64;
            if drawn.is_empty() || (nearer && drawn.len() < most) {
                count += group.len();
                group.iter().for_each(|&index| taken[class(index)] += 1);
                drawn.push(group);
            }
        }
        let distance = |(taken, total): (&usize, &usize)| (*taken as f64 - share * *total as f64).abs();
        let off: f64 = taken.iter().zip(&total).map(distance).sum();
        if best.as_ref().is_none_or(|(least, _)| off < *least) {
            best = Some((off, drawn.into_iter().flatten().copied().collect()));
        }
    }
    let mut carved = best.map_or_else(Vec::new, |(_, carved)| carved);
    carved.sort_unstable();
    carved
}

/// The examples by group, in the order of the groups' names; behind them those without a group, each alone or with the other
/// parts of its recording.
pub(crate) fn groups_of(dataset: &DataSet, from: &[usize]) -> Vec<Vec<usize>> {
    let (mut named, mut others) = (BTreeMap::<&str, Vec<usize>>::new(), Vec::<Vec<usize>>::new());
    let mut recordings: HashMap<&Path, usize> = HashMap::new();
    for &index in from {
        let example = &dataset.examples[index];
        match (example.group.as_deref(), example.source.recording()) {
            (Some(group), _) => named.entry(group).or_default().push(index),
            (None, Some(recording)) => {
                let at = *recordings.entry(recording).or_insert(others.len());
                match others.get_mut(at) {
                    Some(parts) => parts.push(index),
                    None => others.push(vec![index]),
                }
            }
            (None, None) => others.push(vec![index]),
        }
    }
    named.into_values().chain(others).collect()
}

/// Whether some examples of nobody known are parts of one recording.
pub(crate) fn recordings_are_shared(dataset: &DataSet) -> bool {
    let nobody = dataset.examples.iter().filter(|example| example.group.is_none());
    let mut seen = HashSet::new();
    nobody.filter_map(|example| example.source.recording()).any(|recording| !seen.insert(recording))
}

/// Checks a share that takes something and leaves something over.
pub(crate) fn check_share(key: &str, share: f64) -> Result<(), DataError> {
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    Err(DataError::setting(key, share, "must be greater than 0 and less than 1"))
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
    fn groups_are_drawn_whole_and_near_to_the_share_of_every_class() {
        let dataset = dataset(&[&[40, 10, 10, 10, 10, 10, 10], &[40, 10, 10, 10, 10, 10, 10]]);
        let all: Vec<usize> = (0..dataset.examples.len()).collect();
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..20 {
            let carved = carve_groups(&dataset, &all, 0.2, &mut Stream::new(seed, "split"));
            assert!(carved.is_sorted_by(|a, b| a < b));
            assert_eq!(carved.len(), 40, "two small speakers of each class");
            let whole: Vec<usize> = groups_of(&dataset, &carved).iter().map(Vec::len).collect();
            assert_eq!(whole, [20, 20]);
            seen.insert(carved);
        }
        assert!(seen.len() > 5, "the seed hardly matters: {}", seen.len());
    }

    #[test]
    fn one_group_at_least_is_drawn_and_one_is_left() {
        let dataset = dataset(&[&[30, 30, 30]]);
        let all: Vec<usize> = (0..90).collect();
        let drawn = |share| carve_groups(&dataset, &all, share, &mut Stream::new(1, "split")).len();
        assert_eq!([0.0, 0.01, 0.3, 0.99].map(drawn), [0, 30, 30, 60]);
        assert!(
            carve_groups(&dataset, &all[..30], 0.5, &mut Stream::new(1, "split")).is_empty(),
            "the only group"
        );
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
