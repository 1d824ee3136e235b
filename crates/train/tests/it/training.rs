//! The training loop on small tasks: sequences that follow one of two tones, and loud frames in noise.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::task::{Task, same_bits};
use stapes_augment::{AugmentConfig, SpecAugmentConfig};
use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Rng;
use stapes_train::{
    Event, Examples, LabelsRef, Point, SingleProcess, Start, TrainConfig, TrainError, TrainingInputs,
    TrainingResult, train,
};

/// Returns the accuracy on the validation examples.
fn accuracy(point: &Point) -> f64 {
    point.validation.unwrap().accuracy
}

#[test]
fn training_reduces_the_loss_and_returns_the_best_validation() {
    let mut task = Task::new("learning_rate = 3e-2");
    task.config.epochs = 20;
    let result = task.train();
    assert_eq!(result.steps, 100); // 5 steps per epoch, the last of 2 examples
    let best = result.points.iter().map(accuracy).fold(0.0, f64::max);
    assert_eq!(accuracy(&result.best), best);
    let (first, last) = (result.points[0].train_loss, result.points[19].train_loss);
    assert!(last < 0.7 * first, "{first} to {last}");
}

#[test]
fn results_depend_on_shards_in_the_last_digits_and_not_on_threads() {
    let run = |shards: usize, threads: usize| {
        let mut task = Task::new("max_grad_norm = 1.0");
        task.config.epochs = 20; // 100 steps
        task.config.shards = shards;
        task.augment = Some(AugmentConfig {
            spec_augment: Some(SpecAugmentConfig {
                probability: 0.5,
                time_masks: 1,
                time_frames: 3,
                feature_masks: 0,
                feature_width: 0,
            }),
            ..AugmentConfig::default()
        });
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| task.train().parameters)
    };
    let (one, two) = (run(2, 1), run(2, 2));
    assert!(one.iter().zip(&two).all(|(a, b)| a.to_bits() == b.to_bits()));
    for shards in [1, 3] {
        let other = run(shards, 2);
        assert_ne!(one, other);
        let farthest = one.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(farthest < 1e-5, "{shards} shards: {farthest}");
    }
}

#[test]
fn a_stopped_training_returns_its_result_so_far() {
    let stop = AtomicBool::new(false);
    let task = Task::new("");
    let result = task.run(&stop, |event| {
        if let Event::Step { step: 3, .. } = event {
            stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    });
    let result = result.unwrap();
    assert!(result.stopped);
    assert_eq!((result.steps, result.best.step, result.points.len()), (3, 3, 1));
}

#[test]
fn an_error_of_the_report_ends_the_training() {
    let mut seen = 0;
    let report = |event: Event<'_>| {
        seen += usize::from(matches!(event, Event::Step { .. }));
        if seen == 2 { Err(TrainError::NoExamples) } else { Ok(()) }
    };
    let error = Task::new("").run(&AtomicBool::new(false), report).unwrap_err();
    assert_eq!((seen, error), (2, TrainError::NoExamples));
}

#[test]
fn without_validation_the_last_parameters_are_returned() {
    let mut task = Task::new("validate_every_steps = 7");
    task.has_validation = false;
    let result = task.train();
    assert!(same_bits(&result.parameters, &result.last));
    assert_eq!(result.points.iter().map(|point| point.step).collect::<Vec<_>>(), [7, 14, 21, 28, 30]);
    assert!(result.points.iter().all(|point| point.validation.is_none() && point.train_loss > 0.0));
    assert_eq!(result.best.step, 30);
    // Validation does not affect the steps.
    let validated = Task::new("validate_every_steps = 7").train();
    assert!(same_bits(&result.last, &validated.last));
}

#[test]
fn settings_that_depend_on_validation_need_validation_examples() {
    for (settings, key) in [
        ("patience = 1", "train.patience"),
        ("schedule = { plateau = { patience = 1, factor = 0.5 } }", "train.schedule.plateau"),
    ] {
        let mut task = Task::new(settings);
        task.has_validation = false;
        let error = task.run(&AtomicBool::new(false), |_| Ok(())).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{key} needs validation examples")), "{error}");
    }
}

#[test]
fn training_ends_when_patience_or_time_is_exhausted() {
    // The learning rate is too small to change anything, so the first validation stays the best.
    let result = Task::new("learning_rate = 1e-30\npatience = 3").train();
    assert_eq!((result.points.len(), result.best.step, result.stopped), (4, 5, false));
    let result = Task::new("max_seconds = 1e-9").train();
    assert_eq!((result.steps, result.points.len(), result.stopped), (1, 1, false));
}

#[test]
fn results_depend_on_accumulation_steps_in_the_last_digits() {
    let settings = "label_smoothing = 0.1\nclass_weights = [0.5, 2.0]\nmixup = 0.5\nmax_grad_norm = 1.0";
    let expected = Task::new(settings).train().last;
    for accumulation_steps in [2, 3, 7] {
        let got = Task::new(&format!("{settings}\naccumulation_steps = {accumulation_steps}")).train().last;
        let farthest = expected.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(farthest < 1e-5, "{accumulation_steps} steps: {farthest}");
    }
    for shards in [1, 3] {
        let mut task = Task::new(settings);
        task.config.shards = shards;
        let got = task.train().last;
        let farthest = expected.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(farthest < 1e-5, "{shards} shards: {farthest}");
    }
}

#[test]
fn ema_parameters_are_the_result() {
    let mut seen: Vec<Vec<f32>> = Vec::new();
    let task = Task::new("ema_decay = 0.5\nmax_steps = 4");
    let report = |event: Event<'_>| {
        if let Event::Snapshot { snapshot, .. } = event
            && snapshot.progress.step > 0
        {
            let parameters = snapshot.buffers.iter().find(|(name, _)| *name == "parameters");
            seen.push(parameters.unwrap().1.to_vec());
        }
        Ok(())
    };
    let result = task.run(&AtomicBool::new(false), report).unwrap();
    let start = Task::new("max_steps = 1\nlearning_rate = 1e-30").train().last;
    let mut mean = start;
    for (step, parameters) in (1..).zip(&seen) {
        let decay = ((1 + step) as f32 / (10 + step) as f32).min(0.5);
        mean.iter_mut().zip(parameters).for_each(|(mean, value)| *mean += (1.0 - decay) * (value - *mean));
    }
    let farthest = mean.iter().zip(&result.last).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(farthest < 1e-6, "{farthest}");
    assert_ne!(result.last, seen[3]);
}

#[test]
fn class_weights_change_the_odds() {
    // All frames are zero, so only the weights can decide.
    let mut task = Task::new("class_weights = [1.0, 5.0]\nlearning_rate = 0.05\nschedule = 'cosine'");
    task.features.iter_mut().for_each(|frames| *frames = Features::new(1, vec![0.0; frames.frames()]));
    (task.config.batch_size, task.config.epochs) = (30, 400);
    let weighted = task.train().points.pop().unwrap().validation.unwrap();
    // Both classes are equally frequent and one batch has all examples, so the odds become those of the weights, 1 to 5.
    let expected = 0.5 * (6.0f64.ln() + 1.2f64.ln());
    assert!((weighted.loss - expected).abs() < 0.05, "{weighted:?}, expected {expected}");
    task.config.class_weights = None;
    let plain = task.train().points.pop().unwrap().validation.unwrap();
    assert!((plain.loss - 2.0f64.ln()).abs() < 0.02, "{plain:?}");
}

#[test]
fn a_batch_without_weight_changes_nothing() {
    // Batches of one example: those of the first class have no weight.
    let mut task = Task::new("class_weights = [0.0, 1.0]\nmax_steps = 20");
    task.config.batch_size = 1;
    let result = task.train();
    assert!(result.last.iter().all(|value| value.is_finite()));
    assert!(result.points[0].train_loss < std::f64::consts::LN_2);
}

#[test]
fn validation_runs_every_few_steps_and_after_the_last() {
    let task = Task::new("validate_every_steps = 7");
    let steps: Vec<usize> = task.train().points.iter().map(|point| point.step).collect();
    assert_eq!(steps, [7, 14, 21, 28, 30]);
    let task = Task::new("validate_every_steps = 7\nmax_steps = 9");
    let steps: Vec<usize> = task.train().points.iter().map(|point| point.step).collect();
    assert_eq!(steps, [7, 9]);
}

#[test]
fn a_loss_that_is_not_finite_is_an_error_with_the_step_and_the_gradients() {
    let mut task = Task::new("");
    let mut values = task.features[4].values().to_vec();
    values[2] = f32::NAN;
    task.features[4] = Features::new(1, values);
    let error = task.run(&AtomicBool::new(false), |_| Ok(())).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { step: 1..=5, .. }), "{error}");
    assert!(error.to_string().contains("rnn."), "{error}");
}

#[test]
fn parameters_that_are_not_finite_are_an_error() {
    let task = Task::new("learning_rate = 1e38\nmax_steps = 1");
    let error = task.run(&AtomicBool::new(false), |_| Ok(())).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { step: 1, .. }), "{error}");
}

#[test]
fn only_a_diverged_loss_is_reported() {
    // At this learning rate the weights become so large that every error has such a loss.
    let diverged = Task::new("learning_rate = 1e30").train();
    let loss = diverged.diverged_loss.unwrap();
    assert!(loss.is_finite() && loss > 1e6 * 2.0f64.ln(), "{loss}");
    let losses = diverged.points.iter().flat_map(|point| [point.train_loss, point.validation.unwrap().loss]);
    assert!(losses.clone().all(|of_point| of_point <= loss), "{loss} {:?}", losses.collect::<Vec<_>>());
    assert_eq!(Task::new("").train().diverged_loss, None);
    assert_eq!(Task::new("learning_rate = 1.0").train().diverged_loss, None);
    // A large first loss, from frames on a large scale, is not a divergence.
    let mut large = Task::new("max_steps = 20\nlearning_rate = 1e-4");
    large.model = toml::from_str("[recurrent]\ncell = 'rnn_relu'\nhidden_size = 8\nhead = 'mean'").unwrap();
    let scaled =
        |frames: &Features| Features::new(1, frames.values().iter().map(|value| 1e9 * value).collect());
    large.features = large.features.iter().map(scaled).collect();
    let begun = large.train();
    assert!(begun.points[0].train_loss > 1e7 && begun.diverged_loss.is_none(), "{:?}", begun.points[0]);
}

#[test]
fn impossible_settings_are_errors_with_their_key() {
    for (text, key) in [
        ("learning_rate = 0.0", "train.learning_rate"),
        ("learning_rate = inf", "train.learning_rate"),
        ("max_grad_norm = -1.0", "train.max_grad_norm"),
        ("weight_decay = 1.0", "train.weight_decay"),
        ("shards = 0", "train.shards"),
        ("segment_frames = 0", "train.segment_frames"),
        ("frames_per_epoch = 0", "train.frames_per_epoch"),
        ("momentum = 1.0\noptimizer = 'sgd'", "train.momentum"),
        ("momentum = 0.9", "train.momentum"),
        ("max_steps = 0", "train.max_steps"),
        ("max_seconds = 0", "train.max_seconds"),
        ("label_smoothing = 1.0", "train.label_smoothing"),
        ("ema_decay = -0.1", "train.ema_decay"),
        ("mixup = 0.0", "train.mixup"),
        ("accumulation_steps = 0", "train.accumulation_steps"),
        ("patience = 0", "train.patience"),
        ("class_weights = [1.0]", "train.class_weights"),
        ("class_weights = [0.0, 0.0]", "train.class_weights"),
        ("class_weights = [1.0, -1.0]", "train.class_weights"),
        ("schedule = { step = { every_epochs = 0, factor = 0.5 } }", "train.schedule.step.every_epochs"),
        ("schedule = { plateau = { patience = 1, factor = 1.5 } }", "train.schedule.plateau.factor"),
        ("schedule = 'one_cycle'\nwarmup_steps = 3", "train.warmup_steps"),
        ("validate_every_steps = 0", "train.validate_every_steps"),
    ] {
        let error = Task::new(text).run(&AtomicBool::new(false), |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[test]
fn an_example_without_frames_is_an_error() {
    let mut task = Task::new("");
    task.features[35] = Features::new(1, Vec::new());
    let error = task.run(&AtomicBool::new(false), |_| Ok(())).unwrap_err();
    assert!(matches!(error, TrainError::NoFrames { index: 5 }), "{error}");
}

/// Trains on recordings of noise with one class per frame: loud or not. The task is learnable only if frames and labels are
/// aligned.
fn train_on_loud_frames(settings: &str, augment: &str, threads: usize) -> Result<TrainingResult, TrainError> {
    let augment: AugmentConfig = toml::from_str(augment).unwrap();
    let model = "[recurrent]\ncell = 'lstm'\nhidden_size = 6\nhead = 'per_frame_binary'";
    let model: ModelConfig = toml::from_str(model).unwrap();
    let base = "batch_size = 4\nepochs = 12\nlearning_rate = 3e-2\n";
    let config: TrainConfig = toml::from_str(&format!("{base}{settings}")).unwrap();
    let mut rng = Rng::new(3, "frames");
    let mut recording = |frames: usize| -> (Features, Vec<usize>) {
        // Runs of 1 to 4 frames, so that adjacent labels often differ.
        let mut classes = Vec::new();
        while classes.len() < frames {
            let run = 1 + rng.below(4);
            classes.extend(std::iter::repeat_n(classes.last().map_or(0, |last| 1 - last), run));
        }
        classes.truncate(frames);
        let values = classes.iter().map(|&class| class as f32 + rng.symmetric(0.3)).collect();
        (Features::new(1, values), classes)
    };
    let (features, classes): (Vec<_>, Vec<_>) = (0..20).map(|index| recording(40 + 3 * index)).unzip();
    let examples =
        |from: usize, to: usize| Examples::new(&features[from..to], LabelsRef::PerFrame(&classes[from..to]));
    let inputs = TrainingInputs {
        model: &model,
        input: Shape::frames(1),
        classes: 2,
        config: &config,
        train: examples(0, 14)?,
        validation: examples(14, 20)?,
        augment: Some(&augment),
        source: None,
        start: Start::Random,
        seed: 1,
        communicator: &SingleProcess,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| train(&inputs, &AtomicBool::new(false), |_| Ok(())))
}

#[test]
fn segments_are_trained_on_and_full_recordings_validated() {
    let on_segments = train_on_loud_frames("segment_frames = 12\nframes_per_epoch = 900", "", 1).unwrap();
    // 900 frames are 75 segments in 19 batches.
    assert_eq!(on_segments.steps, 12 * 19);
    assert!(accuracy(&on_segments.best) > 0.97, "{:?}", on_segments.best);
    // 6 full recordings have 40 + 42 ... 57 frames, 597 decisions; the accuracy is a multiple of 1/597.
    let frames: usize = (14..20).map(|index| 40 + 3 * index).sum();
    let correct = accuracy(&on_segments.best) * frames as f64;
    assert!((correct - correct.round()).abs() < 1e-9, "{correct} of {frames}");
    let full = train_on_loud_frames("", "", 1).unwrap();
    assert!(accuracy(&full.best) > 0.97, "{:?}", full.best);
    assert_ne!(full.parameters, on_segments.parameters);
}

#[test]
fn segments_do_not_depend_on_threads() {
    let run =
        |threads| train_on_loud_frames("segment_frames = 12\nshards = 3", "", threads).unwrap().parameters;
    assert!(run(1).iter().zip(&run(3)).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn segments_for_a_model_of_a_fixed_length_are_an_error() {
    let task = Task::new("segment_frames = 4");
    let examples = Examples::new(&task.features[..10], LabelsRef::PerExample(&task.classes[..10])).unwrap();
    let inputs = TrainingInputs {
        model: &task.model,
        input: Shape::Sequence { features: 1, frames: Some(9) },
        classes: 2,
        config: &task.config,
        train: examples,
        validation: examples,
        augment: None,
        source: None,
        start: Start::Random,
        seed: 1,
        communicator: &SingleProcess,
    };
    let error =
        train(&inputs, &AtomicBool::new(false), |_| Ok::<(), TrainError>(())).unwrap_err().to_string();
    assert!(error.starts_with("train.segment_frames = 4: the model reads exactly 9 frames"), "{error}");
}

#[test]
fn augmentation_that_does_not_fit_the_data_is_an_error_with_its_key() {
    let mut task = Task::new("");
    let mut error_of = |text: &str, input: Shape| {
        task.augment = Some(toml::from_str(text).unwrap());
        let examples =
            Examples::new(&task.features[..10], LabelsRef::PerExample(&task.classes[..10])).unwrap();
        let inputs = TrainingInputs {
            model: &task.model,
            input,
            classes: 2,
            config: &task.config,
            train: examples,
            validation: examples,
            augment: task.augment.as_ref(),
            source: None,
            start: Start::Random,
            seed: 1,
            communicator: &SingleProcess,
        };
        train(&inputs, &AtomicBool::new(false), |_| Ok::<(), TrainError>(())).unwrap_err().to_string()
    };
    let fixed = Shape::Sequence { features: 1, frames: Some(9) };
    let error = error_of("[stretch]\nfactor = [0.9, 1.1]", fixed);
    assert!(
        error.starts_with("augment.stretch.factor = [0.9, 1.1]: changes the number of frames"),
        "{error}"
    );
    let error = error_of("[rotation]\ndegrees = 5.0", Shape::frames(1));
    assert!(error.starts_with("augment.rotation.degrees = 5: rotates pairs"), "{error}");
    let error = train_on_loud_frames("", "[drop]\nfraction = 0.1", 1).unwrap_err().to_string();
    assert!(error.starts_with("augment.drop.fraction = 0.1: changes the number of frames"), "{error}");
    assert!(train_on_loud_frames("max_steps = 2", "[jitter]\nstd = 0.1", 1).is_ok());
}
