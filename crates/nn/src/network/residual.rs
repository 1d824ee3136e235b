//! Residual connections.

use stapes_kernels::Sequences;

use crate::layer::Shape;

/// y = sum of the terms, optionally followed by ReLU.
///
/// # Shapes
/// all terms have the shape of the first; if it is an image [C, H, W], terms [C, 1, W] are added to every row
pub(super) struct Residual {
    terms: Vec<Shape>,
    relu: bool,
}

impl Residual {
    pub(super) fn new(terms: Vec<Shape>, relu: bool) -> Residual {
        let first = *terms.first().unwrap_or_else(|| panic!("a residual sum without terms"));
        let fits = |term: &Shape| match (first, *term) {
            (Shape::Image { channels, width, .. }, row @ Shape::Image { height: 1, .. }) => {
                row == Shape::Image { channels, height: 1, width }
            }
            (first, term) => first == term,
        };
        assert!(terms.iter().all(fits), "a residual sum of the shapes {terms:?}");
        Residual { terms, relu }
    }

    pub(super) fn shape(&self) -> Shape {
        self.terms[0]
    }

    pub(super) fn has_relu(&self) -> bool {
        self.relu
    }

    pub(super) fn describe(&self) -> String {
        let sum = format!("sum of {}", self.terms.len());
        if self.relu { format!("{sum}, relu") } else { sum }
    }

    /// Copies the first term to the output, or adds term number `term`.
    pub(super) fn add(&self, term: usize, values: &[f32], output: &mut [f32], sequences: &Sequences) {
        if term == 0 {
            return output.copy_from_slice(values);
        }
        self.each_row(term, sequences, |at, from| {
            output[at].iter_mut().zip(&values[from]).for_each(|(sum, value)| *sum += value);
        });
    }

    /// Applies ReLU, if any, after all terms were added.
    pub(super) fn relu(&self, output: &mut [f32]) {
        if self.relu {
            output.iter_mut().for_each(|value| *value = value.max(0.0));
        }
    }

    /// Turns the gradient of the output into the gradient of the sum.
    pub(super) fn relu_backward(&self, output: &[f32], d_output: &mut [f32]) {
        if self.relu {
            let zero = |(d, y): (&mut f32, &f32)| *d = if *y > 0.0 { *d } else { 0.0 };
            d_output.iter_mut().zip(output).for_each(zero);
        }
    }

    /// Adds the gradient of the sum to the gradient of term number `term`.
    pub(super) fn add_gradient(&self, term: usize, d_sum: &[f32], d_term: &mut [f32], sequences: &Sequences) {
        self.each_row(term, sequences, |at, to| {
            d_term[to].iter_mut().zip(&d_sum[at]).for_each(|(sum, d)| *sum += d);
        });
    }

    /// Calls `visit(range of the sum, range of the term)` for corresponding ranges.
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
