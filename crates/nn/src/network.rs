//! A chain of layers over one flat parameter buffer.

use std::any::Any;

use stapes_kernels::Sequences;
use stapes_random::Stream;

use crate::layer::{Backward, Layer, Macs, Pass, Shape};
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
    /// The number of parameters.
    pub parameters: usize,
    /// Multiply-accumulates.
    pub macs: Macs,
}

impl Network {
    /// Chains layers whose parameters lie in `layout`, the first reading `input`; each reads what the one before
    /// writes.
    pub fn new(input: Shape, layers: Vec<Box<dyn Layer>>, layout: Layout, objective: Objective) -> Network {
        let activations = layers.iter().map(|_| Vec::new()).collect();
        Network {
            input,
            layers,
            layout,
            objective,
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

    /// The number of parameters.
    pub fn parameter_count(&self) -> usize {
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
            parameters: layer.views().iter().map(View::len).sum(),
            macs: layer.macs(),
        };
        self.layers.iter().map(|layer| line(&**layer)).collect()
    }

    /// Starting values for all parameters, determined by the seed.
    pub fn initial_parameters(&self, seed: u64) -> Vec<f32> {
        let mut parameters = vec![0.0; self.parameter_count()];
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
        assert_eq!(parameters.len(), self.parameter_count(), "parameters");
        self.layers.iter_mut().for_each(|layer| layer.prepare(parameters));
        self.prepared = true;
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
        assert!(self.prepared, "a forward pass before parameters were taken in");
        assert_eq!(parameters.len(), self.parameter_count(), "parameters");
        assert_eq!(input.len(), self.input.len(pass.sequences), "input of {}", self.input);
        for at in 0..self.layers.len() {
            let (before, rest) = self.activations.split_at_mut(at);
            let output = sized(&mut rest[0], self.layers[at].output_shape(), pass.sequences);
            let input = match at {
                0 => input,
                _ => &before[at - 1][..self.layers[at - 1].output_shape().len(pass.sequences)],
            };
            self.layers[at].forward(parameters, input, output, pass);
        }
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
    pub fn backward(&mut self, call: NetworkBackward<'_>, pass: Pass<'_>) {
        let NetworkBackward { parameters, gradients, input, d_output, mut d_input } = call;
        let [upper, lower] = &mut self.gradients;
        sized(upper, self.layers.last().map_or(self.input, |layer| layer.output_shape()), pass.sequences)
            .copy_from_slice(d_output);
        for at in (0..self.layers.len()).rev() {
            let (before, rest) = self.activations.split_at(at);
            let output = self.layers[at].output_shape().len(pass.sequences);
            let shape = if at == 0 { self.input } else { self.layers[at - 1].output_shape() };
            let d_layer_input = match at {
                0 => d_input.take(),
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
            self.layers[at].backward(buffers, pass);
            std::mem::swap(upper, lower);
        }
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

/// The first numbers of a buffer, which grows to the largest batch and never shrinks.
fn sized<'a>(buffer: &'a mut Vec<f32>, shape: Shape, sequences: &Sequences) -> &'a mut [f32] {
    let len = shape.len(sequences);
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}
