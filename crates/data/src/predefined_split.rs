//! The split of the data set's authors, with validation carved off training.

use crate::dataset::DataSet;
use crate::deal::Deal;
use crate::error::DataError;
use crate::split::{Partition, Split};

/// The authors' training and test parts; `share` of each class's training examples, drawn by the seed, is for
/// validation: whole speakers where they are known, as the test's speakers are others too. `key` names the share in a recipe, and `layout` says what a whole folder holds.
pub(crate) fn split(
    dataset: &DataSet,
    (key, share): (&str, f64),
    layout: &str,
    seed: u64,
) -> Result<Split, DataError> {
    let mut deal = Deal::official(dataset, seed);
    match dataset.examples.iter().all(|example| example.group.is_some()) {
        true => deal.give_groups(share, Partition::Validation),
        false => deal.give_share(share, Partition::Validation),
    }
    deal.complete(share > 0.0, |lacking| match lacking {
        Partition::Validation => format!("raise {key}, or set it to 0 to go without validation"),
        Partition::Train | Partition::Test => format!("complete the folder: {layout}"),
    })
}
