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
    /// Whether training changes it against its gradient; what is not trained has no gradient, and a layer lets
    /// it follow the batches.
    pub trained: bool,
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

/// The parts of a flat buffer of two views of which the second lies behind the first.
///
/// # Panics
/// If it does not.
pub(crate) fn neighbours<'a>([first, second]: [&View; 2], buffer: &'a mut [f32]) -> [&'a mut [f32]; 2] {
    assert_eq!(first.offset + first.len(), second.offset, "{} and {}", first.name, second.name);
    let both = &mut buffer[first.offset..second.offset + second.len()];
    both.split_at_mut(first.len()).into()
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
        self.push(name.into(), shape, true)
    }

    /// Adds a tensor that belongs to the model, is saved and loaded with it, and is not trained.
    pub fn add_untrained(&mut self, name: impl Into<String>, shape: &[usize]) -> View {
        self.push(name.into(), shape, false)
    }

    fn push(&mut self, name: String, shape: &[usize], trained: bool) -> View {
        let view = View { name, shape: shape.to_vec(), offset: self.len(), trained };
        self.views.push(view.clone());
        view
    }

    /// How many numbers the trained tensors have.
    pub fn trained(&self) -> usize {
        self.views.iter().filter(|view| view.trained).map(View::len).sum()
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
