//! Step-by-step assignment of examples to subsets: first test, then validation.

use stapes_random::Rng;

use crate::dataset::DataSet;
use crate::error::DataError;
use crate::split::Split;
use crate::stratified_sampling::{group_sample, stratified_sample};
use crate::subset::Subset;

/// Examples of a data set with their subsets; unassigned examples are training examples.
pub(crate) struct SplitBuilder<'a> {
    dataset: &'a DataSet,
    subsets: Vec<Subset>,
    seed: u64,
}

impl<'a> SplitBuilder<'a> {
    /// Starts with all examples in the training subset; random draws depend on the seed.
    pub(crate) fn new(dataset: &'a DataSet, seed: u64) -> SplitBuilder<'a> {
        SplitBuilder { dataset, subsets: vec![Subset::Train; dataset.examples.len()], seed }
    }

    /// Starts with the predefined subsets.
    pub(crate) fn predefined(dataset: &'a DataSet, seed: u64) -> SplitBuilder<'a> {
        let predefined = |index: usize| dataset.examples[index].predefined.unwrap_or(Subset::Train);
        SplitBuilder { subsets: (0..dataset.examples.len()).map(predefined).collect(), dataset, seed }
    }

    /// Assigns examples to a subset.
    pub(crate) fn assign(&mut self, indices: impl IntoIterator<Item = usize>, subset: Subset) {
        for index in indices {
            self.subsets[index] = subset;
        }
    }

    /// Assigns all examples of a group to a subset.
    pub(crate) fn assign_group(&mut self, group: &str, subset: Subset) {
        for (assigned, example) in self.subsets.iter_mut().zip(&self.dataset.examples) {
            if example.group.as_deref() == Some(group) {
                *assigned = subset;
            }
        }
    }

    /// Draws a fraction of each class from the unassigned examples, stratified by group, and assigns it to a subset.
    pub(crate) fn assign_fraction(&mut self, fraction: f64, subset: Subset) {
        let drawn = stratified_sample(self.dataset, &self.unassigned(), fraction, &mut self.stream(subset));
        self.assign(drawn, subset);
    }

    /// Draws whole groups from the unassigned examples, about a fraction of each class, and assigns them to a subset.
    pub(crate) fn assign_groups(&mut self, fraction: f64, subset: Subset) {
        let drawn = group_sample(self.dataset, &self.unassigned(), fraction, &mut self.stream(subset));
        self.assign(drawn, subset);
    }

    /// Returns true if a subset is empty.
    pub(crate) fn is_empty(&self, subset: Subset) -> bool {
        !self.subsets.contains(&subset)
    }

    /// Returns the examples that are still in the training subset.
    fn unassigned(&self) -> Vec<usize> {
        (0..self.subsets.len()).filter(|&index| self.subsets[index] == Subset::Train).collect()
    }

    /// Each subset has its own random stream, so the validation fraction does not affect the test subset.
    fn stream(&self, subset: Subset) -> Rng {
        let name = if subset == Subset::Validation { "validation" } else { "split" };
        Rng::new(self.seed, name)
    }

    /// Returns the split without checks.
    pub(crate) fn split(self) -> Split {
        Split::from_subsets(&self.subsets)
    }

    /// Returns the split if every class has an example in each subset; the validation subset is only checked if
    /// `validates`. `advice` completes the error message.
    pub(crate) fn complete(
        self,
        validates: bool,
        advice: impl Fn(Subset) -> String,
    ) -> Result<Split, DataError> {
        let required: &[Subset] = if validates { &Subset::ALL } else { &[Subset::Train, Subset::Test] };
        let dataset = self.dataset;
        self.split().with_every_class(dataset, required, advice)
    }
}
