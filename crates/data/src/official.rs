//! The split of the data set's authors, with validation carved off training.

use stapes_random::Stream;

use crate::carve::carve;
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::split::{Partition, Split};

/// The authors' training and test parts; `share` of each class's training examples, drawn by the seed, is for
/// validation. `key` names the share in a recipe, and `layout` says what a whole folder holds.
pub(crate) fn split(
    dataset: &DataSet,
    (key, share): (&str, f64),
    layout: &str,
    seed: u64,
) -> Result<Split, DataError> {
    let mut parts: Vec<Partition> =
        dataset.examples.iter().map(|example| example.official.unwrap_or(Partition::Train)).collect();
    let train: Vec<usize> = (0..parts.len()).filter(|&i| parts[i] == Partition::Train).collect();
    for index in carve(dataset, &train, share, &mut Stream::new(seed, "validation")) {
        parts[index] = Partition::Validation;
    }
    let wanted: &[Partition] =
        if share > 0.0 { &Partition::ALL } else { &[Partition::Train, Partition::Test] };
    Split::of_parts(&parts).with_every_class(dataset, wanted, |lacking| match lacking {
        Partition::Validation => format!("raise {key}, or set it to 0 to go without validation"),
        Partition::Train | Partition::Test => format!("complete the folder: {layout}"),
    })
}
