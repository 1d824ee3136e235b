//! Several processes train one model together. Here each process is a thread, and messages go through memory.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Barrier, Mutex};

use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Rng;
use stapes_train::{
    Communicator, Examples, LabelsRef, SingleProcess, Start, TrainConfig, TrainError, TrainingInputs,
    TrainingResult, all_reduce_sum, train,
};

/// Channel of a sender to a receiver.
type Channel = (SyncSender<Vec<f32>>, Mutex<Receiver<Vec<f32>>>);

/// Messages of all processes.
struct Messages {
    latest: Mutex<Vec<Vec<u8>>>,
    barrier: Barrier,
    /// Channels of each sender to each receiver. They hold no message, so a process that sends waits for its receiver.
    channels: Vec<Vec<Channel>>,
}

impl Messages {
    fn new(size: usize) -> Messages {
        let channel = |_| {
            let (sender, receiver) = sync_channel(0);
            (sender, Mutex::new(receiver))
        };
        Messages {
            latest: Mutex::new(vec![Vec::new(); size]),
            barrier: Barrier::new(size),
            channels: (0..size).map(|_| (0..size).map(channel).collect()).collect(),
        }
    }
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

    fn send(&self, values: &[f32], to: usize) {
        self.messages.channels[self.rank][to].0.send(values.to_vec()).unwrap();
    }

    fn receive(&self, values: &mut [f32], from: usize) {
        values.copy_from_slice(&self.messages.channels[from][self.rank].1.lock().unwrap().recv().unwrap());
    }

    fn send_receive(&self, sent: &[f32], received: &mut [f32], partner: usize) {
        match self.rank < partner {
            true => {
                self.send(sent, partner);
                self.receive(received, partner);
            }
            false => {
                self.receive(received, partner);
                self.send(sent, partner);
            }
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
    let messages = Messages::new(size);
    std::thread::scope(|scope| {
        let messages = &messages;
        let start = |rank| scope.spawn(move || train_network(net, shards, &Thread { rank, size, messages }));
        let threads: Vec<_> = (0..size).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn assert_same_bits(got: &TrainingResult, expected: &TrainingResult, case: &str) {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert!(bits(&got.last) == bits(&expected.last), "{case}");
    assert!(bits(&got.parameters) == bits(&expected.parameters), "{case}");
    assert_eq!(got.points.len(), expected.points.len(), "{case}");
    for (got, expected) in got.points.iter().zip(&expected.points) {
        assert_eq!((got.train_loss, got.validation), (expected.train_loss, expected.validation), "{case}");
    }
}

#[test]
fn bits_depend_on_shards_and_not_on_processes() {
    for (index, net) in NETS.into_iter().enumerate() {
        let mut results = Vec::new();
        // Processes with the same number of shards, a power of two, and all other cases.
        for (shards, sizes) in [(4, &[2, 3, 4][..]), (7, &[2, 3, 4, 5, 7]), (8, &[2, 4, 6, 8])] {
            let single = train_network(net, shards, &SingleProcess).unwrap();
            for &size in sizes {
                for result in train_distributed(net, shards, size) {
                    let case = format!("network {index}, {shards} shards, {size} processes");
                    assert_same_bits(&result.unwrap(), &single, &case);
                }
            }
            results.push(single.last);
        }
        assert!(results[0] != results[1], "another number of shards rounds in another way");
    }
}

#[test]
fn sum_over_processes_is_a_tree() {
    let value = |rank: usize, index: usize| 1.0 / (3.0 + rank as f32 + index as f32).powi(7);
    for (size, length) in [(1, 3), (2, 5), (3, 5), (4, 1), (4, 11), (6, 11), (8, 0), (8, 100)] {
        let messages = Messages::new(size);
        let sum = |rank: usize| {
            let mut values: Vec<f32> = (0..length).map(|index| value(rank, index)).collect();
            all_reduce_sum(&Thread { rank, size, messages: &messages }, &mut values, &mut Vec::new());
            values
        };
        let sums: Vec<Vec<f32>> = std::thread::scope(|scope| {
            let sum = &sum;
            let threads: Vec<_> = (0..size).map(|rank| scope.spawn(move || sum(rank))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let expected = |index| {
            let mut sums: Vec<f32> = (0..size).map(|rank| value(rank, index)).collect();
            while sums.len() > 1 {
                sums =
                    sums.chunks(2).map(|pair| pair.iter().copied().reduce(|a, b| a + b).unwrap()).collect();
            }
            sums[0]
        };
        let expected: Vec<f32> = (0..length).map(expected).collect();
        assert!(sums.iter().all(|sums| *sums == expected), "{size} processes: {sums:?}, {expected:?}");
    }
}

#[test]
fn more_processes_than_shards_are_an_error() {
    for result in train_distributed(NETS[0], 2, 3) {
        assert_eq!(result.unwrap_err(), TrainError::TooFewShards { shards: 2, processes: 3 });
    }
}
