//! Several processes train one model together. Here each process is a thread, and messages go through memory.

use std::sync::atomic::AtomicBool;
use std::sync::{Barrier, Mutex};

use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Rng;
use stapes_train::{
    Communicator, Examples, LabelsRef, SingleProcess, Start, TrainConfig, TrainError, TrainingInputs,
    TrainingResult, train,
};

/// Messages of all processes.
struct Messages {
    latest: Mutex<Vec<Vec<u8>>>,
    barrier: Barrier,
}

struct Thread<'a> {
    rank: usize,
    size: usize,
    messages: &'a Messages,
}

impl Communicator for Thread<'_> {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_reduce_sum(&self, values: &mut [f32]) {
        let all = self.all_gather_numbers(values);
        for (index, value) in values.iter_mut().enumerate() {
            *value = all.iter().map(|values| values[index]).sum();
        }
    }

    fn broadcast(&self, values: &mut [f32]) {
        let all = self.all_gather_numbers(values);
        values.copy_from_slice(&all[0]);
    }

    fn all_gather(&self, message: &[u8]) -> Vec<Vec<u8>> {
        self.messages.latest.lock().unwrap()[self.rank] = message.to_vec();
        self.messages.barrier.wait();
        let all = self.messages.latest.lock().unwrap().clone();
        self.messages.barrier.wait();
        all
    }
}

impl Thread<'_> {
    fn all_gather_numbers(&self, values: &[f32]) -> Vec<Vec<f32>> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let read = |bytes: &Vec<u8>| {
            bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        };
        self.all_gather(&bytes).iter().map(read).collect()
    }
}

/// A model, the width of its frames, and an optimizer. With batch normalization some gradients are almost zero, and Adam turns
/// their rounding errors into whole steps, so that network uses SGD.
const NETS: [Net; 2] = [
    ("[recurrent]\ncell = 'gru'\nhidden_size = 6\nhead = 'mean'\nhead_dropout = 0.2", 3, "adam"),
    ("[bc-resnet]\nwidth = 1\ndropout = 0.2", 40, "sgd"),
];

type Net = (&'static str, usize, &'static str);

fn train_network(
    (model, width, optimizer): Net,
    shards: usize,
    communicator: &dyn Communicator,
) -> Result<TrainingResult, TrainError> {
    let model: ModelConfig = toml::from_str(model).unwrap();
    let text = "batch_size = 5\nepochs = 3\nlearning_rate = 0.01\nmax_grad_norm = 1.0\nlabel_smoothing = 0.1\nmixup = 0.3";
    let mut config: TrainConfig = toml::from_str(&format!("{text}\noptimizer = '{optimizer}'")).unwrap();
    config.shards = shards;
    let mut rng = Rng::new(5, "clips");
    let clip =
        |at: usize| Features::new(width, (0..width * (9 + at * 5 % 7)).map(|_| rng.symmetric(1.0)).collect());
    let clips: Vec<Features> = (0..16).map(clip).collect();
    let classes: Vec<usize> = (0..16).map(|at| at % 3).collect();
    let examples =
        |from: usize, to: usize| Examples::new(&clips[from..to], LabelsRef::PerExample(&classes[from..to]));
    let inputs = TrainingInputs {
        model: &model,
        input: Shape::frames(width),
        classes: 3,
        config: &config,
        // Eleven examples: the last batch of an epoch has one, so all processes but the first have no example.
        train: examples(0, 11)?,
        source: None,
        validation: examples(11, 16)?,
        augment: None,
        start: Start::Random,
        seed: 1,
        communicator,
    };
    train(&inputs, &AtomicBool::new(false), |_| Ok(()))
}

fn train_distributed(net: Net, shards: usize, size: usize) -> Vec<Result<TrainingResult, TrainError>> {
    let messages = Messages { latest: Mutex::new(vec![Vec::new(); size]), barrier: Barrier::new(size) };
    std::thread::scope(|scope| {
        let messages = &messages;
        let start = |rank| scope.spawn(move || train_network(net, shards, &Thread { rank, size, messages }));
        let threads: Vec<_> = (0..size).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn several_processes_match_one_process_and_all_return_the_same_bits() {
    for net in NETS {
        let single = train_network(net, 4, &SingleProcess).unwrap();
        for size in [2, 3, 4] {
            let results: Vec<TrainingResult> =
                train_distributed(net, 4, size).into_iter().map(Result::unwrap).collect();
            for result in &results {
                assert!(result.last.iter().zip(&results[0].last).all(|(a, b)| a.to_bits() == b.to_bits()));
                assert_eq!(result.best.step, results[0].best.step);
                for (got, expected) in result.points.iter().zip(&single.points) {
                    assert!(
                        (got.train_loss / expected.train_loss - 1.0).abs() < 1e-5,
                        "{got:?}, {expected:?}"
                    );
                    let (got, expected) = (got.validation.unwrap(), expected.validation.unwrap());
                    assert!((got.loss / expected.loss - 1.0).abs() < 1e-4, "{got:?}, {expected:?}");
                }
                assert_eq!(result.points.len(), single.points.len());
            }
        }
    }
}

#[test]
fn a_shard_for_each_process_gives_the_bits_of_one_process_with_as_many_shards() {
    let single = train_network(NETS[0], 2, &SingleProcess).unwrap();
    let results = train_distributed(NETS[0], 2, 2);
    let last = &results[0].as_ref().unwrap().last;
    assert!(single.last.iter().zip(last).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn more_processes_than_shards_are_an_error() {
    for result in train_distributed(NETS[0], 2, 3) {
        assert_eq!(result.unwrap_err(), TrainError::TooFewShards { shards: 2, processes: 3 });
    }
}
