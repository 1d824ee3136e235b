//! How many examples of each class are in each part.

use serde::Serialize;

use crate::dataset::DataSet;
use crate::split::{Partition, Split};

/// The examples of a data set, counted by class and part.
///
/// # Example
/// ```
/// use stapes_data::{Counts, DataConfig, JapaneseVowelsConfig};
///
/// let config = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default());
/// let vowels = config.open(None)?;
/// let counts = Counts::new(&vowels, &config.split(&vowels, 1)?);
/// assert_eq!((counts.total.train, counts.total.validation, counts.total.test), (243, 27, 370));
/// assert_eq!(counts.classes[2].class, "speaker 3");
/// assert_eq!(counts.classes[2].examples.test, 88);
/// # Ok::<(), stapes_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The data set's name.
    pub set: String,
    /// Each class, in the order of the indices.
    pub classes: Vec<ClassCount>,
    /// All classes together.
    pub total: PartCount,
    /// The groups (speakers) that occur; empty where they are not known.
    pub groups: Vec<GroupCount>,
    /// How many examples the data set's own lists name that are not there.
    pub absent: usize,
}

/// The examples of one class, or those with a moment of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// The class's name.
    pub class: String,
    /// How many examples.
    #[serde(flatten)]
    pub examples: PartCount,
}

/// The examples of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupCount {
    /// The group's name.
    pub group: String,
    /// How many examples.
    #[serde(flatten)]
    pub examples: PartCount,
}

/// How many examples are in each part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartCount {
    /// For training.
    pub train: usize,
    /// For validation.
    pub validation: usize,
    /// For the test.
    pub test: usize,
}

impl PartCount {
    fn add(&mut self, partition: Partition) {
        *match partition {
            Partition::Train => &mut self.train,
            Partition::Validation => &mut self.validation,
            Partition::Test => &mut self.test,
        } += 1;
    }
}

impl Counts {
    /// Counts the examples of the split.
    ///
    /// # Panics
    /// If the split is not of this data set.
    pub fn new(dataset: &DataSet, split: &Split) -> Counts {
        let mut classes: Vec<ClassCount> = dataset
            .classes
            .iter()
            .map(|class| ClassCount { class: class.clone(), examples: PartCount::default() })
            .collect();
        let names = dataset.groups();
        let mut groups = vec![PartCount::default(); names.len()];
        let mut total = PartCount::default();
        for partition in Partition::ALL {
            for &index in split.part(partition) {
                let example = &dataset.examples[index];
                for class in example.truth.classes() {
                    classes[class].examples.add(partition);
                }
                total.add(partition);
                let group = example.group.as_deref().and_then(|group| names.binary_search(&group).ok());
                if let Some(group) = group {
                    groups[group].add(partition);
                }
            }
        }
        let groups = names
            .into_iter()
            .zip(groups)
            .map(|(group, examples)| GroupCount { group: group.to_owned(), examples })
            .collect();
        Counts { set: dataset.name.clone(), classes, total, groups, absent: dataset.absent }
    }
}
