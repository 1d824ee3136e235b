//! One flat buffer of parameters with named tensors.

/// A named tensor in the flat buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name, as in a PyTorch state dict: `rnn.weight_ih_l0`.
    pub name: String,
    /// Sizes of the axes; the last axis is contiguous.
    pub shape: Vec<usize>,
    /// Start of the tensor in the buffer.
    pub offset: usize,
    /// True for parameters with a gradient; false for buffers such as running statistics.
    pub trained: bool,
}

impl TensorSpec {
    /// Number of values in the tensor.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True if the tensor has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the tensor's slice of a flat buffer.
    pub fn slice<'a>(&self, buffer: &'a [f32]) -> &'a [f32] {
        &buffer[self.offset..self.offset + self.len()]
    }

    /// Returns the tensor's mutable slice of a flat buffer.
    pub fn slice_mut<'a>(&self, buffer: &'a mut [f32]) -> &'a mut [f32] {
        &mut buffer[self.offset..self.offset + self.len()]
    }
}

/// Returns the mutable slices of two adjacent tensors.
///
/// # Panics
/// If the second does not start where the first ends.
pub(crate) fn adjacent_mut<'a>(
    [first, second]: [&TensorSpec; 2],
    buffer: &'a mut [f32],
) -> [&'a mut [f32]; 2] {
    assert_eq!(first.offset + first.len(), second.offset, "{} and {}", first.name, second.name);
    let both = &mut buffer[first.offset..second.offset + second.len()];
    both.split_at_mut(first.len()).into()
}

/// Assigns tensors to consecutive ranges of the flat buffer.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    tensors: Vec<TensorSpec>,
}

impl Layout {
    /// Returns an empty layout.
    pub fn new() -> Layout {
        Layout::default()
    }

    /// Appends a trained tensor.
    pub fn add(&mut self, name: impl Into<String>, shape: &[usize]) -> TensorSpec {
        self.push(name.into(), shape, true)
    }

    /// Appends a tensor that is saved and loaded with the model but not trained, as PyTorch's
    /// `register_buffer`.
    pub fn add_buffer(&mut self, name: impl Into<String>, shape: &[usize]) -> TensorSpec {
        self.push(name.into(), shape, false)
    }

    fn push(&mut self, name: String, shape: &[usize], trained: bool) -> TensorSpec {
        let tensor = TensorSpec { name, shape: shape.to_vec(), offset: self.len(), trained };
        self.tensors.push(tensor.clone());
        tensor
    }

    /// Number of values of the trained tensors.
    pub fn trained_len(&self) -> usize {
        self.tensors.iter().filter(|tensor| tensor.trained).map(TensorSpec::len).sum()
    }

    /// Number of values of all tensors.
    pub fn len(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.offset + tensor.len())
    }

    /// True if there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// All tensors, in the order of the buffer.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }
}
