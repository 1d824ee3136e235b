//! Random choice of test and validation examples: stratified by class and speaker, or whole groups.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use stapes_random::Rng;

use crate::dataset::DataSet;
use crate::error::DataError;

/// Default fraction of the training examples used for validation.
pub(crate) const DEFAULT_VALIDATION_FRACTION: f64 = 0.1;

/// Draws a `fraction` of the examples `from`, stratified by class and group: the number per class is rounded to whole
/// examples, and the number per group within a class is rounded up or down. The result is ascending. Examples with
/// frame labels count as one class.
///
/// The groups that are rounded up are random too: a fixed order would favor the same speakers in every sample.
pub(crate) fn stratified_sample(
    dataset: &DataSet,
    from: &[usize],
    fraction: f64,
    stream: &mut Rng,
) -> Vec<usize> {
    let mut classes: BTreeMap<Option<usize>, BTreeMap<Option<&str>, Vec<usize>>> = BTreeMap::new();
    for &index in from {
        let example = &dataset.examples[index];
        let groups = classes.entry(example.label.class()).or_default();
        groups.entry(example.group.as_deref()).or_default().push(index);
    }
    let mut sample = Vec::new();
    for groups in classes.into_values() {
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        stream.shuffle(&mut groups);
        let (mut seen, mut taken) = (0, 0);
        for mut group in groups {
            stream.shuffle(&mut group);
            seen += group.len();
            let target = (fraction * seen as f64).round() as usize;
            let count = (target - taken).min(group.len());
            taken += count;
            sample.extend_from_slice(&group[..count]);
        }
    }
    sample.sort_unstable();
    sample
}

/// Number of random draws of groups that are compared.
const CANDIDATES: usize = 32;

/// Draws whole groups of the examples `from`, so that about a `fraction` of each class is drawn; never all groups,
/// and at least one if the fraction is above 0. The result is ascending. The groups are those of [`groups_of`].
///
/// The best of many random draws is returned: the one with the smallest distance to the fraction of each class,
/// counted in examples.
pub(crate) fn group_sample(dataset: &DataSet, from: &[usize], fraction: f64, stream: &mut Rng) -> Vec<usize> {
    let classes = dataset.classes.len();
    let class = |index: usize| dataset.examples[index].label.class().unwrap_or(0);
    let mut total = vec![0usize; classes];
    from.iter().for_each(|&index| total[class(index)] += 1);
    let mut groups = groups_of(dataset, from);
    if fraction == 0.0 || groups.len() < 2 {
        return Vec::new();
    }
    let max_groups = groups.len() - 1;
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..CANDIDATES {
        stream.shuffle(&mut groups);
        let mut taken = vec![0usize; classes];
        let (mut count, mut drawn) = (0, Vec::new());
        let target = fraction * from.len() as f64;
        for group in &groups {
            // A group is drawn if the number of examples gets closer to the target; the first one always.
            let nearer = (count + group.len()) as f64 - target < target - count as f64;
            if drawn.is_empty() || (nearer && drawn.len() < max_groups) {
                count += group.len();
                group.iter().for_each(|&index| taken[class(index)] += 1);
                drawn.push(group);
            }
        }
        let distance = |(taken, total): (&usize, &usize)| (*taken as f64 - fraction * *total as f64).abs();
        let error: f64 = taken.iter().zip(&total).map(distance).sum();
        if best.as_ref().is_none_or(|(smallest, _)| error < *smallest) {
            best = Some((error, drawn.into_iter().flatten().copied().collect()));
        }
    }
    let mut sample = best.map_or_else(Vec::new, |(_, sample)| sample);
    sample.sort_unstable();
    sample
}

/// Returns the examples by group, sorted by group name; then those without a group, each alone or with the other
/// segments of its recording.
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

/// Returns true if examples without a group are segments of the same recording.
pub(crate) fn has_shared_recordings(dataset: &DataSet) -> bool {
    let ungrouped = dataset.examples.iter().filter(|example| example.group.is_none());
    let mut seen = HashSet::new();
    ungrouped.filter_map(|example| example.source.recording()).any(|recording| !seen.insert(recording))
}

/// Checks a fraction in (0, 1).
pub(crate) fn check_fraction(key: &str, fraction: f64) -> Result<(), DataError> {
    if fraction > 0.0 && fraction < 1.0 {
        return Ok(());
    }
    Err(DataError::setting(key, fraction, "must be greater than 0 and less than 1"))
}

/// Checks a fraction in [0, 1), where 0 means none.
pub(crate) fn check_validation_fraction(key: &str, fraction: f64) -> Result<(), DataError> {
    if (0.0..1.0).contains(&fraction) {
        return Ok(());
    }
    Err(DataError::setting(key, fraction, "must be at least 0 (no validation) and less than 1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stapes_audio::Channel;

    use crate::dataset::{Example, Source};
    use crate::label::Label;

    /// Data set with `counts[class][group]` examples.
    fn dataset(counts: &[&[usize]]) -> DataSet {
        let mut examples = Vec::new();
        for (class, groups) in counts.iter().enumerate() {
            for (group, &count) in groups.iter().enumerate() {
                examples.extend((0..count).map(|index| Example {
                    id: format!("{class}/{group}/{index}"),
                    label: Label::Class(class),
                    group: Some(group.to_string()),
                    fold: None,
                    predefined: None,
                    source: Source::File("unused".into()),
                    channel: Channel::Mean,
                }));
            }
        }
        let classes = (0..counts.len()).map(|class| class.to_string()).collect();
        DataSet::new("made", classes, examples)
    }

    fn drawn(dataset: &DataSet, fraction: f64, seed: u64) -> Vec<usize> {
        let all: Vec<usize> = (0..dataset.examples.len()).collect();
        stratified_sample(dataset, &all, fraction, &mut Rng::new(seed, "split"))
    }

    #[test]
    fn samples_are_stratified_by_class_and_group() {
        let counts: [&[usize]; 3] = [&[45, 45, 45, 45, 45, 45], &[7, 1, 1, 20, 3], &[2, 2]];
        let dataset = dataset(&counts);
        for seed in 0..20 {
            for fraction in [0.0, 0.1, 1.0 / 3.0, 0.95] {
                let sample = drawn(&dataset, fraction, seed);
                assert!(sample.is_sorted_by(|a, b| a < b));
                for (class, groups) in counts.iter().enumerate() {
                    let of = |group: Option<usize>| {
                        let start = match group {
                            Some(group) => format!("{class}/{group}/"),
                            None => format!("{class}/"),
                        };
                        sample.iter().filter(|&&i| dataset.examples[i].id.starts_with(&start)).count()
                    };
                    let size: usize = groups.iter().sum();
                    assert_eq!(
                        of(None),
                        (fraction * size as f64).round() as usize,
                        "class {class}, {fraction}"
                    );
                    for (group, &size) in groups.iter().enumerate() {
                        let exact = fraction * size as f64;
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
    fn whole_groups_are_drawn_near_the_fraction_of_every_class() {
        let dataset = dataset(&[&[40, 10, 10, 10, 10, 10, 10], &[40, 10, 10, 10, 10, 10, 10]]);
        let all: Vec<usize> = (0..dataset.examples.len()).collect();
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..20 {
            let sample = group_sample(&dataset, &all, 0.2, &mut Rng::new(seed, "split"));
            assert!(sample.is_sorted_by(|a, b| a < b));
            assert_eq!(sample.len(), 40, "two small speakers of each class");
            let whole: Vec<usize> = groups_of(&dataset, &sample).iter().map(Vec::len).collect();
            assert_eq!(whole, [20, 20]);
            seen.insert(sample);
        }
        assert!(seen.len() > 5, "the seed hardly matters: {}", seen.len());
    }

    #[test]
    fn at_least_one_group_is_drawn_and_one_remains() {
        let dataset = dataset(&[&[30, 30, 30]]);
        let all: Vec<usize> = (0..90).collect();
        let drawn = |fraction| group_sample(&dataset, &all, fraction, &mut Rng::new(1, "split")).len();
        assert_eq!([0.0, 0.01, 0.3, 0.99].map(drawn), [0, 30, 30, 60]);
        assert!(
            group_sample(&dataset, &all[..30], 0.5, &mut Rng::new(1, "split")).is_empty(),
            "the only group"
        );
    }

    #[test]
    fn the_sample_depends_on_the_seed() {
        let dataset = dataset(&[&[50, 50], &[50, 50]]);
        assert_eq!(drawn(&dataset, 0.2, 1), drawn(&dataset, 0.2, 1));
        assert_ne!(drawn(&dataset, 0.2, 1), drawn(&dataset, 0.2, 2));
    }

    #[test]
    fn the_rounded_up_group_is_random() {
        let dataset = dataset(&[&[45, 45]]);
        let first = |seed| drawn(&dataset, 0.1, seed).iter().filter(|&&index| index < 45).count();
        let counts: Vec<usize> = (0..40).map(first).collect();
        assert!(counts.contains(&4) && counts.contains(&5), "{counts:?}");
    }
}
