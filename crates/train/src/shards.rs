//! A batch is cut into shards; each runs on a network and a gradient buffer of its own.

use rayon::prelude::*;
use stapes_data::AugmentConfig;
use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::layer::{Draw, Mode, Pass};
use stapes_nn::loss::{best_class, cross_entropy};
use stapes_nn::{ModelConfig, ModelError, Network, NetworkBackward};

use crate::examples::Examples;

/// The shards of a model's batches.
///
/// Shard by shard the gradients are added in a fixed order: the sum depends on the number of shards and not
/// on which thread ran which.
pub struct Shards {
    shards: Vec<Shard>,
}

struct Shard {
    network: Network,
    gradients: Vec<f32>,
    /// The examples of this shard and their places in the batch.
    examples: Vec<usize>,
    places: Vec<usize>,
    classes: Vec<usize>,
    lengths: Vec<usize>,
    augmented: Vec<Features>,
    input: Vec<f32>,
    loss: f64,
    correct: usize,
}

/// What the random choices of a step depend on.
#[derive(Clone, Copy, Debug)]
pub struct Chance<'a> {
    /// For dropout: a number that differs from step to step.
    pub key: u64,
    /// How training examples are changed, if they are.
    pub augment: Option<&'a AugmentConfig>,
    /// For augmentation, with the example's index: the run's seed.
    pub seed: u64,
    /// For augmentation: which time the examples are gone through.
    pub epoch: u64,
}

/// How a model does on a set of examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Score {
    /// Mean cross-entropy.
    pub(crate) loss: f64,
    /// Share of examples whose largest score is the right class's.
    pub(crate) accuracy: f64,
}

impl Shards {
    /// `shards` networks of a model for frames of `features` values and `classes` classes.
    ///
    /// # Errors
    /// [`ModelError`] if the model cannot be built.
    pub fn new(
        model: &ModelConfig,
        features: usize,
        classes: usize,
        shards: usize,
    ) -> Result<Shards, ModelError> {
        let shard = |_| {
            let network = model.build(features, classes)?;
            Ok(Shard {
                gradients: vec![0.0; network.parameter_count()],
                network,
                examples: Vec::new(),
                places: Vec::new(),
                classes: Vec::new(),
                lengths: Vec::new(),
                augmented: Vec::new(),
                input: Vec::new(),
                loss: 0.0,
                correct: 0,
            })
        };
        Ok(Shards { shards: (0..shards.max(1)).map(shard).collect::<Result<_, ModelError>>()? })
    }

    /// One of the networks, for its shapes and names.
    pub fn network(&self) -> &Network {
        &self.shards[0].network
    }

    /// The loss and its gradient by all parameters, for the mean cross-entropy of a batch.
    ///
    /// `chance` is what the random choices of this step depend on.
    pub fn gradient(
        &mut self,
        parameters: &[f32],
        data: Examples<'_>,
        batch: &[usize],
        chance: Chance<'_>,
    ) -> (f64, &mut [f32]) {
        self.deal(data, batch);
        let whole_batch = batch.len();
        self.shards.par_iter_mut().for_each(|shard| shard.gradient(parameters, data, whole_batch, chance));
        let (first, others) = self.shards.split_at_mut(1);
        let first = &mut first[0];
        for shard in others {
            first.loss += shard.loss;
            for (sum, gradient) in first.gradients.iter_mut().zip(&shard.gradients) {
                *sum += gradient;
            }
        }
        (first.loss, &mut first.gradients)
    }

    /// The gradient that [`Shards::gradient`] computed last.
    pub fn gradients(&self) -> &[f32] {
        &self.shards[0].gradients
    }

    /// Mean loss and accuracy over all examples, `batch` at a time.
    pub(crate) fn score(&mut self, parameters: &[f32], data: Examples<'_>, batch: usize) -> Score {
        let all: Vec<usize> = (0..data.len()).collect();
        let (mut loss, mut correct) = (0.0, 0);
        for batch in all.chunks(batch) {
            self.deal(data, batch);
            self.shards.par_iter_mut().for_each(|shard| shard.score(parameters, data, all.len()));
            loss += self.shards.iter().map(|shard| shard.loss).sum::<f64>();
            correct += self.shards.iter().map(|shard| shard.correct).sum::<usize>();
        }
        Score { loss, accuracy: correct as f64 / all.len() as f64 }
    }

    /// Deals a batch to the shards like cards, the longest first, so that all have about as many frames.
    fn deal(&mut self, data: Examples<'_>, batch: &[usize]) {
        let mut places: Vec<usize> = (0..batch.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(data.features(batch[place]).frames()));
        for shard in &mut self.shards {
            shard.examples.clear();
            shard.places.clear();
        }
        let count = self.shards.len();
        for (turn, place) in places.into_iter().enumerate() {
            let shard = &mut self.shards[turn % count];
            shard.examples.push(batch[place]);
            shard.places.push(place);
        }
    }
}

impl Shard {
    fn gradient(&mut self, parameters: &[f32], data: Examples<'_>, whole_batch: usize, chance: Chance<'_>) {
        self.gradients.fill(0.0);
        self.loss = 0.0;
        let Some(sequences) = self.gather(data, Some(chance)) else { return };
        let draw = Draw { key: chance.key, places: &self.places };
        let pass = Pass { sequences: &sequences, mode: Mode::Training(draw) };
        let logits = self.network.forward(parameters, &self.input, pass);
        let mut d_logits = logits.to_vec();
        self.loss = cross_entropy(&mut d_logits, &self.classes, whole_batch);
        let call = NetworkBackward {
            parameters,
            gradients: &mut self.gradients,
            input: &self.input,
            d_output: &d_logits,
            d_input: None,
        };
        self.network.backward(call, pass);
    }

    fn score(&mut self, parameters: &[f32], data: Examples<'_>, all: usize) {
        (self.loss, self.correct) = (0.0, 0);
        let Some(sequences) = self.gather(data, None) else { return };
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let logits = self.network.forward(parameters, &self.input, pass);
        let classes = logits.len() / self.classes.len();
        let right =
            logits.chunks_exact(classes).zip(&self.classes).filter(|(row, class)| best_class(row) == **class);
        self.correct = right.count();
        self.loss = cross_entropy(logits, &self.classes, all);
    }

    /// Packs the shard's examples, augmented where `chance` says how; `None` if it has none.
    fn gather(&mut self, data: Examples<'_>, chance: Option<Chance<'_>>) -> Option<Sequences> {
        let features = self.network.input_shape().features();
        self.classes.clear();
        self.classes.extend(self.examples.iter().map(|&index| data.class(index)));
        self.lengths.clear();
        self.lengths.extend(self.examples.iter().map(|&index| data.features(index).frames()));
        // `Examples` have frames, so what is refused here is a shard without examples.
        let sequences = Sequences::new(&self.lengths).ok()?;
        self.augmented.clear();
        if let Some(Chance { augment: Some(augment), seed, epoch, .. }) = chance {
            for &index in &self.examples {
                let mut features = data.features(index).clone();
                augment.apply(&mut features, seed, [epoch, index as u64]);
                self.augmented.push(features);
            }
        }
        let plain = self.examples.iter().map(|&index| data.features(index).values());
        let rows: Vec<&[f32]> = match self.augmented.as_slice() {
            [] => plain.collect(),
            augmented => augmented.iter().map(Features::values).collect(),
        };
        self.input.resize(sequences.frames() * features, 0.0);
        sequences.pack(&rows, features, &mut self.input);
        Some(sequences)
    }
}
