//! Split of a data set into training, validation and test subsets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dataset::DataSet;
use crate::error::DataError;

/// Subset of a data set.
///
/// # Example
/// ```
/// use stapes_data::Subset;
///
/// assert_eq!("test".parse::<Subset>()?, Subset::Test);
/// assert_eq!(Subset::Validation.to_string(), "validation");
/// # Ok::<(), stapes_data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subset {
    /// Training examples, to which the weights are fitted.
    Train,
    /// Validation examples, for model selection and early stopping.
    Validation,
    /// Test examples, evaluated once.
    Test,
}

impl Subset {
    /// All subsets, in the order of their use.
    pub const ALL: [Subset; 3] = [Subset::Train, Subset::Validation, Subset::Test];

    /// Returns the name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Subset::Train => "train",
            Subset::Validation => "validation",
            Subset::Test => "test",
        }
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl AsRef<str> for Subset {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl FromStr for Subset {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Subset, DataError> {
        let found = Subset::ALL.into_iter().find(|subset| subset.name() == text);
        found.ok_or_else(|| DataError::setting("split", text, "must be train, validation or test"))
    }
}

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

    #[test]
    fn names_are_parsed_and_others_rejected() {
        for subset in Subset::ALL {
            assert_eq!(subset.name().parse::<Subset>().unwrap(), subset);
            assert_eq!(serde_json::to_string(&subset).unwrap(), format!("\"{subset}\""));
        }
        let error = "dev".parse::<Subset>().unwrap_err().to_string();
        assert_eq!(error, "split = dev: must be train, validation or test");
    }
}
