//! Places that the windows of convolutions and means read, for floating point and integers alike.

use stapes_kernels::convolution::ConvolutionShape;
use stapes_nn::graph::Operation;

/// Returns channels, rows and columns of the output of a convolution.
pub(crate) fn output_size(window: &ConvolutionShape, [_, height, width]: [usize; 3]) -> [usize; 3] {
    let [rows, columns] = window.output([height, width]).unwrap_or([0, 0]);
    [window.outputs, rows, columns]
}

/// Calls `visit` for each element of the output with its channel and the places of the weights and of the inputs that it sums.
pub(crate) fn positions(
    window: &ConvolutionShape,
    input: [usize; 3],
    mut visit: impl FnMut(usize, &mut dyn Iterator<Item = [usize; 2]>),
) {
    let [outputs, rows, columns] = output_size(window, input);
    let [_, height, width] = input;
    let (inputs, outputs_of_group) = (window.inputs / window.groups, outputs / window.groups);
    let [kernel_rows, kernel_columns] = window.kernel;
    // Place of an element of the window along an axis, if it is not padding.
    let place = |axis: usize, position: usize, tap: usize, size: usize| {
        let padded = position * window.stride[axis] + tap * window.dilation[axis];
        padded.checked_sub(window.padding[axis][0]).filter(|&at| at < size)
    };
    for output in 0..outputs {
        let first = output / outputs_of_group * inputs;
        for row in 0..rows {
            for column in 0..columns {
                let mut products = (0..inputs * kernel_rows).flat_map(|at| {
                    let (input, tap) = (at / kernel_rows, at % kernel_rows);
                    let from = place(0, row, tap, height);
                    let weights = (output * inputs * kernel_rows + at) * kernel_columns;
                    (0..kernel_columns).filter_map(move |k| {
                        let x = ((first + input) * height + from?) * width + place(1, column, k, width)?;
                        Some([weights + k, x])
                    })
                });
                visit(output, &mut products);
            }
        }
    }
}

/// Returns a value per window [rows, columns] of an image, from the places in it.
pub(crate) fn pooled<T>(
    [channels, height, width]: [usize; 3],
    [rows, columns]: [usize; 2],
    value: impl Fn(&mut dyn Iterator<Item = usize>) -> T,
) -> Vec<T> {
    let mut result = Vec::new();
    for channel in 0..channels {
        for row in 0..height / rows {
            for column in 0..width / columns {
                let mut places = (0..rows * columns).map(|at| {
                    (channel * height + row * rows + at / columns) * width + column * columns + at % columns
                });
                result.push(value(&mut places));
            }
        }
    }
    result
}

/// Returns a value per column, or per channel for [`Operation::GlobalMean`], from the places in it and their number.
pub(crate) fn means<T>(
    [channels, height, width]: [usize; 3],
    operation: &Operation,
    value: impl Fn(&mut dyn Iterator<Item = usize>, usize) -> T,
) -> Vec<T> {
    match operation {
        Operation::GlobalMean => {
            let each = height * width;
            (0..channels).map(|channel| value(&mut (channel * each..(channel + 1) * each), each)).collect()
        }
        _ => (0..channels * width)
            .map(|at| {
                let first = at / width * height * width + at % width;
                value(&mut (0..height).map(|row| first + row * width), height)
            })
            .collect(),
    }
}
