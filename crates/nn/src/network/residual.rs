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

    /// Computes the sum of the terms, of which `read` returns the values, and ReLU, if any.
    pub(super) fn forward<'a>(
        &self,
        read: &dyn Fn(usize) -> &'a [f32],
        output: &mut [f32],
        sequences: &Sequences,
    ) {
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let first = read(0);
        match self.terms.len() {
            1 => output.iter_mut().zip(first).for_each(|(y, &a)| *y = at_least(a, floor)),
            // The other terms are added to the sum of the first two.
            count => {
                let second = read(1);
                let limit = if count == 2 { floor } else { f32::NEG_INFINITY };
                if count == 3 && self.is_plain(2) {
                    let third = read(2);
                    self.each_row(1, sequences, |at, from| {
                        let terms = first[at.clone()].iter().zip(&second[from]).zip(&third[at.clone()]);
                        output[at]
                            .iter_mut()
                            .zip(terms)
                            .for_each(|(y, ((a, b), c))| *y = at_least(a + b + c, floor));
                    });
                    return;
                }
                self.each_row(1, sequences, |at, from| {
                    let terms = first[at.clone()].iter().zip(&second[from]);
                    output[at].iter_mut().zip(terms).for_each(|(y, (a, b))| *y = at_least(a + b, limit));
                });
                for term in 2..count {
                    let values = read(term);
                    let limit = if term + 1 == count { floor } else { f32::NEG_INFINITY };
                    self.each_row(term, sequences, |at, from| {
                        let pairs = output[at].iter_mut().zip(&values[from]);
                        pairs.for_each(|(y, value)| *y = at_least(*y + value, limit));
                    });
                }
            }
        }
    }

    /// True if a term has the shape of the sum.
    pub(super) fn is_plain(&self, term: usize) -> bool {
        self.terms[term] == self.terms[0]
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

/// Maximum of a value and a bound; a NaN value stays NaN.
#[inline(always)]
fn at_least(value: f32, bound: f32) -> f32 {
    if value < bound { bound } else { value }
}
