//! What training loses to its loader: one-second clips of Speech Commands, the model and settings of
//! `recipes/speech-commands.toml`.
//!
//! `STAPES_DATA=../shared/data cargo bench -p stapes --bench loader -- [--steps=N] [--rounds=N]`
//!
//! Examples a second of
//!
//! - step: forward, backward and update on batches that lie in memory, in a fixed order;
//! - memory: training on frames in memory;
//! - frames: the same with the recipe's augmentation of frames, in the shards;
//! - waveform: training on samples that are shifted, made louder or softer and mixed with the data set's recordings of
//!   noise, and heard by the front end, in the background.
//!
//! The four take turns; beside the median stands the best turn, for other work on the machine only slows a turn down, and
//! the processor time of an example (Linux), which other work hardly changes. The last line is JSON.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use stapes::experiment::LoadedExamples;
use stapes::train::{SingleProcess, Crop, Examples, Optimizer, Shards, Start, TrainingResult, StepOptions};
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
        given.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}{text}: no number")))
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
    // Read before the time counts, as `stapes train` does.
    assert!(waveform.waveform_augmenter().expect("the recordings of noise").is_some());
    let stop = AtomicBool::new(false);
    let train = memory.load(&memory.split.train, &stop, &|_| {}).expect("the recordings");
    let mut speeds: [Vec<f64>; 4] = Default::default();
    let (mut costs, mut waited) = ([const { Vec::new() }; 4], Vec::new());
    let turn_examples = (steps * recipe.train.batch_size) as f64;
    for _ in 0..rounds {
        for at in 0..4 {
            let before = processor_seconds();
            let speed = match at {
                0 => bare_steps(&memory, &train, steps),
                _ => {
                    let trained = trained([&memory, &frames, &waveform][at - 1], &train);
                    if at == 3 {
                        waited.push(trained.data_wait_seconds / trained.training_seconds);
                    }
                    trained.examples_per_second
                }
            };
            speeds[at].push(speed);
            costs[at].push((processor_seconds() - before) / turn_examples);
        }
    }
    report(speeds, costs, waited);
}

/// The time of this process on all processors so far, in s; NaN where the system does not say it so.
fn processor_seconds() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold anything in brackets: fields 3 and on, of which 14 and 15 are the ticks.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    if ticks.len() == 2 { (ticks[0] + ticks[1]) / TICKS_A_SECOND } else { f64::NAN }
}

/// The training of an experiment, without validation.
fn trained(experiment: &Experiment, train: &LoadedExamples) -> TrainingResult {
    let stop = AtomicBool::new(false);
    let none = experiment.load(&[], &stop, &|_| {}).expect("nothing");
    let bundle = experiment.untrained_model(train).expect("a model");
    experiment.train(&bundle, [train, &none], (Start::Random, &SingleProcess), &stop, |_| Ok(())).expect("a training")
}

/// Examples a second of the step alone.
fn bare_steps(experiment: &Experiment, train: &LoadedExamples, steps: usize) -> f64 {
    let recipe = &experiment.recipe;
    let bundle = experiment.untrained_model(train).expect("a model");
    let normalised = |frames| bundle.normalised(frames).expect("frames");
    let features: Vec<_> = train.features.iter().map(normalised).collect();
    let examples = Examples::new(&features, train.truths.labels()).expect("examples");
    let classes = experiment.dataset.classes.len();
    let mut shards = Shards::new(&recipe.model, bundle.shape, classes, recipe.train.shards).expect("a model");
    let mut optimiser = Optimizer::new(&recipe.train, shards.network().views());
    let mut parameters = shards.network().initial_parameters(recipe.seed);
    let all: Vec<Crop> = (0..examples.len()).map(|example| examples.whole(example)).collect();
    let batches: Vec<&[Crop]> = all.chunks_exact(recipe.train.batch_size).collect();
    let began = Instant::now();
    for step in 0..steps {
        let treatment = StepOptions { key: step as u64, seed: recipe.seed, ..StepOptions::default() };
        let batch = batches[step % batches.len()];
        let (loss, gradients) = shards.gradient(&parameters, examples, batch, treatment);
        assert!(loss.is_finite());
        optimiser.update(&mut parameters, gradients, 1.0);
        shards.follow(&mut parameters);
    }
    (steps * recipe.train.batch_size) as f64 / began.elapsed().as_secs_f64()
}

fn report(speeds: [Vec<f64>; 4], costs: [Vec<f64>; 4], waited: Vec<f64>) {
    let median = speeds.each_ref().map(|speeds| of(speeds, 0.5));
    let best = speeds.each_ref().map(|speeds| of(speeds, 1.0));
    let cost_ms = costs.each_ref().map(|costs| 1e3 * of(costs, 0.5));
    println!("examples a second, and as a share of the step's; ms of processor time an example (median)");
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
    let waited = of(&waited, 0.5);
    println!("waveform  waited {:.2} % of the training time for examples (median)", 100.0 * waited);
    let json = serde_json::json!({
        "names": NAMES, "median": median, "best": best, "processor_ms": cost_ms, "data_wait_fraction": waited,
        "threads": rayon::current_num_threads(),
    });
    println!("{json}");
}

/// The figure with this share of the others below it.
fn of(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
