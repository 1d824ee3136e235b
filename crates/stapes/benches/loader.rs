//! Cost of the data loader in training: one-second clips of Speech Commands, model and settings of
//! `recipes/speech-commands.toml`.
//!
//! `STAPES_DATA=../shared/data cargo bench -p stapes --bench loader -- [--steps=N] [--rounds=N]`
//!
//! Measures examples per second of
//!
//! - step: forward, backward and update on batches in memory, in a fixed order;
//! - memory: training on frames in memory;
//! - frames: the same with the recipe's frame augmentation, in the shards;
//! - waveform: training with waveform augmentation (shift, gain and the data set's noise recordings) and feature extraction
//!   in background threads.
//!
//! The four alternate. Printed are the median, the best round, because other work on the machine only slows a round down, and
//! the processor time per example (Linux), which other work hardly changes. The last line is JSON.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use stapes::experiment::{ExperimentInputs, LoadedExamples};
use stapes::train::{Crop, Examples, Optimizer, Shards, SingleProcess, Start, StepOptions, TrainingResult};
use stapes::{Experiment, Recipe};
use stapes_testkit::fixture::Fixture;

const RECIPE: &str = include_str!("../../../recipes/speech-commands.toml");

const WAVEFORM: &str = r#"
[waveform.shift]
seconds = 0.1
[waveform.gain]
db = [-10.0, 6.0]
[waveform.noise]
snr_db = [0.0, 20.0]
folder = "_background_noise_"
"#;

const NAMES: [&str; 4] = ["step", "memory", "frames", "waveform"];

fn main() {
    let folder = match Fixture::Data.folder() {
        Ok(folder) => folder.join("speech_commands"),
        Err(reason) => return println!("skipped: {reason}"),
    };
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: usize| {
        let given = arguments.iter().find_map(|word| word.strip_prefix(name));
        given.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}{text}: not a number")))
    };
    let (steps, rounds) = (number("--steps=", 40), number("--rounds=", 15));
    let changes = [format!("train.max_steps={steps}"), format!("train.validate_every_steps={steps}")];
    let recipe = Recipe::from_toml("speech-commands.toml", RECIPE, &changes).expect("the recipe");
    let open = |augment: Option<&str>| {
        let augment = augment.map(|text| toml::from_str(text).expect("the augmentation"));
        Experiment::open(Recipe { augment, ..recipe.clone() }, Some(&folder)).expect("the data set")
    };
    let memory = open(None);
    let frames = Experiment::open(recipe.clone(), Some(&folder)).expect("the data set");
    let waveform = open(Some(WAVEFORM));
    // Loaded before the measurement, as in `stapes train`.
    assert!(waveform.waveform_augmenter().expect("the recordings of noise").is_some());
    let stop = AtomicBool::new(false);
    let train = memory.load(&memory.split.train, &stop, &|_| {}).expect("the recordings");
    let mut speeds: [Vec<f64>; 4] = Default::default();
    let (mut costs, mut data_wait) = ([const { Vec::new() }; 4], Vec::new());
    let round_examples = (steps * recipe.train.batch_size) as f64;
    for _ in 0..rounds {
        for at in 0..4 {
            let before = processor_seconds();
            let speed = match at {
                0 => bare_steps(&memory, &train, steps),
                _ => {
                    let trained = trained([&memory, &frames, &waveform][at - 1], &train);
                    if at == 3 {
                        data_wait.push(trained.data_wait_seconds / trained.training_seconds);
                    }
                    trained.examples_per_second
                }
            };
            speeds[at].push(speed);
            costs[at].push((processor_seconds() - before) / round_examples);
        }
    }
    report(speeds, costs, data_wait);
}

/// Returns the processor time of this process in s; NaN on systems without /proc.
fn processor_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 3 and later follow the name in parentheses; fields 14 and 15 are ticks.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    if ticks.len() == 2 { (ticks[0] + ticks[1]) / TICKS_PER_SECOND } else { f64::NAN }
}

/// Trains an experiment without validation.
fn trained(experiment: &Experiment, train: &LoadedExamples) -> TrainingResult {
    let stop = AtomicBool::new(false);
    let none = experiment.load(&[], &stop, &|_| {}).expect("nothing");
    let model = experiment.untrained_model(train).expect("a model");
    let inputs = ExperimentInputs {
        model: &model,
        train,
        validation: &none,
        start: Start::Random,
        communicator: &SingleProcess,
        stop: &stop,
    };
    experiment.train(&inputs, |_| Ok(())).expect("a training")
}

/// Returns the examples per second of the training step alone.
fn bare_steps(experiment: &Experiment, train: &LoadedExamples, steps: usize) -> f64 {
    let recipe = &experiment.recipe;
    let model = experiment.untrained_model(train).expect("a model");
    let features: Vec<_> =
        train.features.iter().map(|frames| model.normalize(frames).expect("frames")).collect();
    let examples = Examples::new(&features, train.labels.as_ref()).expect("examples");
    let classes = experiment.dataset.classes.len();
    let mut shards = Shards::new(&recipe.model, model.shape, classes, recipe.train.shards).expect("a model");
    let mut optimizer = Optimizer::new(&recipe.train, shards.network().tensors());
    let mut parameters = shards.network().initial_parameters(recipe.seed);
    let all: Vec<Crop> = (0..examples.len()).map(|example| examples.full(example)).collect();
    let batches: Vec<&[Crop]> = all.chunks_exact(recipe.train.batch_size).collect();
    let began = Instant::now();
    for step in 0..steps {
        let options = StepOptions { key: step as u64, seed: recipe.seed, ..StepOptions::default() };
        let batch = batches[step % batches.len()];
        assert!(shards.compute_gradients(&parameters, examples, batch, options).is_finite());
        optimizer.update(&mut parameters, shards.gradients_mut(), 1.0);
        shards.update_running_stats(&mut parameters);
    }
    (steps * recipe.train.batch_size) as f64 / began.elapsed().as_secs_f64()
}

fn report(speeds: [Vec<f64>; 4], costs: [Vec<f64>; 4], data_wait: Vec<f64>) {
    let median = speeds.each_ref().map(|speeds| quantile(speeds, 0.5));
    let best = speeds.each_ref().map(|speeds| quantile(speeds, 1.0));
    let cost_ms = costs.each_ref().map(|costs| 1e3 * quantile(costs, 0.5));
    println!("examples/s (relative to the step); processor time per example, ms (median)");
    for (at, name) in NAMES.iter().enumerate() {
        println!(
            "{name:9} median {:6.0} ({:5.3})   best {:6.0} ({:5.3})   processor {:6.3} ms ({:5.3})",
            median[at],
            median[at] / median[0],
            best[at],
            best[at] / best[0],
            cost_ms[at],
            cost_ms[0] / cost_ms[at]
        );
    }
    let data_wait = quantile(&data_wait, 0.5);
    println!("waveform  data wait {:.2} % of the training time (median)", 100.0 * data_wait);
    let json = serde_json::json!({
        "names": NAMES, "median": median, "best": best, "processor_ms": cost_ms, "data_wait_fraction": data_wait,
        "threads": rayon::current_num_threads(),
    });
    println!("{json}");
}

/// Returns a quantile, without interpolation.
fn quantile(values: &[f64], fraction: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * fraction).round() as usize]
}
