//! Gradients on their way back.

/// The gradient by the output of each node, from the first layer that writes it to the node itself.
///
/// Buffers go round: in a chain two of them serve all layers.
#[derive(Default)]
pub(super) struct NodeGradients {
    of_nodes: Vec<Option<Vec<f32>>>,
    free: Vec<Vec<f32>>,
}

impl NodeGradients {
    /// Holds nothing, for so many nodes.
    pub(super) fn clear(&mut self, nodes: usize) {
        self.free.extend(self.of_nodes.drain(..).flatten());
        self.of_nodes.resize_with(nodes, || None);
    }

    /// A buffer of at least so many numbers, whatever they are.
    pub(super) fn buffer(&mut self, len: usize) -> Vec<f32> {
        let mut buffer = self.free.pop().unwrap_or_default();
        if buffer.len() < len {
            buffer.resize(len, 0.0);
        }
        buffer
    }

    /// Gives a buffer back.
    pub(super) fn release(&mut self, buffer: Vec<f32>) {
        self.free.push(buffer);
    }

    /// Takes the gradient of a node out.
    pub(super) fn take(&mut self, node: usize) -> Option<Vec<f32>> {
        self.of_nodes[node].take()
    }

    /// Holds the gradient of a node: the first `len` numbers of a buffer, added to what is there.
    pub(super) fn put(&mut self, node: usize, gradient: Vec<f32>, len: usize) {
        match &mut self.of_nodes[node] {
            place @ None => *place = Some(gradient),
            Some(sum) => {
                sum[..len].iter_mut().zip(&gradient[..len]).for_each(|(sum, part)| *sum += part);
                self.free.push(gradient);
            }
        }
    }
}
