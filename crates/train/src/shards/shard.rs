//! One shard of a batch: its packed examples, and their forward and backward passes.

use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::layer::{DropoutKey, Mode, Pass};
use stapes_nn::objective::LossOptions;
use stapes_nn::{Network, NetworkBackward};

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
        Pass {
            sequences,
            mode: Mode::Training(DropoutKey { step: self.options.key, example_ids: batch_indices }),
        }
    }
}

pub(super) struct Shard {
    pub(super) network: Network,
    pub(super) gradients: Vec<f32>,
    /// Crops of this shard, and their indices in the batch.
    pub(super) crops: Vec<Crop>,
    pub(super) batch_indices: Vec<usize>,
    pub(super) labels: PackedLabels,
    /// Class and weight of the example mixed into each sequence; empty without mixup.
    pub(super) mixup: Vec<(usize, f32)>,
    pub(super) lengths: Vec<usize>,
    /// Lengths in the current pass; `None` if the shard has no examples.
    pub(super) sequences: Option<Sequences>,
    pub(super) augmented: Vec<Features>,
    pub(super) input: Vec<f32>,
    /// Gradient of the loss with respect to the scores.
    pub(super) d_scores: Vec<f32>,
    pub(super) loss: f64,
    pub(super) correct: usize,
}

impl Shard {
    /// Creates a shard without examples.
    pub(super) fn new(network: Network) -> Shard {
        Shard {
            gradients: vec![0.0; network.buffer_len()],
            network,
            crops: Vec::new(),
            batch_indices: Vec::new(),
            labels: PackedLabels::PerSequence(Vec::new()),
            mixup: Vec::new(),
            lengths: Vec::new(),
            sequences: None,
            augmented: Vec::new(),
            input: Vec::new(),
            d_scores: Vec::new(),
            loss: 0.0,
            correct: 0,
        }
    }

    /// Adds the gradient of the shard's part of the loss, for a network without batch statistics.
    pub(super) fn compute_gradients(&mut self, step: Step<'_>) {
        self.prepare_batch(step);
        self.forward_stage(0, step);
        self.compute_loss(step);
        self.backward_stage(0, step);
    }

    /// Packs the shard's examples and loads the parameters.
    pub(super) fn prepare_batch(&mut self, step: Step<'_>) {
        self.sequences = self.pack(step.data, Some(step));
        if self.sequences.is_some() {
            self.network.load_parameters(step.parameters);
        }
    }

    pub(super) fn forward_stage(&mut self, stage: usize, step: Step<'_>) {
        let Shard { network, sequences: Some(sequences), batch_indices, input, .. } = self else { return };
        network.forward_stage(stage, step.parameters, input, step.pass(sequences, batch_indices));
    }

    /// Adds the shard's part of the loss and computes its gradient with respect to the scores.
    pub(super) fn compute_loss(&mut self, step: Step<'_>) {
        let Shard { network, sequences: Some(sequences), batch_indices, d_scores, .. } = self else { return };
        d_scores.clear();
        d_scores.extend_from_slice(network.scores(step.pass(sequences, batch_indices)));
        let mixup = (!self.mixup.is_empty()).then_some(&self.mixup[..]);
        let options = LossOptions { mixup, ..step.options.loss_options() };
        let (objective, targets) = (network.objective(), self.labels.targets());
        self.loss += objective.loss_with(d_scores, targets, options, sequences, step.total_weight);
    }

    pub(super) fn backward_stage(&mut self, stage: usize, step: Step<'_>) {
        let Shard { network, sequences: Some(sequences), batch_indices, input, d_scores, gradients, .. } =
            self
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
        network.backward_stage(stage, call, step.pass(sequences, batch_indices));
    }

    /// Computes the shard's part of the mean loss over `total` decisions, and its number of correct decisions. The network
    /// must have loaded the parameters.
    pub(super) fn evaluate(&mut self, parameters: &[f32], data: Examples<'_>, total: usize) {
        (self.loss, self.correct) = (0.0, 0);
        let Some(sequences) = self.pack(data, None) else { return };
        let pass = Pass { sequences: &sequences, mode: Mode::Inference };
        let objective = self.network.objective();
        let scores = self.network.forward(parameters, &self.input, pass);
        let targets = self.labels.targets();
        self.correct = objective.correct(scores, targets, &sequences);
        self.loss = objective.loss(scores, targets, &sequences, total);
    }

    /// Packs the shard's examples, with augmentation and mixup in a training step; returns `None` without examples.
    ///
    /// Augmentation may change the number of frames of an example that has one label.
    fn pack(&mut self, data: Examples<'_>, step: Option<Step<'_>>) -> Option<Sequences> {
        let features = self.network.input_shape().features();
        self.augmented.clear();
        self.mixup.clear();
        if let Some(step) = step.filter(|step| step.options.augment.is_some() || !step.mixes.is_empty()) {
            for (crop, &index) in self.crops.iter().zip(&self.batch_indices) {
                let mut frames = augmented(&self.network, step, crop);
                if let Some(mix) = step.mixes.get(index) {
                    let other = &step.batch[mix.index];
                    mix.apply(&mut frames, &augmented(&self.network, step, other));
                    self.mixup.push((data.labels().class(other.example), mix.weight));
                }
                self.augmented.push(frames);
            }
        }
        let rows: Vec<&[f32]> = match self.augmented.as_slice() {
            [] => self.crops.iter().map(|crop| data.values(crop)).collect(),
            augmented => augmented.iter().map(Features::values).collect(),
        };
        self.lengths.clear();
        self.lengths.extend(rows.iter().map(|row| row.len() / features));
        // All crops have frames, also after augmentation, so an error means that the shard has no examples.
        let sequences = Sequences::new(&self.lengths).ok()?;
        self.labels = data.labels().pack(&self.crops, &sequences);
        self.input.resize(sequences.frames() * features, 0.0);
        sequences.pack(&rows, features, &mut self.input);
        Some(sequences)
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
