//! Convolution with normalization and pooling against the naive references in f64, on every instruction set.

use stapes_kernels::InstructionSet;
use stapes_kernels::convolution::{Convolution, ConvolutionShape, Gradients, ShapeError, Weights, reference};
use stapes_kernels::norm::{
    AvgPool, Channel, ChannelGradient, Epilogue, EpilogueGradient, Normalized, sign_bytes,
};
use stapes_kernels::pool;

/// Distinct values in [-1, 1], exact in f32.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((1.7 * index as f64 + 0.77 * seed as f64).sin()) as f32).collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&number| f64::from(number)).collect()
}

fn close(what: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |largest, value| largest.max(value.abs())).max(1e-3);
    for (index, (a, b)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(*a) - b).abs() / largest;
        assert!(error <= tolerance, "{what}[{index}]: {a}, expected {b}");
    }
}

fn shape(channels: [usize; 2], kernel: [usize; 2]) -> ConvolutionShape {
    ConvolutionShape::new(channels[0], channels[1], kernel)
}

/// Shapes, and the sizes of the examples of a batch.
fn problems() -> Vec<(ConvolutionShape, Vec<[usize; 2]>)> {
    let line = |widths: &[usize]| widths.iter().map(|&width| [1, width]).collect::<Vec<_>>();
    let mut all = vec![
        // The layers of the waveform net, shorter; widths on both sides of whole vectors and strips.
        (shape([1, 4], [1, 5]), line(&[5, 6, 20, 36, 1029, 2000])),
        (shape([4, 8], [1, 5]), line(&[5, 64, 100, 700])),
        (shape([8, 16], [1, 5]), line(&[9, 150, 401])),
        (shape([16, 32], [1, 5]), line(&[6, 150, 397])),
        (shape([1, 1], [1, 1]), line(&[1, 2, 17])),
        (shape([3, 5], [1, 7]), line(&[7, 8, 40])),
        (shape([33, 35], [1, 3]), line(&[70, 12])),
        // The layers of the net on cepstra.
        (shape([1, 8], [2, 3]), vec![[13, 74]]),
        (shape([8, 16], [3, 3]), vec![[6, 36], [3, 3]]),
        (shape([16, 32], [3, 3]), vec![[4, 34]]),
        // A window as large as the input, a window that is one column wide, a window that is one row high.
        (shape([3, 4], [4, 9]), vec![[4, 9]]),
        (shape([2, 3], [3, 1]), vec![[3, 1], [8, 1]]),
        (shape([2, 32], [1, 8]), vec![[7, 40]]),
        // Window much wider than the output: separate rows.
        (shape([1, 6], [1, 60]), vec![[5, 80]]),
        // Groups large enough for matrix products.
        (ConvolutionShape { groups: 2, ..shape([16, 64], [2, 3]) }, vec![[4, 20], [2, 5]]),
        // Pointwise.
        (shape([19, 40], [1, 1]), vec![[5, 25], [1, 3]]),
    ];
    for stride in [[1, 1], [2, 2], [1, 3], [3, 1]] {
        for padding in [[[0, 0]; 2], [[1, 1], [2, 2]], [[3, 3], [0, 0]], [[1, 0], [0, 3]]] {
            for dilation in [[1, 1], [2, 3]] {
                for (channels, groups) in [([2, 3], 1), ([4, 6], 2), ([5, 5], 5), ([3, 6], 3)] {
                    for kernel in [[3, 3], [1, 1], [2, 5]] {
                        let shape =
                            ConvolutionShape { stride, padding, dilation, groups, ..shape(channels, kernel) };
                        all.push((shape, vec![[9, 21], [5, 14]]));
                    }
                }
            }
        }
    }
    // Depthwise, with rows on both sides of whole vectors and of four vectors of every set.
    for kernel in [[3, 3], [3, 1], [1, 3], [2, 5]] {
        for padding in [[[0, 0]; 2], [[1, 1], [0, 0]], [[1, 1], [1, 1]], [[0, 1], [2, 0]]] {
            let shape = ConvolutionShape { groups: 3, padding, ..shape([3, 3], kernel) };
            let widths = [1, 2, 15, 16, 17, 31, 33, 64, 65, 101, 130, 131];
            let fits = |width: &usize| shape.output([4, *width]).is_ok();
            all.push((shape, widths.into_iter().filter(fits).map(|width| [4, width]).collect()));
        }
    }
    all
}

/// Reference epilogue in f64: the output, and the gradient w.r.t. the input.
struct NaiveEpilogue {
    output: Vec<f64>,
    d_y: Vec<f64>,
}

/// An epilogue with a frozen normalization, whose gradient includes terms of the statistics.
#[derive(Clone, Copy)]
struct Steps<'a> {
    channels: Option<(&'a [Channel], &'a [ChannelGradient])>,
    relu: bool,
    pool: AvgPool,
}

fn naive_epilogue(steps: Steps<'_>, (y, size): (&[f64], [usize; 2]), d: &[f64]) -> NaiveEpilogue {
    let len = size[0] * size[1];
    let windows = pool::reference::windows(steps.pool.window(), steps.pool.window(), size);
    let (mut output, mut d_y) = (Vec::new(), Vec::new());
    for (channel, y) in y.chunks_exact(len).enumerate() {
        let (of, back) = match steps.channels {
            Some((channels, back)) => (channels[channel], back[channel]),
            None => (Channel::IDENTITY, ChannelGradient { center: 0.0, scale: 1.0, slope: 0.0, shift: 0.0 }),
        };
        let z: Vec<f64> = y
            .iter()
            .map(|y| (y - f64::from(of.center)) * f64::from(of.scale) + f64::from(of.shift))
            .collect();
        let relu_output: Vec<f64> = z.iter().map(|&z| if steps.relu { z.max(0.0) } else { z }).collect();
        let d = &d[channel * windows.len()..][..windows.len()];
        let [means, d_relu_output] = pool::reference::average(&windows, &relu_output, d);
        output.extend(means);
        d_y.extend(z.iter().zip(d_relu_output).zip(y).map(|((&z, d), y)| {
            let d = if steps.relu && z <= 0.0 { 0.0 } else { d };
            d * f64::from(back.scale)
                + (y - f64::from(back.center)) * f64::from(back.slope)
                + f64::from(back.shift)
        }));
    }
    NaiveEpilogue { output, d_y }
}

/// Compares the convolution with the reference on one batch.
fn check(set: InstructionSet, shape: ConvolutionShape, sizes: &[[usize; 2]], variant: usize) {
    let pool = [AvgPool::None, AvgPool::By2, AvgPool::By2x2][variant % 3];
    let (relu, with_channels, with_bias) = (variant & 1 == 1, variant / 3 % 2 == 1, variant != 4);
    let fan = (shape.weights() / shape.outputs) as f32;
    let weights: Vec<f32> = numbers(shape.weights(), 1).iter().map(|w| w / fan.sqrt()).collect();
    let bias = numbers(shape.outputs, 2);
    let bias = with_bias.then_some(&bias[..]);
    let factors = numbers(4 * shape.outputs, 3);
    let channels: Vec<Channel> =
        factors.chunks_exact(4).map(|f| Channel { center: f[0], scale: 1.0 + f[1], shift: f[2] }).collect();
    let back: Vec<ChannelGradient> = factors
        .chunks_exact(4)
        .map(|f| ChannelGradient { center: f[0], scale: 1.0 + f[1], slope: 0.3 * f[2], shift: 0.1 * f[3] })
        .collect();
    let steps = Steps { channels: with_channels.then_some((&channels, &back)), relu, pool };
    let epilogue = Epilogue { channels: with_channels.then_some(&channels), relu, pool };

    let mut convolution = Convolution::new(set, shape).unwrap();
    convolution.pack_weights(Weights { weights: &weights, bias });
    convolution.begin_backward(&weights);
    let mut expected_weights = vec![0.25; weights.len()];
    let mut expected_bias = vec![-0.5; shape.outputs];
    for (example, &size) in sizes.iter().enumerate() {
        let what = |name: &str| format!("{name}, {set}, {shape:?}, {size:?}, variant {variant}");
        let input = numbers(shape.inputs * size[0] * size[1], 10 + example);
        let output_size = shape.output(size).unwrap();
        let pooled = pool.output(output_size);
        let d = numbers(shape.outputs * pooled[0] * pooled[1], 20 + example);
        let y = reference::forward(&shape, &wide(&weights), bias.map(wide).as_deref(), (&wide(&input), size));
        let naive = naive_epilogue(steps, (&y, output_size), &wide(&d));
        let [d_input, d_weights, d_bias] =
            reference::backward(&shape, &wide(&weights), (&wide(&input), size), &naive.d_y);
        expected_weights.iter_mut().zip(d_weights).for_each(|(to, d)| *to += d);
        expected_bias.iter_mut().zip(d_bias).for_each(|(to, d)| *to += d);

        let mut output = vec![f32::NAN; naive.output.len()];
        let mut signs = vec![0xff; sign_bytes(shape.outputs, output_size)];
        convolution.forward((&input, size), epilogue, &mut output, relu.then_some(&mut signs));
        close(&what("output"), &output, &naive.output, 1e-5);
        // Without signs the output has the same bits.
        let mut light = vec![f32::NAN; output.len()];
        convolution.forward((&input, size), epilogue, &mut light, None);
        assert_eq!(output, light, "{}", what("output without signs"));

        let y: Vec<f32> = y.iter().map(|&y| y as f32).collect();
        let gradient = EpilogueGradient {
            d: &d,
            pool,
            signs: relu.then_some(&signs),
            normalized: with_channels.then_some(Normalized { y: &y, channels: &back }),
        };
        let mut got = vec![f32::NAN; input.len()];
        let wants_input = example != 1;
        convolution.backward((&input, size), gradient, wants_input.then_some(&mut got));
        if wants_input {
            close(&what("gradient w.r.t. the input"), &got, &d_input, 1e-4);
        }
    }
    let (mut d_weights, mut d_bias) = (vec![0.25; weights.len()], vec![-0.5; shape.outputs]);
    convolution
        .finish_backward(Gradients { weights: &mut d_weights, bias: with_bias.then_some(&mut d_bias[..]) });
    let what = |name: &str| format!("{name}, {set}, {shape:?}, variant {variant}");
    close(&what("gradient w.r.t. the weights"), &d_weights, &expected_weights, 1e-4);
    if with_bias {
        close(&what("gradient w.r.t. the bias"), &d_bias, &expected_bias, 1e-4);
    }
}

#[test]
fn every_convolution_matches_the_reference() {
    for set in InstructionSet::available() {
        for (index, (shape, sizes)) in problems().into_iter().enumerate() {
            // All variants for the layers of the nets and for depthwise convolutions, one for each of the other shapes.
            if index < 16 || shape.groups == shape.inputs {
                (0..6).for_each(|variant| check(set, shape, &sizes, variant));
            } else {
                check(set, shape, &sizes, index % 6);
            }
        }
    }
}

/// Backpropagates a gradient of this length through a depthwise convolution without padding, whose output has 3 * 40 values.
fn depthwise_backward(gradient: usize, bias: Option<&mut [f32]>) {
    let shape = ConvolutionShape { groups: 3, ..shape([3, 3], [1, 1]) };
    let mut convolution = Convolution::new(InstructionSet::best(), shape).unwrap();
    convolution.pack_weights(Weights { weights: &[1.0; 3], bias: None });
    convolution.begin_backward(&[1.0; 3]);
    let d = vec![1.0; gradient];
    convolution.backward((&[1.0; 120], [4, 10]), EpilogueGradient::plain(&d), None);
    let mut weights = [0.0; 3];
    convolution.finish_backward(Gradients { weights: &mut weights, bias });
    assert_eq!(weights, [40.0; 3]);
}

#[test]
fn a_depthwise_gradient_has_the_length_of_the_output() {
    depthwise_backward(120, None);
    for wrong in [119, 117, 123, 240, 0] {
        let panic = std::panic::catch_unwind(|| depthwise_backward(wrong, None)).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("length of the gradient"), "{wrong}: {message}");
    }
}

#[test]
#[should_panic(expected = "a gradient w.r.t. a bias that does not exist")]
fn a_convolution_without_a_bias_has_no_gradient_of_one() {
    depthwise_backward(120, Some(&mut [0.0; 3]));
}

#[test]
fn a_second_batch_is_independent_of_the_first() {
    for set in InstructionSet::available() {
        let shape = ConvolutionShape { padding: [[1, 1], [2, 2]], ..shape([4, 36], [3, 3]) };
        let (weights, size) = (numbers(shape.weights(), 1), [6, 20]);
        let (input, d) = (numbers(4 * 120, 2), numbers(36 * 6 * 22, 3));
        let pass = |convolution: &mut Convolution, other: Option<f32>| {
            convolution.pack_weights(Weights { weights: &weights, bias: Some(&[0.0; 36]) });
            if let Some(other) = other {
                let mut output = vec![0.0; 36 * 9 * 37];
                convolution.forward(
                    (&vec![other; 4 * 9 * 35], [9, 35]),
                    Epilogue::default(),
                    &mut output,
                    None,
                );
                convolution.begin_backward(&weights);
                convolution.backward(
                    (&vec![other; 4 * 9 * 35], [9, 35]),
                    EpilogueGradient::plain(&output),
                    None,
                );
            }
            let mut results =
                [vec![0.0; 36 * 6 * 22], vec![0.0; input.len()], vec![0.0; weights.len()], vec![0.0; 36]];
            let [output, d_input, d_weights, d_bias] = &mut results;
            convolution.forward((&input, size), Epilogue::default(), output, None);
            convolution.begin_backward(&weights);
            convolution.backward((&input, size), EpilogueGradient::plain(&d), Some(d_input));
            convolution.finish_backward(Gradients { weights: d_weights, bias: Some(d_bias) });
            results
        };
        let fresh = pass(&mut Convolution::new(set, shape).unwrap(), None);
        let used = pass(&mut Convolution::new(set, shape).unwrap(), Some(f32::NAN));
        assert_eq!(fresh, used, "{set}");
    }
}

#[test]
fn a_position_is_independent_of_the_width_of_the_example() {
    for set in InstructionSet::available() {
        let shape = shape([3, 7], [1, 5]);
        let weights = numbers(shape.weights(), 1);
        let mut convolution = Convolution::new(set, shape).unwrap();
        convolution.pack_weights(Weights { weights: &weights, bias: Some(&weights[..7]) });
        let mut forward = |width: usize| -> Vec<Vec<f32>> {
            let input: Vec<f32> = (0..3).flat_map(|channel| numbers(width, channel)).collect();
            let mut output = vec![0.0; 7 * (width - 4)];
            convolution.forward((&input, [1, width]), Epilogue::default(), &mut output, None);
            output.chunks_exact(width - 4).map(<[f32]>::to_vec).collect()
        };
        let long = forward(500);
        for width in [5, 9, 21, 64, 133] {
            for (long, short) in long.iter().zip(forward(width)) {
                assert_eq!(long[..width - 4], short, "{set}, {width}");
            }
        }
    }
}

#[test]
fn invalid_shapes_are_errors_that_state_the_values() {
    let plain = shape([4, 6], [3, 3]);
    let cases = [
        (
            ConvolutionShape { groups: 4, ..plain },
            "groups = 4 does not divide the 6 outputs; choose a divisor",
        ),
        (ConvolutionShape { stride: [1, 0], ..plain }, "stride width = 0: must be at least 1"),
        (ConvolutionShape { groups: 0, ..plain }, "groups = 0: must be at least 1"),
    ];
    for (shape, message) in cases {
        assert_eq!(shape.output([9, 9]).unwrap_err().to_string(), message);
        assert_eq!(Convolution::new(InstructionSet::PORTABLE, shape).err(), shape.check().err());
    }
    let small = ConvolutionShape { dilation: [1, 4], padding: [[1, 1]; 2], ..plain };
    assert_eq!(
        small.output([1, 6]),
        Err(ShapeError::Window { axis: "width", window: 9, size: 6, padding: 2 })
    );
    assert_eq!(small.output([1, 7]), Ok([1, 1]));
}
