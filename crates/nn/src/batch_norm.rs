//! Batch normalization, as a component of layers.

use stapes_kernels::norm::{Channel, ChannelGradient, GradientSums, Moments, RunningStats};

use crate::batch_stats::BatchStats;
use crate::parameters::{Layout, TensorSpec};

/// Constant added to variances, as in PyTorch.
pub(crate) const EPSILON: f64 = 1e-5;
/// Weight of the batch statistics in the running statistics, as in PyTorch.
const MOMENTUM: f64 = 0.1;

/// z = (y - mean) / sqrt(variance + epsilon) weight + bias, per channel, with the statistics of the whole
/// batch in training and the running statistics in inference.
///
/// # Source
/// Ioffe and Szegedy 2015, with PyTorch's epsilon, momentum and unbiased running variance.
pub(crate) struct BatchNorm {
    /// weight, bias, running_mean, running_var
    tensors: [TensorSpec; 4],
    /// Statistics that the shards of a batch exchange.
    stats: BatchStats,
    /// Moments of the whole batch, from the most recent training pass.
    moments: Vec<Moments>,
    running_channels: Vec<Channel>,
    training_channels: Vec<Channel>,
    channel_gradients: Vec<ChannelGradient>,
}

impl BatchNorm {
    /// Creates batch normalization of `channels` channels with the tensors `{prefix}weight`, `{prefix}bias`,
    /// `{prefix}running_mean` and `{prefix}running_var`.
    pub(crate) fn new(channels: usize, prefix: &str, layout: &mut Layout) -> BatchNorm {
        let shape = &[channels];
        let [weight, bias] = ["weight", "bias"].map(|name| layout.add(format!("{prefix}{name}"), shape));
        let [mean, variance] =
            ["running_mean", "running_var"].map(|name| layout.add_buffer(format!("{prefix}{name}"), shape));
        BatchNorm {
            tensors: [weight, bias, mean, variance],
            stats: BatchStats::default(),
            moments: Vec::new(),
            running_channels: Vec::new(),
            training_channels: Vec::new(),
            channel_gradients: Vec::new(),
        }
    }

    /// Names of weight, bias, running mean and running variance.
    pub(crate) fn names(&self) -> [String; 4] {
        self.tensors.each_ref().map(|tensor| tensor.name.clone())
    }

    pub(crate) fn tensors(&self) -> &[TensorSpec; 4] {
        &self.tensors
    }

    pub(crate) fn stats(&mut self) -> &mut BatchStats {
        &mut self.stats
    }

    /// Sets weights and running variances to 1, biases and running means to 0.
    pub(crate) fn initialize(&self, parameters: &mut [f32]) {
        for (tensor, value) in self.tensors.iter().zip([1.0, 0.0, 0.0, 1.0]) {
            tensor.slice_mut(parameters).fill(value);
        }
    }

    /// Reads the running statistics for inference.
    pub(crate) fn load_running_stats(&mut self, parameters: &[f32]) {
        let [weight, bias, mean, variance] = self.tensors.each_ref().map(|tensor| tensor.slice(parameters));
        let channel = |at: usize| {
            let running = RunningStats { mean: mean[at], variance: variance[at] };
            Channel::from_running(running, [weight[at], bias[at]], EPSILON)
        };
        self.running_channels.clear();
        self.running_channels.extend((0..weight.len()).map(channel));
    }

    /// Normalization in inference.
    pub(crate) fn running_channels(&self) -> &[Channel] {
        &self.running_channels
    }

    /// Normalization in the most recent training pass.
    pub(crate) fn training_channels(&self) -> &[Channel] {
        &self.training_channels
    }

    /// Backward pass of [`BatchNorm::training_channels`].
    pub(crate) fn channel_gradients(&self) -> &[ChannelGradient] {
        &self.channel_gradients
    }

    /// Starts a training pass; returns zero moments to accumulate into.
    pub(crate) fn begin_forward(&mut self) -> &mut [Moments] {
        self.stats.gradients.clear();
        self.stats.moments.clear();
        self.stats.moments.resize(self.tensors[0].len(), Moments::default());
        &mut self.stats.moments
    }

    /// Sets the normalization of this training pass from the moments of the whole batch.
    pub(crate) fn finish_forward(&mut self, parameters: &[f32]) {
        std::mem::swap(&mut self.moments, &mut self.stats.moments);
        self.stats.moments.clear();
        let [weight, bias, ..] = self.tensors.each_ref().map(|tensor| tensor.slice(parameters));
        let channel =
            |(at, moments): (usize, &Moments)| Channel::from_batch(moments, [weight[at], bias[at]], EPSILON);
        self.training_channels.clear();
        self.training_channels.extend(self.moments.iter().enumerate().map(channel));
    }

    /// Starts the backward pass; returns the normalization and zero sums to accumulate into.
    pub(crate) fn begin_backward(&mut self) -> (&[Channel], &mut [GradientSums]) {
        self.stats.gradients.clear();
        self.stats.gradients.resize(self.training_channels.len(), GradientSums::default());
        (&self.training_channels, &mut self.stats.gradients)
    }

    /// Adds this shard's gradients of weight and bias; the sums must still be those of the shard.
    pub(crate) fn add_gradients(&self, parameters: &[f32], gradients: &mut [f32]) {
        for (at, sums) in self.stats.gradients.iter().enumerate() {
            let (_, added) = self.channel_gradient(at, sums, parameters);
            for (tensor, added) in self.tensors.iter().zip(added) {
                tensor.slice_mut(gradients)[at] += added;
            }
        }
    }

    /// Sets the channel gradients from the sums of the whole batch.
    pub(crate) fn finish_backward(&mut self, parameters: &[f32]) {
        let mut gradients = std::mem::take(&mut self.channel_gradients);
        gradients.clear();
        let sums = self.stats.gradients.iter().enumerate();
        gradients.extend(sums.map(|(at, sums)| self.channel_gradient(at, sums, parameters).0));
        self.channel_gradients = gradients;
    }

    /// Returns the gradients of the input, and of weight and bias, for channel `at`.
    fn channel_gradient(
        &self,
        at: usize,
        sums: &GradientSums,
        parameters: &[f32],
    ) -> (ChannelGradient, [f32; 2]) {
        let weight = self.tensors[0].slice(parameters)[at];
        ChannelGradient::from_batch(&self.moments[at], weight, EPSILON, sums)
    }

    /// Updates the running statistics with those of the batch. A single value has no variance and changes
    /// nothing.
    pub(crate) fn update_running_stats(&self, parameters: &mut [f32]) {
        let [_, _, means, variances] = &self.tensors;
        for (at, moments) in self.moments.iter().enumerate().filter(|(_, moments)| moments.count > 1) {
            let [mean, variance] = [means, variances].map(|tensor| tensor.slice(parameters)[at]);
            let mut running = RunningStats { mean, variance };
            running.update(moments, MOMENTUM);
            means.slice_mut(parameters)[at] = running.mean;
            variances.slice_mut(parameters)[at] = running.variance;
        }
    }
}
