//! A chain of layers over one flat parameter buffer.

use std::any::Any;

use stapes_kernels::Sequences;
use stapes_random::Stream;

use crate::batch_sums::BatchSums;
use crate::layer::{Backward, Layer, Macs, Mode, Pass, Shape};
use crate::objective::Objective;
use crate::parameters::{Layout, View};

/// Layers one after the other: frames [T, F] in, scores out, whose meaning the [`Objective`] knows.
///
/// [`Network::prepare`] takes the parameters in; forward passes follow until they change. A network owns its activations and what its layers keep for the backward pass, but not its parameters:
/// several networks of the same model (one a shard of a batch, one a thread) read the same flat buffer.
pub struct Network {
    input: Shape,
    layers: Vec<Box<dyn Layer>>,
    layout: Layout,
    objective: Objective,
    /// The layers that need sums over the whole batch.
    stops: Vec<usize>,
    /// Whether parameters were taken in.
    prepared: bool,
    /// The output of each layer.
    activations: Vec<Vec<f32>>,
    /// The gradients by the output and by the input of the layer at hand.
    gradients: [Vec<f32>; 2],
}

/// One line of a network's summary.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// A few words.
    pub layer: String,
    /// The shape of the output.
    pub output: Shape,
    /// The number of trained parameters.
    pub parameters: usize,
    /// Multiply-accumulates.
    pub macs: Macs,
}

impl Network {
    /// Chains layers whose parameters lie in `layout`, the first reading `input`; each reads what the one before
    /// writes.
    pub fn new(
        input: Shape,
        mut layers: Vec<Box<dyn Layer>>,
        layout: Layout,
        objective: Objective,
    ) -> Network {
        let activations = layers.iter().map(|_| Vec::new()).collect();
        let stops = (0..layers.len()).filter(|&at| layers[at].sums().is_some()).collect();
        Network {
            input,
            layers,
            layout,
            objective,
            stops,
            prepared: false,
            activations,
            gradients: [Vec::new(), Vec::new()],
        }
    }

    /// What the scores mean.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// The first layer of this type, to be asked for what it kept.
    pub fn layer<L: Layer>(&self) -> Option<&L> {
        self.layers.iter().find_map(|layer| (&**layer as &dyn Any).downcast_ref())
    }

    /// The first layer of this type, to be told what to keep.
    pub fn layer_mut<L: Layer>(&mut self) -> Option<&mut L> {
        self.layers.iter_mut().find_map(|layer| (&mut **layer as &mut dyn Any).downcast_mut())
    }

    /// The shape of the input.
    pub fn input_shape(&self) -> Shape {
        self.input
    }

    /// The shape of the output.
    pub fn output_shape(&self) -> Shape {
        self.layers.last().map_or(self.input, |layer| layer.output_shape())
    }

    /// The number of trained parameters.
    pub fn parameter_count(&self) -> usize {
        self.layout.trained()
    }

    /// How many numbers the parameter buffer has: trained parameters, and running statistics where there are
    /// some.
    pub fn values(&self) -> usize {
        self.layout.len()
    }

    /// The named tensors of the parameter buffer, in their order.
    pub fn views(&self) -> &[View] {
        self.layout.views()
    }

    /// A line for each layer.
    pub fn summary(&self) -> Vec<LayerSummary> {
        let line = |layer: &dyn Layer| LayerSummary {
            layer: layer.describe(),
            output: layer.output_shape(),
            parameters: layer.views().iter().filter(|view| view.trained).map(View::len).sum(),
            macs: layer.macs(),
        };
        self.layers.iter().map(|layer| line(&**layer)).collect()
    }

    /// Starting values for all parameters, determined by the seed.
    pub fn initial_parameters(&self, seed: u64) -> Vec<f32> {
        let mut parameters = vec![0.0; self.values()];
        let mut stream = Stream::new(seed, "weights");
        for layer in &self.layers {
            layer.initialise(&mut parameters, &mut stream);
        }
        parameters
    }

    /// Takes in the parameters for the forward passes that follow; to be called again when they change.
    ///
    /// # Panics
    /// If there are more or fewer than the network has.
    pub fn prepare(&mut self, parameters: &[f32]) {
        assert_eq!(parameters.len(), self.values(), "parameters");
        self.layers.iter_mut().for_each(|layer| layer.prepare(parameters));
        self.prepared = true;
    }

    /// The layers that need sums over the whole batch in training, counted from the input.
    ///
    /// Where this network runs a shard only, its passes are run in stages, one more than there are stops, and
    /// between two stages the sums of all shards are added; see [`Network::forward_stage`].
    pub fn stops(&self) -> &[usize] {
        &self.stops
    }

    /// The sums of stop number `stop`: after its stage those of this network's part of the batch, to be replaced
    /// by those of the whole before the next stage.
    ///
    /// # Panics
    /// If there is no such stop.
    pub fn sums(&mut self, stop: usize) -> &mut BatchSums {
        let layer = self.layers[self.stops[stop]].sums();
        // Stops are the layers that have sums.
        layer.unwrap_or_else(|| unreachable!("stop {stop} has sums"))
    }

    /// Computes the scores of a batch, with the parameters of the last [`Network::prepare`].
    ///
    /// # Shapes
    /// input packed [N, F] -> scores as the objective says: a row for each sequence in the caller's order, or
    /// one for each packed frame
    ///
    /// # Panics
    /// If a buffer's length does not fit, or nothing was prepared.
    pub fn forward(&mut self, parameters: &[f32], input: &[f32], pass: Pass<'_>) -> &mut [f32] {
        for stage in 0..=self.stops.len() {
            self.forward_stage(stage, parameters, input, pass);
        }
        self.scores(pass)
    }

    /// Runs a stage of a forward pass: stage s ends with the sums of stop s, and the last with the scores.
    ///
    /// # Panics
    /// As [`Network::forward`].
    pub fn forward_stage(&mut self, stage: usize, parameters: &[f32], input: &[f32], pass: Pass<'_>) {
        assert!(self.prepared, "a forward pass before parameters were taken in");
        assert_eq!(parameters.len(), self.values(), "parameters");
        assert_eq!(input.len(), self.input.len(pass.sequences), "input of {}", self.input);
        let first = if stage == 0 { 0 } else { self.stops[stage - 1] };
        let stop = self.stops.get(stage).copied();
        for at in first..=stop.unwrap_or(self.layers.len().saturating_sub(1)) {
            let (before, rest) = self.activations.split_at_mut(at);
            let output = sized(&mut rest[0], self.layers[at].output_shape(), pass.sequences);
            let input = match at {
                0 => input,
                _ => &before[at - 1][..self.layers[at - 1].output_shape().len(pass.sequences)],
            };
            match pass.mode {
                Mode::Training(_) if stop == Some(at) => {
                    self.layers[at].begin_forward(parameters, input, pass);
                }
                // Without training no sums are needed; the next stage begins with this layer.
                _ if stop == Some(at) => {}
                _ => self.layers[at].forward(parameters, input, output, pass),
            }
        }
    }

    /// The scores of the forward pass that came last, which had this `pass`.
    pub fn scores(&mut self, pass: Pass<'_>) -> &mut [f32] {
        let scores = self.output_shape().len(pass.sequences);
        self.activations.last_mut().map_or(&mut [], |output| &mut output[..scores])
    }

    /// Adds the gradient of the loss by all parameters to `gradients`.
    ///
    /// `d_output` is the gradient by the scores of the forward pass that came last, on the same
    /// parameters, input and pass. With `d_input` [N, F] the gradient by the input is written too.
    ///
    /// # Panics
    /// If a buffer's length does not fit.
    pub fn backward(&mut self, mut call: NetworkBackward<'_>, pass: Pass<'_>) {
        for stage in 0..=self.stops.len() {
            self.backward_stage(stage, call.reborrow(), pass);
        }
    }

    /// Runs a stage of a backward pass: stage s ends with the sums of the stop that is number s from the end,
    /// and the last with the gradients.
    ///
    /// # Panics
    /// As [`Network::backward`].
    pub fn backward_stage(&mut self, stage: usize, call: NetworkBackward<'_>, pass: Pass<'_>) {
        let NetworkBackward { parameters, gradients, input, d_output, mut d_input } = call;
        let [upper, lower] = &mut self.gradients;
        let count = self.stops.len();
        let first = match stage {
            0 => {
                let shape = self.layers.last().map_or(self.input, |layer| layer.output_shape());
                sized(upper, shape, pass.sequences).copy_from_slice(d_output);
                self.layers.len()
            }
            _ => self.stops[count - stage] + 1,
        };
        let stop = (stage < count).then(|| self.stops[count - stage - 1]);
        // Below the lowest layer with parameters no gradient is needed unless that of the input is asked for.
        let lowest = match d_input {
            Some(_) => 0,
            None => self.layers.iter().position(|layer| !layer.views().is_empty()).unwrap_or(first),
        };
        for at in (stop.unwrap_or(lowest)..first).rev() {
            let (before, rest) = self.activations.split_at(at);
            let output = self.layers[at].output_shape().len(pass.sequences);
            let shape = if at == 0 { self.input } else { self.layers[at - 1].output_shape() };
            let d_layer_input = match at {
                _ if stop == Some(at) => None,
                0 => d_input.take(),
                _ if at == lowest => None,
                _ => Some(sized(lower, shape, pass.sequences)),
            };
            let buffers = Backward {
                parameters,
                gradients,
                input: before.last().map_or(input, |output| &output[..shape.len(pass.sequences)]),
                output: &rest[0][..output],
                d_output: &mut upper[..output],
                d_input: d_layer_input,
            };
            if stop == Some(at) {
                self.layers[at].begin_backward(buffers, pass);
            } else {
                self.layers[at].backward(buffers, pass);
                std::mem::swap(upper, lower);
            }
        }
    }

    /// After a step of training: lets what is not trained follow the batch of the forward pass that came last,
    /// such as running means.
    ///
    /// # Panics
    /// If there are more or fewer parameters than the network has.
    pub fn follow(&self, parameters: &mut [f32]) {
        assert_eq!(parameters.len(), self.values(), "parameters");
        self.layers.iter().for_each(|layer| layer.follow(parameters));
    }
}

/// The buffers of [`Network::backward`].
pub struct NetworkBackward<'a> {
    /// All parameters.
    pub parameters: &'a [f32],
    /// The gradient of all parameters, to be added to.
    pub gradients: &'a mut [f32],
    /// The input of the forward pass.
    pub input: &'a [f32],
    /// The gradient of the loss by the scores.
    pub d_output: &'a [f32],
    /// The gradient of the loss by the input, if it is asked for.
    pub d_input: Option<&'a mut [f32]>,
}

impl NetworkBackward<'_> {
    /// The same buffers for a stage.
    fn reborrow(&mut self) -> NetworkBackward<'_> {
        NetworkBackward {
            parameters: self.parameters,
            gradients: self.gradients,
            input: self.input,
            d_output: self.d_output,
            d_input: self.d_input.as_deref_mut(),
        }
    }
}

/// The first numbers of a buffer, which grows to the largest batch and never shrinks.
fn sized<'a>(buffer: &'a mut Vec<f32>, shape: Shape, sequences: &Sequences) -> &'a mut [f32] {
    let len = shape.len(sequences);
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}
