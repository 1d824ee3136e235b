//! A convolution allocates only until its working memory has grown; epilogue, normalization and pooling never
//! allocate.

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, Weights};
use stapes_kernels::norm::{
    self, AvgPool, Channel, Epilogue, EpilogueGradient, GradientSums, Moments, sign_bytes,
};
use stapes_kernels::pool::{self, Pooling};

#[test]
fn a_second_batch_of_examples_no_larger_allocates_nothing() {
    let base = ConvolutionShape::new(4, 36, [3, 5]);
    let shapes = [
        base,
        ConvolutionShape { stride: [2, 3], padding: [[1, 1], [2, 2]], dilation: [1, 2], groups: 2, ..base },
        ConvolutionShape::new(4, 8, [1, 5]),
        ConvolutionShape::new(8, 36, [1, 1]),
    ];
    for shape in shapes {
        for set in InstructionSet::available() {
            let sizes = [[9, 40], [5, 14], [9, 39]];
            let weights = vec![0.1; shape.weights()];
            let bias = vec![0.1; shape.outputs];
            let input = vec![0.5; shape.inputs * 9 * 40];
            let output = shape.output(sizes[0]).unwrap();
            let len = shape.outputs * output[0] * output[1];
            let (mut y, mut pooled) = (vec![0.0; len], vec![0.0; len]);
            let mut signs = vec![0; sign_bytes(shape.outputs, output)];
            let (mut d_input, mut d_weights, mut d_bias) = (input.clone(), weights.clone(), bias.clone());
            let channels = vec![Channel::IDENTITY; shape.outputs];
            let mut moments = vec![Moments::default(); shape.outputs];
            let mut sums = vec![GradientSums::default(); shape.outputs];
            let mut indices = vec![0; len];
            let mut convolution = Convolution::new(set, shape).unwrap();
            let mut batch = || {
                convolution.pack_weights(Weights { weights: &weights, bias: Some(&bias) });
                convolution.begin_backward(&weights);
                for size in sizes {
                    let input = (&input[..shape.inputs * size[0] * size[1]], size);
                    let d_input = &mut d_input[..input.0.len()];
                    let output = shape.output(size).unwrap();
                    let y = &mut y[..shape.outputs * output[0] * output[1]];
                    for pool in [AvgPool::None, AvgPool::By2, AvgPool::By2x2] {
                        let [height, width] = pool.output(output);
                        let pooled = &mut pooled[..shape.outputs * height * width];
                        let signs = &mut signs[..sign_bytes(shape.outputs, output)];
                        let epilogue = Epilogue { channels: Some(&channels), relu: true, pool };
                        convolution.forward(input, epilogue, pooled, Some(signs));
                        convolution.forward(input, Epilogue::default(), y, None);
                        norm::add_moments(set, y, &mut moments);
                        norm::epilogue(set, epilogue, (y, output), pooled, Some(signs));
                        let gradient =
                            EpilogueGradient { d: pooled, pool, signs: Some(signs), normalized: None };
                        norm::add_gradient_sums(set, gradient, (y, output), &channels, &mut sums);
                        convolution.backward(input, gradient, Some(d_input));
                        convolution.backward(input, EpilogueGradient::plain(y), Some(d_input));
                    }
                    let pooling = Pooling::new([1, 1], [1, 1]).unwrap();
                    let (pooled, indices) = (&mut pooled[..y.len()], &mut indices[..y.len()]);
                    pool::max(set, pooling, (y, output), pooled, Some(indices));
                    pool::max_backward(set, pooling, pooled, indices, (y, output));
                    pool::average(set, pooling, (y, output), pooled);
                    pool::average_backward(set, pooling, pooled, (y, output));
                }
                convolution.finish_backward(Gradients { weights: &mut d_weights, bias: Some(&mut d_bias) });
            };
            batch();
            let counted = allocation_counter::measure(&mut batch);
            assert_eq!(counted.count_total, 0, "{set}, {shape:?}");
        }
    }
}
