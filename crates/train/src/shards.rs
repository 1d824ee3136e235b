//! A batch is cut into shards; each runs on a network and a gradient buffer of its own.

use rayon::prelude::*;
use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_kernels::norm::{GradientSums, Moments};
use stapes_nn::layer::{Draw, Mode, Pass, Shape};
use stapes_nn::objective::{Bend, Objective};
use stapes_nn::{BatchSums, ModelConfig, ModelError, Network, NetworkBackward};

use crate::course::Cut;
use crate::examples::{Examples, Labels};
use crate::mix::{Mix, mixes};
use crate::state::Validation;
use crate::team::{Alone, Team, gather_numbers, sum_numbers};
use crate::treatment::Treatment;

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

/// What all shards of a training step know.
#[derive(Clone, Copy)]
struct Step<'a> {
    parameters: &'a [f32],
    data: Examples<'a>,
    batch: &'a [Cut],
    /// What each place of the batch is mixed with; empty where nothing is.
    mixes: &'a [Mix],
    /// What the decisions of the whole batch count.
    whole: f64,
    treatment: Treatment<'a>,
}

impl<'a> Step<'a> {
    fn pass(&self, sequences: &'a Sequences, places: &'a [usize]) -> Pass<'a> {
        Pass { sequences, mode: Mode::Training(Draw { key: self.treatment.key, places }) }
    }
}

struct Shard {
    network: Network,
    gradients: Vec<f32>,
    /// What is this shard's of the batch, and the places there.
    cuts: Vec<Cut>,
    places: Vec<usize>,
    /// A class for each sequence, or for each packed frame.
    targets: Vec<usize>,
    /// For each sequence the class that it is mixed with, and its share; empty where nothing is mixed.
    others: Vec<(usize, f32)>,
    lengths: Vec<usize>,
    /// The lengths of the pass at hand; none where the shard has no examples.
    sequences: Option<Sequences>,
    augmented: Vec<Features>,
    input: Vec<f32>,
    /// The gradient of the loss by the scores.
    d_scores: Vec<f32>,
    loss: f64,
    right: usize,
}

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
            all = add_over_team(self.team, &all);
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

impl Shard {
    /// The gradient by the shard's part of the loss, where no sums are shared.
    fn gradient(&mut self, step: Step<'_>) {
        self.begin(step);
        self.forward_stage(0, step);
        self.lose(step);
        self.backward_stage(0, step);
    }

    /// Gathers the shard's examples and takes the parameters in.
    fn begin(&mut self, step: Step<'_>) {
        self.sequences = self.gather(step.data, Some(step));
        if self.sequences.is_some() {
            self.network.prepare(step.parameters);
        }
    }

    fn forward_stage(&mut self, stage: usize, step: Step<'_>) {
        let Shard { network, sequences: Some(sequences), places, input, .. } = self else { return };
        network.forward_stage(stage, step.parameters, input, step.pass(sequences, places));
    }

    /// The loss and its gradient by the scores.
    fn lose(&mut self, step: Step<'_>) {
        let Shard { network, sequences: Some(sequences), places, d_scores, .. } = self else { return };
        d_scores.clear();
        d_scores.extend_from_slice(network.scores(step.pass(sequences, places)));
        let targets = step.data.labels().targets(&self.targets);
        let others = (!self.others.is_empty()).then_some(&self.others[..]);
        let bend = Bend { others, ..step.treatment.bend() };
        self.loss += network.objective().bent_loss(d_scores, targets, bend, sequences, step.whole);
    }

    fn backward_stage(&mut self, stage: usize, step: Step<'_>) {
        let Shard { network, sequences: Some(sequences), places, input, d_scores, gradients, .. } = self
        else {
            return;
        };
        let call = NetworkBackward {
            parameters: step.parameters,
            gradients,
            input,
            d_output: d_scores,
            d_input: None,
        };
        network.backward_stage(stage, call, step.pass(sequences, places));
    }

    /// The shard's part of the loss over `whole` decisions, with the parameters last prepared.
    fn score(&mut self, parameters: &[f32], data: Examples<'_>, whole: usize) {
        (self.loss, self.right) = (0.0, 0);
        let Some(sequences) = self.gather(data, None) else { return };
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let objective = self.network.objective();
        let scores = self.network.forward(parameters, &self.input, pass);
        let targets = data.labels().targets(&self.targets);
        self.right = objective.right(scores, targets, &sequences);
        self.loss = objective.loss(scores, targets, &sequences, whole);
    }

    /// Packs the shard's examples, changed as a step of training says; `None` if it has none.
    ///
    /// Augmentation may change an example's number of frames where its truth is one class.
    fn gather(&mut self, data: Examples<'_>, step: Option<Step<'_>>) -> Option<Sequences> {
        let features = self.network.input_shape().features();
        self.augmented.clear();
        self.others.clear();
        if let Some(step) = step.filter(|step| step.treatment.augment.is_some() || !step.mixes.is_empty()) {
            for (cut, &place) in self.cuts.iter().zip(&self.places) {
                let mut frames = augmented(&self.network, step, cut);
                if let Some(mix) = step.mixes.get(place) {
                    let other = &step.batch[mix.place];
                    mix.apply(&mut frames, &augmented(&self.network, step, other));
                    self.others.push((data.labels().class(other.example), mix.share));
                }
                self.augmented.push(frames);
            }
        }
        let rows: Vec<&[f32]> = match self.augmented.as_slice() {
            [] => self.cuts.iter().map(|cut| data.values(cut)).collect(),
            augmented => augmented.iter().map(Features::values).collect(),
        };
        self.lengths.clear();
        self.lengths.extend(rows.iter().map(|row| row.len() / features));
        // Cuts have frames, also augmented, so what is refused here is a shard without examples.
        let sequences = Sequences::new(&self.lengths).ok()?;
        self.targets = data.labels().packed(&self.cuts, &sequences);
        self.input.resize(sequences.frames() * features, 0.0);
        sequences.pack(&rows, features, &mut self.input);
        Some(sequences)
    }
}

/// The frames of a cut, augmented where a step says how.
fn augmented(network: &Network, step: Step<'_>, cut: &Cut) -> Features {
    let mut frames = Features::new(network.input_shape().features(), step.data.values(cut).to_vec());
    if let Some(augment) = step.treatment.augment {
        augment.apply(&mut frames, network.longest(), step.treatment.seed, [cut.pass, cut.example as u64]);
    }
    frames
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

/// The sums of all processes' parts of a batch, added in their order; a process without examples has none.
fn add_over_team(team: &dyn Team, own: &BatchSums) -> BatchSums {
    let moments = own.moments.iter().flat_map(|of| [of.count as f64, of.mean, of.squares]);
    let gradients = own.gradients.iter().flat_map(|of| [of.d, of.product]);
    let count = std::iter::once(own.moments.len() as f64);
    let numbers: Vec<f64> = count.chain(moments).chain(gradients).collect();
    let read = |numbers: Vec<f64>| {
        let (moments, gradients) = numbers[1..].split_at(3 * numbers[0] as usize);
        let moments = moments.as_chunks::<3>().0.iter();
        BatchSums {
            moments: moments
                .map(|&[count, mean, squares]| Moments { count: count as u64, mean, squares })
                .collect(),
            gradients: gradients
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&[d, product]| GradientSums { d, product })
                .collect(),
        }
    };
    let parts =
        gather_numbers(team, &numbers).into_iter().map(read).filter(|part| *part != BatchSums::default());
    let add = |mut all: BatchSums, part: BatchSums| {
        all.add(&part);
        all
    };
    parts.reduce(add).unwrap_or_default()
}

/// How many decisions these cuts ask for.
fn decisions(objective: Objective, cuts: &[Cut]) -> usize {
    match objective.decides_frames() {
        true => cuts.iter().map(|cut| cut.frames).sum(),
        false => cuts.len(),
    }
}
