//! Batch normalisation, as a part of the layers that do it.

use stapes_kernels::norm::{Channel, ChannelGradient, GradientSums, Moments, Running};

use crate::batch_sums::BatchSums;
use crate::parameters::{Layout, View};

/// What is added to variances, and the part of a batch's statistics in the running ones: as PyTorch.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// z = (y - mean) / sqrt(variance + epsilon) weight + bias of each channel: in training with the statistics of
/// the whole batch, in inference with running ones.
///
/// # Source
/// Ioffe and Szegedy 2015, with PyTorch's epsilon, momentum and unbiased running variance.
pub(crate) struct BatchNorm {
    /// weight, bias, running_mean, running_var
    views: [View; 4],
    /// What the shards of a batch exchange.
    sums: BatchSums,
    /// Of the whole batch that came last.
    moments: Vec<Moments>,
    running: Vec<Channel>,
    channels: Vec<Channel>,
    back: Vec<ChannelGradient>,
}

impl BatchNorm {
    /// For so many channels; the tensors are `{prefix}weight`, `bias`, `running_mean` and `running_var`.
    pub(crate) fn new(channels: usize, prefix: &str, layout: &mut Layout) -> BatchNorm {
        let shape = &[channels];
        let [weight, bias] = ["weight", "bias"].map(|name| layout.add(format!("{prefix}{name}"), shape));
        let [mean, variance] = ["running_mean", "running_var"]
            .map(|name| layout.add_untrained(format!("{prefix}{name}"), shape));
        BatchNorm {
            views: [weight, bias, mean, variance],
            sums: BatchSums::default(),
            moments: Vec::new(),
            running: Vec::new(),
            channels: Vec::new(),
            back: Vec::new(),
        }
    }

    pub(crate) fn views(&self) -> &[View; 4] {
        &self.views
    }

    pub(crate) fn sums(&mut self) -> &mut BatchSums {
        &mut self.sums
    }

    /// Weights and running variances 1, biases and running means 0.
    pub(crate) fn initialise(&self, parameters: &mut [f32]) {
        for (view, value) in self.views.iter().zip([1.0, 0.0, 0.0, 1.0]) {
            view.of_mut(parameters).fill(value);
        }
    }

    /// Takes in the running statistics.
    pub(crate) fn prepare(&mut self, parameters: &[f32]) {
        let [weight, bias, mean, variance] = self.views.each_ref().map(|view| view.of(parameters));
        let channel = |at: usize| {
            let running = Running { mean: mean[at], variance: variance[at] };
            Channel::running(running, [weight[at], bias[at]], EPSILON)
        };
        self.running.clear();
        self.running.extend((0..weight.len()).map(channel));
    }

    /// The normalisation in inference.
    pub(crate) fn running(&self) -> &[Channel] {
        &self.running
    }

    /// The normalisation of the training pass that came last.
    pub(crate) fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// The way back through [`BatchNorm::channels`].
    pub(crate) fn back(&self) -> &[ChannelGradient] {
        &self.back
    }

    /// Begins a training pass: the moments to add to.
    pub(crate) fn begin_forward(&mut self) -> &mut [Moments] {
        self.sums.gradients.clear();
        self.sums.moments.clear();
        self.sums.moments.resize(self.views[0].len(), Moments::default());
        &mut self.sums.moments
    }

    /// Takes the moments of the whole batch out of the sums.
    pub(crate) fn take_moments(&mut self, parameters: &[f32]) {
        std::mem::swap(&mut self.moments, &mut self.sums.moments);
        self.sums.moments.clear();
        let [weight, bias, ..] = self.views.each_ref().map(|view| view.of(parameters));
        let channel =
            |(at, moments): (usize, &Moments)| Channel::trained(moments, [weight[at], bias[at]], EPSILON);
        self.channels.clear();
        self.channels.extend(self.moments.iter().enumerate().map(channel));
    }

    /// Begins the backward pass: the sums to add to.
    pub(crate) fn begin_backward(&mut self) -> (&[Channel], &mut [GradientSums]) {
        self.sums.gradients.clear();
        self.sums.gradients.resize(self.channels.len(), GradientSums::default());
        (&self.channels, &mut self.sums.gradients)
    }

    /// Adds the gradients by weight and bias: those of this shard, while the sums are still its own.
    pub(crate) fn add_gradients(&self, parameters: &[f32], gradients: &mut [f32]) {
        for (at, sums) in self.sums.gradients.iter().enumerate() {
            let (_, added) = self.way_back(at, sums, parameters);
            for (view, added) in self.views.iter().zip(added) {
                view.of_mut(gradients)[at] += added;
            }
        }
    }

    /// Takes the sums of the whole batch.
    pub(crate) fn take_gradients(&mut self, parameters: &[f32]) {
        let mut back = std::mem::take(&mut self.back);
        back.clear();
        let sums = self.sums.gradients.iter().enumerate();
        back.extend(sums.map(|(at, sums)| self.way_back(at, sums, parameters).0));
        self.back = back;
    }

    fn way_back(&self, at: usize, sums: &GradientSums, parameters: &[f32]) -> (ChannelGradient, [f32; 2]) {
        let weight = self.views[0].of(parameters)[at];
        ChannelGradient::trained(&self.moments[at], weight, EPSILON, sums)
    }

    /// Moves the running statistics towards those of the batch; one number alone has no variance and moves
    /// nothing.
    pub(crate) fn follow(&self, parameters: &mut [f32]) {
        let [_, _, means, variances] = &self.views;
        for (at, moments) in self.moments.iter().enumerate().filter(|(_, moments)| moments.count > 1) {
            let [mean, variance] = [means, variances].map(|view| view.of(parameters)[at]);
            let mut running = Running { mean, variance };
            running.follow(moments, MOMENTUM);
            means.of_mut(parameters)[at] = running.mean;
            variances.of_mut(parameters)[at] = running.variance;
        }
    }
}
