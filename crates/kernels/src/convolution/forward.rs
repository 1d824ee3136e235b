//! The forward pass: correlation and epilogue, strip by strip.

use super::Convolution;
use super::correlate::{Correlation, Runs, correlate};
use super::depthwise::Depthwise;
use super::grid::Grid;
use super::strategy::RowMode;
use crate::norm::{self, AvgPool, Epilogue, EpilogueOutput};
use crate::sizes;

/// Values per strip; a strip and its part of the input stay in the L1 cache. A strip has at least this many
/// positions, so that the last tile of a run costs little in relation.
const STRIP: usize = 4096;
const POSITIONS: usize = 512;
/// Columns of a strip are a multiple of all tile widths, of pairs and of groups of signs.
const COLUMNS: usize = 192;

impl Convolution {
    /// Computes one example: the convolution, followed by the epilogue.
    ///
    /// `signs`, of [`norm::sign_bytes`] for the output of the convolution, are needed for a backward pass through a
    /// ReLU; pass `None` for inference.
    ///
    /// # Shapes
    /// input [Cin, H, W] with its size [H, W] -> [Cout, H', W'] of [`AvgPool::output`] of
    /// [`super::ConvolutionShape::output`]
    ///
    /// # Panics
    /// If the slice lengths do not match the shapes, the window is larger than the input, or no weights are packed.
    pub fn forward(
        &mut self,
        (input, size): (&[f32], [usize; 2]),
        epilogue: Epilogue<'_>,
        output: &mut [f32],
        signs: Option<&mut [u8]>,
    ) {
        // In a browser the size of the module counts more than these loops.
        if cfg!(not(target_family = "wasm"))
            && let Some(of) = Depthwise::new(&self.shape, size)
        {
            return self.forward_depthwise(of, input, epilogue, output, signs);
        }
        let grid = self.prepare_input(input, size);
        let pooled = epilogue.pool.output(grid.output);
        let len = sizes::count([self.shape.outputs, pooled[0], pooled[1]]);
        assert_eq!(output.len(), len, "length of the output");
        if let Some(signs) = &signs {
            assert_eq!(signs.len(), norm::sign_bytes(self.shape.outputs, grid.output), "length of the signs");
        }
        let rows = RowMode::choose(&grid, self.set.width(), Some(self.shape.taps()));
        let plain = !epilogue.relu && epilogue.channels.is_none() && epilogue.pool == AvgPool::None;
        if plain && (rows == RowMode::Separate || grid.is_dense()) {
            return self.forward_direct(input, &grid, rows, output);
        }
        self.forward_strips(input, &grid, rows, epilogue, output, signs);
    }

    /// Fills the planes and the taps.
    pub(super) fn prepare_input(&mut self, input: &[f32], size: [usize; 2]) -> Grid {
        let grid = Grid::new(&self.shape, size);
        assert_eq!(input.len(), sizes::count([self.shape.inputs, size[0], size[1]]), "length of the input");
        self.taps.set_forward(&grid, self.shape.inputs / self.shape.groups);
        if !grid.is_input() {
            let len = sizes::count([self.shape.inputs, grid.channel()]);
            grid.split_planes(self.set, input, self.planes.sized(len));
        }
        grid
    }

    /// Correlation of a group, from a position on.
    fn correlation<'a>(
        &'a self,
        planes: &'a [f32],
        grid: &Grid,
        group: usize,
        position: usize,
    ) -> Correlation<'a> {
        let (inputs, rows) = (self.shape.inputs / self.shape.groups, self.shape.outputs / self.shape.groups);
        Correlation {
            input: &planes[group * inputs * grid.channel() + position..],
            taps: self.taps.forward(),
            weights: self.forward.group(&self.shape, group),
            starts: self.bias.as_deref().map(|bias| &bias[group * rows..][..rows]),
            rows,
            runs: Runs::one(0),
        }
    }

    /// Computes the output directly, without an epilogue.
    fn forward_direct(&self, input: &[f32], grid: &Grid, rows: RowMode, output: &mut [f32]) {
        let planes = if grid.is_input() { input } else { self.planes.all() };
        let len = grid.output[0] * grid.output[1];
        for (group, output) in
            output.chunks_exact_mut(self.shape.outputs / self.shape.groups * len).enumerate()
        {
            let runs = rows.runs(grid, grid.output, grid.output[1]);
            let correlation = Correlation { runs, ..self.correlation(planes, grid, group, 0) };
            correlate(self.set, correlation, output, len);
        }
    }

    /// Computes the output strip by strip, with an epilogue.
    fn forward_strips(
        &mut self,
        input: &[f32],
        grid: &Grid,
        rows: RowMode,
        epilogue: Epilogue<'_>,
        output: &mut [f32],
        mut signs: Option<&mut [u8]>,
    ) {
        let channels = self.shape.outputs / self.shape.groups;
        let [window, pair] = epilogue.pool.window();
        let pooled = epilogue.pool.output(grid.output);
        let row_bytes = norm::row_bytes(grid.output[1]);
        let pitch = if rows == RowMode::Joined { grid.pitch() } else { grid.output[1] };
        let mut buffer = std::mem::take(&mut self.strip);
        let planes = if grid.is_input() { input } else { self.planes.all() };
        for group in 0..self.shape.groups {
            let first = group * channels;
            let steps =
                Epilogue { channels: epilogue.channels.map(|all| &all[first..][..channels]), ..epilogue };
            for ([row, column], size) in strips(grid.output, grid.pitch(), channels, window) {
                let position = row * grid.pitch() + column;
                let runs = rows.runs(grid, size, pitch);
                let correlation = Correlation { runs, ..self.correlation(planes, grid, group, position) };
                let len = (size[0] - 1) * pitch + size[1];
                let values = buffer.sized(channels * len);
                correlate(self.set, correlation, values, len);
                let part = norm::Rows { values, strides: [len, pitch], channels, size };
                // A last row without a partner produces no output and has no position.
                let at = (first * pooled[0] + row / window) * pooled[1] + column / pair;
                let at = at.min(output.len());
                let sign_at = (first * grid.output[0] + row) * row_bytes + column / 8;
                let to = EpilogueOutput {
                    values: &mut output[at..],
                    strides: [pooled[0] * pooled[1], pooled[1]],
                    signs: signs.as_deref_mut().map(|signs| &mut signs[sign_at..]),
                    sign_strides: [grid.output[0] * row_bytes, row_bytes],
                };
                norm::epilogue_rows(self.set, steps, part, to);
            }
        }
        self.strip = buffer;
    }
}

/// Returns the positions (row, column) and the sizes of the strips of an output: several rows, a multiple of the
/// window, or a part of the only row.
fn strips(
    [height, width]: [usize; 2],
    pitch: usize,
    channels: usize,
    window: usize,
) -> impl Iterator<Item = ([usize; 2], [usize; 2])> {
    let values = STRIP / channels;
    let [rows, columns] = match height {
        1 => [1, (values / COLUMNS).max(1) * COLUMNS],
        _ => [(values.max(POSITIONS) / pitch / window).max(1) * window, width],
    };
    (0..height).step_by(rows).flat_map(move |row| {
        let left = move |column| [rows.min(height - row), columns.min(width - column)];
        (0..width).step_by(columns).map(move |column| ([row, column], left(column)))
    })
}
