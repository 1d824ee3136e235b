//! The graph of a network's layers, before buffers are allocated.

use super::Network;
use super::residual::Residual;
use crate::layer::{Layer, Shape};
use crate::objective::Objective;
use crate::parameters::Layout;

/// Layers in the order in which they run, each with the outlet that it reads.
///
/// Most networks are chains: [`Plan::push`] reads the most recent output. A shortcut starts at a stored
/// [`Plan::outlet`] and ends in [`Plan::push_residual`].
///
/// # Example
/// ```
/// use stapes_nn::layer::Shape;
/// use stapes_nn::linear::Linear;
/// use stapes_nn::objective::Objective;
/// use stapes_nn::Plan;
///
/// let mut plan = Plan::new(Shape::Vector { features: 2 });
/// let start = plan.outlet();
/// let linear = Linear::new(plan.shape(), 2, "fc.", plan.layout());
/// plan.push(linear);
/// plan.push_residual(&[plan.outlet(), start], true); // relu(W x + b + x)
/// let network = plan.finish(Objective::Classes);
/// assert_eq!(network.parameter_count(), 6);
/// ```
pub struct Plan {
    pub(super) input: Shape,
    pub(super) nodes: Vec<Node>,
    pub(super) layout: Layout,
}

/// Input of the network or output of one of its layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlet(pub(super) Option<usize>);

/// A layer or a residual sum, and the outlets that it reads.
pub(super) struct Node {
    pub(super) operation: Operation,
    /// One outlet for a layer, all terms for a residual sum.
    pub(super) from: Vec<Outlet>,
}

pub(super) enum Operation {
    Layer(Box<dyn Layer>),
    Residual(Residual),
}

impl Operation {
    pub(super) fn layer(&self) -> Option<&dyn Layer> {
        match self {
            Operation::Layer(layer) => Some(&**layer),
            Operation::Residual(_) => None,
        }
    }

    pub(super) fn layer_mut(&mut self) -> Option<&mut dyn Layer> {
        match self {
            Operation::Layer(layer) => Some(&mut **layer),
            Operation::Residual(_) => None,
        }
    }

    pub(super) fn output_shape(&self) -> Shape {
        match self {
            Operation::Layer(layer) => layer.output_shape(),
            Operation::Residual(residual) => residual.shape(),
        }
    }
}

impl Plan {
    /// Creates a plan without layers for this input shape.
    pub fn new(input: Shape) -> Plan {
        Plan { input, nodes: Vec::new(), layout: Layout::new() }
    }

    /// The most recent output.
    pub fn outlet(&self) -> Outlet {
        Outlet(self.nodes.len().checked_sub(1))
    }

    /// Shape of the most recent output.
    pub fn shape(&self) -> Shape {
        self.shape_at(self.outlet())
    }

    /// Shape at an outlet.
    pub fn shape_at(&self, outlet: Outlet) -> Shape {
        outlet.0.map_or(self.input, |at| self.nodes[at].operation.output_shape())
    }

    /// Layout to which new layers add their parameters.
    pub fn layout(&mut self) -> &mut Layout {
        &mut self.layout
    }

    /// Adds a layer that reads the most recent output.
    pub fn push(&mut self, layer: impl Layer) {
        self.push_at(self.outlet(), Box::new(layer));
    }

    /// Adds a layer that reads this outlet.
    pub fn push_at(&mut self, outlet: Outlet, layer: Box<dyn Layer>) {
        self.nodes.push(Node { operation: Operation::Layer(layer), from: vec![outlet] });
    }

    /// Adds the sum of these outlets, followed by ReLU if `relu` is set.
    ///
    /// # Shapes
    /// the output has the shape of the first outlet. The others have the same shape, or are images [C, 1, W]
    /// that are added to each row of an image [C, H, W]
    ///
    /// # Panics
    /// If there is no outlet, or a shape does not fit the first one.
    pub fn push_residual(&mut self, outlets: &[Outlet], relu: bool) {
        let shapes = outlets.iter().map(|&outlet| self.shape_at(outlet)).collect();
        let residual = Residual::new(shapes, relu);
        self.nodes.push(Node { operation: Operation::Residual(residual), from: outlets.to_vec() });
    }

    /// Builds the network, with scores of this objective.
    ///
    /// With an objective per frame the layers must not change the length of sequences.
    pub fn finish(self, objective: Objective) -> Network {
        Network::from_plan(self, objective)
    }
}
