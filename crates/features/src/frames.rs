//! Feature matrix.

/// Feature matrix \[T, F\]: T frames of F values, in frame order.
///
/// # Example
/// ```
/// use stapes_features::Features;
///
/// let features = Features::new(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!((features.frames(), features.width()), (3, 2));
/// assert_eq!(features.frame(1), [3.0, 4.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Features<S = f32> {
    width: usize,
    values: Vec<S>,
}

impl<S> Features<S> {
    /// Builds a matrix from frames of `width` values.
    ///
    /// # Panics
    /// Panics if `width` is 0 or `values` is not a whole number of frames.
    pub fn new(width: usize, values: Vec<S>) -> Features<S> {
        assert!(
            width > 0 && values.len().is_multiple_of(width),
            "{} values in frames of {width}",
            values.len()
        );
        Features { width, values }
    }

    /// Returns T, the number of frames.
    pub fn frames(&self) -> usize {
        self.values.len() / self.width
    }

    /// Returns F, the number of values per frame.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns all values in frame order.
    pub fn values(&self) -> &[S] {
        &self.values
    }

    /// Returns all values for modification in place.
    pub fn values_mut(&mut self) -> &mut [S] {
        &mut self.values
    }

    /// Returns the values of frame `t`.
    ///
    /// # Panics
    /// Panics if there is no such frame.
    pub fn frame(&self, t: usize) -> &[S] {
        &self.values[t * self.width..(t + 1) * self.width]
    }
}
