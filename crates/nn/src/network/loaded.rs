//! A network with the parameters that its passes use.

use std::borrow::{Borrow, BorrowMut};
use std::ops::Deref;

use super::{Network, NetworkBackward, NetworkStream};
use crate::batch_stats::BatchStats;
use crate::layer::Pass;

/// A [`Network`] that has loaded its parameters: only this type has forward and backward passes.
///
/// [`Network::load`] borrows both. [`LoadedNetwork::new`] also takes what owns them: `N` is a `Network` or
/// `&mut Network`, `P` points to a parameter buffer, for example `&[f32]`, `Vec<f32>` or `Arc<[f32]>`.
///
/// # Example
/// ```
/// # use stapes_kernels::Sequences;
/// # use stapes_nn::{ModelConfig, layer::{Mode, Pass, Shape}};
/// let config: ModelConfig = serde_json::from_str(r#"{"recurrent": {"cell": "gru", "hidden_size": 8}}"#)?;
/// let mut network = config.build(Shape::frames(13), 4)?;
/// let parameters = network.initial_parameters(1);
/// let sequences = Sequences::new(&[20])?;
/// let pass = Pass { sequences: &sequences, mode: Mode::Inference };
/// let scores = network.load(&parameters).forward(&[0.5; 20 * 13], pass).to_vec();
/// assert_eq!(scores.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LoadedNetwork<N, P> {
    network: N,
    parameters: P,
}

impl Network {
    /// Loads parameters, which packs their weights for fast products.
    ///
    /// # Panics
    /// If the buffer has the wrong length.
    pub fn load<'a>(&'a mut self, parameters: &'a [f32]) -> LoadedNetwork<&'a mut Network, &'a [f32]> {
        LoadedNetwork::new(self, parameters)
    }
}

impl<N: Borrow<Network>, P> Deref for LoadedNetwork<N, P> {
    type Target = Network;

    fn deref(&self) -> &Network {
        self.network.borrow()
    }
}

impl<N: BorrowMut<Network>, P: Deref<Target: AsRef<[f32]>>> LoadedNetwork<N, P> {
    /// Loads parameters, which packs their weights for fast products.
    ///
    /// # Panics
    /// If the buffer has the wrong length.
    pub fn new(mut network: N, parameters: P) -> LoadedNetwork<N, P> {
        network.borrow_mut().load_parameters(parameters.as_ref());
        LoadedNetwork { network, parameters }
    }

    /// Returns what holds the parameters.
    pub fn parameters(&self) -> &P::Target {
        &self.parameters
    }

    /// Computes the scores of a batch.
    ///
    /// # Shapes
    /// packed input [N, F] -> scores of the objective: one row per sequence in the caller's order, or one per
    /// packed frame
    ///
    /// # Panics
    /// If a buffer has the wrong length, a sequence is longer than [`Network::max_length`], or layers change the
    /// number of frames of an objective per frame.
    pub fn forward(&mut self, input: &[f32], pass: Pass<'_>) -> &mut [f32] {
        for stage in 0..=self.sync_points().len() {
            self.forward_stage(stage, input, pass);
        }
        self.scores(pass)
    }

    /// Runs one stage of a forward pass: stage s ends with the statistics of sync point s, the last with the
    /// scores.
    ///
    /// # Panics
    /// As [`LoadedNetwork::forward`].
    pub fn forward_stage(&mut self, stage: usize, input: &[f32], pass: Pass<'_>) {
        self.network.borrow_mut().forward_stage(stage, self.parameters.as_ref(), input, pass);
    }

    /// Scores of the most recent forward pass, which had this `pass`.
    pub fn scores(&mut self, pass: Pass<'_>) -> &mut [f32] {
        self.network.borrow_mut().scores(pass)
    }

    /// Adds the gradients of the loss with respect to all parameters to `gradients`.
    ///
    /// `d_output` is the gradient with respect to the scores of the most recent forward pass, on the same
    /// input and pass. The gradient with respect to the input, [N, F], is written to `d_input` if it is given.
    ///
    /// # Panics
    /// If a buffer has the wrong length.
    pub fn backward(&mut self, mut call: NetworkBackward<'_>, pass: Pass<'_>) {
        for stage in 0..=self.sync_points().len() {
            self.backward_stage(stage, call.reborrow(), pass);
        }
    }

    /// Runs one stage of a backward pass: stage s ends with the statistics of the s-th sync point from the
    /// end, the last with the gradients.
    ///
    /// # Panics
    /// As [`LoadedNetwork::backward`].
    pub fn backward_stage(&mut self, stage: usize, call: NetworkBackward<'_>, pass: Pass<'_>) {
        self.network.borrow_mut().backward_stage(stage, self.parameters.as_ref(), call, pass);
    }

    /// Batch statistics at a sync point: after its stage those of this shard, to be replaced by those of the
    /// whole batch before the next stage.
    ///
    /// # Panics
    /// If there is no such sync point.
    pub fn batch_stats(&mut self, sync_point: usize) -> &mut BatchStats {
        self.network.borrow_mut().batch_stats(sync_point)
    }

    /// Processes the next frame of a stream. Returns the scores of this frame, or of the sequence up to it;
    /// `None` for frames that a stride skips.
    ///
    /// # Shapes
    /// frame \[F\] -> one row of scores
    ///
    /// # Panics
    /// If the frame has the wrong length, or the stream belongs to another model.
    pub fn step(&mut self, stream: &mut NetworkStream, frame: &[f32]) -> Option<&[f32]> {
        self.network.borrow_mut().step(stream, self.parameters.as_ref(), frame)
    }
}
