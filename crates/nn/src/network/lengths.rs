//! Sequence lengths at each outlet of a network.

use stapes_kernels::Sequences;

use super::plan::{Node, Outlet};

/// Lengths of the outputs of all nodes; outlets with equal lengths share one [`Sequences`].
#[derive(Default)]
pub(super) struct Lengths {
    /// Lengths other than those of the network's input; the first `used` belong to this pass.
    changed: Vec<Sequences>,
    used: usize,
    /// For each node the index into `changed`; `None` for the input's lengths.
    of_nodes: Vec<Option<usize>>,
}

impl Lengths {
    /// Computes the lengths at all nodes for a batch.
    pub(super) fn set(&mut self, nodes: &[Node], input: &Sequences) {
        self.used = 0;
        self.of_nodes.clear();
        for node in nodes {
            let before = node.from[0].0.and_then(|at| self.of_nodes[at]);
            let after = match node.operation.layer() {
                None => before,
                Some(layer) => {
                    let lengths = before.map_or(input, |at| &self.changed[at]).lengths();
                    match lengths.iter().all(|&length| layer.output_length(length) == length) {
                        true => before,
                        false => Some(self.insert(before, input, |length| layer.output_length(length))),
                    }
                }
            };
            self.of_nodes.push(after);
        }
    }

    /// Returns the index of the lengths `output_length` of those at `before`; adds them if they are new.
    fn insert(
        &mut self,
        before: Option<usize>,
        input: &Sequences,
        output_length: impl Fn(usize) -> usize,
    ) -> usize {
        let (used, free) = self.changed.split_at_mut(self.used);
        let lengths = before.map_or(input, |at| &used[at]).lengths();
        let lengths = lengths.iter().map(|&length| output_length(length));
        if let Some(at) = used.iter().position(|batch| batch.lengths().iter().copied().eq(lengths.clone())) {
            return at;
        }
        let set = match free.first_mut() {
            Some(batch) => batch.set(lengths),
            None => {
                let mut batch = Sequences::default();
                let set = batch.set(lengths);
                self.changed.push(batch);
                set
            }
        };
        set.unwrap_or_else(|error| panic!("a layer returned an output length of 0: {error}"));
        self.used += 1;
        self.used - 1
    }

    /// True if the network's output has the lengths of its input.
    pub(super) fn are_unchanged(&self) -> bool {
        self.of_nodes.last().is_none_or(Option::is_none)
    }

    /// Lengths at an outlet.
    pub(super) fn at<'a>(&'a self, outlet: Outlet, input: &'a Sequences) -> &'a Sequences {
        outlet.0.and_then(|at| self.of_nodes[at]).map_or(input, |at| &self.changed[at])
    }
}
