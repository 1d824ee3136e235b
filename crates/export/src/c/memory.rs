//! Places of values in one buffer, so that values that are not needed at the same time share memory.

/// A value in the buffer.
#[derive(Clone, Copy, Debug)]
struct Value {
    size: usize,
    /// First and last step at which it is needed.
    first: usize,
    last: usize,
}

/// Values of a buffer.
#[derive(Debug)]
pub(super) struct Memory {
    /// Name of the buffer in the struct.
    name: &'static str,
    /// Type of the values in C.
    ctype: &'static str,
    /// Control character around the number of a value, which no other part of the source has.
    mark: char,
    values: Vec<Value>,
}

impl Memory {
    /// Returns the buffer of the front end, and of a network in floating point.
    pub(super) fn floats() -> Memory {
        Memory { name: "arena", ctype: "float", mark: '\u{1}', values: Vec::new() }
    }

    /// Returns the buffer of a network on integers.
    pub(super) fn integers() -> Memory {
        Memory { name: "values", ctype: "int16_t", mark: '\u{2}', values: Vec::new() }
    }

    /// Returns the type of the values in C.
    pub(super) fn ctype(&self) -> &'static str {
        self.ctype
    }

    /// Returns the address of a value in C, to be completed by [`Memory::complete`].
    pub(super) fn address(&self, value: usize) -> String {
        format!("model->{} + {1}{value}{1}", self.name, self.mark)
    }

    /// Adds a value of this size that is needed at this step, and returns its number.
    pub(super) fn add(&mut self, size: usize, step: usize) -> usize {
        self.values.push(Value { size, first: step, last: step });
        self.values.len() - 1
    }

    /// Keeps a value until this step.
    pub(super) fn keep(&mut self, value: usize, step: usize) {
        self.values[value].last = self.values[value].last.max(step);
    }

    /// Makes a value at least this large.
    pub(super) fn grow(&mut self, value: usize, size: usize) {
        self.values[value].size = self.values[value].size.max(size);
    }

    /// Returns the source with all addresses, and the member of the struct; without values there is none.
    pub(super) fn complete(&self, source: &str) -> (String, String) {
        let (offsets, total) = self.offsets();
        let part = |(at, part): (usize, &str)| match at % 2 {
            1 => part.parse().map_or(String::new(), |value: usize| offsets[value].to_string()),
            _ => part.to_owned(),
        };
        let field = format!(
            "    {} {}[{total}]; /* values between layers, which share memory */\n",
            self.ctype, self.name
        );
        let field = if total == 0 { String::new() } else { field };
        (source.split(self.mark).enumerate().map(part).collect(), field)
    }

    /// Returns the offset of each value, and the size of the buffer: the largest values first, each at the lowest free place.
    fn offsets(&self) -> (Vec<usize>, usize) {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        order.sort_by_key(|&at| (std::cmp::Reverse(self.values[at].size), at));
        let mut offsets = vec![0; self.values.len()];
        let mut placed: Vec<usize> = Vec::new();
        let mut total = 0;
        for at in order {
            let value = self.values[at];
            let is_together = |&other: &usize| {
                self.values[other].first <= value.last && value.first <= self.values[other].last
            };
            let mut occupied: Vec<[usize; 2]> = placed
                .iter()
                .copied()
                .filter(is_together)
                .map(|other| [offsets[other], offsets[other] + self.values[other].size])
                .collect();
            occupied.sort_unstable();
            let mut offset = 0;
            for [start, end] in occupied {
                if start >= offset + value.size {
                    break;
                }
                offset = offset.max(end);
            }
            offsets[at] = offset;
            total = total.max(offset + value.size);
            placed.push(at);
        }
        (offsets, total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_needed_together_do_not_overlap_and_others_share() {
        let mut memory = Memory::floats();
        // A chain of four values, each needed until the next is computed, and one that is kept to the end.
        let kept = memory.add(5, 0);
        let chain: Vec<usize> =
            [7, 3, 9, 2].into_iter().enumerate().map(|(at, size)| memory.add(size, at)).collect();
        memory.keep(kept, 3);
        chain.iter().enumerate().for_each(|(at, &value)| memory.keep(value, (at + 1).min(3)));
        let (offsets, total) = memory.offsets();
        for a in 0..memory.values.len() {
            for b in 0..a {
                let (left, right) = (memory.values[a], memory.values[b]);
                let together = left.first <= right.last && right.first <= left.last;
                let apart = offsets[a] + left.size <= offsets[b] || offsets[b] + right.size <= offsets[a];
                assert!(!together || apart, "{a} {b} {offsets:?}");
            }
        }
        assert_eq!(total, 5 + 9 + 3, "{offsets:?}");
    }
}
