//! The sum at the end of a shortcut.

use stapes_kernels::Sequences;

use crate::layer::Shape;

/// y = sum of the terms, or max(0, .) of it.
///
/// # Shapes
/// all terms as the first, or images [C, 1, W] where that is an image [C, H, W]
pub(super) struct Join {
    terms: Vec<Shape>,
    rectify: bool,
}

impl Join {
    pub(super) fn new(terms: Vec<Shape>, rectify: bool) -> Join {
        let first = *terms.first().unwrap_or_else(|| panic!("a join of nothing"));
        let fits = |term: &Shape| match (first, *term) {
            (Shape::Image { channels, width, .. }, row @ Shape::Image { height: 1, .. }) => {
                row == Shape::Image { channels, height: 1, width }
            }
            (first, term) => first == term,
        };
        assert!(terms.iter().all(fits), "a join of {terms:?}");
        Join { terms, rectify }
    }

    pub(super) fn shape(&self) -> Shape {
        self.terms[0]
    }

    pub(super) fn describe(&self) -> String {
        let sum = format!("sum of {}", self.terms.len());
        if self.rectify { format!("{sum}, relu") } else { sum }
    }

    /// Writes the first term, or adds term number `term`.
    pub(super) fn add(&self, term: usize, values: &[f32], output: &mut [f32], sequences: &Sequences) {
        if term == 0 {
            return output.copy_from_slice(values);
        }
        self.each_row(term, sequences, |at, from| {
            output[at].iter_mut().zip(&values[from]).for_each(|(sum, value)| *sum += value);
        });
    }

    /// After all terms were added.
    pub(super) fn rectify(&self, output: &mut [f32]) {
        if self.rectify {
            output.iter_mut().for_each(|value| *value = value.max(0.0));
        }
    }

    /// Makes the gradient by the output that by the sum.
    pub(super) fn unrectify(&self, output: &[f32], d_output: &mut [f32]) {
        if self.rectify {
            let zero = |(d, y): (&mut f32, &f32)| *d = if *y > 0.0 { *d } else { 0.0 };
            d_output.iter_mut().zip(output).for_each(zero);
        }
    }

    /// Adds the gradient by the sum to that by term number `term`.
    pub(super) fn add_gradient(&self, term: usize, d_sum: &[f32], d_term: &mut [f32], sequences: &Sequences) {
        self.each_row(term, sequences, |at, to| {
            d_term[to].iter_mut().zip(&d_sum[at]).for_each(|(sum, d)| *sum += d);
        });
    }

    /// Calls `visit(range of the sum, range of the term)` for the stretches that belong together.
    fn each_row(
        &self,
        term: usize,
        sequences: &Sequences,
        mut visit: impl FnMut(std::ops::Range<usize>, std::ops::Range<usize>),
    ) {
        let len = self.shape().len(sequences);
        let (Shape::Image { channels, height, .. }, Shape::Image { height: 1, .. }) =
            (self.shape(), self.terms[term])
        else {
            return visit(0..len, 0..len);
        };
        let (mut at, mut from) = (0, 0);
        for &width in sequences.lengths() {
            for _ in 0..channels {
                for _ in 0..height {
                    visit(at..at + width, from..from + width);
                    at += width;
                }
                from += width;
            }
        }
    }
}
