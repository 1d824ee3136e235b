//! What holds for the split of every data set.

use stapes_data::{DataSet, Partition, Split};

/// The parts are ascending, disjoint and together the whole data set; no two examples share an id; every class is
/// in every part, validation excepted where it is empty.
pub(crate) fn check(dataset: &DataSet, split: &Split) -> Result<(), String> {
    let mut owner: Vec<Option<Partition>> = vec![None; dataset.examples.len()];
    for partition in Partition::ALL {
        let part = split.part(partition);
        if !part.is_sorted_by(|a, b| a < b) {
            return Err(format!("{partition} is not ascending"));
        }
        for &index in part {
            if let Some(other) = owner[index].replace(partition) {
                return Err(format!("{} is in {other} and {partition}", dataset.examples[index].id));
            }
        }
        for (class, name) in dataset.classes.iter().enumerate() {
            if !part.is_empty()
                && part.iter().all(|&index| !dataset.examples[index].truth.classes().contains(&class))
            {
                return Err(format!("{partition} has no {name}"));
            }
        }
    }
    if let Some(index) = owner.iter().position(Option::is_none) {
        return Err(format!("{} is in no part", dataset.examples[index].id));
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
