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
//! The four take turns; beside the median stands the best turn, for other work on the machine only slows a turn down. The
//! last line is JSON.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use stapes::experiment::Loaded;
use stapes::train::{Alone, Cut, Examples, Optimiser, Shards, Start, Trained, Treatment};
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
    let (steps, rounds) = (number("--steps=", 200), number("--rounds=", 5));
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
    let mut waited = Vec::new();
    for _ in 0..rounds {
        speeds[0].push(bare_steps(&memory, &train, steps));
        for (at, experiment) in [(1, &memory), (2, &frames), (3, &waveform)] {
            let trained = trained(experiment, &train);
            speeds[at].push(trained.examples_a_second);
            if at == 3 {
                waited.push(trained.waited_seconds / trained.training_seconds);
            }
        }
    }
    report(&speeds, &mut waited, train.indices.len());
}

/// The training of an experiment, without validation.
fn trained(experiment: &Experiment, train: &Loaded) -> Trained {
    let stop = AtomicBool::new(false);
    let none = experiment.load(&[], &stop, &|_| {}).expect("nothing");
    let bundle = experiment.untrained(train).expect("a model");
    experiment.train(&bundle, [train, &none], (Start::Drawn, &Alone), &stop, |_| Ok(())).expect("a training")
}

/// Examples a second of the step alone.
fn bare_steps(experiment: &Experiment, train: &Loaded, steps: usize) -> f64 {
    let recipe = &experiment.recipe;
    let bundle = experiment.untrained(train).expect("a model");
    let normalised = |frames| bundle.normalised(frames).expect("frames");
    let features: Vec<_> = train.features.iter().map(normalised).collect();
    let examples = Examples::new(&features, train.truths.labels()).expect("examples");
    let classes = experiment.dataset.classes.len();
    let mut shards = Shards::new(&recipe.model, bundle.shape, classes, recipe.train.shards).expect("a model");
    let mut optimiser = Optimiser::new(&recipe.train, shards.network().views());
    let mut parameters = shards.network().initial_parameters(recipe.seed);
    let all: Vec<Cut> = (0..examples.len()).map(|example| examples.whole(example)).collect();
    let batches: Vec<&[Cut]> = all.chunks_exact(recipe.train.batch).collect();
    let began = Instant::now();
    for step in 0..steps {
        let treatment = Treatment { key: step as u64, seed: recipe.seed, ..Treatment::default() };
        let batch = batches[step % batches.len()];
        let (loss, gradients) = shards.gradient(&parameters, examples, batch, treatment);
        assert!(loss.is_finite());
        optimiser.update(&mut parameters, gradients, 1.0);
        shards.follow(&mut parameters);
    }
    (steps * recipe.train.batch) as f64 / began.elapsed().as_secs_f64()
}

fn report(speeds: &[Vec<f64>; 4], waited: &mut [f64], examples: usize) {
    let sorted = speeds.clone().map(|mut speeds| {
        speeds.sort_by(f64::total_cmp);
        speeds
    });
    let median = sorted.each_ref().map(|speeds| speeds[speeds.len() / 2]);
    let best = sorted.each_ref().map(|speeds| speeds[speeds.len() - 1]);
    waited.sort_by(f64::total_cmp);
    let waited = waited[waited.len() / 2];
    println!("{examples} training examples; examples a second, and the share of the step's");
    for (at, name) in NAMES.iter().enumerate() {
        println!(
            "{name:9} median {:7.0} ({:5.3})   best {:7.0} ({:5.3})",
            median[at],
            median[at] / median[0],
            best[at],
            best[at] / best[0]
        );
    }
    println!("waveform  waited {:.2} % of the training time for examples (median)", 100.0 * waited);
    let json = serde_json::json!({
        "names": NAMES, "median": median, "best": best, "waited_share": waited,
        "threads": rayon::current_num_threads(),
    });
    println!("{json}");
}
