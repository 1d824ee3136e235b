//! Times training and inference of a whole step, for the configurations of the comparison with other implementations: four
//! recurrent models (S, G, M, V), S with the other cells (S-tanh, S-relu, S-gru), a waveform network without and with
//! batch normalization (C, CB), and three keyword models on clips of one second (DS, TC, BC: DS-CNN small, TC-ResNet8 and
//! BC-ResNet-1).
//!
//! `cargo bench -p stapes-train --bench step -- [--threads=N] [--batch=B] [--seconds=S] [--json] [train|infer|stream] [NAME...]`
//!
//! - train: forward pass, backward pass and optimizer update for a batch in memory, as in the training loop, with one
//!   shard per thread;
//! - infer: the scores of one sequence, after the weights are loaded;
//! - stream: one frame of V with its state, up to its probability.
//!
//! Prints the median, the tenth percentile and the minimum time in ms; for a training step also the examples per second and
//! the multiply-accumulates of its products and convolutions as a fraction of the peak of the threads' cores, which is
//! measured before.

mod configurations;

use std::time::{Duration, Instant};

use stapes_kernels::{InstructionSet, Sequences, peak};
use stapes_nn::Network;
use stapes_nn::layer::{Mode, Pass, Shape};
use stapes_nn::loss::sigmoid;
use stapes_nn::parameters::Layout;
use stapes_nn::recurrent::{CellKind, Directions, RecurrentConfig, RecurrentStack};
use stapes_random::Rng;
use stapes_train::{Crop, Examples, LabelsRef, Optimizer, Shards, StepOptions, TrainConfig};

use configurations::{CONFIGURATIONS, Configuration};

struct Bench {
    words: Vec<String>,
    threads: usize,
    /// Examples per batch, if not those of the configuration.
    batch: Option<usize>,
    seconds: f64,
    json: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().find_map(|word| word.strip_prefix(name));
    let number = |name: &str, default: f64| {
        value(name)
            .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}{text}: not a number")))
    };
    let bench = Bench {
        words: arguments.iter().filter(|word| !word.starts_with('-')).cloned().collect(),
        threads: number("--threads=", 1.0) as usize,
        batch: value("--batch=").map(|_| number("--batch=", 0.0) as usize),
        seconds: number("--seconds=", 2.0),
        json: arguments.iter().any(|word| word == "--json"),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(bench.threads).build_global();
    pool.expect("the first pool of the process");
    for configuration in &CONFIGURATIONS {
        if bench.selects(configuration.name, "train") {
            bench.train(configuration);
        }
        if bench.selects(configuration.name, "infer") {
            bench.infer(configuration);
        }
    }
    if bench.selects("V", "stream") {
        bench.stream();
    }
}

impl Bench {
    /// Returns `true` if the arguments select this configuration and mode; without any, all are selected.
    fn selects(&self, name: &str, mode: &str) -> bool {
        let modes = ["train", "infer", "stream"];
        let given = |word: &str| self.words.iter().any(|given| given == word);
        let any_name = CONFIGURATIONS.iter().all(|configuration| !given(configuration.name));
        (any_name || given(name)) && (modes.iter().all(|mode| !given(mode)) || given(mode))
    }

    fn train(&self, configuration: &Configuration) {
        let batch = self.batch.unwrap_or(configuration.batch);
        let features = configuration.sequences(batch);
        let classes: Vec<usize> = (0..batch).map(|index| index % configuration.classes).collect();
        let frames: Vec<Vec<usize>> = (0..batch).map(|index| vec![index % 2; configuration.frames]).collect();
        let built =
            Shards::new(&configuration.model(), configuration.shape(), configuration.classes, self.threads);
        let mut shards = built.expect("a model of this bench");
        let labels = match shards.network().objective().is_frame_level() {
            true => LabelsRef::PerFrame(&frames),
            false => LabelsRef::PerExample(&classes),
        };
        let examples = Examples::new(&features, labels).expect("examples of this bench");
        let config = format!("batch_size = 1\nepochs = 1\noptimizer = '{}'", configuration.optimizer);
        let config: TrainConfig = toml::from_str(&config).expect("settings");
        let mut optimizer = Optimizer::new(&config, shards.network().tensors());
        let mut parameters = shards.network().initial_parameters(1);
        let crops: Vec<Crop> = (0..batch).map(|example| examples.full(example)).collect();
        let options = StepOptions::default();
        let work = Work { examples: batch, macs: training_macs(shards.network(), configuration.frames) };
        self.time(configuration.name, "train", Some(work), || {
            let loss = shards.compute_gradients(&parameters, examples, &crops, options);
            assert!(loss.is_finite());
            optimizer.update(&mut parameters, shards.gradients_mut(), 1.0);
            shards.update_running_stats(&mut parameters);
        });
    }

    fn infer(&self, configuration: &Configuration) {
        let built = configuration.model().build(configuration.shape(), configuration.classes);
        let mut network = built.expect("a model of this bench");
        let parameters = network.initial_parameters(1);
        let mut network = network.load(&parameters);
        let features = configuration.sequences(1);
        let sequences = Sequences::new(&[configuration.frames]).expect("frames");
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        self.time(configuration.name, "infer", None, || {
            let scores = network.forward(features[0].values(), pass);
            assert!(scores[0].is_finite());
        });
    }

    /// Times V frame by frame: the step of the recurrent stack, and the linear layer of one score.
    fn stream(&self) {
        let mut layout = Layout::new();
        let config = RecurrentConfig::new(CellKind::Lstm, 256, 1, Directions::Unidirectional);
        let mut stack = RecurrentStack::new(config, Shape::frames(20), "rnn.", &mut layout);
        let mut rng = Rng::new(1, "bench");
        let parameters: Vec<f32> = (0..layout.len()).map(|_| rng.symmetric(0.06)).collect();
        stapes_nn::layer::Layer::load_parameters(&mut stack, &parameters);
        let score: Vec<f32> = (0..256).map(|_| rng.symmetric(0.06)).collect();
        let frame: Vec<f32> = (0..20).map(|_| rng.symmetric(1.0)).collect();
        let (mut state, mut h) = (vec![0.0; stack.state_len(1)], vec![0.0; 256]);
        self.time("V", "stream", None, || {
            stack.step(&frame, &mut state, &mut h);
            let probability = sigmoid(h.iter().zip(&score).map(|(h, weight)| h * weight).sum());
            assert!(probability > 0.0);
        });
    }

    fn time(&self, name: &str, mode: &str, work: Option<Work>, mut step: impl FnMut()) {
        let start = Instant::now();
        let clock = || start.elapsed().as_secs_f64();
        let peak = work.as_ref().map_or(0.0, |_| peak::fma_throughput(InstructionSet::best(), clock));
        for _ in 0..3 {
            step();
        }
        let mut times = Vec::new();
        let end = Instant::now() + Duration::from_secs_f64(self.seconds);
        while times.len() < 5 || Instant::now() < end {
            let started = Instant::now();
            step();
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let [median, p10, min] = [times.len() / 2, times.len() / 10, 0].map(|at| times[at]);
        let threads = self.threads;
        let rate = work.map(|Work { examples, macs }| {
            let examples_per_second = examples as f64 / median * 1e3;
            let peak_macs_per_second = peak * 1e9 / 2.0 * threads as f64;
            (examples_per_second, examples_per_second * macs as f64 / peak_macs_per_second)
        });
        if self.json {
            let rate = rate.map_or(String::new(), |(examples_per_second, fraction)| {
                format!(
                    ",\"examples_per_second\":{examples_per_second:.1},\"fraction_of_peak\":{fraction:.4}"
                )
            });
            return println!(
                "{{\"config\":\"{name}\",\"mode\":\"{mode}\",\"threads\":{threads},\"median\":{median:.5},\"p10\":{p10:.5},\"min\":{min:.5}{rate}}}"
            );
        }
        let rate = rate.map_or(String::new(), |(examples_per_second, fraction)| {
            format!(
                ", {examples_per_second:.0} examples per second, {:.1} % of {peak:.1} GFLOP/s",
                100.0 * fraction
            )
        });
        println!(
            "{name} {mode:6} {threads} threads: median {median:9.4} ms, tenth percentile {p10:9.4}, minimum {min:9.4}{rate}"
        );
    }
}

/// Size of a training step.
struct Work {
    examples: usize,
    /// Multiply-accumulates per example.
    macs: u64,
}

/// Returns the multiply-accumulates of a training step per example: forward pass, gradient w.r.t. the weights, and gradient
/// w.r.t. the input, which the first layer does not compute.
fn training_macs(network: &Network, frames: usize) -> u64 {
    let macs = || network.summary(frames).into_iter().map(|layer| layer.macs).filter(|&macs| macs > 0);
    3 * macs().sum::<u64>() - macs().next().unwrap_or(0)
}
