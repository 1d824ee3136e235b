//! Predefined split of a data set, with a random validation subset.

use crate::dataset::DataSet;
use crate::error::DataError;
use crate::source::SourceInfo;
use crate::split::Split;
use crate::split_builder::SplitBuilder;
use crate::subset::Subset;

/// Returns the predefined training and test subsets; a fraction of the training examples of each class, drawn by the
/// seed, is used for validation. If all speakers are known, whole speakers are drawn, because the test speakers are
/// new too.
pub(crate) fn split(dataset: &DataSet, info: &SourceInfo, seed: u64) -> Result<Split, DataError> {
    let mut builder = SplitBuilder::predefined(dataset, seed);
    let fraction = info.validation_fraction;
    match dataset.examples.iter().all(|example| example.group.is_some()) {
        true => builder.assign_groups(fraction, Subset::Validation),
        false => builder.assign_fraction(fraction, Subset::Validation),
    }
    builder.complete(fraction > 0.0, |lacking| match lacking {
        Subset::Validation => {
            format!("increase data.{}, or set it to 0 for no validation", info.validation_key())
        }
        Subset::Train | Subset::Test => format!("complete the folder ({})", info.layout),
    })
}
