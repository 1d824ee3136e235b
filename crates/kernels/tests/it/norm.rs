//! Batch normalization over ragged batches and shards against its naive reference in f64, on every instruction set.

use stapes_kernels::InstructionSet;
use stapes_kernels::norm::{
    self, AvgPool, Channel, ChannelGradient, Epilogue, EpilogueGradient, GradientSums, Moments, Normalized,
    RunningStats, reference,
};

const EPSILON: f64 = 1e-3;

/// Distinct values around `offset`, exact in f32.
fn numbers(count: usize, seed: usize, offset: f64) -> Vec<f32> {
    (0..count).map(|index| ((1.7 * index as f64 + 0.77 * seed as f64).sin() + offset) as f32).collect()
}

fn close(what: &str, got: impl Into<f64>, expected: f64, scale: f64) {
    let got = got.into();
    assert!((got - expected).abs() <= 1e-5 * scale, "{what}: {got}, expected {expected}");
}

/// Values of a channel in each example, in f64.
fn of_channel(batch: &[Vec<f32>], channels: usize, channel: usize) -> reference::Batch<f64> {
    let part = |example: &Vec<f32>| {
        let len = example.len() / channels;
        example[channel * len..][..len].iter().map(|&y| f64::from(y)).collect()
    };
    batch.iter().map(part).collect()
}

/// Compares training, forward and backward, over shards of examples of these sizes.
fn check(set: InstructionSet, channels: usize, shards: &[&[[usize; 2]]], offset: f64) {
    let sizes: Vec<[usize; 2]> = shards.concat();
    let example = |seed: usize, offset: f64| -> Vec<Vec<f32>> {
        let each = sizes.iter().enumerate();
        each.map(|(index, [h, w])| numbers(channels * h * w, seed + index, offset)).collect()
    };
    let (batch, d) = (example(1, offset), example(40, 0.0));
    let affine: Vec<[f32; 2]> = (0..channels).map(|c| [0.5 + c as f32, 0.3 - c as f32]).collect();

    // Each shard alone, then all merged in the order of the shards.
    let mut moments = vec![Moments::default(); channels];
    let mut first = 0;
    for shard in shards {
        let mut of_shard = vec![Moments::default(); channels];
        for example in &batch[first..first + shard.len()] {
            norm::add_moments(set, example, &mut of_shard);
        }
        moments.iter_mut().zip(&of_shard).for_each(|(all, part)| all.merge(part));
        first += shard.len();
    }
    let settings: Vec<Channel> =
        moments.iter().zip(&affine).map(|(m, &affine)| Channel::from_batch(m, affine, EPSILON)).collect();
    let epilogue = Epilogue { channels: Some(&settings), ..Epilogue::default() };
    let mut sums = vec![GradientSums::default(); channels];
    let mut outputs = Vec::new();
    for ((y, d), &size) in batch.iter().zip(&d).zip(&sizes) {
        let mut z = vec![f32::NAN; y.len()];
        norm::epilogue(set, epilogue, (y, size), &mut z, None);
        outputs.push(z);
        let mut part = vec![GradientSums::default(); channels];
        norm::add_gradient_sums(set, EpilogueGradient::plain(d), (y, size), &settings, &mut part);
        sums.iter_mut().zip(&part).for_each(|(all, part)| all.add(part));
    }
    let gradients: Vec<(ChannelGradient, [f32; 2])> = (0..channels)
        .map(|c| ChannelGradient::from_batch(&moments[c], affine[c][0], EPSILON, &sums[c]))
        .collect();
    let back: Vec<ChannelGradient> = gradients.iter().map(|(back, _)| *back).collect();
    let mut d_batch = Vec::new();
    for ((y, d), &size) in batch.iter().zip(&d).zip(&sizes) {
        let normalized = Some(Normalized { y, channels: &back });
        let mut d_y = vec![f32::NAN; y.len()];
        norm::epilogue_backward(
            set,
            EpilogueGradient { normalized, ..EpilogueGradient::plain(d) },
            size,
            &mut d_y,
        );
        d_batch.push(d_y);
    }

    for channel in 0..channels {
        let what = |name: &str| format!("{name} of channel {channel} of {channels}, {set}, offset {offset}");
        let y = of_channel(&batch, channels, channel);
        let [weight, bias] = affine[channel].map(f64::from);
        let [mean, variance] = reference::moments(&y);
        // The precision that f32 values of this size allow.
        let scale = 1.0 + offset.abs();
        close(&what("mean"), moments[channel].mean, mean, 1.0);
        close(&what("variance"), moments[channel].variance(), variance, 1.0);
        let got = of_channel(&outputs, channels, channel);
        let expected = reference::forward(&y, [weight, bias], EPSILON);
        for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
            close(&what("output"), *got, *expected, weight * scale);
        }
        let (expected, [d_weight, d_bias]) =
            reference::backward(&y, &of_channel(&d, channels, channel), weight, EPSILON);
        let got = of_channel(&d_batch, channels, channel);
        for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
            close(&what("gradient"), *got, *expected, 10.0 * weight * scale);
        }
        let largest = y.iter().flatten().count() as f64;
        close(&what("gradient w.r.t. the weight"), gradients[channel].1[0], d_weight, largest * scale);
        close(&what("gradient w.r.t. the bias"), gradients[channel].1[1], d_bias, largest);
    }
}

#[test]
fn statistics_outputs_and_gradients_match_the_reference() {
    for set in InstructionSet::available() {
        let lines: [&[[usize; 2]]; 2] = [&[[1, 7], [1, 40]], &[[1, 200], [1, 1], [1, 33]]];
        check(set, 3, &lines, 0.0);
        check(set, 1, &[&[[1, 9000], [1, 4096]]], 0.2);
        check(set, 2, &[&[[5, 9], [3, 20]], &[[4, 16]]], -0.7);
        // Vectors, as after a linear layer; one shard is empty.
        check(set, 37, &[&[[1, 1]; 5], &[], &[[1, 1]; 6]], 0.1);
    }
}

#[test]
fn variance_is_precise_with_a_mean_far_from_zero() {
    for set in InstructionSet::available() {
        check(set, 2, &[&[[1, 333], [1, 1000]], &[[1, 50]]], 300.0);
    }
}

#[test]
fn running_statistics_use_the_unbiased_variance() {
    let moments = Moments { count: 5, mean: 2.0, squares: 12.0 };
    let mut running = RunningStats { mean: 0.0, variance: 1.0 };
    running.update(&moments, 0.1);
    assert_eq!(running, RunningStats { mean: 0.2, variance: 0.9 + 0.3 });
    let channel = Channel::from_running(running, [3.0, 0.5], 0.0);
    assert_eq!((channel.center, channel.shift), (0.2, 0.5));
    assert!((f64::from(channel.scale) - 3.0 / 1.2f64.sqrt()).abs() < 1e-6);
}

#[test]
fn nan_stays_nan_and_has_no_gradient() {
    for set in InstructionSet::available() {
        let epilogue = Epilogue { relu: true, pool: AvgPool::None, channels: None };
        let y = [f32::NAN, -0.0, 0.0, -1.0, 2.0];
        let (mut output, mut signs) = ([9.0; 5], vec![0; norm::sign_bytes(1, [1, 5])]);
        norm::epilogue(set, epilogue, (&y, [1, 5]), &mut output, Some(&mut signs));
        assert!(output[0].is_nan());
        assert_eq!(output[1..], [0.0, 0.0, 0.0, 2.0], "{set}");
        let mut d_y = [9.0; 5];
        let gradient = EpilogueGradient { signs: Some(&signs), ..EpilogueGradient::plain(&[1.0; 5]) };
        norm::epilogue_backward(set, gradient, [1, 5], &mut d_y);
        assert_eq!(d_y, [0.0, 0.0, 0.0, 0.0, 1.0], "{set}");
    }
}
