//! Data parallelism over the shards of a batch; each shard has its own network and gradient buffer.

mod shard;

use rayon::prelude::*;
use stapes_nn::layer::Shape;
use stapes_nn::objective::{LossOptions, Objective};
use stapes_nn::{ModelConfig, ModelError, Network};

use crate::batches::Crop;
use crate::communicator::{Communicator, SingleProcess, sum_batch_stats, sum_numbers};
use crate::examples::{Examples, LabelsRef};
use crate::mixup::{Mix, draw_mixes};
use crate::reduction::{first_shard, sum_shards};
use crate::state::Validation;
use crate::step_options::StepOptions;
use shard::{Shard, ShardCrops, ShardEvaluation, ShardStep, Step};

/// The shards of a model's batches.
///
/// The gradients are summed in a tree over the shards, so the sum depends on the number of shards but not on threads.
/// Layers that need statistics of the whole batch are synchronization points: the shards wait there for each other, and the
/// statistics are summed in the order of the shards. The shards are distributed over the processes of a [`Communicator`],
/// and each process receives the sum over all, whose bits do not depend on the number of processes.
pub struct Shards<'t> {
    /// Shards of this process.
    shards: Vec<Shard>,
    /// Index of the first of them among the shards of all processes.
    first: usize,
    /// Number of shards of all processes.
    total: usize,
    communicator: &'t dyn Communicator,
    accumulation_steps: usize,
    /// Gradients received from another process.
    received: Vec<f32>,
}

impl<'t> Shards<'t> {
    /// Builds `shards` networks of a model for inputs of this shape and `classes` classes.
    ///
    /// # Errors
    /// [`ModelError`] if the model cannot be built.
    pub fn new(
        model: &ModelConfig,
        input: Shape,
        classes: usize,
        shards: usize,
    ) -> Result<Shards<'static>, ModelError> {
        Shards::distributed(model, input, classes, shards.max(1), &SingleProcess)
    }

    /// Builds this process's part of `total` shards.
    ///
    /// # Errors
    /// Those of [`Shards::new`].
    pub(crate) fn distributed(
        model: &ModelConfig,
        input: Shape,
        classes: usize,
        total: usize,
        communicator: &'t dyn Communicator,
    ) -> Result<Shards<'t>, ModelError> {
        let rank = communicator.rank();
        let [first, end] = [rank, rank + 1].map(|rank| first_shard(rank, communicator.size(), total));
        let shard = |_| Ok(Shard::new(model.build(input, classes)?));
        let shards = (first..end).map(shard).collect::<Result<_, ModelError>>()?;
        Ok(Shards { shards, first, total, communicator, accumulation_steps: 1, received: Vec::new() })
    }

    /// Splits each batch into `accumulation_steps` parts that run one after the other, which saves memory; their gradients
    /// are accumulated.
    #[must_use]
    pub fn with_accumulation_steps(self, accumulation_steps: usize) -> Shards<'t> {
        Shards { accumulation_steps: accumulation_steps.max(1), ..self }
    }

    /// Returns one of the networks, for its shapes and names.
    pub fn network(&self) -> &Network {
        &self.shards[0].network
    }

    /// Computes the mean loss over a batch and its gradient with respect to all parameters. Returns the loss.
    pub fn compute_gradients(
        &mut self,
        parameters: &[f32],
        data: Examples<'_>,
        batch: &[Crop],
        options: StepOptions<'_>,
    ) -> f64 {
        let mixes = draw_mixes(batch.len(), &options);
        let objective = self.network().objective();
        let total_weight = total_weight(objective, data, batch, &mixes, options.loss_options());
        // Without any weight the loss is 0 and not 0 / 0.
        let total_weight = if total_weight > 0.0 { total_weight } else { 1.0 };
        let step = Step { parameters, data, batch, mixes: &mixes, total_weight, options };
        match self.communicator.size() {
            // On a thread of the pool: from any other thread, each parallel stage would wake one and wait for it.
            1 => rayon::scope(|_| self.run_step(step)),
            // MPI may be called only from the thread that initialized it.
            _ => self.run_step(step),
        }
    }

    /// Computes and sums the gradients and the losses of all shards. Returns the loss.
    fn run_step(&mut self, step: Step<'_>) -> f64 {
        self.shards.par_iter_mut().for_each(|shard| {
            shard.buffers.gradients.fill(0.0);
            shard.buffers.loss = 0.0;
        });
        let sync_points = self.network().sync_points().len();
        let part_len = step.batch.len().div_ceil(self.accumulation_steps).max(1);
        for (part, crops) in step.batch.chunks(part_len).enumerate() {
            let crops = self.distribute(crops, part * part_len);
            let shards = self.shards.par_iter_mut().zip(&crops);
            let begun = shards.filter_map(|(shard, crops)| shard.begin_step(crops, step));
            match sync_points {
                0 => begun.for_each(ShardStep::compute_gradients),
                _ => compute_gradients_in_stages(begun.collect(), self.communicator, sync_points),
            }
        }
        self.reduce()
    }

    /// Sums the losses and gradients of all shards; the first shard of each process has the sum. Returns the loss.
    fn reduce(&mut self) -> f64 {
        let losses: Vec<[f64; 1]> = self.shards.iter().map(|shard| [shard.buffers.loss]).collect();
        let [loss] = sum_numbers(self.communicator, &losses);
        let mut gradients: Vec<&mut [f32]> =
            self.shards.iter_mut().map(|shard| &mut shard.buffers.gradients[..]).collect();
        sum_shards(self.communicator, &mut gradients, self.total, &mut self.received);
        loss
    }

    /// Updates the running statistics among `parameters` by the batch of [`Shards::compute_gradients`].
    pub fn update_running_stats(&self, parameters: &mut [f32]) {
        // The first shard of rank 0 has the first example of every batch; other processes may have none.
        self.network().update_running_stats(parameters);
        if !self.network().sync_points().is_empty() {
            self.communicator.broadcast(parameters);
        }
    }

    /// Returns the gradients from the last [`Shards::compute_gradients`].
    pub fn gradients(&self) -> &[f32] {
        &self.shards[0].buffers.gradients
    }

    /// Returns the mutable gradients, for an optimizer.
    pub fn gradients_mut(&mut self) -> &mut [f32] {
        &mut self.shards[0].buffers.gradients
    }

    /// Returns mean loss and accuracy over all examples, with `batch_size` of them at a time.
    pub(crate) fn evaluate(
        &mut self,
        parameters: &[f32],
        data: Examples<'_>,
        batch_size: usize,
    ) -> Validation {
        let all: Vec<Crop> = (0..data.len()).map(|example| data.full(example)).collect();
        let total = count_decisions(self.network().objective(), &all);
        // Loss and number of correct decisions of each shard.
        let mut sums = vec![[0.0; 2]; self.shards.len()];
        let batches: Vec<_> = all.chunks(batch_size).map(|batch| self.distribute(batch, 0)).collect();
        let mut shards: Vec<ShardEvaluation<'_>> =
            self.shards.iter_mut().map(|shard| shard.begin_evaluation(parameters)).collect();
        for crops in batches {
            let shards = shards.par_iter_mut().zip(crops).zip(&mut sums);
            shards.for_each(|((shard, crops), [loss, correct])| {
                let (shard_loss, shard_correct) = shard.evaluate(&crops, data, total);
                *loss += shard_loss;
                *correct += shard_correct as f64;
            });
        }
        let [loss, correct] = sum_numbers(self.communicator, &sums);
        Validation { loss, accuracy: correct / total as f64 }
    }

    /// Distributes crops over the shards like cards, the longest first, so that all shards have about the same number of
    /// frames. `first_index` is the index of the first crop in the batch.
    fn distribute(&self, crops: &[Crop], first_index: usize) -> Vec<ShardCrops> {
        let mut order: Vec<usize> = (0..crops.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(crops[index].frames));
        let mut all = vec![ShardCrops::default(); self.shards.len()];
        for (turn, index) in order.into_iter().enumerate() {
            // All other shards belong to other processes.
            let own = (turn % self.total).checked_sub(self.first).and_then(|own| all.get_mut(own));
            if let Some(shard) = own {
                shard.crops.push(crops[index]);
                shard.batch_indices.push(first_index + index);
            }
        }
        all
    }
}

/// Computes the gradients of all shards with examples stage by stage, with a synchronization point between two stages.
fn compute_gradients_in_stages(
    mut shards: Vec<ShardStep<'_>>,
    communicator: &dyn Communicator,
    sync_points: usize,
) {
    for stage in 0..=sync_points {
        shards.par_iter_mut().for_each(|shard| shard.forward_stage(stage));
        if stage < sync_points {
            all_reduce_stats(&mut shards, communicator, stage);
        }
    }
    shards.par_iter_mut().for_each(ShardStep::compute_loss);
    for stage in 0..=sync_points {
        shards.par_iter_mut().for_each(|shard| shard.backward_stage(stage));
        if stage < sync_points {
            all_reduce_stats(&mut shards, communicator, sync_points - stage - 1);
        }
    }
}

/// Sums the statistics of a synchronization point over all shards with examples, and gives each of them the sum.
fn all_reduce_stats(shards: &mut [ShardStep<'_>], communicator: &dyn Communicator, sync_point: usize) {
    let own = shards.iter_mut().map(|shard| shard.network.batch_stats(sync_point).clone()).collect();
    let sum = sum_batch_stats(communicator, own);
    shards.iter_mut().for_each(|shard| shard.network.batch_stats(sync_point).clone_from(&sum));
}

/// Returns the total weight of the decisions of a batch.
fn total_weight(
    objective: Objective,
    data: Examples<'_>,
    batch: &[Crop],
    mixes: &[Mix],
    options: LossOptions<'_>,
) -> f64 {
    match (data.labels(), options.class_weights) {
        (_, None) => count_decisions(objective, batch) as f64,
        (LabelsRef::PerExample(classes), Some(_)) => {
            let class = |crop: &Crop| classes[crop.example];
            let mixed_in = |index| mixes.get(index).map(|mix: &Mix| (class(&batch[mix.index]), mix.weight));
            let weight = |(index, crop)| options.weight(class(crop), mixed_in(index));
            batch.iter().enumerate().map(weight).sum()
        }
        (LabelsRef::PerFrame(classes), Some(_)) => {
            let frames = batch.iter().flat_map(|crop| &classes[crop.example][crop.range()]);
            frames.map(|&class| options.weight(class, None)).sum()
        }
    }
}

/// Returns the number of decisions about these crops: frames for a frame-level model, else examples.
fn count_decisions(objective: Objective, crops: &[Crop]) -> usize {
    match objective.is_frame_level() {
        true => crops.iter().map(|crop| crop.frames).sum(),
        false => crops.len(),
    }
}
