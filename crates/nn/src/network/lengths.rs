//! How long the sequences of a batch are at each place of a network.

use stapes_kernels::Sequences;

use super::plan::{Node, Place};

/// The lengths behind each node; places with the same lengths share one batch.
#[derive(Default)]
pub(super) struct Lengths {
    /// Of lengths that are not those of the network's input; the first `used` are of this pass.
    other: Vec<Sequences>,
    used: usize,
    /// Behind each node: which of `other`, none for the input's lengths.
    behind: Vec<Option<usize>>,
}

impl Lengths {
    /// Follows the lengths of a batch through the nodes.
    pub(super) fn set(&mut self, nodes: &[Node], input: &Sequences) {
        self.used = 0;
        self.behind.clear();
        for node in nodes {
            let from = node.from[0].0.and_then(|at| self.behind[at]);
            let behind = match node.operation.layer() {
                None => from,
                Some(layer) => {
                    let lengths = from.map_or(input, |at| &self.other[at]).lengths();
                    match lengths.iter().all(|&length| layer.output_length(length) == length) {
                        true => from,
                        false => Some(self.of(from, input, |length| layer.output_length(length))),
                    }
                }
            };
            self.behind.push(behind);
        }
    }

    /// The batch with other lengths than that of batch `from`: one that is there already, or one more.
    fn of(&mut self, from: Option<usize>, input: &Sequences, other: impl Fn(usize) -> usize) -> usize {
        let (there, free) = self.other.split_at_mut(self.used);
        let lengths = from.map_or(input, |at| &there[at]).lengths().iter().map(|&length| other(length));
        if let Some(at) = there.iter().position(|batch| batch.lengths().iter().copied().eq(lengths.clone())) {
            return at;
        }
        let set = match free.first_mut() {
            Some(batch) => batch.set(lengths),
            None => {
                let mut batch = Sequences::default();
                let set = batch.set(lengths);
                self.other.push(batch);
                set
            }
        };
        set.unwrap_or_else(|error| panic!("a layer left nothing of a sequence: {error}"));
        self.used += 1;
        self.used - 1
    }

    /// Whether sequences are as long behind the last node as in front of the first.
    pub(super) fn keep_lengths(&self) -> bool {
        self.behind.last().is_none_or(Option::is_none)
    }

    /// The batch at a place.
    pub(super) fn at<'a>(&'a self, place: Place, input: &'a Sequences) -> &'a Sequences {
        place.0.and_then(|at| self.behind[at]).map_or(input, |at| &self.other[at])
    }
}
