//! Naive reference of convolution: plain loops over one example, for f32 and f64.

use super::ConvolutionShape;
use crate::real::Real;

/// Calls `f(output, input, weight)` with the indices of every product of the convolution.
fn each_product(
    shape: &ConvolutionShape,
    [height, width]: [usize; 2],
    mut f: impl FnMut(usize, usize, usize),
) {
    let [out_height, out_width] = shape.output([height, width]).unwrap_or([0, 0]);
    let (of_group, to_group) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    let [kernel_height, kernel_width] = shape.kernel;
    // Position in the input of window element k at position i, if not in the padding.
    let position = |axis: usize, i: usize, k: usize, size: usize| {
        let padded = i * shape.stride[axis] + k * shape.dilation[axis];
        padded.checked_sub(shape.padding[axis][0]).filter(|&at| at < size)
    };
    for output in 0..shape.outputs {
        for row in 0..out_height {
            for column in 0..out_width {
                for input in 0..of_group {
                    for kernel_row in 0..kernel_height {
                        for kernel_column in 0..kernel_width {
                            let from = output / to_group * of_group + input;
                            let (Some(y), Some(x)) = (
                                position(0, row, kernel_row, height),
                                position(1, column, kernel_column, width),
                            ) else {
                                continue;
                            };
                            let weight = ((output * of_group + input) * kernel_height + kernel_row)
                                * kernel_width
                                + kernel_column;
                            let to = (output * out_height + row) * out_width + column;
                            f(to, (from * height + y) * width + x, weight);
                        }
                    }
                }
            }
        }
    }
}

/// Returns the output [Cout, H', W'] for an input [Cin, H, W] of this size.
pub fn forward<R: Real>(
    shape: &ConvolutionShape,
    weights: &[R],
    bias: Option<&[R]>,
    (input, size): (&[R], [usize; 2]),
) -> Vec<R> {
    let [height, width] = shape.output(size).unwrap_or([0, 0]);
    let mut output = vec![R::default(); shape.outputs * height * width];
    if let Some(bias) = bias {
        output.iter_mut().enumerate().for_each(|(at, to)| *to = bias[at / (height * width)]);
    }
    each_product(shape, size, |to, from, weight| output[to] += weights[weight] * input[from]);
    output
}

/// Returns the gradients w.r.t. the input, the weights and the bias.
pub fn backward<R: Real>(
    shape: &ConvolutionShape,
    weights: &[R],
    (input, size): (&[R], [usize; 2]),
    d_output: &[R],
) -> [Vec<R>; 3] {
    let mut d_input = vec![R::default(); input.len()];
    let mut d_weights = vec![R::default(); weights.len()];
    let mut d_bias = vec![R::default(); shape.outputs];
    each_product(shape, size, |to, from, weight| {
        d_input[from] += weights[weight] * d_output[to];
        d_weights[weight] += input[from] * d_output[to];
    });
    let positions = d_output.len() / shape.outputs;
    d_output.iter().enumerate().for_each(|(at, &d)| d_bias[at / positions] += d);
    [d_input, d_weights, d_bias]
}

#[cfg(test)]
mod tests {
    use stapes_testkit::finite_difference::finite_difference;

    use super::*;

    #[test]
    fn gradients_match_finite_differences() {
        let numbers = |count: usize, seed: f64| -> Vec<f64> {
            (0..count).map(|index| (1.7 * index as f64 + seed).sin()).collect()
        };
        let shape = ConvolutionShape {
            stride: [2, 1],
            padding: [[1, 1], [2, 3]],
            dilation: [1, 2],
            groups: 2,
            ..ConvolutionShape::new(4, 6, [2, 3])
        };
        let size = [5, 7];
        let [height, width] = shape.output(size).unwrap();
        let weights = numbers(shape.weights(), 0.0);
        let (bias, input) = (numbers(6, 1.0), numbers(4 * 35, 2.0));
        let d_output = numbers(6 * height * width, 3.0);
        let gradients = backward(&shape, &weights, (&input, size), &d_output);
        let parts = [&input, &weights, &bias];
        for (part, gradient) in gradients.iter().enumerate() {
            for (index, &got) in gradient.iter().enumerate() {
                let loss = |offset: f64| -> f64 {
                    let mut moved = parts.map(Clone::clone);
                    moved[part][index] += offset;
                    let [input, weights, bias] = &moved;
                    let output = forward(&shape, weights, Some(bias), (input, size));
                    output.iter().zip(&d_output).map(|(y, d)| y * d).sum()
                };
                // The loss is linear in each value.
                let slope = finite_difference(0.5, loss);
                assert!((got - slope).abs() < 1e-9, "part {part}, {index}: {got}, slope {slope}");
            }
        }
    }
}
