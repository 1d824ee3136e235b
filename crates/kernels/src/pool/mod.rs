//! Average and max pooling, forward and backward.
//!
//! For average pooling by 2 after a convolution, [`crate::norm::Epilogue`] is faster: it needs no second pass.

#[cfg(any(test, feature = "reference"))]
pub mod reference;

use crate::convolution::{ShapeError, check_pooling, window_positions};
use crate::simd::{Simd, kernel};
use crate::sizes;

/// Window and stride of a pooling layer; incomplete windows at the end are dropped, as by default in PyTorch.
///
/// # Example
/// ```
/// use stapes_kernels::InstructionSet;
/// use stapes_kernels::pool::{Pooling, max};
///
/// let pooling = Pooling::new([1, 2], [1, 2])?;
/// assert_eq!(pooling.output([1, 5])?, [1, 2]);
/// let (mut output, mut indices) = ([0.0; 2], [0; 2]);
/// let input: &[f32] = &[1.0, 3.0, 2.0, 2.0, 9.0];
/// max(InstructionSet::best(), pooling, (input, [1, 5]), &mut output, Some(&mut indices));
/// assert_eq!((output, indices), ([3.0, 2.0], [1, 2])); // the first of equal values
/// # Ok::<(), stapes_kernels::convolution::ShapeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    window: [usize; 2],
    stride: [usize; 2],
}

impl Pooling {
    /// Creates a pooling with a window [H, W] and a stride [H, W].
    ///
    /// # Errors
    /// [`ShapeError::Pooling`] if a value is 0.
    pub fn new(window: [usize; 2], stride: [usize; 2]) -> Result<Pooling, ShapeError> {
        check_pooling(window, stride)?;
        Ok(Pooling { window, stride })
    }

    /// Size [H, W] of the output for an input of this size.
    ///
    /// # Errors
    /// [`ShapeError::Window`] if the window is larger than the input.
    pub fn output(&self, size: [usize; 2]) -> Result<[usize; 2], ShapeError> {
        let mut output = [0; 2];
        for axis in 0..2 {
            output[axis] = window_positions(axis, (self.window[axis], self.stride[axis]), size[axis], 0)?;
        }
        Ok(output)
    }

    /// Number of values in a window.
    fn area(&self) -> usize {
        sizes::count(self.window)
    }

    /// Panics unless input and output have the same number of channels; returns the size of the output.
    fn check(&self, input: usize, size: [usize; 2], output: usize) -> [usize; 2] {
        let [height, width] = match self.output(size) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        };
        let channels = input / sizes::count(size);
        assert_eq!(
            sizes::count([channels, size[0], size[1]]),
            input,
            "values in channels of {} x {}",
            size[0],
            size[1]
        );
        assert_eq!(sizes::count([channels, height, width]), output, "length of the output");
        [height, width]
    }

    /// Start of each window within its channel, in the order of the output.
    fn starts(&self, [height, width]: [usize; 2], pitch: usize) -> impl Iterator<Item = usize> + use<> {
        let [down, right] = self.stride;
        (0..height).flat_map(move |row| (0..width).map(move |column| row * down * pitch + column * right))
    }
}

kernel! {
    /// Computes average pooling.
    ///
    /// # Shapes
    /// input [C, H, W] with its size [H, W] -> [C, H', W'] of [`Pooling::output`]
    ///
    /// # Panics
    /// If the slice lengths do not match the shapes.
    pub fn average(pooling: Pooling, example: (&[f32], [usize; 2]), output: &mut [f32]) = average_generic
}

#[inline(always)]
fn average_generic<S: Simd>(_: S, pooling: Pooling, (input, size): (&[f32], [usize; 2]), output: &mut [f32]) {
    let positions = pooling.check(input.len(), size, output.len());
    let [rows, columns] = pooling.window;
    let weight = 1.0 / pooling.area() as f32;
    let channels = input.chunks_exact(sizes::count(size));
    for (input, output) in channels.zip(output.chunks_exact_mut(sizes::count(positions))) {
        for (start, output) in pooling.starts(positions, size[1]).zip(output) {
            let sum: f32 = (0..rows).map(|row| sum(&input[start + row * size[1]..][..columns])).sum();
            *output = sum * weight;
        }
    }
}

/// Sum of a row, in sixteen chains if it is long.
#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    const CHAINS: usize = 16;
    let (whole, rest) = row.as_chunks::<CHAINS>();
    let mut sum: f32 = rest.iter().sum();
    if !whole.is_empty() {
        let mut chains = [0.0; CHAINS];
        for part in whole {
            chains.iter_mut().zip(part).for_each(|(chain, number)| *chain += number);
        }
        sum += chains.iter().sum::<f32>();
    }
    sum
}

kernel! {
    /// Computes the gradient w.r.t. the input of [`average`], from that w.r.t. its output.
    ///
    /// # Panics
    /// If the slice lengths do not match the shapes.
    pub fn average_backward(pooling: Pooling, d_output: &[f32], d_input: (&mut [f32], [usize; 2])) =
        average_backward_generic
}

#[inline(always)]
fn average_backward_generic<S: Simd>(
    _: S,
    pooling: Pooling,
    d_output: &[f32],
    (d_input, size): (&mut [f32], [usize; 2]),
) {
    crate::require_training();
    let positions = pooling.check(d_input.len(), size, d_output.len());
    let [rows, columns] = pooling.window;
    let weight = 1.0 / pooling.area() as f32;
    d_input.fill(0.0);
    let channels = d_input.chunks_exact_mut(sizes::count(size));
    for (d_input, d_output) in channels.zip(d_output.chunks_exact(sizes::count(positions))) {
        for (start, &d) in pooling.starts(positions, size[1]).zip(d_output) {
            for row in 0..rows {
                let to = &mut d_input[start + row * size[1]..][..columns];
                to.iter_mut().for_each(|to| *to += d * weight);
            }
        }
    }
}

kernel! {
    /// Computes max pooling: the maximum of each window (NaN if it contains NaN) and the index of the first maximum
    /// within its channel.
    ///
    /// # Shapes
    /// input [C, H, W] with its size [H, W] -> [C, H', W'] of [`Pooling::output`]; indices have the same shape
    ///
    /// # Panics
    /// If the slice lengths do not match the shapes.
    pub fn max(
        pooling: Pooling,
        example: (&[f32], [usize; 2]),
        output: &mut [f32],
        indices: Option<&mut [u32]>,
    ) = max_generic
}

#[inline(always)]
fn max_generic<S: Simd>(
    _: S,
    pooling: Pooling,
    (input, size): (&[f32], [usize; 2]),
    output: &mut [f32],
    mut indices: Option<&mut [u32]>,
) {
    let positions = pooling.check(input.len(), size, output.len());
    assert!(sizes::count(size) <= u32::MAX as usize, "positions of a channel");
    if let Some(indices) = &indices {
        assert_eq!(indices.len(), output.len(), "indices and outputs");
    }
    let [rows, columns] = pooling.window;
    let len = sizes::count(positions);
    for (channel, input) in input.chunks_exact(sizes::count(size)).enumerate() {
        for (position, start) in pooling.starts(positions, size[1]).enumerate() {
            let (mut best, mut at) = (input[start], start);
            for row in 0..rows {
                let first = start + row * size[1];
                let (number, column) = max_of(&input[first..][..columns]);
                if replaces(number, best) {
                    (best, at) = (number, first + column);
                }
            }
            output[channel * len + position] = best;
            if let Some(indices) = &mut indices {
                indices[channel * len + position] = at as u32;
            }
        }
    }
}

/// True if a value replaces the maximum so far; NaN does, and then stays.
#[inline(always)]
fn replaces(number: f32, best: f32) -> bool {
    number > best || (number.is_nan() && !best.is_nan())
}

/// Maximum of a row and its position.
#[inline(always)]
fn max_of(row: &[f32]) -> (f32, usize) {
    const LANES: usize = 16;
    let (whole, rest) = row.as_chunks::<LANES>();
    if whole.len() < 2 {
        let better = |best: (f32, usize), (at, &number): (usize, &f32)| {
            if replaces(number, best.0) { (number, at) } else { best }
        };
        return row.iter().enumerate().skip(1).fold((row[0], 0), better);
    }
    // First the maximum, lane by lane, then its position.
    let mut lanes = whole[0];
    for part in &whole[1..] {
        lanes.iter_mut().zip(part).for_each(|(lane, &number)| {
            *lane = if replaces(number, *lane) { number } else { *lane };
        });
    }
    let better = |best: f32, &number: &f32| if replaces(number, best) { number } else { best };
    let best = lanes.iter().chain(rest).fold(row[0], better);
    let found = row.iter().position(|&number| number == best || (number.is_nan() && best.is_nan()));
    // The maximum is one of the row's values, so a position is always found.
    (best, found.unwrap_or(0))
}

kernel! {
    /// Computes the gradient w.r.t. the input of [`max`], from that w.r.t. its output and the indices.
    ///
    /// # Panics
    /// If the slice lengths do not match the shapes.
    pub fn max_backward(
        pooling: Pooling,
        d_output: &[f32],
        indices: &[u32],
        d_input: (&mut [f32], [usize; 2]),
    ) = max_backward_generic
}

#[inline(always)]
fn max_backward_generic<S: Simd>(
    _: S,
    pooling: Pooling,
    d_output: &[f32],
    indices: &[u32],
    (d_input, size): (&mut [f32], [usize; 2]),
) {
    crate::require_training();
    let positions = pooling.check(d_input.len(), size, d_output.len());
    assert_eq!(indices.len(), d_output.len(), "indices and outputs");
    d_input.fill(0.0);
    let len = sizes::count(positions);
    for (channel, d_input) in d_input.chunks_exact_mut(sizes::count(size)).enumerate() {
        let of_channel = channel * len..(channel + 1) * len;
        for (&d, &index) in d_output[of_channel.clone()].iter().zip(&indices[of_channel]) {
            d_input[index as usize] += d;
        }
    }
}
