//! Offsets of the window elements, computed once for examples of one size.

use super::grid::Grid;

/// Offsets from the position of a window to the values that the kernel reads.
#[derive(Clone, Default)]
pub(super) struct Taps {
    forward: Vec<usize>,
    /// Grid of the forward offsets.
    forward_of: Option<Grid>,
    /// For each plane.
    backward: Vec<Vec<usize>>,
    backward_of: Option<(Grid, Layout)>,
}

/// Layout of the gradient w.r.t. the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Zeros before the first position of a channel.
    pub(super) margin: usize,
    /// Distance between channels.
    pub(super) stride: usize,
}

impl Taps {
    /// Computes the offsets in the planes of this number of channels, in the order (channel, window element).
    pub(super) fn set_forward(&mut self, grid: &Grid, channels: usize) {
        if self.forward_of.replace(*grid).as_ref() == Some(grid) {
            return;
        }
        self.forward.clear();
        for channel in 0..channels {
            self.forward.extend(grid.windows().map(|window| {
                let (plane, shift) = grid.tap(window);
                channel * grid.channel() + plane * grid.plane_len() + shift
            }));
        }
    }

    /// Offsets of [`Taps::set_forward`].
    pub(super) fn forward(&self) -> &[usize] {
        &self.forward
    }

    /// Computes the offsets in the gradient of this number of output channels, for each plane in the order (channel,
    /// window element of this plane); `windows` lists those elements.
    pub(super) fn set_backward(
        &mut self,
        grid: &Grid,
        layout: Layout,
        channels: usize,
        windows: &[Vec<usize>],
    ) {
        if self.backward_of.replace((*grid, layout)) == Some((*grid, layout)) {
            return;
        }
        self.backward.resize_with(windows.len(), Vec::new);
        for (taps, values) in self.backward.iter_mut().zip(windows) {
            taps.clear();
            for channel in 0..channels {
                let position = |&number: &usize| {
                    channel * layout.stride + layout.margin - grid.tap(grid.window(number)).1
                };
                taps.extend(values.iter().map(position));
            }
        }
    }

    /// Offsets of [`Taps::set_backward`] for a plane.
    pub(super) fn backward(&self, plane: usize) -> &[usize] {
        &self.backward[plane]
    }
}
