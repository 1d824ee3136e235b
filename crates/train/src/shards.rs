//! A batch is cut into shards; each runs on a network and a gradient buffer of its own.

mod shard;

use rayon::prelude::*;
use stapes_nn::layer::Shape;
use stapes_nn::objective::{Bend, Objective};
use stapes_nn::{BatchSums, ModelConfig, ModelError, Network};

use crate::batches::Cut;
use crate::examples::{Examples, Labels};
use crate::mix::{Mix, mixes};
use crate::state::Validation;
use crate::team::{Alone, Team, add_batch_sums, sum_numbers};
use crate::treatment::Treatment;
use shard::{Shard, Step};

/// The shards of a model's batches.
///
/// Shard by shard the gradients are added in a fixed order: the sum depends on the number of shards and not
/// on which thread ran which. Where layers need sums over the whole batch, the shards run in step and wait for
/// each other at these layers; the sums too are added in the order of the shards. The processes of a [`Team`] share the
/// shards, and each ends with the sum over all.
pub struct Shards<'t> {
    /// Those of this process.
    shards: Vec<Shard>,
    /// Which number the first of them has among those of all processes, and how many these are.
    first: usize,
    total: usize,
    team: &'t dyn Team,
    /// Into how many parts a batch is cut that run one after the other.
    parts: usize,
}

/// Gradients that one thread adds at a time.
const PIECE: usize = 64 * 1024;

impl<'t> Shards<'t> {
    /// `shards` networks of a model for inputs of this shape and `classes` classes.
    ///
    /// # Errors
    /// [`ModelError`] if the model cannot be built.
    pub fn new(
        model: &ModelConfig,
        input: Shape,
        classes: usize,
        shards: usize,
    ) -> Result<Shards<'static>, ModelError> {
        Shards::of_team(model, (input, classes), shards.max(1), &Alone)
    }

    /// The same for a team: its processes share the shards, each has some of them.
    ///
    /// # Errors
    /// As [`Shards::new`].
    pub(crate) fn of_team(
        model: &ModelConfig,
        (input, classes): (Shape, usize),
        total: usize,
        team: &'t dyn Team,
    ) -> Result<Shards<'t>, ModelError> {
        let [first, end] = [team.rank(), team.rank() + 1].map(|rank| total * rank / team.size());
        let shard = |_| {
            let network = model.build(input, classes)?;
            Ok(Shard {
                gradients: vec![0.0; network.values()],
                network,
                cuts: Vec::new(),
                places: Vec::new(),
                targets: Vec::new(),
                others: Vec::new(),
                lengths: Vec::new(),
                sequences: None,
                augmented: Vec::new(),
                input: Vec::new(),
                d_scores: Vec::new(),
                loss: 0.0,
                right: 0,
            })
        };
        let shards = (first..end).map(shard).collect::<Result<_, ModelError>>()?;
        Ok(Shards { shards, first, total, team, parts: 1 })
    }

    /// The same, with batches cut into so many parts that run one after the other: gradients are accumulated, and only
    /// a part is in memory.
    #[must_use]
    pub fn with_parts(self, parts: usize) -> Shards<'t> {
        Shards { parts: parts.max(1), ..self }
    }

    /// One of the networks, for its shapes and names.
    pub fn network(&self) -> &Network {
        &self.shards[0].network
    }

    /// The loss and its gradient by all parameters, for the mean over a batch.
    pub fn gradient(
        &mut self,
        parameters: &[f32],
        data: Examples<'_>,
        batch: &[Cut],
        treatment: Treatment<'_>,
    ) -> (f64, &mut [f32]) {
        let mixes = mixes(batch.len(), &treatment);
        let whole = weight(self.network().objective(), data, batch, (&mixes, treatment.bend()));
        // Where no decision counts, the loss is 0 and not 0 / 0.
        let whole = if whole > 0.0 { whole } else { 1.0 };
        let step = Step { parameters, data, batch, mixes: &mixes, whole, treatment };
        self.shards.par_iter_mut().for_each(|shard| {
            shard.gradients.fill(0.0);
            shard.loss = 0.0;
        });
        let part = batch.len().div_ceil(self.parts).max(1);
        for (at, batch) in batch.chunks(part).enumerate() {
            self.deal(batch, at * part);
            match self.network().stops().len() {
                0 => self.shards.par_iter_mut().for_each(|shard| shard.gradient(step)),
                stops => self.gradient_in_step(step, stops),
            }
        }
        let (first, others) = self.shards.split_at_mut(1);
        let first = &mut first[0];
        first.loss += others.iter().map(|shard| shard.loss).sum::<f64>();
        let others: Vec<&[f32]> = others.iter().map(|shard| &shard.gradients[..]).collect();
        first.gradients.par_chunks_mut(PIECE).enumerate().for_each(|(piece, sums)| {
            for gradients in &others {
                let gradients = &gradients[piece * PIECE..];
                sums.iter_mut().zip(gradients).for_each(|(sum, gradient)| *sum += gradient);
            }
        });
        let [loss] = sum_numbers(self.team, [first.loss]);
        first.loss = loss;
        self.team.sum(&mut first.gradients);
        (loss, &mut first.gradients)
    }

    /// The gradients of all shards, stage by stage.
    fn gradient_in_step(&mut self, step: Step<'_>, stops: usize) {
        for stage in 0..=stops {
            self.shards.par_iter_mut().for_each(|shard| {
                if stage == 0 {
                    shard.begin(step);
                }
                shard.forward_stage(stage, step);
            });
            if stage < stops {
                self.share_sums(stage);
            }
        }
        for stage in 0..=stops {
            self.shards.par_iter_mut().for_each(|shard| {
                if stage == 0 {
                    shard.lose(step);
                }
                shard.backward_stage(stage, step);
            });
            if stage < stops {
                self.share_sums(stops - stage - 1);
            }
        }
    }

    /// Adds the sums of a stop over all shards that have examples, and gives each the whole.
    fn share_sums(&mut self, stop: usize) {
        let busy = |shard: &&mut Shard| shard.sequences.is_some();
        let mut all = BatchSums::default();
        for (at, shard) in self.shards.iter_mut().filter(busy).enumerate() {
            match at {
                0 => all.clone_from(shard.network.sums(stop)),
                _ => all.add(shard.network.sums(stop)),
            }
        }
        if self.team.size() > 1 {
            all = add_batch_sums(self.team, &all);
        }
        self.shards.iter_mut().filter(busy).for_each(|shard| shard.network.sums(stop).clone_from(&all));
    }

    /// After a step of training: lets running statistics follow the batch of [`Shards::gradient`].
    pub fn follow(&self, parameters: &mut [f32]) {
        // The first shard has the first example of every batch; that of another process may have none.
        self.network().follow(parameters);
        if !self.network().stops().is_empty() {
            self.team.broadcast(parameters);
        }
    }

    /// The gradient that [`Shards::gradient`] computed last.
    pub fn gradients(&self) -> &[f32] {
        &self.shards[0].gradients
    }

    /// The same, to be changed.
    pub(crate) fn gradients_mut(&mut self) -> &mut [f32] {
        &mut self.shards[0].gradients
    }

    /// Mean loss and accuracy over all examples, `batch` at a time.
    pub(crate) fn score(&mut self, parameters: &[f32], data: Examples<'_>, batch: usize) -> Validation {
        let all: Vec<Cut> = (0..data.len()).map(|example| data.whole(example)).collect();
        let whole = decisions(self.network().objective(), &all);
        let (mut loss, mut right) = (0.0, 0);
        self.shards.iter_mut().for_each(|shard| shard.network.prepare(parameters));
        for batch in all.chunks(batch) {
            self.deal(batch, 0);
            self.shards.par_iter_mut().for_each(|shard| shard.score(parameters, data, whole));
            loss += self.shards.iter().map(|shard| shard.loss).sum::<f64>();
            right += self.shards.iter().map(|shard| shard.right).sum::<usize>();
        }
        let [loss, right] = sum_numbers(self.team, [loss, right as f64]);
        Validation { loss, accuracy: right / whole as f64 }
    }

    /// Deals a batch, or the part of one from place `first` on, to the shards like cards, the longest first, so that all
    /// have about as many frames.
    fn deal(&mut self, batch: &[Cut], first: usize) {
        let mut places: Vec<usize> = (0..batch.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(batch[place].frames));
        for shard in &mut self.shards {
            shard.cuts.clear();
            shard.places.clear();
        }
        for (turn, place) in places.into_iter().enumerate() {
            // The others are of other processes.
            let own = (turn % self.total).checked_sub(self.first).and_then(|own| self.shards.get_mut(own));
            if let Some(shard) = own {
                shard.cuts.push(batch[place]);
                shard.places.push(first + place);
            }
        }
    }
}

/// What the decisions that these cuts ask for count together.
fn weight(objective: Objective, data: Examples<'_>, batch: &[Cut], (mixes, bend): (&[Mix], Bend<'_>)) -> f64 {
    match (data.labels(), bend.class_weights) {
        (_, None) => decisions(objective, batch) as f64,
        (Labels::Examples(classes), Some(_)) => {
            let class = |cut: &Cut| classes[cut.example];
            let other = |place: usize| mixes.get(place).map(|mix| (class(&batch[mix.place]), mix.share));
            batch.iter().enumerate().map(|(place, cut)| bend.weight(class(cut), other(place))).sum()
        }
        (Labels::Frames(classes), Some(_)) => {
            let of = |cut: &Cut| classes[cut.example][cut.first..cut.first + cut.frames].iter();
            batch.iter().flat_map(of).map(|&class| bend.weight(class, None)).sum()
        }
    }
}

/// How many decisions these cuts ask for.
fn decisions(objective: Objective, cuts: &[Cut]) -> usize {
    match objective.decides_frames() {
        true => cuts.iter().map(|cut| cut.frames).sum(),
        false => cuts.len(),
    }
}
