//! Networks of layers over one flat parameter buffer.

mod lengths;
mod loaded;
mod node_gradients;
mod passes;
mod plan;
mod residual;
mod stream;

use std::any::Any;

use stapes_kernels::Sequences;
use stapes_random::Rng;

use crate::batch_stats::BatchStats;
use crate::graph::{self, Graph, GraphNode};
use crate::layer::{Layer, Shape};
use crate::objective::Objective;
use crate::parameters::{Layout, TensorSpec};
use lengths::Lengths;
pub use loaded::LoadedNetwork;
use node_gradients::NodeGradients;
use plan::{Node, Operation};
pub use plan::{Outlet, Plan};
pub use stream::{NetworkStream, NotCausal};

/// A chain of layers, with the residual connections of its [`Plan`]: frames [T, F] in, scores of an
/// [`Objective`] out.
///
/// [`Network::load`] returns the type that has forward and backward passes. A network owns its activations and
/// what its layers store for the backward pass, but not its parameters: several networks of the same model (one
/// per shard of a batch, one per thread) read the same flat buffer.
pub struct Network {
    input: Shape,
    nodes: Vec<Node>,
    layout: Layout,
    objective: Objective,
    /// Nodes that need statistics of the whole batch.
    sync_points: Vec<usize>,
    /// For each node: true if it or one of its direct or indirect inputs has parameters.
    requires_grad: Vec<bool>,
    /// The output of each node.
    activations: Vec<Vec<f32>>,
    lengths: Lengths,
    node_gradients: NodeGradients,
    /// One sequence of one frame, for streams.
    single_frame: Sequences,
}

/// One line of a network's summary.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// Short description.
    pub layer: String,
    /// Output shape.
    pub output: Shape,
    /// Number of trained parameters.
    pub parameters: usize,
    /// Number of multiply-accumulates per sequence.
    pub macs: u64,
}

impl Network {
    /// Chains layers whose parameters are in `layout`; the first layer reads the input.
    pub fn new(input: Shape, layers: Vec<Box<dyn Layer>>, layout: Layout, objective: Objective) -> Network {
        let mut plan = Plan { layout, ..Plan::new(input) };
        layers.into_iter().for_each(|layer| plan.push_at(plan.outlet(), layer));
        plan.finish(objective)
    }

    fn from_plan(plan: Plan, objective: Objective) -> Network {
        let Plan { input, mut nodes, layout } = plan;
        let mut requires_grad: Vec<bool> = Vec::new();
        for node in &nodes {
            let below = node.from.iter().any(|outlet| outlet.0.is_some_and(|at| requires_grad[at]));
            requires_grad
                .push(below || node.operation.layer().is_some_and(|layer| !layer.tensors().is_empty()));
        }
        let mut has_stats =
            |at: &usize| nodes[*at].operation.layer_mut().is_some_and(|layer| layer.batch_stats().is_some());
        Network {
            input,
            sync_points: (0..requires_grad.len()).filter(|at| has_stats(at)).collect(),
            activations: requires_grad.iter().map(|_| Vec::new()).collect(),
            nodes,
            layout,
            objective,
            requires_grad,
            lengths: Lengths::default(),
            node_gradients: NodeGradients::default(),
            // A single length of 1 is valid.
            single_frame: Sequences::new(&[1]).unwrap_or_default(),
        }
    }

    fn layers(&self) -> impl Iterator<Item = &dyn Layer> {
        self.nodes.iter().filter_map(|node| node.operation.layer())
    }

    /// Meaning of the scores.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// The first layer of this type.
    pub fn layer<L: Layer>(&self) -> Option<&L> {
        self.layers().find_map(|layer| (layer as &dyn Any).downcast_ref())
    }

    /// The first layer of this type, mutable.
    pub fn layer_mut<L: Layer>(&mut self) -> Option<&mut L> {
        let layers = self.nodes.iter_mut().filter_map(|node| node.operation.layer_mut());
        layers.filter_map(|layer| (layer as &mut dyn Any).downcast_mut()).next()
    }

    /// Shape of the input.
    pub fn input_shape(&self) -> Shape {
        self.input
    }

    /// Maximum sequence length of all layers; callers must reject longer input.
    pub fn max_length(&self) -> usize {
        // The only layer that makes sequences longer has input of fixed length.
        self.layers().map(Layer::max_length).min().unwrap_or(usize::MAX)
    }

    /// Input lengths of the first layer of this type in the most recent forward pass.
    pub fn input_lengths<'a, L: Layer>(&'a self, input: &'a Sequences) -> Option<&'a Sequences> {
        let is_one = |node: &&Node| node.operation.layer().is_some_and(|layer| (layer as &dyn Any).is::<L>());
        self.nodes.iter().find(is_one).map(|node| self.lengths.at(node.from[0], input))
    }

    /// Shape of the output.
    pub fn output_shape(&self) -> Shape {
        self.nodes.last().map_or(self.input, |node| node.operation.output_shape())
    }

    /// Number of trained parameters.
    pub fn parameter_count(&self) -> usize {
        self.layout.trained_len()
    }

    /// Number of values in the parameter buffer: trained parameters and running statistics.
    pub fn buffer_len(&self) -> usize {
        self.layout.len()
    }

    /// Named tensors in the order of the parameter buffer.
    pub fn tensors(&self) -> &[TensorSpec] {
        self.layout.tensors()
    }

    /// Returns the description of the network for other programs.
    pub fn graph(&self) -> Graph {
        let node = |node: &Node| GraphNode {
            operation: match &node.operation {
                Operation::Layer(layer) => layer.operation(),
                Operation::Residual(residual) => graph::Operation::Sum { relu: residual.has_relu() },
            },
            inputs: node.from.iter().map(|outlet| outlet.0).collect(),
            output: node.operation.output_shape(),
        };
        let nodes = self.nodes.iter().map(node).collect();
        Graph { input: self.input, nodes, objective: self.objective }
    }

    /// Summarizes each layer, with multiply-accumulates for one sequence of `frames` frames, or of the fixed
    /// length if there is one.
    pub fn summary(&self, frames: usize) -> Vec<LayerSummary> {
        let frames = self.input.length().unwrap_or(frames);
        // Output length of each node.
        let mut lengths: Vec<usize> = Vec::new();
        let mut line = |node: &Node| {
            let length = node.from[0].0.map_or(frames, |at| lengths[at]);
            let output = node.operation.output_shape();
            match &node.operation {
                Operation::Residual(residual) => {
                    lengths.push(length);
                    LayerSummary { layer: residual.describe(), output, parameters: 0, macs: 0 }
                }
                Operation::Layer(layer) => {
                    lengths.push(layer.output_length(length));
                    let trained = layer.tensors().iter().filter(|tensor| tensor.trained);
                    LayerSummary {
                        layer: layer.describe(),
                        output,
                        parameters: trained.map(TensorSpec::len).sum(),
                        macs: layer.macs(length),
                    }
                }
            }
        };
        self.nodes.iter().map(&mut line).collect()
    }

    /// Returns initial values of all parameters, determined by the seed.
    pub fn initial_parameters(&self, seed: u64) -> Vec<f32> {
        let mut parameters = vec![0.0; self.buffer_len()];
        let mut rng = Rng::new(seed, "weights");
        self.layers().for_each(|layer| layer.initialize(&mut parameters, &mut rng));
        parameters
    }

    /// Packs the parameters for the passes of [`LoadedNetwork`].
    fn load_parameters(&mut self, parameters: &[f32]) {
        assert_eq!(parameters.len(), self.buffer_len(), "parameters");
        let layers = self.nodes.iter_mut().filter_map(|node| node.operation.layer_mut());
        layers.for_each(|layer| layer.load_parameters(parameters));
    }

    /// Indices of the layers that need statistics of the whole batch in training.
    ///
    /// If this network runs one shard, its passes run in stages, one more than there are sync points, and the
    /// statistics of all shards are summed between two stages; see [`LoadedNetwork::forward_stage`].
    pub fn sync_points(&self) -> &[usize] {
        &self.sync_points
    }

    fn batch_stats(&mut self, sync_point: usize) -> &mut BatchStats {
        let layer = self.nodes[self.sync_points[sync_point]].operation.layer_mut();
        // Sync points are the layers with batch statistics.
        layer.and_then(|layer| layer.batch_stats()).unwrap_or_else(|| unreachable!("sync point {sync_point}"))
    }

    /// Updates running statistics after a training step with the batch of the most recent forward pass.
    ///
    /// # Panics
    /// If the buffer has the wrong length.
    pub fn update_running_stats(&self, parameters: &mut [f32]) {
        assert_eq!(parameters.len(), self.buffer_len(), "parameters");
        self.layers().for_each(|layer| layer.update_running_stats(parameters));
    }
}

/// Buffers of [`LoadedNetwork::backward`].
pub struct NetworkBackward<'a> {
    /// Gradients of all parameters; the pass adds to them.
    pub gradients: &'a mut [f32],
    /// Input of the forward pass.
    pub input: &'a [f32],
    /// Gradient of the loss with respect to the scores.
    pub d_output: &'a [f32],
    /// Gradient of the loss with respect to the input, overwritten; `None` if it is not needed.
    pub d_input: Option<&'a mut [f32]>,
}

impl NetworkBackward<'_> {
    /// Returns the same buffers for one stage.
    fn reborrow(&mut self) -> NetworkBackward<'_> {
        NetworkBackward {
            gradients: self.gradients,
            input: self.input,
            d_output: self.d_output,
            d_input: self.d_input.as_deref_mut(),
        }
    }
}

/// Returns the first values of a buffer, which grows to the largest batch and never shrinks.
fn sized<'a>(buffer: &'a mut Vec<f32>, shape: Shape, sequences: &Sequences) -> &'a mut [f32] {
    let len = shape.len(sequences);
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}
