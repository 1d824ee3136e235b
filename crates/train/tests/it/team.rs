//! Several processes train as one: here each is a thread, and they talk through memory.

use std::sync::atomic::AtomicBool;
use std::sync::{Barrier, Mutex};

use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Stream;
use stapes_train::{Alone, Examples, Labels, Start, Team, TrainConfig, TrainError, Trained, Trainer, train};

/// Where the members of a team leave what they say.
struct Table {
    said: Mutex<Vec<Vec<u8>>>,
    barrier: Barrier,
}

struct Member<'a> {
    rank: usize,
    size: usize,
    table: &'a Table,
}

impl Team for Member<'_> {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn sum(&self, values: &mut [f32]) {
        let all = self.numbers(values);
        for (at, value) in values.iter_mut().enumerate() {
            *value = all.iter().map(|values| values[at]).sum();
        }
    }

    fn broadcast(&self, values: &mut [f32]) {
        let all = self.numbers(values);
        values.copy_from_slice(&all[0]);
    }

    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>> {
        self.table.said.lock().unwrap()[self.rank] = said.to_vec();
        self.table.barrier.wait();
        let all = self.table.said.lock().unwrap().clone();
        self.table.barrier.wait();
        all
    }
}

impl Member<'_> {
    fn numbers(&self, values: &[f32]) -> Vec<Vec<f32>> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let read = |bytes: &Vec<u8>| {
            bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        };
        self.gather(&bytes).iter().map(read).collect()
    }
}

/// A model, the width of its frames, and the rule of a step: Adam turns last digits into whole steps where gradients are
/// next to nothing, as they are behind batch normalisation.
const NETS: [Net; 2] = [
    ("[recurrent]\ncell = 'gru'\nhidden = 6\nhead = 'mean'\nhead_dropout = 0.2", 3, "adam"),
    ("[bc-resnet]\nwidth = 1\ndropout = 0.2", 40, "sgd"),
];

type Net = (&'static str, usize, &'static str);

fn trained((model, width, rule): Net, shards: usize, team: &dyn Team) -> Result<Trained, TrainError> {
    let model: ModelConfig = toml::from_str(model).unwrap();
    let text =
        "batch = 5\nepochs = 3\nlearning_rate = 0.01\nclip_norm = 1.0\nlabel_smoothing = 0.1\nmixup = 0.3";
    let mut config: TrainConfig = toml::from_str(&format!("{text}\noptimiser = '{rule}'")).unwrap();
    config.shards = shards;
    let mut stream = Stream::new(5, "clips");
    let clip = |at: usize| {
        Features::new(width, (0..width * (9 + at * 5 % 7)).map(|_| stream.symmetric(1.0)).collect())
    };
    let clips: Vec<Features> = (0..16).map(clip).collect();
    let classes: Vec<usize> = (0..16).map(|at| at % 3).collect();
    let examples =
        |from: usize, to: usize| Examples::new(&clips[from..to], Labels::Examples(&classes[from..to]));
    let trainer = Trainer {
        model: &model,
        input: Shape::frames(width),
        classes: 3,
        config: &config,
        // Eleven examples: the last batch of a pass has one, so all but the first process have nothing to do.
        train: examples(0, 11)?,
        source: None,
        validation: examples(11, 16)?,
        augment: None,
        start: Start::Drawn,
        seed: 1,
        team,
    };
    train(&trainer, &AtomicBool::new(false), |_| Ok(()))
}

fn together(net: Net, shards: usize, size: usize) -> Vec<Result<Trained, TrainError>> {
    let table = Table { said: Mutex::new(vec![Vec::new(); size]), barrier: Barrier::new(size) };
    std::thread::scope(|scope| {
        let table = &table;
        let member = |rank| scope.spawn(move || trained(net, shards, &Member { rank, size, table }));
        let threads: Vec<_> = (0..size).map(member).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_team_trains_like_one_process_and_all_members_end_with_the_same_bits() {
    for net in NETS {
        let alone = trained(net, 4, &Alone).unwrap();
        for size in [2, 3, 4] {
            let members: Vec<Trained> = together(net, 4, size).into_iter().map(Result::unwrap).collect();
            for member in &members {
                assert!(member.last.iter().zip(&members[0].last).all(|(a, b)| a.to_bits() == b.to_bits()));
                assert_eq!(member.best.step, members[0].best.step);
                for (got, expected) in member.points.iter().zip(&alone.points) {
                    assert!(
                        (got.train_loss / expected.train_loss - 1.0).abs() < 1e-5,
                        "{got:?}, {expected:?}"
                    );
                    let (got, expected) = (got.validation.unwrap(), expected.validation.unwrap());
                    assert!((got.loss / expected.loss - 1.0).abs() < 1e-4, "{got:?}, {expected:?}");
                }
                assert_eq!(member.points.len(), alone.points.len());
            }
        }
    }
}

#[test]
fn a_shard_for_each_process_gives_the_bits_of_one_process_with_as_many_shards() {
    let alone = trained(NETS[0], 2, &Alone).unwrap();
    let members = together(NETS[0], 2, 2);
    let last = &members[0].as_ref().unwrap().last;
    assert!(alone.last.iter().zip(last).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn more_processes_than_shards_are_refused() {
    for member in together(NETS[0], 2, 3) {
        assert_eq!(member.unwrap_err(), TrainError::TooFewShards { shards: 2, size: 3 });
    }
}
