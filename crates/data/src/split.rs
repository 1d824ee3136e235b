//! Which examples may be looked at when.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dataset::DataSet;
use crate::error::DataError;

/// A part of a data set.
///
/// # Example
/// ```
/// use stapes_data::Partition;
///
/// assert_eq!("test".parse::<Partition>()?, Partition::Test);
/// assert_eq!(Partition::Validation.to_string(), "validation");
/// # Ok::<(), stapes_data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// What weights are fitted to.
    Train,
    /// What settings and the moment to stop are chosen by.
    Validation,
    /// What the figure that counts is measured on, once.
    Test,
}

impl Partition {
    /// All parts, in the order of their use.
    pub const ALL: [Partition; 3] = [Partition::Train, Partition::Validation, Partition::Test];

    /// The name, as recipes and the command line write it.
    pub fn name(self) -> &'static str {
        match self {
            Partition::Train => "train",
            Partition::Validation => "validation",
            Partition::Test => "test",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl AsRef<str> for Partition {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl FromStr for Partition {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Partition, DataError> {
        let found = Partition::ALL.into_iter().find(|partition| partition.name() == text);
        found.ok_or_else(|| DataError::setting("split", text, "must be train, validation or test"))
    }
}

/// The parts of a data set, as indices into its examples: disjoint, each ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// What weights are fitted to.
    pub train: Vec<usize>,
    /// What settings and the moment to stop are chosen by; empty where the recipe wants none.
    pub validation: Vec<usize>,
    /// What the figure that counts is measured on.
    pub test: Vec<usize>,
}

impl Split {
    /// The examples of one part.
    pub fn part(&self, partition: Partition) -> &[usize] {
        match partition {
            Partition::Train => &self.train,
            Partition::Validation => &self.validation,
            Partition::Test => &self.test,
        }
    }

    /// The groups (speakers) that are in more than one part, by name, each with its parts.
    ///
    /// # Panics
    /// If the split is not of this data set.
    pub fn shared_groups<'a>(&self, dataset: &'a DataSet) -> Vec<(&'a str, Vec<Partition>)> {
        let mut parts: BTreeMap<&str, Vec<Partition>> = BTreeMap::new();
        for partition in Partition::ALL {
            for &index in self.part(partition) {
                if let Some(group) = dataset.examples[index].group.as_deref() {
                    let parts = parts.entry(group).or_default();
                    if parts.last() != Some(&partition) {
                        parts.push(partition);
                    }
                }
            }
        }
        parts.into_iter().filter(|(_, parts)| parts.len() > 1).collect()
    }

    /// The split that gives example i to part `parts[i]`.
    pub(crate) fn of_parts(parts: &[Partition]) -> Split {
        let mut split = Split::default();
        for (index, partition) in parts.iter().enumerate() {
            match partition {
                Partition::Train => split.train.push(index),
                Partition::Validation => split.validation.push(index),
                Partition::Test => split.test.push(index),
            }
        }
        split
    }

    /// This split, if every class has an example in each of `wanted`; `advice` says what to do otherwise.
    pub(crate) fn with_every_class(
        self,
        dataset: &DataSet,
        wanted: &[Partition],
        advice: impl Fn(Partition) -> String,
    ) -> Result<Split, DataError> {
        for &partition in wanted {
            let mut present = vec![false; dataset.classes.len()];
            for &index in self.part(partition) {
                for class in dataset.examples[index].truth.classes() {
                    present[class] = true;
                }
            }
            if let Some(class) = present.iter().position(|&there| !there) {
                return Err(DataError::EmptyPart {
                    set: dataset.name.clone(),
                    class: dataset.classes[class].clone(),
                    partition,
                    advice: advice(partition),
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
    fn parts_keep_the_order_of_the_examples() {
        use Partition::{Test, Train, Validation};
        let split = Split::of_parts(&[Test, Train, Validation, Train, Test]);
        assert_eq!(split.part(Train), [1, 3]);
        assert_eq!(split.part(Validation), [2]);
        assert_eq!(split.part(Test), [0, 4]);
    }

    #[test]
    fn names_are_read_back_and_others_refused() {
        for partition in Partition::ALL {
            assert_eq!(partition.name().parse::<Partition>().unwrap(), partition);
            assert_eq!(serde_json::to_string(&partition).unwrap(), format!("\"{partition}\""));
        }
        let error = "dev".parse::<Partition>().unwrap_err().to_string();
        assert_eq!(error, "split = dev: must be train, validation or test");
    }
}
