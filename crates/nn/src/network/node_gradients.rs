//! Gradients of the nodes during a backward pass.

/// Gradient of each node's output, from its first reader in the backward pass until the node itself.
///
/// Buffers are reused: a chain of layers needs two.
#[derive(Default)]
pub(super) struct NodeGradients {
    of_nodes: Vec<Option<Vec<f32>>>,
    free: Vec<Vec<f32>>,
}

impl NodeGradients {
    /// Drops all gradients and prepares for this number of nodes.
    pub(super) fn clear(&mut self, nodes: usize) {
        self.free.extend(self.of_nodes.drain(..).flatten());
        self.of_nodes.resize_with(nodes, || None);
    }

    /// Returns a buffer of at least `len` values with arbitrary content.
    pub(super) fn buffer(&mut self, len: usize) -> Vec<f32> {
        let mut buffer = self.free.pop().unwrap_or_default();
        if buffer.len() < len {
            buffer.resize(len, 0.0);
        }
        buffer
    }

    /// Releases a buffer for reuse.
    pub(super) fn release(&mut self, buffer: Vec<f32>) {
        self.free.push(buffer);
    }

    /// Removes and returns the gradient of a node.
    pub(super) fn take(&mut self, node: usize) -> Option<Vec<f32>> {
        self.of_nodes[node].take()
    }

    /// Adds the first `len` values of a buffer to the gradient of a node.
    pub(super) fn add(&mut self, node: usize, gradient: Vec<f32>, len: usize) {
        match &mut self.of_nodes[node] {
            empty @ None => *empty = Some(gradient),
            Some(sum) => {
                sum[..len].iter_mut().zip(&gradient[..len]).for_each(|(sum, part)| *sum += part);
                self.free.push(gradient);
            }
        }
    }
}
