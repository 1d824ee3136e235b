//! Numbers of examples by class and subset.

use serde::Serialize;

use crate::dataset::DataSet;
use crate::split::Split;
use crate::subset::Subset;

/// Numbers of examples of a data set by class, subset and group.
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
    /// Name of the data set.
    pub set: String,
    /// Counts per class, in the order of the class indices.
    pub classes: Vec<ClassCount>,
    /// Counts of all classes together.
    pub total: SubsetCount,
    /// Counts per group (speaker); empty if groups are unknown.
    pub groups: Vec<GroupCount>,
    /// Number of examples that the lists of the data set name but that do not exist.
    pub missing: usize,
}

/// Examples of one class, or with at least one frame of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Name of the class.
    pub class: String,
    /// Number of examples.
    #[serde(flatten)]
    pub examples: SubsetCount,
}

/// Examples of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupCount {
    /// Name of the group.
    pub group: String,
    /// Number of examples.
    #[serde(flatten)]
    pub examples: SubsetCount,
}

/// Number of examples in each subset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SubsetCount {
    /// Training examples.
    pub train: usize,
    /// Validation examples.
    pub validation: usize,
    /// Test examples.
    pub test: usize,
}

impl SubsetCount {
    fn add(&mut self, subset: Subset) {
        *match subset {
            Subset::Train => &mut self.train,
            Subset::Validation => &mut self.validation,
            Subset::Test => &mut self.test,
        } += 1;
    }
}

impl Counts {
    /// Counts the examples of a split.
    ///
    /// # Panics
    /// If the split belongs to another data set.
    pub fn new(dataset: &DataSet, split: &Split) -> Counts {
        let mut classes: Vec<ClassCount> = dataset
            .classes
            .iter()
            .map(|class| ClassCount { class: class.clone(), examples: SubsetCount::default() })
            .collect();
        let names = dataset.groups();
        let mut groups = vec![SubsetCount::default(); names.len()];
        let mut total = SubsetCount::default();
        for subset in Subset::ALL {
            for &index in split.subset(subset) {
                let example = &dataset.examples[index];
                for class in example.label.classes() {
                    classes[class].examples.add(subset);
                }
                total.add(subset);
                let group = example.group.as_deref().and_then(|group| names.binary_search(&group).ok());
                if let Some(group) = group {
                    groups[group].add(subset);
                }
            }
        }
        let groups = names
            .into_iter()
            .zip(groups)
            .map(|(group, examples)| GroupCount { group: group.to_owned(), examples })
            .collect();
        Counts { set: dataset.name.clone(), classes, total, groups, missing: dataset.missing }
    }
}
