//! Shards: batch normalisation over the whole batch however it is cut, and examples that augmentation makes longer.

use stapes_data::AugmentConfig;
use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Stream;
use stapes_train::{Cut, Examples, Labels, Optimiser, Shards, TrainConfig, Treatment};

/// A net and its input: clips of one length, and frames of unequal lengths.
const NETS: [(&str, usize, Option<usize>); 2] = [
    ("[wave-cnn]\nbatch_norm = true\ndropout = 0.2", 160, Some(1)),
    ("[bc-resnet]\nwidth = 1\ndropout = 0.2", 40, None),
];

/// The losses of some steps, and the parameters and running statistics after them.
fn steps(
    (text, features, frames): (&str, usize, Option<usize>),
    shards: usize,
    batches: &[&[usize]],
) -> (Vec<f64>, Vec<f32>) {
    let model: ModelConfig = toml::from_str(text).unwrap();
    let mut shards = Shards::new(&model, Shape::Sequence { features, frames }, 3, shards).unwrap();
    let config = "batch = 1\nepochs = 1\noptimiser = 'sgd'\nlearning_rate = 0.02\nweight_decay = 0.1";
    let config: TrainConfig = toml::from_str(config).unwrap();
    let mut optimiser = Optimiser::new(&config, shards.network().views());
    let mut parameters = shards.network().initial_parameters(4);
    let mut stream = Stream::new(5, "clips");
    let mut clip = |at: usize| {
        let length = frames.unwrap_or(9 + at * 5 % 7);
        Features::new(features, (0..features * length).map(|_| stream.symmetric(1.0)).collect())
    };
    let clips: Vec<Features> = (0..7).map(&mut clip).collect();
    let classes = [0, 1, 2, 0, 1, 2, 0];
    let examples = Examples::new(&clips, Labels::Examples(&classes)).unwrap();
    let mut losses = Vec::new();
    for (step, batch) in batches.iter().enumerate() {
        let cuts: Vec<Cut> = batch.iter().map(|&example| examples.whole(example)).collect();
        let treatment = Treatment { key: step as u64, ..Treatment::default() };
        let (loss, gradients) = shards.gradient(&parameters, examples, &cuts, treatment);
        losses.push(loss);
        optimiser.update(&mut parameters, gradients, 1.0);
        shards.follow(&mut parameters);
    }
    (losses, parameters)
}

#[test]
fn one_two_and_three_shards_agree_with_batch_normalisation() {
    // The second batch leaves the third shard without examples.
    let batches: [&[usize]; 3] = [&[0, 1, 2, 3, 4, 5, 6], &[3, 1], &[6, 5, 4, 3, 2]];
    for (net, tolerance) in NETS.into_iter().zip([1e-5, 2e-4]) {
        let (losses, one) = steps(net, 1, &batches);
        for shards in [2, 3] {
            let (got, parameters) = steps(net, shards, &batches);
            for (loss, expected) in got.iter().zip(&losses) {
                let off = (loss / expected - 1.0).abs();
                assert!(off < 1e-5, "{net:?}, {shards} shards: {got:?} and {losses:?}");
            }
            let farthest = one.iter().zip(&parameters).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(farthest < tolerance, "{net:?}, {shards} shards: {farthest}");
        }
    }
}

#[test]
fn threads_change_nothing() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| NETS.map(|net| steps(net, 3, &[&[0, 1, 2, 3, 4, 5, 6], &[4, 2, 0]])))
    };
    for (one, two) in run(1).iter().zip(&run(2)) {
        assert_eq!(one.0, two.0);
        assert!(one.1.iter().zip(&two.1).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn an_example_that_augmentation_stretches_is_the_same_as_one_that_came_stretched() {
    let text = "[stretch]\nfactor = [0.5, 2.0]\n[drop]\nshare = 0.2\n[jitter]\ndeviation = 0.1";
    let augment: AugmentConfig = toml::from_str(text).unwrap();
    let mut stream = Stream::new(5, "clips");
    let mut clip = |frames: usize| Features::new(3, (0..3 * frames).map(|_| stream.symmetric(1.0)).collect());
    let clips: Vec<Features> = (0..7).map(|at| clip(9 + at * 5 % 7)).collect();
    let mut stretched = clips.clone();
    for (example, features) in stretched.iter_mut().enumerate() {
        augment.apply(features, usize::MAX, 8, [2, example as u64]);
    }
    assert!((0..7).all(|at| stretched[at].frames() != clips[at].frames()));
    let classes = [0, 1, 2, 0, 1, 2, 0];
    let model: ModelConfig = toml::from_str("[recurrent]\ncell = 'gru'\nhidden = 5").unwrap();
    let gradient = |clips: &[Features], augment: Option<&AugmentConfig>| {
        // One shard: with more, the lengths decide which example goes to which.
        let mut shards = Shards::new(&model, Shape::frames(3), 3, 1).unwrap();
        let parameters = shards.network().initial_parameters(4);
        let examples = Examples::new(clips, Labels::Examples(&classes)).unwrap();
        // In an order that is of no length.
        let cuts: Vec<Cut> =
            [3, 0, 6, 2, 5, 1, 4].map(|example| Cut { pass: 2, ..examples.whole(example) }).to_vec();
        let treatment = Treatment { key: 0, augment, seed: 8, ..Treatment::default() };
        let (loss, gradients) = shards.gradient(&parameters, examples, &cuts, treatment);
        (loss, gradients.to_vec())
    };
    let (loss, gradients) = gradient(&clips, Some(&augment));
    let (expected, expected_gradients) = gradient(&stretched, None);
    assert!((loss / expected - 1.0).abs() < 1e-6, "{loss} {expected}");
    for (got, expected) in gradients.iter().zip(&expected_gradients) {
        assert!((got - expected).abs() < 1e-6, "{got} {expected}");
    }
    assert!((gradient(&clips, None).0 / expected - 1.0).abs() > 1e-4);
}
