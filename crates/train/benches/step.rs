//! Times training and inference of a whole step, for the configurations of the comparison with other implementations: four
//! recurrent models (S, G, M, V), S with the other cells (S-tanh, S-relu, S-gru), and a waveform network without and with
//! batch normalization (C, CB).
//!
//! `cargo bench -p stapes-train --bench step -- [--threads=N] [--seconds=S] [--json] [train|infer|stream] [NAME...]`
//!
//! - train: forward pass, backward pass and optimizer update for a batch in memory, as in the training loop, with one
//!   shard per thread;
//! - infer: the scores of one sequence, after the weights are loaded;
//! - stream: one frame of V with its state, up to its probability.
//!
//! Prints the median, the tenth percentile and the minimum time in ms.

use std::time::{Duration, Instant};

use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::ModelConfig;
use stapes_nn::layer::{Mode, Pass, Shape};
use stapes_nn::loss::sigmoid;
use stapes_nn::parameters::Layout;
use stapes_nn::recurrent::{CellKind, Directions, RecurrentConfig, RecurrentStack};
use stapes_random::Rng;
use stapes_train::{Crop, Examples, LabelsRef, Optimizer, Shards, StepOptions, TrainConfig};

struct Configuration {
    name: &'static str,
    model: &'static str,
    features: usize,
    frames: usize,
    batch: usize,
    classes: usize,
}

const CONFIGURATIONS: [Configuration; 9] = [
    Configuration {
        name: "S",
        model: "[recurrent]\ncell = 'lstm'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        features: 20,
        frames: 32,
        batch: 20,
        classes: 3,
    },
    Configuration {
        name: "S-tanh",
        model: "[recurrent]\ncell = 'rnn_tanh'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        features: 20,
        frames: 32,
        batch: 20,
        classes: 3,
    },
    Configuration {
        name: "S-relu",
        model: "[recurrent]\ncell = 'rnn_relu'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        features: 20,
        frames: 32,
        batch: 20,
        classes: 3,
    },
    Configuration {
        name: "S-gru",
        model: "[recurrent]\ncell = 'gru'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        features: 20,
        frames: 32,
        batch: 20,
        classes: 3,
    },
    Configuration {
        name: "G",
        model: "[recurrent]\ncell = 'gru'\nhidden_size = 64\nnum_layers = 4\nbidirectional = true\nhead = 'concatenate'",
        features: 20,
        frames: 32,
        batch: 20,
        classes: 3,
    },
    Configuration {
        name: "M",
        model: "[recurrent]\ncell = 'lstm'\nhidden_size = 128\nnum_layers = 2\nbidirectional = true\nhead = 'mean'",
        features: 40,
        frames: 98,
        batch: 64,
        classes: 12,
    },
    Configuration {
        name: "V",
        model: "[recurrent]\ncell = 'lstm'\nhidden_size = 256\nhead = 'per_frame_binary'",
        features: 20,
        frames: 300,
        batch: 51,
        classes: 2,
    },
    Configuration { name: "C", model: "[wave-cnn]", features: 6000, frames: 1, batch: 32, classes: 10 },
    Configuration {
        name: "CB",
        model: "[wave-cnn]\nbatch_norm = true",
        features: 6000,
        frames: 1,
        batch: 32,
        classes: 10,
    },
];

struct Bench {
    words: Vec<String>,
    threads: usize,
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

impl Configuration {
    fn model(&self) -> ModelConfig {
        toml::from_str(self.model).expect("a model of this bench")
    }

    fn shape(&self) -> Shape {
        Shape::Sequence { features: self.features, frames: Some(self.frames) }
    }

    fn sequences(&self, count: usize) -> Vec<Features> {
        let mut rng = Rng::new(1, "bench");
        let mut sequence = |_| {
            let values = (0..self.frames * self.features).map(|_| rng.symmetric(1.0)).collect();
            Features::new(self.features, values)
        };
        (0..count).map(&mut sequence).collect()
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
        let batch = configuration.batch;
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
        let optimizer = if configuration.model.starts_with("[wave-cnn]") { "sgd" } else { "adam" };
        let config = format!("batch_size = 1\nepochs = 1\noptimizer = '{optimizer}'");
        let config: TrainConfig = toml::from_str(&config).expect("settings");
        let mut optimizer = Optimizer::new(&config, shards.network().tensors());
        let mut parameters = shards.network().initial_parameters(1);
        let crops: Vec<Crop> = (0..batch).map(|example| examples.full(example)).collect();
        let options = StepOptions::default();
        self.time(configuration.name, "train", || {
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
        self.time(configuration.name, "infer", || {
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
        self.time("V", "stream", || {
            stack.step(&frame, &mut state, &mut h);
            let probability = sigmoid(h.iter().zip(&score).map(|(h, weight)| h * weight).sum());
            assert!(probability > 0.0);
        });
    }

    fn time(&self, name: &str, mode: &str, mut work: impl FnMut()) {
        for _ in 0..3 {
            work();
        }
        let mut times = Vec::new();
        let end = Instant::now() + Duration::from_secs_f64(self.seconds);
        while times.len() < 5 || Instant::now() < end {
            let started = Instant::now();
            work();
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let [median, p10, min] = [times.len() / 2, times.len() / 10, 0].map(|at| times[at]);
        let threads = self.threads;
        match self.json {
            true => println!(
                "{{\"config\":\"{name}\",\"mode\":\"{mode}\",\"threads\":{threads},\"median\":{median:.5},\"p10\":{p10:.5},\"min\":{min:.5}}}"
            ),
            false => println!(
                "{name} {mode:6} {threads} threads: median {median:9.4} ms, tenth percentile {p10:9.4}, minimum {min:9.4}"
            ),
        }
    }
}
