//! Speed of training against threads and MPI processes, and of messages between processes.
//!
//! `cargo bench -p stapes --features mpi --bench scale -- [--rounds=N] [--shards=N] [--mpirun="OPTION..."]
//! [training] [batches] [messages]`
//!
//! - training: examples per second of S and M (4-layer LSTM 20 -> 64, 32 frames, batch 20; 2-layer bidirectional LSTM 40 -> 128,
//!   98 frames, batch 64) with 1 and 2 threads, and with 2 and 4 processes of a thread each. The batch and its shards are the
//!   same for all, so the parameters must have the same bits, which is checked. The configurations alternate.
//! - batches: time of a step of one process with one thread and one shard by size of the batch.
//! - messages: time of a message between two processes by size, with a line fitted (latency and bandwidth), and of a sum of
//!   gradients and a gathering of losses alone.
//!
//! Options after `--mpirun=` are passed to mpirun, such as hosts. `benches/namespaces` prints those of network namespaces.
//!
//! A step has three parts: computation; the gathering of losses, in which a process waits for the slowest one; and the sum of
//! gradients. Columns are medians over the steps of process 0 in all rounds.

mod messages;
mod timed;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde_json::{Value, json};
use stapes::features::Features;
use stapes::mpi::MpiCommunicator;
use stapes::nn::ModelConfig;
use stapes::nn::layer::Shape;
use stapes::train::{
    Communicator, Event, Examples, LabelsRef, SingleProcess, Start, TrainConfig, TrainError, TrainingInputs,
    train,
};
use stapes_random::Rng;

use messages::time_messages;
use timed::Timed;

struct Model {
    name: &'static str,
    text: &'static str,
    features: usize,
    frames: usize,
    batch: usize,
    classes: usize,
    steps: usize,
}

const MODELS: [Model; 2] = [
    Model {
        name: "S",
        text: "[recurrent]\ncell = 'lstm'\nhidden_size = 64\nnum_layers = 4\nhead = 'last'",
        features: 20,
        frames: 32,
        batch: 20,
        classes: 3,
        steps: 150,
    },
    Model {
        name: "M",
        text: "[recurrent]\ncell = 'lstm'\nhidden_size = 128\nnum_layers = 2\nbidirectional = true\nhead = 'mean'",
        features: 40,
        frames: 98,
        batch: 64,
        classes: 12,
        steps: 12,
    },
];

/// Processes and threads per process.
const CONFIGURATIONS: [(usize, usize); 4] = [(1, 1), (1, 2), (2, 1), (4, 1)];

/// Steps before the measurement.
const WARM_UP: usize = 3;

struct Arguments(Vec<String>);

impl Arguments {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str, default: usize) -> usize {
        self.value(name).map_or(default, |number| number.parse().expect("a number"))
    }

    fn selects(&self, word: &str) -> bool {
        let words: Vec<&String> = self.0.iter().filter(|argument| !argument.starts_with('-')).collect();
        words.is_empty() || words.iter().any(|given| *given == word)
    }
}

fn main() {
    let arguments = Arguments(std::env::args().skip(1).collect());
    match arguments.value("--process") {
        Some(part) => process(part, &arguments),
        None => {
            if arguments.selects("training") {
                training(&arguments);
            }
            if arguments.selects("batches") {
                batches(&arguments);
            }
            if arguments.selects("messages") {
                messages(&arguments);
            }
        }
    }
}

/// Runs a part in several processes, and returns the JSON lines that process 0 prints.
fn run(part: &str, (processes, threads): (usize, usize), arguments: &Arguments) -> Vec<Value> {
    let program = std::env::current_exe().expect("the path of this program");
    let mut command = match processes {
        1 => Command::new(program),
        _ => {
            let mut command = Command::new("mpirun");
            // In a container the bench may run as root.
            command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
            command.args(["--oversubscribe", "--bind-to", "none", "-n", &processes.to_string()]);
            command.args(arguments.value("--mpirun").unwrap_or_default().split_whitespace()).arg(program);
            command
        }
    };
    let shards = arguments.number("--shards", 4);
    command.args([
        &format!("--process={part}"),
        &format!("--threads={threads}"),
        &format!("--shards={shards}"),
    ]);
    let output = command.output().expect("mpirun starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn training(arguments: &Arguments) {
    let mut steps: BTreeMap<(usize, usize), Vec<Value>> = BTreeMap::new();
    let mut parameters: BTreeMap<String, Value> = BTreeMap::new();
    for _ in 0..arguments.number("--rounds", 3) {
        for (index, configuration) in CONFIGURATIONS.into_iter().enumerate() {
            for line in run("training", configuration, arguments) {
                let model = line["model"].as_str().expect("a name");
                let expected = parameters.entry(model.into()).or_insert_with(|| line["parameters"].clone());
                assert_eq!(*expected, line["parameters"], "{model} with {configuration:?} has other bits");
                let position = MODELS.iter().position(|of| of.name == model).expect("a model of this bench");
                steps
                    .entry((position, index))
                    .or_default()
                    .extend(line["steps"].as_array().cloned().unwrap());
            }
        }
    }
    println!(
        "model  processes  threads  examples/s  speed-up  step ms  losses ms  gradients ms  of step  messages  bytes sent"
    );
    let median = |steps: &[Value], key: &str| {
        median(steps.iter().map(|step| step[key].as_f64().expect("a number")).collect())
    };
    for ((model, index), values) in &steps {
        let [step, losses, gradients, messages, bytes] =
            ["step", "losses", "gradients", "messages", "bytes"].map(|key| median(values, key));
        let (model_steps, (processes, threads)) = (&steps[&(*model, 0)], CONFIGURATIONS[*index]);
        let (model, first) = (&MODELS[*model], median(model_steps, "step"));
        println!(
            "{:5} {processes:10} {threads:8} {:11.0} {:9.2} {step:8.2} {losses:10.3} {gradients:13.3} {:6.1} % {messages:9} {bytes:11}",
            model.name,
            model.batch as f64 / step * 1e3,
            first / step,
            100.0 * gradients / step
        );
    }
    println!("All configurations of a model have parameters with the same bits.");
}

/// Sizes of batches, and a divisor of the steps so that each size takes about the same time.
const BATCHES: [(usize, usize); 4] = [(1, 1), (4, 1), (16, 1), (64, 3)];

fn batches(arguments: &Arguments) {
    let mut times: BTreeMap<(usize, u64), Vec<f64>> = BTreeMap::new();
    for _ in 0..arguments.number("--rounds", 3) {
        for line in run("batches", (1, 1), arguments) {
            let position =
                MODELS.iter().position(|of| line["model"] == of.name).expect("a model of this bench");
            let steps = line["steps"].as_array().expect("steps");
            let steps = steps.iter().map(|step| step["step"].as_f64().expect("a number"));
            times.entry((position, line["batch"].as_u64().expect("a number"))).or_default().extend(steps);
        }
    }
    for ((model, batch), times) in times {
        println!("{}, batch {batch:2}: {:8.3} ms per step", MODELS[model].name, median(times));
    }
}

fn messages(arguments: &Arguments) {
    for processes in [2, 4] {
        for line in run("messages", (processes, 1), arguments) {
            println!("{processes} processes: {}", line.as_str().expect("text"));
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One process of a part.
fn process(part: &str, arguments: &Arguments) {
    let mpi = std::env::var_os("OMPI_COMM_WORLD_SIZE").and_then(|_| MpiCommunicator::initialize());
    let communicator = mpi.as_ref().map_or(&SingleProcess as &dyn Communicator, |mpi| mpi);
    match part {
        "training" => {
            let threads = arguments.number("--threads", 1);
            rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("threads");
            MODELS.iter().for_each(|model| model.train(arguments.number("--shards", 4), communicator));
        }
        "batches" => {
            rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("threads");
            for model in MODELS {
                for (batch, divisor) in BATCHES {
                    Model { batch, steps: model.steps / divisor, ..model }.train(1, communicator);
                }
            }
        }
        _ => {
            rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("threads");
            time_messages(communicator);
        }
    }
}

impl Model {
    /// Trains on random sequences; process 0 prints the times of the steps.
    fn train(&self, shards: usize, communicator: &dyn Communicator) {
        let mut rng = Rng::new(1, "bench");
        let mut sequence = |_| {
            let values = (0..self.frames * self.features).map(|_| rng.symmetric(1.0)).collect();
            Features::new(self.features, values)
        };
        let features: Vec<Features> = (0..self.batch).map(&mut sequence).collect();
        let classes: Vec<usize> = (0..self.batch).map(|index| index % self.classes).collect();
        let examples =
            |to| Examples::new(&features[..to], LabelsRef::PerExample(&classes[..to])).expect("examples");
        let epochs = self.steps + WARM_UP;
        let config = TrainConfig {
            batch_size: self.batch,
            epochs,
            shards,
            validate_every_steps: Some(epochs),
            ..TrainConfig::default()
        };
        let timed = Timed::new(communicator);
        let inputs = TrainingInputs {
            model: &toml::from_str::<ModelConfig>(self.text).expect("a model"),
            input: Shape::Sequence { features: self.features, frames: Some(self.frames) },
            classes: self.classes,
            config: &config,
            train: examples(self.batch),
            source: None,
            validation: examples(0),
            augment: None,
            start: Start::Random,
            seed: 1,
            communicator: &timed,
        };
        let (mut last, mut steps) = (Instant::now(), Vec::new());
        let report = |event: Event<'_>| {
            if let Event::Step { .. } = event {
                let step = last.elapsed();
                last = Instant::now();
                steps.push(timed.take().to_json(step));
            }
            Ok::<(), TrainError>(())
        };
        let result = train(&inputs, &AtomicBool::new(false), report).expect("a training");
        let mut hasher = DefaultHasher::new();
        result.last.iter().for_each(|value| value.to_bits().hash(&mut hasher));
        if communicator.rank() == 0 {
            let steps = &steps[WARM_UP..];
            println!(
                "{}",
                json!({"model": self.name, "batch": self.batch, "parameters": hasher.finish(), "steps": steps})
            );
        }
    }
}
