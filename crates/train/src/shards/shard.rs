//! A part of a batch: its examples gathered, a forward and a backward pass over them.

use stapes_features::Features;
use stapes_kernels::Sequences;
use stapes_nn::layer::{Draw, Mode, Pass};
use stapes_nn::objective::Bend;
use stapes_nn::{Network, NetworkBackward};

use crate::batches::Cut;
use crate::examples::Examples;
use crate::mix::Mix;
use crate::treatment::Treatment;

/// What all shards of a training step know.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) parameters: &'a [f32],
    pub(super) data: Examples<'a>,
    pub(super) batch: &'a [Cut],
    /// What each place of the batch is mixed with; empty where nothing is.
    pub(super) mixes: &'a [Mix],
    /// What the decisions of the whole batch count.
    pub(super) whole: f64,
    pub(super) treatment: Treatment<'a>,
}

impl<'a> Step<'a> {
    fn pass(&self, sequences: &'a Sequences, places: &'a [usize]) -> Pass<'a> {
        Pass { sequences, mode: Mode::Training(Draw { key: self.treatment.key, places }) }
    }
}

pub(super) struct Shard {
    pub(super) network: Network,
    pub(super) gradients: Vec<f32>,
    /// What is this shard's of the batch, and the places there.
    pub(super) cuts: Vec<Cut>,
    pub(super) places: Vec<usize>,
    /// A class for each sequence, or for each packed frame.
    pub(super) targets: Vec<usize>,
    /// For each sequence the class that it is mixed with, and its share; empty where nothing is mixed.
    pub(super) others: Vec<(usize, f32)>,
    pub(super) lengths: Vec<usize>,
    /// The lengths of the pass at hand; none where the shard has no examples.
    pub(super) sequences: Option<Sequences>,
    pub(super) augmented: Vec<Features>,
    pub(super) input: Vec<f32>,
    /// The gradient of the loss by the scores.
    pub(super) d_scores: Vec<f32>,
    pub(super) loss: f64,
    pub(super) right: usize,
}

impl Shard {
    /// The gradient by the shard's part of the loss, where no sums are shared.
    pub(super) fn gradient(&mut self, step: Step<'_>) {
        self.begin(step);
        self.forward_stage(0, step);
        self.lose(step);
        self.backward_stage(0, step);
    }

    /// Gathers the shard's examples and takes the parameters in.
    pub(super) fn begin(&mut self, step: Step<'_>) {
        self.sequences = self.gather(step.data, Some(step));
        if self.sequences.is_some() {
            self.network.prepare(step.parameters);
        }
    }

    pub(super) fn forward_stage(&mut self, stage: usize, step: Step<'_>) {
        let Shard { network, sequences: Some(sequences), places, input, .. } = self else { return };
        network.forward_stage(stage, step.parameters, input, step.pass(sequences, places));
    }

    /// The loss and its gradient by the scores.
    pub(super) fn lose(&mut self, step: Step<'_>) {
        let Shard { network, sequences: Some(sequences), places, d_scores, .. } = self else { return };
        d_scores.clear();
        d_scores.extend_from_slice(network.scores(step.pass(sequences, places)));
        let targets = step.data.labels().targets(&self.targets);
        let others = (!self.others.is_empty()).then_some(&self.others[..]);
        let bend = Bend { others, ..step.treatment.bend() };
        self.loss += network.objective().bent_loss(d_scores, targets, bend, sequences, step.whole);
    }

    pub(super) fn backward_stage(&mut self, stage: usize, step: Step<'_>) {
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
    pub(super) fn score(&mut self, parameters: &[f32], data: Examples<'_>, whole: usize) {
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
