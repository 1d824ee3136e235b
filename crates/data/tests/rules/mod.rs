//! Properties of the split of every data set.

use stapes_data::{DataSet, Split, Subset};

/// The subsets are ascending, disjoint and complete; ids are unique; every class is in every subset, except in an
/// empty validation subset.
pub(crate) fn check(dataset: &DataSet, split: &Split) -> Result<(), String> {
    let mut owner: Vec<Option<Subset>> = vec![None; dataset.examples.len()];
    for subset in Subset::ALL {
        let part = split.subset(subset);
        if !part.is_sorted_by(|a, b| a < b) {
            return Err(format!("{subset} is not ascending"));
        }
        for &index in part {
            if let Some(other) = owner[index].replace(subset) {
                return Err(format!("{} is in {other} and {subset}", dataset.examples[index].id));
            }
        }
        for (class, name) in dataset.classes.iter().enumerate() {
            if !part.is_empty()
                && part.iter().all(|&index| !dataset.examples[index].label.classes().contains(&class))
            {
                return Err(format!("{subset} has no {name}"));
            }
        }
    }
    if let Some(index) = owner.iter().position(Option::is_none) {
        return Err(format!("{} is in no subset", dataset.examples[index].id));
    }
    if split.train.is_empty() || split.test.is_empty() {
        return Err("training or test is empty".to_owned());
    }
    let mut ids: Vec<&str> = dataset.examples.iter().map(|example| example.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two examples are called {}", pair[0])),
        None => Ok(()),
    }
}
