//! Examples are dealt to the parts of a split: first those for the test, then those for validation.

use stapes_random::Stream;

use crate::carve::{carve, carve_groups};
use crate::dataset::DataSet;
use crate::error::DataError;
use crate::split::{Partition, Split};

/// The examples of a data set, each with its part; who is given to no other part is for training.
pub(crate) struct Deal<'a> {
    dataset: &'a DataSet,
    parts: Vec<Partition>,
    seed: u64,
}

impl<'a> Deal<'a> {
    /// All examples for training; what is drawn comes from the seed.
    pub(crate) fn new(dataset: &'a DataSet, seed: u64) -> Deal<'a> {
        Deal { dataset, parts: vec![Partition::Train; dataset.examples.len()], seed }
    }

    /// Each example in the part that the data set's authors put it in.
    pub(crate) fn official(dataset: &'a DataSet, seed: u64) -> Deal<'a> {
        let part = |index: usize| dataset.examples[index].official.unwrap_or(Partition::Train);
        Deal { parts: (0..dataset.examples.len()).map(part).collect(), dataset, seed }
    }

    /// Gives examples to a part.
    pub(crate) fn give(&mut self, indices: impl IntoIterator<Item = usize>, partition: Partition) {
        for index in indices {
            self.parts[index] = partition;
        }
    }

    /// Gives all examples of a group to a part.
    pub(crate) fn give_group(&mut self, group: &str, partition: Partition) {
        for (part, example) in self.parts.iter_mut().zip(&self.dataset.examples) {
            if example.group.as_deref() == Some(group) {
                *part = partition;
            }
        }
    }

    /// Draws a share of each class, groups in proportion, of those still for training, and gives it to a part.
    pub(crate) fn give_share(&mut self, share: f64, partition: Partition) {
        let drawn = carve(self.dataset, &self.left(), share, &mut self.stream(partition));
        self.give(drawn, partition);
    }

    /// Draws whole groups of those still for training, about a share of each class, and gives them to a part.
    pub(crate) fn give_groups(&mut self, share: f64, partition: Partition) {
        let drawn = carve_groups(self.dataset, &self.left(), share, &mut self.stream(partition));
        self.give(drawn, partition);
    }

    /// Whether a part has no example.
    pub(crate) fn is_empty(&self, partition: Partition) -> bool {
        !self.parts.contains(&partition)
    }

    /// Those that are for training as yet.
    fn left(&self) -> Vec<usize> {
        (0..self.parts.len()).filter(|&index| self.parts[index] == Partition::Train).collect()
    }

    /// Each part has a stream of its own, so that another share for validation does not move the test.
    fn stream(&self, partition: Partition) -> Stream {
        let name = if partition == Partition::Validation { "validation" } else { "split" };
        Stream::new(self.seed, name)
    }

    /// The split, whatever it lacks.
    pub(crate) fn split(self) -> Split {
        Split::of_parts(&self.parts)
    }

    /// The split, if every class has an example in each part, validation excepted where it is not wanted; `advice` says
    /// what to do otherwise.
    pub(crate) fn complete(
        self,
        validates: bool,
        advice: impl Fn(Partition) -> String,
    ) -> Result<Split, DataError> {
        let wanted: &[Partition] =
            if validates { &Partition::ALL } else { &[Partition::Train, Partition::Test] };
        let dataset = self.dataset;
        self.split().with_every_class(dataset, wanted, advice)
    }
}
