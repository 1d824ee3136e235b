//! One shard of a batch: its packed examples, and their forward and backward passes.

use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::layer::{DropoutKey, Mode, Pass};
use stapes_nn::objective::LossOptions;
use stapes_nn::{LoadedNetwork, Network, NetworkBackward};

use crate::batches::Crop;
use crate::examples::{Examples, PackedLabels};
use crate::mixup::Mix;
use crate::step_options::StepOptions;

/// Inputs that all shards of a training step share.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) parameters: &'a [f32],
    pub(super) data: Examples<'a>,
    pub(super) batch: &'a [Crop],
    /// The mixed-in example for each crop of the batch; empty without mixup.
    pub(super) mixes: &'a [Mix],
    /// Total weight of the decisions of the batch.
    pub(super) total_weight: f64,
    pub(super) options: StepOptions<'a>,
}

impl<'a> Step<'a> {
    fn pass(&self, sequences: &'a Sequences, batch_indices: &'a [usize]) -> Pass<'a> {
        let key = DropoutKey { step: self.options.key, example_ids: batch_indices };
        Pass { sequences, mode: Mode::Training(key) }
    }
}

/// A network with the buffers of its part of a batch.
pub(super) struct Shard {
    pub(super) network: Network,
    pub(super) buffers: ShardBuffers,
}

/// Crops of a shard, and their indices in the batch.
#[derive(Clone, Default)]
pub(super) struct ShardCrops {
    pub(super) crops: Vec<Crop>,
    pub(super) batch_indices: Vec<usize>,
}

#[derive(Default)]
pub(super) struct ShardBuffers {
    pub(super) gradients: Vec<f32>,
    pub(super) loss: f64,
    /// Class and weight of the example mixed into each sequence; empty without mixup.
    mixup: Vec<(usize, f32)>,
    augmented: Vec<Features>,
    input: Vec<f32>,
    /// Gradient of the loss with respect to the scores.
    d_scores: Vec<f32>,
}

/// Packed examples of a shard.
struct PackedBatch {
    sequences: Sequences,
    labels: PackedLabels,
}

/// A shard in a training step: its examples are packed, and its network has loaded the parameters.
pub(super) struct ShardStep<'a> {
    step: Step<'a>,
    batch: PackedBatch,
    batch_indices: &'a [usize],
    pub(super) network: LoadedNetwork<&'a mut Network, &'a [f32]>,
    buffers: &'a mut ShardBuffers,
}

/// A shard in an evaluation: its network has loaded the parameters.
pub(super) struct ShardEvaluation<'a> {
    network: LoadedNetwork<&'a mut Network, &'a [f32]>,
    buffers: &'a mut ShardBuffers,
}

impl Shard {
    /// Creates a shard without examples.
    pub(super) fn new(network: Network) -> Shard {
        let gradients = vec![0.0; network.buffer_len()];
        Shard { network, buffers: ShardBuffers { gradients, ..ShardBuffers::default() } }
    }

    /// Packs the shard's examples and loads the parameters; returns `None` without examples.
    pub(super) fn begin_step<'a>(
        &'a mut self,
        crops: &'a ShardCrops,
        step: Step<'a>,
    ) -> Option<ShardStep<'a>> {
        let batch = self.buffers.pack(&self.network, crops, step.data, Some(step))?;
        Some(ShardStep {
            step,
            batch,
            batch_indices: &crops.batch_indices,
            network: self.network.load(step.parameters),
            buffers: &mut self.buffers,
        })
    }

    /// Loads the parameters for an evaluation.
    pub(super) fn begin_evaluation<'a>(&'a mut self, parameters: &'a [f32]) -> ShardEvaluation<'a> {
        ShardEvaluation { network: self.network.load(parameters), buffers: &mut self.buffers }
    }
}

impl ShardStep<'_> {
    /// Adds the gradient of the shard's part of the loss, for a network without batch statistics.
    pub(super) fn compute_gradients(mut self) {
        self.forward_stage(0);
        self.compute_loss();
        self.backward_stage(0);
    }

    pub(super) fn forward_stage(&mut self, stage: usize) {
        let pass = self.step.pass(&self.batch.sequences, self.batch_indices);
        self.network.forward_stage(stage, &self.buffers.input, pass);
    }

    /// Adds the shard's part of the loss and computes its gradient with respect to the scores.
    pub(super) fn compute_loss(&mut self) {
        let ShardStep { step, batch, batch_indices, network, buffers } = self;
        let ShardBuffers { d_scores, mixup, loss, .. } = &mut **buffers;
        d_scores.clear();
        d_scores.extend_from_slice(network.scores(step.pass(&batch.sequences, batch_indices)));
        let mixup = (!mixup.is_empty()).then_some(&mixup[..]);
        let options = LossOptions { mixup, ..step.options.loss_options() };
        let (objective, targets) = (network.objective(), batch.labels.targets());
        *loss += objective.loss_with(d_scores, targets, options, &batch.sequences, step.total_weight);
    }

    pub(super) fn backward_stage(&mut self, stage: usize) {
        let pass = self.step.pass(&self.batch.sequences, self.batch_indices);
        let ShardBuffers { gradients, input, d_scores, .. } = &mut *self.buffers;
        let call = NetworkBackward { gradients, input, d_output: d_scores, d_input: None };
        self.network.backward_stage(stage, call, pass);
    }
}

impl ShardEvaluation<'_> {
    /// Returns the shard's part of the mean loss over `total` decisions, and its number of correct decisions.
    pub(super) fn evaluate(&mut self, crops: &ShardCrops, data: Examples<'_>, total: usize) -> (f64, usize) {
        let Some(batch) = self.buffers.pack(&self.network, crops, data, None) else { return (0.0, 0) };
        let PackedBatch { sequences, labels } = &batch;
        let pass = Pass { sequences, mode: Mode::Inference };
        let objective = self.network.objective();
        let scores = self.network.forward(&self.buffers.input, pass);
        let targets = labels.targets();
        let correct = objective.correct(scores, targets, sequences);
        (objective.loss(scores, targets, sequences, total), correct)
    }
}

impl ShardBuffers {
    /// Packs examples, with augmentation and mixup in a training step; returns `None` without examples.
    ///
    /// Augmentation may change the number of frames of an example that has one label.
    fn pack(
        &mut self,
        network: &Network,
        ShardCrops { crops, batch_indices }: &ShardCrops,
        data: Examples<'_>,
        step: Option<Step<'_>>,
    ) -> Option<PackedBatch> {
        let features = network.input_shape().features();
        self.augmented.clear();
        self.mixup.clear();
        if let Some(step) = step.filter(|step| step.options.augment.is_some() || !step.mixes.is_empty()) {
            for (crop, &index) in crops.iter().zip(batch_indices) {
                let mut frames = augmented(network, step, crop);
                if let Some(mix) = step.mixes.get(index) {
                    let other = &step.batch[mix.index];
                    mix.apply(&mut frames, &augmented(network, step, other));
                    self.mixup.push((data.labels().class(other.example), mix.weight));
                }
                self.augmented.push(frames);
            }
        }
        let rows: Vec<&[f32]> = match self.augmented.as_slice() {
            [] => crops.iter().map(|crop| data.values(crop)).collect(),
            augmented => augmented.iter().map(Features::values).collect(),
        };
        let lengths: Vec<usize> = rows.iter().map(|row| row.len() / features).collect();
        // All crops have frames, also after augmentation, so an error means that the shard has no examples.
        let sequences = Sequences::new(&lengths).ok()?;
        self.input.resize(sequences.frames() * features, 0.0);
        sequences.pack(&rows, features, &mut self.input);
        Some(PackedBatch { labels: data.labels().pack(crops, &sequences), sequences })
    }
}

/// Returns the frames of a crop, augmented if the step asks for it.
fn augmented(network: &Network, step: Step<'_>, crop: &Crop) -> Features {
    let mut frames = Features::new(network.input_shape().features(), step.data.values(crop).to_vec());
    if let Some(augment) = step.options.augment {
        let key = [crop.repetition, crop.example as u64];
        augment.apply(&mut frames, network.max_length(), step.options.seed, key);
    }
    frames
}
