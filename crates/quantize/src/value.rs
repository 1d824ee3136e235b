//! Values between the operations of a graph, for one recording.

use stapes_nn::layer::Shape;

/// Input or output of an operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value<T> {
    pub(crate) data: Vec<T>,
    pub(crate) shape: Shape,
    /// Number of frames or columns; 1 for a vector.
    pub(crate) length: usize,
}

impl<T: Copy + Default> Value<T> {
    /// Returns a value, whose length follows from its size.
    pub(crate) fn new(data: Vec<T>, shape: Shape) -> Value<T> {
        let length = data.len() / width(shape).max(1);
        Value { data, shape, length: if let Shape::Vector { .. } = shape { 1 } else { length } }
    }

    /// Returns the values per frame or column.
    pub(crate) fn width(&self) -> usize {
        width(self.shape)
    }

    /// Returns the frames, or a vector as one frame.
    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, T> {
        let row = if let Shape::Sequence { features, .. } = self.shape { features } else { self.data.len() };
        self.data.chunks_exact(row.max(1))
    }

    /// Returns channels, rows and columns of an image; frames are the columns of an image of one channel per value.
    pub(crate) fn image(&self) -> [usize; 3] {
        match self.shape {
            Shape::Image { channels, height, .. } => [channels, height, self.length],
            _ => [self.width(), 1, self.length],
        }
    }

    /// Returns the same values in another shape.
    pub(crate) fn reshaped(&self, shape: Shape) -> Value<T> {
        Value::new(self.data.clone(), shape)
    }

    /// Returns frames [T, F] as an image [F, T], or the reverse, for operations that exchange time and values.
    pub(crate) fn transposed(&self, shape: Shape) -> Value<T> {
        let (rows, columns) = match self.shape {
            Shape::Image { .. } => (self.width(), self.length),
            _ => (self.length, self.width()),
        };
        let data = (0..rows * columns).map(|at| self.data[at % rows * columns + at / rows]).collect();
        Value::new(data, shape)
    }

    /// Returns the last state of each direction: that of the last frame, and backward that of the first.
    pub(crate) fn last(&self, directions: usize, shape: Shape) -> Value<T> {
        let (n, half) = (self.width(), self.width() / directions);
        let last = (self.length - 1) * n;
        let backward = if directions == 2 { half..n } else { 0..0 };
        Value::new([&self.data[last..last + half], &self.data[backward]].concat(), shape)
    }

    /// Returns the values of the frames combined one by one.
    pub(crate) fn fold<U: Copy>(&self, first: impl Fn(T) -> U, next: impl Fn(U, T) -> U) -> Vec<U> {
        let n = self.width();
        let mut result: Vec<U> = self.data[..n].iter().map(|&value| first(value)).collect();
        for row in self.data[n..].chunks_exact(n) {
            result.iter_mut().zip(row).for_each(|(result, &value)| *result = next(*result, value));
        }
        result
    }
}

fn width(shape: Shape) -> usize {
    match shape {
        Shape::Sequence { features, .. } | Shape::Vector { features } => features,
        Shape::Image { channels, height, .. } => channels * height,
    }
}
