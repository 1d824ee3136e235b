//! Where the numbers of a window lie: made once for examples of one size.

use super::grid::Grid;

/// The positions that the kernel reads for each position of a window.
#[derive(Clone, Default)]
pub(super) struct Taps {
    forward: Vec<usize>,
    /// For what the positions were made.
    forward_of: Option<Grid>,
    /// For each plane.
    backward: Vec<Vec<usize>>,
    backward_of: Option<(Grid, Layout)>,
}

/// How the gradient by the output is gradient_planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Zeros before the first position of a channel.
    pub(super) margin: usize,
    /// From one channel to the next.
    pub(super) stride: usize,
}

impl Taps {
    /// Makes the positions in the planes of so many channels, in the order (channel, number of the window).
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

    /// What [`Taps::set_forward`] made.
    pub(super) fn forward(&self) -> &[usize] {
        &self.forward
    }

    /// Makes the positions in the gradient by so many output channels, for each plane in the order (channel,
    /// number of the window in this plane); `windows` are those numbers.
    pub(super) fn set_backward(
        &mut self,
        grid: &Grid,
        layout: Layout,
        (channels, windows): (usize, &[Vec<usize>]),
    ) {
        if self.backward_of.replace((*grid, layout)) == Some((*grid, layout)) {
            return;
        }
        self.backward.resize_with(windows.len(), Vec::new);
        for (taps, numbers) in self.backward.iter_mut().zip(windows) {
            taps.clear();
            for channel in 0..channels {
                let position = |&number: &usize| {
                    channel * layout.stride + layout.margin - grid.tap(grid.window(number)).1
                };
                taps.extend(numbers.iter().map(position));
            }
        }
    }

    /// What [`Taps::set_backward`] made for a plane.
    pub(super) fn backward(&self, plane: usize) -> &[usize] {
        &self.backward[plane]
    }
}
