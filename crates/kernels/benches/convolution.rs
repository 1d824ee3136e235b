//! Times single convolutions on one core; the bench `step` of `stapes-train` times whole nets.
//!
//! `cargo bench -p stapes-kernels --bench convolution -- [--set=avx2] [WORD...]` prints a line for each measurement
//! whose name contains one of the words: median and tenth percentile of the processor time, throughput at the latter
//! (a multiplication and an addition count as two operations), and the fraction of the measured peak throughput.

mod stopwatch;

use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, Weights};
use stapes_kernels::norm::{Epilogue, EpilogueGradient};
use stopwatch::{Bench, numbers};

const BATCH: usize = 32;

fn main() {
    Bench::new().layers();
}

impl Bench {
    /// Times each part of single layers, one batch at a time.
    fn layers(&self) {
        let group = |shape: ConvolutionShape, groups: usize| ConvolutionShape {
            groups,
            padding: [[1, 1]; 2],
            ..shape
        };
        let layers = [
            ("wave 1", ConvolutionShape::new(1, 4, [1, 5]), [1, 6000]),
            ("wave 2", ConvolutionShape::new(4, 8, [1, 5]), [1, 2998]),
            ("wave 3", ConvolutionShape::new(8, 16, [1, 5]), [1, 1497]),
            ("wave 4", ConvolutionShape::new(16, 32, [1, 5]), [1, 746]),
            ("mfcc 1", ConvolutionShape::new(1, 8, [2, 3]), [13, 74]),
            ("mfcc 2", ConvolutionShape::new(8, 16, [3, 3]), [6, 36]),
            ("mfcc 3", ConvolutionShape::new(16, 32, [3, 3]), [4, 34]),
            ("pointwise 64 x 64", ConvolutionShape::new(64, 64, [1, 1]), [5, 25]),
            ("pointwise 276 x 276", ConvolutionShape::new(276, 276, [1, 1]), [5, 25]),
            ("depthwise 64", group(ConvolutionShape::new(64, 64, [3, 3]), 64), [5, 25]),
            ("frequency 32", ConvolutionShape::new(1, 32, [1, 8]), [98, 40]),
            ("square 64 x 64", group(ConvolutionShape::new(64, 64, [3, 3]), 1), [20, 25]),
            ("raw 401", ConvolutionShape::new(1, 40, [1, 401]), [10, 560]),
        ];
        for (name, shape, size) in layers {
            let output = shape.output(size).expect("a window that fits");
            let one = shape.weights() * output[0] * output[1];
            let operations = 2.0 * (BATCH * one) as f64;
            let (inputs, outputs) = (shape.inputs * size[0] * size[1], shape.outputs * output[0] * output[1]);
            let (input, weights) = (numbers(BATCH * inputs), numbers(shape.weights()));
            let (d_output, mut d_input) = (numbers(BATCH * outputs), vec![0.0; BATCH * inputs]);
            let (mut y, mut d_weights) = (vec![0.0; BATCH * outputs], weights.clone());
            let mut convolution = Convolution::new(self.set, shape).expect("a shape");
            self.time(&format!("{name}: forward"), operations, || {
                convolution.pack_weights(Weights { weights: &weights, bias: None });
                for (input, y) in input.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
                    convolution.forward((input, size), Epilogue::default(), y, None);
                }
            });
            for (what, times, with_input) in
                [("backward", 2.0, true), ("gradient w.r.t. weights", 1.0, false)]
            {
                self.time(&format!("{name}: {what}"), times * operations, || {
                    convolution.begin_backward(&weights);
                    for example in 0..BATCH {
                        let d_input = &mut d_input[example * inputs..][..inputs];
                        let input = &input[example * inputs..][..inputs];
                        let d = EpilogueGradient::plain(&d_output[example * outputs..][..outputs]);
                        convolution.backward((input, size), d, with_input.then_some(d_input));
                    }
                    convolution.finish_backward(Gradients { weights: &mut d_weights, bias: None });
                });
            }
        }
    }
}
