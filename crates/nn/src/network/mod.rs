//! Layers over one flat parameter buffer.

mod join;
mod lengths;
mod node_gradients;
mod passes;
mod plan;
mod stream;

use std::any::Any;

use stapes_kernels::Sequences;
use stapes_random::Stream;

use crate::batch_sums::BatchSums;
use crate::layer::{Layer, Shape};
use crate::objective::Objective;
use crate::parameters::{Layout, View};
use lengths::Lengths;
use node_gradients::NodeGradients;
use plan::{Node, Operation};
pub use plan::{Place, Plan};
pub use stream::{NetworkStream, NotCausal};

/// Layers one after the other, with shortcuts where the [`Plan`] has some: frames [T, F] in, scores out, whose
/// meaning the [`Objective`] knows.
///
/// [`Network::prepare`] takes the parameters in; forward passes follow until they change. A network owns its
/// activations and what its layers keep for the backward pass, but not its parameters: several networks of the
/// same model (one a shard of a batch, one a thread) read the same flat buffer.
pub struct Network {
    input: Shape,
    nodes: Vec<Node>,
    layout: Layout,
    objective: Objective,
    /// The nodes that need sums over the whole batch.
    stops: Vec<usize>,
    /// Of each node: whether it or one that it reads from, directly or not, has parameters.
    learns: Vec<bool>,
    /// Whether parameters were taken in.
    prepared: bool,
    /// The output of each node.
    activations: Vec<Vec<f32>>,
    lengths: Lengths,
    node_gradients: NodeGradients,
    /// One sequence of one frame.
    one: Sequences,
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
    /// Multiply-accumulates for one sequence.
    pub macs: u64,
}

impl Network {
    /// Chains layers whose parameters lie in `layout`, the first reading `input`; each reads what the one before
    /// writes.
    pub fn new(input: Shape, layers: Vec<Box<dyn Layer>>, layout: Layout, objective: Objective) -> Network {
        let mut plan = Plan { layout, ..Plan::new(input) };
        layers.into_iter().for_each(|layer| plan.push_at(plan.place(), layer));
        plan.finish(objective)
    }

    fn from_plan(plan: Plan, objective: Objective) -> Network {
        let Plan { input, mut nodes, layout } = plan;
        let mut learns: Vec<bool> = Vec::new();
        for node in &nodes {
            let below = node.from.iter().any(|place| place.0.is_some_and(|at| learns[at]));
            learns.push(below || node.operation.layer().is_some_and(|layer| !layer.views().is_empty()));
        }
        let mut has_sums =
            |at: &usize| nodes[*at].operation.layer_mut().is_some_and(|layer| layer.sums().is_some());
        Network {
            input,
            stops: (0..learns.len()).filter(|at| has_sums(at)).collect(),
            activations: learns.iter().map(|_| Vec::new()).collect(),
            nodes,
            layout,
            objective,
            learns,
            prepared: false,
            lengths: Lengths::default(),
            node_gradients: NodeGradients::default(),
            // One frame is a sequence.
            one: Sequences::new(&[1]).unwrap_or_default(),
        }
    }

    fn layers(&self) -> impl Iterator<Item = &dyn Layer> {
        self.nodes.iter().filter_map(|node| node.operation.layer())
    }

    /// What the scores mean.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// The first layer of this type, to be asked for what it kept.
    pub fn layer<L: Layer>(&self) -> Option<&L> {
        self.layers().find_map(|layer| (layer as &dyn Any).downcast_ref())
    }

    /// The first layer of this type, to be told what to keep.
    pub fn layer_mut<L: Layer>(&mut self) -> Option<&mut L> {
        let layers = self.nodes.iter_mut().filter_map(|node| node.operation.layer_mut());
        layers.filter_map(|layer| (layer as &mut dyn Any).downcast_mut()).next()
    }

    /// The shape of the input.
    pub fn input_shape(&self) -> Shape {
        self.input
    }

    /// The longest sequence that all layers can take; what runs sequences from outside must refuse longer ones.
    pub fn longest(&self) -> usize {
        // No layer makes sequences longer, but for one whose input has one fixed length.
        self.layers().map(Layer::longest).min().unwrap_or(usize::MAX)
    }

    /// The lengths in front of the first layer of this type, in the forward pass that came last.
    pub fn lengths_of<'a, L: Layer>(&'a self, input: &'a Sequences) -> Option<&'a Sequences> {
        let is_one = |node: &&Node| node.operation.layer().is_some_and(|layer| (layer as &dyn Any).is::<L>());
        self.nodes.iter().find(is_one).map(|node| self.lengths.at(node.from[0], input))
    }

    /// The shape of the output.
    pub fn output_shape(&self) -> Shape {
        self.nodes.last().map_or(self.input, |node| node.operation.output_shape())
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

    /// A line for each layer; multiply-accumulates are those for one sequence of so many frames, or of as many as
    /// all have where that is fixed.
    pub fn summary(&self, frames: usize) -> Vec<LayerSummary> {
        let frames = self.input.length().unwrap_or(frames);
        // Behind each node.
        let mut lengths: Vec<usize> = Vec::new();
        let mut line = |node: &Node| {
            let length = node.from[0].0.map_or(frames, |at| lengths[at]);
            let output = node.operation.output_shape();
            match &node.operation {
                Operation::Join(join) => {
                    lengths.push(length);
                    LayerSummary { layer: join.describe(), output, parameters: 0, macs: 0 }
                }
                Operation::Layer(layer) => {
                    lengths.push(layer.output_length(length));
                    LayerSummary {
                        layer: layer.describe(),
                        output,
                        parameters: layer.views().iter().filter(|view| view.trained).map(View::len).sum(),
                        macs: layer.macs(length),
                    }
                }
            }
        };
        self.nodes.iter().map(&mut line).collect()
    }

    /// Starting values for all parameters, determined by the seed.
    pub fn initial_parameters(&self, seed: u64) -> Vec<f32> {
        let mut parameters = vec![0.0; self.values()];
        let mut stream = Stream::new(seed, "weights");
        self.layers().for_each(|layer| layer.initialise(&mut parameters, &mut stream));
        parameters
    }

    /// Takes in the parameters for the forward passes that follow; to be called again when they change.
    ///
    /// # Panics
    /// If there are more or fewer than the network has.
    pub fn prepare(&mut self, parameters: &[f32]) {
        assert_eq!(parameters.len(), self.values(), "parameters");
        let layers = self.nodes.iter_mut().filter_map(|node| node.operation.layer_mut());
        layers.for_each(|layer| layer.prepare(parameters));
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
        let layer = self.nodes[self.stops[stop]].operation.layer_mut();
        // Stops are the layers that have sums.
        layer.and_then(|layer| layer.sums()).unwrap_or_else(|| unreachable!("stop {stop} has sums"))
    }

    /// After a step of training: lets what is not trained follow the batch of the forward pass that came last,
    /// such as running means.
    ///
    /// # Panics
    /// If there are more or fewer parameters than the network has.
    pub fn follow(&self, parameters: &mut [f32]) {
        assert_eq!(parameters.len(), self.values(), "parameters");
        self.layers().for_each(|layer| layer.follow(parameters));
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
