//! Pooling against its naive reference in f64, on every instruction set.

use stapes_kernels::InstructionSet;
use stapes_kernels::pool::{self, Pooling, reference};

/// Values in [-1, 1], some of them equal, exact in f32.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((1.7 * index as f64 + seed as f64).sin() * 8.0).round() as f32 / 8.0).collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&number| f64::from(number)).collect()
}

#[test]
fn average_and_max_pooling_match_the_reference() {
    let sizes = [[1, 1], [1, 7], [4, 9], [5, 40], [3, 131]];
    for set in InstructionSet::available() {
        for window in [[1, 1], [1, 2], [2, 2], [3, 1], [1, 3], [2, 5], [1, 131], [3, 131]] {
            for stride in [[1, 1], window, [2, 3]] {
                let pooling = Pooling::new(window, stride).unwrap();
                for size in sizes {
                    let windows = reference::windows(window, stride, size);
                    let Ok([height, width]) = pooling.output(size) else {
                        assert!(windows.is_empty(), "{window:?} on {size:?}");
                        continue;
                    };
                    assert_eq!(windows.len(), height * width);
                    let (len, channels) = (size[0] * size[1], 3);
                    let input = numbers(channels * len, 1);
                    let d = numbers(channels * height * width, 2);
                    let mut outputs = [vec![f32::NAN; d.len()], vec![f32::NAN; d.len()]];
                    let mut d_inputs = [vec![f32::NAN; input.len()], vec![f32::NAN; input.len()]];
                    let mut indices = vec![u32::MAX; d.len()];
                    let [means, largest] = &mut outputs;
                    let [d_means, d_largest] = &mut d_inputs;
                    pool::average(set, pooling, (&input, size), means);
                    pool::average_backward(set, pooling, &d, (d_means, size));
                    pool::max(set, pooling, (&input, size), largest, Some(&mut indices));
                    pool::max_backward(set, pooling, &d, &indices, (d_largest, size));
                    for channel in 0..channels {
                        let x = wide(&input[channel * len..][..len]);
                        let d = wide(&d[channel * windows.len()..][..windows.len()]);
                        let expected =
                            [reference::average(&windows, &x, &d), reference::max(&windows, &x, &d)];
                        for (kind, [numbers, d_x]) in expected.iter().enumerate() {
                            let got = &outputs[kind][channel * windows.len()..][..windows.len()];
                            let d_got = &d_inputs[kind][channel * len..][..len];
                            let pairs = wide(got).into_iter().chain(wide(d_got));
                            for (got, expected) in pairs.zip(numbers.iter().chain(d_x)) {
                                let what = format!("kind {kind}, {window:?} {stride:?} on {size:?}, {set}");
                                assert!((got - expected).abs() < 1e-5, "{what}: {got}, expected {expected}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn max_of_a_window_with_nan_is_nan() {
    for set in InstructionSet::available() {
        let pooling = Pooling::new([1, 3], [1, 3]).unwrap();
        let (mut output, mut indices) = ([0.0; 2], [9; 2]);
        let input: &[f32] = &[1.0, f32::NAN, 5.0, f32::NEG_INFINITY, -1.0, -1.0];
        pool::max(set, pooling, (input, [1, 6]), &mut output, Some(&mut indices));
        assert!(output[0].is_nan());
        assert_eq!((output[1], indices), (-1.0, [1, 4]));
        // Long rows use another code path.
        let pooling = Pooling::new([1, 70], [1, 70]).unwrap();
        let mut input = [-1.0; 140];
        (input[60], input[65], input[75], input[80]) = (f32::NAN, 2.0, 2.0, 2.0);
        pool::max(set, pooling, (&input, [1, 140]), &mut output, Some(&mut indices));
        assert!(output[0].is_nan());
        assert_eq!((output[1], indices), (2.0, [60, 75]));
        input[139] = 3.0;
        pool::max(set, pooling, (&input, [1, 140]), &mut output, Some(&mut indices));
        assert_eq!((output[1], indices), (3.0, [60, 139]));
    }
}

#[test]
fn a_window_or_stride_of_zero_is_an_error() {
    let error = Pooling::new([1, 2], [1, 0]).unwrap_err();
    assert_eq!(error.to_string(), "width: a pooling window of 2 with stride 0: both must be at least 1");
    assert!(Pooling::new([0, 2], [1, 1]).is_err());
}
