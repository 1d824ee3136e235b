//! Split of a data set into training, validation and test subsets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::DataSet;
use crate::error::DataError;
use crate::subset::Subset;

/// Subsets of a data set, as indices into its examples: disjoint, each ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Training examples.
    pub train: Vec<usize>,
    /// Validation examples; may be empty.
    pub validation: Vec<usize>,
    /// Test examples.
    pub test: Vec<usize>,
}

impl Split {
    /// Returns the examples of a subset.
    pub fn subset(&self, subset: Subset) -> &[usize] {
        match subset {
            Subset::Train => &self.train,
            Subset::Validation => &self.validation,
            Subset::Test => &self.test,
        }
    }

    /// Returns the groups (speakers) that are in more than one subset, sorted by name, each with its subsets.
    ///
    /// # Panics
    /// If the split belongs to another data set.
    pub fn shared_groups<'a>(&self, dataset: &'a DataSet) -> Vec<(&'a str, Vec<Subset>)> {
        let mut subsets: BTreeMap<&str, Vec<Subset>> = BTreeMap::new();
        for subset in Subset::ALL {
            for &index in self.subset(subset) {
                if let Some(group) = dataset.examples[index].group.as_deref() {
                    let subsets = subsets.entry(group).or_default();
                    if subsets.last() != Some(&subset) {
                        subsets.push(subset);
                    }
                }
            }
        }
        subsets.into_iter().filter(|(_, subsets)| subsets.len() > 1).collect()
    }

    /// Returns the split in which example i is in `subsets[i]`.
    pub(crate) fn from_subsets(subsets: &[Subset]) -> Split {
        let mut split = Split::default();
        for (index, subset) in subsets.iter().enumerate() {
            match subset {
                Subset::Train => split.train.push(index),
                Subset::Validation => split.validation.push(index),
                Subset::Test => split.test.push(index),
            }
        }
        split
    }

    /// Returns the split if every class has an example in each of the `required` subsets; `advice` completes the
    /// error message.
    pub(crate) fn with_every_class(
        self,
        dataset: &DataSet,
        required: &[Subset],
        advice: impl Fn(Subset) -> String,
    ) -> Result<Split, DataError> {
        for &subset in required {
            let mut present = vec![false; dataset.classes.len()];
            for &index in self.subset(subset) {
                for class in dataset.examples[index].label.classes() {
                    present[class] = true;
                }
            }
            if let Some(class) = present.iter().position(|&there| !there) {
                return Err(DataError::EmptySubset {
                    set: dataset.name.clone(),
                    class: dataset.classes[class].clone(),
                    subset,
                    advice: advice(subset),
                });
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_keep_the_order_of_the_examples() {
        use Subset::{Test, Train, Validation};
        let split = Split::from_subsets(&[Test, Train, Validation, Train, Test]);
        assert_eq!(split.subset(Train), [1, 3]);
        assert_eq!(split.subset(Validation), [2]);
        assert_eq!(split.subset(Test), [0, 4]);
    }
}
