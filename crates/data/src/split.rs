//! Split of a data set into training, validation and test subsets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::DataSet;
use crate::error::DataError;
use crate::note::Note;
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

    /// Returns a note for each of the validation and test subsets that has examples, but none of some classes.
    ///
    /// # Panics
    /// If the split belongs to another data set.
    pub fn notes(&self, dataset: &DataSet) -> Vec<Note> {
        let note = |subset: Subset| {
            if self.subset(subset).is_empty() {
                return None;
            }
            let names = self.missing_classes(dataset, subset).map(|class| dataset.classes[class].clone());
            let fact =
                [format!("class has no {subset} example"), format!("classes have no {subset} example")];
            let advice = "their results are unknown; add recordings, or change the split or the seed";
            Note::new(names.collect(), [&fact[0], &fact[1]], advice)
        };
        [Subset::Validation, Subset::Test].into_iter().filter_map(note).collect()
    }

    /// Returns the classes without an example in a subset.
    fn missing_classes(&self, dataset: &DataSet, subset: Subset) -> impl Iterator<Item = usize> + use<> {
        let mut present = vec![false; dataset.classes.len()];
        for &index in self.subset(subset) {
            for class in dataset.examples[index].label.classes() {
                present[class] = true;
            }
        }
        present.into_iter().enumerate().filter(|(_, there)| !there).map(|(class, _)| class)
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
            if let Some(class) = self.missing_classes(dataset, subset).next() {
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
