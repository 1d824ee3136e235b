//! Which layer reads what: a network before it has buffers.

use super::Network;
use super::join::Join;
use crate::layer::{Layer, Shape};
use crate::objective::Objective;
use crate::parameters::Layout;

/// Layers in the order in which they run, each with the place that it reads from.
///
/// Most nets are chains: [`Plan::push`] reads what came last. A shortcut begins at a remembered
/// [`Plan::place`] and ends in a [`Plan::join`].
///
/// # Example
/// ```
/// use stapes_nn::layer::Shape;
/// use stapes_nn::linear::Linear;
/// use stapes_nn::objective::Objective;
/// use stapes_nn::Plan;
///
/// let mut plan = Plan::new(Shape::Vector { features: 2 });
/// let start = plan.place();
/// let linear = Linear::new(plan.shape(), 2, "fc.", plan.layout());
/// plan.push(linear);
/// plan.join(&[plan.place(), start], true); // max(0, W x + b + x)
/// let network = plan.finish(Objective::Classes);
/// assert_eq!(network.parameter_count(), 6);
/// ```
pub struct Plan {
    pub(super) input: Shape,
    pub(super) nodes: Vec<Node>,
    pub(super) layout: Layout,
}

/// Where a layer may read: the network's input, or behind one of its layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub(super) Option<usize>);

/// What runs, and where it reads.
pub(super) struct Node {
    pub(super) operation: Operation,
    /// One place for a layer, all terms for a join.
    pub(super) from: Vec<Place>,
}

pub(super) enum Operation {
    Layer(Box<dyn Layer>),
    Join(Join),
}

impl Operation {
    pub(super) fn layer(&self) -> Option<&dyn Layer> {
        match self {
            Operation::Layer(layer) => Some(&**layer),
            Operation::Join(_) => None,
        }
    }

    pub(super) fn layer_mut(&mut self) -> Option<&mut dyn Layer> {
        match self {
            Operation::Layer(layer) => Some(&mut **layer),
            Operation::Join(_) => None,
        }
    }

    pub(super) fn output_shape(&self) -> Shape {
        match self {
            Operation::Layer(layer) => layer.output_shape(),
            Operation::Join(join) => join.shape(),
        }
    }
}

impl Plan {
    /// No layers yet, behind an input of this shape.
    pub fn new(input: Shape) -> Plan {
        Plan { input, nodes: Vec::new(), layout: Layout::new() }
    }

    /// The place behind what was added last.
    pub fn place(&self) -> Place {
        Place(self.nodes.len().checked_sub(1))
    }

    /// The shape at the place behind what was added last.
    pub fn shape(&self) -> Shape {
        self.shape_at(self.place())
    }

    /// The shape at a place.
    pub fn shape_at(&self, place: Place) -> Shape {
        place.0.map_or(self.input, |at| self.nodes[at].operation.output_shape())
    }

    /// Where the layers to come put their parameters.
    pub fn layout(&mut self) -> &mut Layout {
        &mut self.layout
    }

    /// Adds a layer that reads what came last.
    pub fn push(&mut self, layer: impl Layer) {
        self.push_at(self.place(), Box::new(layer));
    }

    /// Adds a layer that reads at a place.
    pub fn push_at(&mut self, place: Place, layer: Box<dyn Layer>) {
        self.nodes.push(Node { operation: Operation::Layer(layer), from: vec![place] });
    }

    /// Adds the sum of what stands at these places, and max(0, .) of it if `rectify` is set.
    ///
    /// # Shapes
    /// that of the first place; the others have the same, or are images [C, 1, W] that are added to each row of
    /// an image [C, H, W]
    ///
    /// # Panics
    /// If there is no place, or a shape does not fit the first one.
    pub fn join(&mut self, places: &[Place], rectify: bool) {
        let shapes = places.iter().map(|&place| self.shape_at(place)).collect();
        let join = Join::new(shapes, rectify);
        self.nodes.push(Node { operation: Operation::Join(join), from: places.to_vec() });
    }

    /// The network, whose scores mean what the objective says.
    ///
    /// Where the objective decides frames, the layers must not change the length of sequences.
    pub fn finish(self, objective: Objective) -> Network {
        Network::from_plan(self, objective)
    }
}
