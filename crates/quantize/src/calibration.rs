//! From a trained model and frames to integers.

use std::cell::RefCell;

use stapes_features::Features;
use stapes_infer::Model;
use stapes_nn::Network;
use stapes_nn::convolution::Activation;
use stapes_nn::graph::{Graph, GraphNode, GraphTensors, Operation, RecurrentLayer};
use stapes_nn::head::Query;
use stapes_nn::recurrent::{CellKind, RecurrentConfig};

use crate::error::QuantizeError;
use crate::fixed_point::{Functions, MAX_VALUE, Rescale, SUM_BITS, UNIT_BITS};
use crate::float::{FloatNetwork, NodeRange, Ranges};
use crate::integer::{
    Numbers, Products, QuantizedAttention, QuantizedLayer, QuantizedNetwork, QuantizedNode,
};

/// Values may be this much larger than those of the calibration before they are clamped.
const HEADROOM: f64 = 2.0;

/// Measures the ranges of the values of a model on recordings, and quantizes the model.
///
/// # Example
/// ```
/// use stapes_infer::Model;
/// use stapes_quantize::Calibration;
///
/// let config = toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 8")?;
/// let features = stapes_features::preset("kaldi-mfcc-39")?;
/// let model = Model::untrained(features.clone(), config, vec!["no".into(), "yes".into()], 1)?;
/// let mut calibration = Calibration::new(&model)?;
/// // In use, the recordings that the model was trained on.
/// let sound: Vec<f32> = (0..8000).map(|n| (n as f32 * 0.1).sin()).collect();
/// calibration.add(&features.init()?.extract(&sound)?)?;
/// let network = calibration.quantize()?;
/// assert!(network.bytes() < model.parameters.len() * 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Calibration<'a> {
    model: &'a Model,
    network: Network,
    graph: Graph,
    ranges: RefCell<Ranges>,
}

impl<'a> Calibration<'a> {
    /// Begins a calibration.
    ///
    /// # Errors
    /// [`QuantizeError::Layer`] if integers cannot run a layer; [`QuantizeError::Model`] if the model cannot be built.
    pub fn new(model: &'a Model) -> Result<Calibration<'a>, QuantizeError> {
        let network = model.network()?;
        let graph = network.graph();
        graph.nodes.iter().try_for_each(check)?;
        Ok(Calibration { model, network, graph, ranges: RefCell::default() })
    }

    /// Adds the frames of a recording, before the model's normalization, [T, F]. Returns the scores in floating point,
    /// \[K\] or [T, K].
    ///
    /// # Errors
    /// [`QuantizeError::Model`] if the width of the frames is wrong, or a score is not finite.
    pub fn add(&self, frames: &Features) -> Result<Vec<f32>, QuantizeError> {
        let normalized = self.model.normalize(frames)?;
        let tensors = GraphTensors::new(&self.network, &self.model.parameters);
        let network = FloatNetwork { graph: &self.graph, tensors: &tensors };
        let scores = network.scores(normalized.values(), &mut self.ranges.borrow_mut());
        match scores.iter().all(|score| score.is_finite()) {
            true => Ok(scores),
            false => Err(stapes_infer::InferError::NotFinite.into()),
        }
    }

    /// Returns the model as integers.
    ///
    /// # Errors
    /// [`QuantizeError::NoRecordings`] if no recording was added.
    pub fn quantize(&self) -> Result<QuantizedNetwork, QuantizeError> {
        let ranges = self.ranges.borrow();
        if ranges.nodes.is_empty() {
            return Err(QuantizeError::NoRecordings);
        }
        let tensors = GraphTensors::new(&self.network, &self.model.parameters);
        let input_scale = scale(ranges.input);
        let mut nodes: Vec<QuantizedNode> = Vec::new();
        for (node, range) in self.graph.nodes.iter().zip(&ranges.nodes) {
            let scales: Vec<f64> =
                node.inputs.iter().map(|input| input.map_or(input_scale, |at| nodes[at].scale)).collect();
            nodes.push(quantized(&tensors, node, *range, &scales));
        }
        Ok(QuantizedNetwork {
            graph: self.graph.clone(),
            input_scale,
            nodes,
            functions: Functions::default(),
        })
    }
}

/// Checks that integers can run an operation.
fn check(node: &GraphNode) -> Result<(), QuantizeError> {
    match &node.operation {
        Operation::FrameConvolution { activation: Activation::LogRelu, .. } => Err(QuantizeError::Layer {
            layer: "a convolution along the samples of each frame, with log-ReLU".into(),
            reason: "its logarithm has no integer form; export float32",
        }),
        _ => Ok(()),
    }
}

/// Returns the scale of values up to a magnitude.
fn scale(largest: f32) -> f64 {
    match largest > 0.0 {
        true => HEADROOM * f64::from(largest) / f64::from(MAX_VALUE),
        false => 1.0 / f64::from(MAX_VALUE),
    }
}

/// Returns the integers of a node with inputs of these scales.
fn quantized(
    tensors: &GraphTensors<'_>,
    node: &GraphNode,
    range: NodeRange,
    inputs: &[f64],
) -> QuantizedNode {
    let (x, y) = (inputs[0], scale(range.output));
    let linear = |weight: &str, bias: Option<&str>, output: f64| {
        let (values, bias) = (tensors.values(weight), bias.map(|bias| tensors.values(bias)));
        Products::new(values, bias, tensors.shape(weight)[0], [x, output])
    };
    let numbers = match &node.operation {
        Operation::Linear { weight, bias } => Numbers::Products(linear(weight, bias.as_deref(), y)),
        Operation::FrameConvolution { weight, bias, .. } => Numbers::Products(linear(weight, Some(bias), y)),
        Operation::Convolution { shape, weight, bias, norm, .. } => {
            let [weights, bias] = tensors.convolution(shape, weight, bias.as_deref(), norm.as_ref());
            Numbers::Products(Products::new(&weights, Some(&bias), shape.outputs, [x, y]))
        }
        Operation::Recurrent { config, prefix } => {
            return recurrent(tensors, (config, prefix), range.inner, x);
        }
        Operation::Attention { query, weight, bias } => {
            let sums = 2f64.powi(-(SUM_BITS as i32));
            let attention = match query {
                Query::Learned => QuantizedAttention::Learned(linear(weight, Some(bias), sums)),
                Query::MiddleFrame => {
                    let query = scale(range.inner);
                    let score = x * query * 2f64.powi(15) / sums;
                    QuantizedAttention::MiddleFrame {
                        query: linear(weight, Some(bias), query),
                        score: Rescale::new(&[score]),
                    }
                }
            };
            return QuantizedNode { numbers: Numbers::Attention(attention), scale: x };
        }
        Operation::NormActivation { norm: Some(names), .. } => {
            let [factors, addends] = tensors.batch_norm(names);
            let factors: Vec<f64> = factors.iter().map(|&factor| f64::from(factor) * x / y).collect();
            let addend = |&addend: &f32| (f64::from(addend) / y).round().clamp(-5e8, 5e8) as i32;
            Numbers::Affine { factors: Rescale::new(&factors), addends: addends.iter().map(addend).collect() }
        }
        Operation::Swish => {
            let argument = Rescale::new(&[x * 2f64.powi(SUM_BITS as i32)]);
            return QuantizedNode { numbers: Numbers::Swish(argument), scale: x };
        }
        Operation::Sum { .. } => {
            Numbers::Sum(Rescale::new(&inputs.iter().map(|input| input / y).collect::<Vec<f64>>()))
        }
        _ => return QuantizedNode { numbers: Numbers::None, scale: x },
    };
    QuantizedNode { numbers, scale: y }
}

/// Returns the integers of recurrent layers.
fn recurrent(
    tensors: &GraphTensors<'_>,
    (config, prefix): (&RecurrentConfig, &str),
    range: f32,
    input: f64,
) -> QuantizedNode {
    let unit = 2f64.powi(-(UNIT_BITS as i32));
    let sums = 2f64.powi(-(SUM_BITS as i32));
    let is_relu = config.cell == CellKind::RnnRelu;
    let state = if is_relu { scale(range) } else { unit };
    // Whole bits above the point of c.
    let whole = (HEADROOM * f64::from(range)).max(1.0).log2().ceil() as u32;
    let cell_bits = UNIT_BITS - whole.min(UNIT_BITS);
    let products = |weight: &str, bias: Option<&String>, input: f64| {
        let bias = bias.map(|bias| tensors.values(bias));
        Products::new(tensors.values(weight), bias, tensors.shape(weight)[0], [input, sums])
    };
    let layer = |(place, layer): (usize, &RecurrentLayer), first: f64| QuantizedLayer {
        input: products(
            &layer.weight_ih,
            layer.biases.as_ref().map(|names| &names[0]),
            if place == 0 { first } else { state },
        ),
        state: products(&layer.weight_hh, layer.biases.as_ref().map(|names| &names[1]), state),
        rescale: is_relu.then(|| Rescale::new(&[sums / state])),
        cell_bits,
    };
    // The sizes of the inputs are those of the tensors.
    let stages = config.stages(prefix, 0).into_iter().enumerate().map(|(stage, chains)| {
        let first = if stage == 0 { input } else { state };
        let chain =
            |layers: Vec<RecurrentLayer>| layers.iter().enumerate().map(|at| layer(at, first)).collect();
        chains.into_iter().map(|one| chain(one.layers)).collect()
    });
    QuantizedNode { numbers: Numbers::Recurrent(stages.collect()), scale: state }
}
