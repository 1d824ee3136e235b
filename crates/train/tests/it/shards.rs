//! Shards: batch normalization over the whole batch for any number of shards, and augmentation that changes lengths.

use stapes_augment::AugmentConfig;
use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Rng;
use stapes_train::{Crop, Examples, LabelsRef, Optimizer, Shards, StepOptions, TrainConfig};

/// Networks with their inputs: clips of one length, and frames of unequal lengths.
const NETS: [(&str, usize, Option<usize>); 2] = [
    ("[wave-cnn]\nbatch_norm = true\ndropout = 0.2", 160, Some(1)),
    ("[bc-resnet]\nwidth = 1\ndropout = 0.2", 40, None),
];

/// Returns the losses of some steps, and the parameters and running statistics after them.
fn train_steps(
    (text, features, frames): (&str, usize, Option<usize>),
    shards: usize,
    batches: &[&[usize]],
) -> (Vec<f64>, Vec<f32>) {
    let model: ModelConfig = toml::from_str(text).unwrap();
    let mut shards = Shards::new(&model, Shape::Sequence { features, frames }, 3, shards).unwrap();
    let config = "batch_size = 1\nepochs = 1\noptimizer = 'sgd'\nlearning_rate = 0.02\nweight_decay = 0.1";
    let config: TrainConfig = toml::from_str(config).unwrap();
    let mut optimizer = Optimizer::new(&config, shards.network().tensors());
    let mut parameters = shards.network().initial_parameters(4);
    let mut rng = Rng::new(5, "clips");
    let mut clip = |at: usize| {
        let length = frames.unwrap_or(9 + at * 5 % 7);
        Features::new(features, (0..features * length).map(|_| rng.symmetric(1.0)).collect())
    };
    let clips: Vec<Features> = (0..7).map(&mut clip).collect();
    let classes = [0, 1, 2, 0, 1, 2, 0];
    let examples = Examples::new(&clips, LabelsRef::PerExample(&classes)).unwrap();
    let mut losses = Vec::new();
    for (step, batch) in batches.iter().enumerate() {
        let crops: Vec<Crop> = batch.iter().map(|&example| examples.full(example)).collect();
        let options = StepOptions { key: step as u64, ..StepOptions::default() };
        losses.push(shards.compute_gradients(&parameters, examples, &crops, options));
        optimizer.update(&mut parameters, shards.gradients_mut(), 1.0);
        shards.update_running_stats(&mut parameters);
    }
    (losses, parameters)
}

#[test]
fn one_two_and_three_shards_agree_with_batch_normalization() {
    // The second batch leaves the third shard without examples.
    let batches: [&[usize]; 3] = [&[0, 1, 2, 3, 4, 5, 6], &[3, 1], &[6, 5, 4, 3, 2]];
    for (net, tolerance) in NETS.into_iter().zip([1e-5, 2e-4]) {
        let (losses, one) = train_steps(net, 1, &batches);
        for shards in [2, 3] {
            let (got, parameters) = train_steps(net, shards, &batches);
            for (loss, expected) in got.iter().zip(&losses) {
                let error = (loss / expected - 1.0).abs();
                assert!(error < 1e-5, "{net:?}, {shards} shards: {got:?} and {losses:?}");
            }
            let farthest = one.iter().zip(&parameters).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(farthest < tolerance, "{net:?}, {shards} shards: {farthest}");
        }
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| NETS.map(|net| train_steps(net, 3, &[&[0, 1, 2, 3, 4, 5, 6], &[4, 2, 0]])))
    };
    for (one, two) in run(1).iter().zip(&run(2)) {
        assert_eq!(one.0, two.0);
        assert!(one.1.iter().zip(&two.1).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn examples_stretched_by_augmentation_give_the_gradients_of_stretched_examples() {
    let text = "[stretch]\nfactor = [0.5, 2.0]\n[drop]\nfraction = 0.2\n[jitter]\nstd = 0.1";
    let augment: AugmentConfig = toml::from_str(text).unwrap();
    let mut rng = Rng::new(5, "clips");
    let mut clip = |frames: usize| Features::new(3, (0..3 * frames).map(|_| rng.symmetric(1.0)).collect());
    let clips: Vec<Features> = (0..7).map(|at| clip(9 + at * 5 % 7)).collect();
    let mut stretched = clips.clone();
    for (example, features) in stretched.iter_mut().enumerate() {
        augment.apply(features, usize::MAX, 8, [2, example as u64]);
    }
    assert!((0..7).all(|at| stretched[at].frames() != clips[at].frames()));
    let classes = [0, 1, 2, 0, 1, 2, 0];
    let model: ModelConfig = toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 5").unwrap();
    let gradients = |clips: &[Features], augment: Option<&AugmentConfig>| {
        // With more shards the distribution would depend on the lengths.
        let mut shards = Shards::new(&model, Shape::frames(3), 3, 1).unwrap();
        let parameters = shards.network().initial_parameters(4);
        let examples = Examples::new(clips, LabelsRef::PerExample(&classes)).unwrap();
        // Not sorted by length.
        let crops: Vec<Crop> =
            [3, 0, 6, 2, 5, 1, 4].map(|example| Crop { repetition: 2, ..examples.full(example) }).to_vec();
        let options = StepOptions { key: 0, augment, seed: 8, ..StepOptions::default() };
        let loss = shards.compute_gradients(&parameters, examples, &crops, options);
        (loss, shards.gradients().to_vec())
    };
    let (loss, got_gradients) = gradients(&clips, Some(&augment));
    let (expected, expected_gradients) = gradients(&stretched, None);
    assert!((loss / expected - 1.0).abs() < 1e-6, "{loss} {expected}");
    for (got, expected) in got_gradients.iter().zip(&expected_gradients) {
        assert!((got - expected).abs() < 1e-6, "{got} {expected}");
    }
    assert!((gradients(&clips, None).0 / expected - 1.0).abs() > 1e-4);
}
