//! Gradient norms through time, per recurrent layer: they show vanishing and exploding gradients.

use serde::Serialize;
use stapes_files::number;
use stapes_infer::Model;
use stapes_kernels::Sequences;
use stapes_nn::NetworkBackward;
use stapes_nn::layer::{DropoutKey, Mode, Pass};
use stapes_nn::recurrent::RecurrentStack;
use stapes_train::Crop;

use crate::error::Error;
use crate::experiment::LoadedExamples;

/// Gradient norms of the states of one layer and direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientFlow {
    /// Index of the layer.
    pub layer: usize,
    /// `true` for the direction from the last frame to the first.
    pub backward: bool,
    /// |dLoss/dh| by distance from the last state in reading order: element d belongs to the state d frames before it.
    /// Root mean square over the sequences that are long enough.
    #[serde(with = "number")]
    pub norms: Vec<f64>,
}

impl GradientFlow {
    /// Returns the layer, counted from 1, and the direction: `layer 2, backward`.
    pub fn name(&self) -> String {
        format!("layer {}{}", self.layer + 1, if self.backward { ", backward" } else { "" })
    }
}

/// Computes the gradient norms of the loss with respect to all recurrent states, with these parameters of the model.
///
/// The loss of a sequence is that of its prediction, or the sum over its frames for a frame-level model. Dropout is
/// disabled, because its randomness would hide the result.
///
/// # Errors
/// [`Error::NoRecurrentLayer`] if the model has none; [`Error::Infer`] if the frames do not fit the model.
///
/// # Panics
/// If there are no examples.
pub fn gradient_flow(
    model: &Model,
    parameters: &[f32],
    examples: &LoadedExamples,
) -> Result<Vec<GradientFlow>, Error> {
    let mut without_dropout = model.clone();
    without_dropout.config.disable_dropout();
    let mut network = without_dropout.network()?;
    let Some(stack) = network.layer_mut::<RecurrentStack>() else { return Err(Error::NoRecurrentLayer) };
    stack.keep_state_gradient_norms(true);
    let config = *stack.config();

    let frames = examples.features.iter().map(|frames| model.normalize(frames));
    let frames = frames.collect::<Result<Vec<_>, _>>()?;
    let lengths: Vec<usize> = frames.iter().map(|frames| frames.frames()).collect();
    let sequences = Sequences::new(&lengths).unwrap_or_else(|error| panic!("{error}"));
    let rows: Vec<&[f32]> = frames.iter().map(|frames| frames.values()).collect();
    let mut input = vec![0.0; model.shape.len(&sequences)];
    sequences.pack(&rows, model.shape.features(), &mut input);
    let example_ids: Vec<usize> = (0..lengths.len()).collect();
    let key = DropoutKey { step: 0, example_ids: &example_ids };
    let pass = Pass { sequences: &sequences, mode: Mode::Training(key) };

    let mut network = network.load(parameters);
    let mut d_scores = network.forward(&input, pass).to_vec();
    // With a weight of 1 per example the loss is a sum, and each sequence's states receive the gradient of its own term.
    let crop = |(example, &frames): (usize, &usize)| Crop { example, start_frame: 0, frames, repetition: 0 };
    let crops: Vec<Crop> = lengths.iter().enumerate().map(crop).collect();
    let packed = examples.labels.as_ref().pack(&crops, &sequences);
    network.objective().loss(&mut d_scores, packed.targets(), &sequences, 1);
    let mut gradients = vec![0.0; parameters.len()];
    let call =
        NetworkBackward { gradients: &mut gradients, input: &input, d_output: &d_scores, d_input: None };
    network.backward(call, pass);

    let Some(stack) = network.layer::<RecurrentStack>() else { return Err(Error::NoRecurrentLayer) };
    // Layers before the stack may combine several frames into one step.
    let steps = network.input_lengths::<RecurrentStack>(&sequences).unwrap_or(&sequences);
    let flow = |layer: usize, direction: usize| {
        let norms = stack.state_gradient_norms(layer, direction);
        let norms = by_distance(norms, steps, direction == 1);
        GradientFlow { layer, backward: direction == 1, norms }
    };
    let layers = (0..config.num_layers)
        .flat_map(|layer| (0..config.num_directions()).map(move |direction| (layer, direction)));
    Ok(layers.map(|(layer, direction)| flow(layer, direction)).collect())
}

/// Returns the root mean squares of packed norms by distance from the last state in reading order.
fn by_distance(norms: &[f32], sequences: &Sequences, backward: bool) -> Vec<f64> {
    let mut sums = vec![(0.0, 0u32); sequences.max_length()];
    for slot in 0..sequences.batch() {
        let length = sequences.slot_length(slot);
        for t in 0..length {
            let norm = f64::from(norms[sequences.start(t) + slot]);
            let (sum, count) = &mut sums[if backward { t } else { length - 1 - t }];
            *sum += norm * norm;
            *count += 1;
        }
    }
    sums.into_iter().map(|(sum, count)| (sum / f64::from(count.max(1))).sqrt()).collect()
}
