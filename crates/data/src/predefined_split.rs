//! Predefined split of a data set, with a random validation subset.

use crate::dataset::DataSet;
use crate::error::DataError;
use crate::split::{Split, Subset};
use crate::split_builder::SplitBuilder;

/// Returns the predefined training and test subsets; a fraction of the training examples of each class, drawn by the
/// seed, is used for validation. If all speakers are known, whole speakers are drawn, because the test speakers are
/// new too. `key` is the key of the fraction in a recipe, `layout` the expected content of the folder.
pub(crate) fn split(
    dataset: &DataSet,
    (key, fraction): (&str, f64),
    layout: &str,
    seed: u64,
) -> Result<Split, DataError> {
    let mut builder = SplitBuilder::predefined(dataset, seed);
    match dataset.examples.iter().all(|example| example.group.is_some()) {
        true => builder.assign_groups(fraction, Subset::Validation),
        false => builder.assign_fraction(fraction, Subset::Validation),
    }
    builder.complete(fraction > 0.0, |lacking| match lacking {
        Subset::Validation => format!("increase {key}, or set it to 0 for no validation"),
        Subset::Train | Subset::Test => format!("complete the folder ({layout})"),
    })
}
