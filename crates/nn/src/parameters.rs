//! One flat buffer of parameters with named views.

/// A named tensor within the flat buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The name, as in a PyTorch state dict: `rnn.weight_ih_l0`.
    pub name: String,
    /// The axes' lengths; the last is contiguous.
    pub shape: Vec<usize>,
    /// Where the tensor starts in the buffer.
    pub offset: usize,
}

impl View {
    /// How many numbers the tensor has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the tensor has no numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tensor's part of a flat buffer.
    pub fn of<'a>(&self, buffer: &'a [f32]) -> &'a [f32] {
        &buffer[self.offset..self.offset + self.len()]
    }

    /// The tensor's part of a flat buffer, to be changed.
    pub fn of_mut<'a>(&self, buffer: &'a mut [f32]) -> &'a mut [f32] {
        &mut buffer[self.offset..self.offset + self.len()]
    }
}

/// Hands out views one behind the other.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    views: Vec<View>,
}

impl Layout {
    /// An empty layout.
    pub fn new() -> Layout {
        Layout::default()
    }

    /// Adds a tensor behind the others.
    pub fn add(&mut self, name: impl Into<String>, shape: &[usize]) -> View {
        let view = View { name: name.into(), shape: shape.to_vec(), offset: self.len() };
        self.views.push(view.clone());
        view
    }

    /// How many numbers all tensors have.
    pub fn len(&self) -> usize {
        self.views.last().map_or(0, |view| view.offset + view.len())
    }

    /// Whether there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// All tensors in their order.
    pub fn views(&self) -> &[View] {
        &self.views
    }
}
