//! How the gradient of the loss flows back through time: where it vanishes and where it explodes.

use serde::Serialize;
use stapes_files::number;
use stapes_infer::Model;
use stapes_kernels::Sequences;
use stapes_nn::NetworkBackward;
use stapes_nn::layer::{Draw, Mode, Pass};
use stapes_nn::recurrent::RecurrentStack;
use stapes_train::Crop;

use crate::error::Error;
use crate::experiment::LoadedExamples;

/// The gradient by the states of one layer and direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientFlow {
    /// Which layer, from 0.
    pub layer: usize,
    /// Whether the direction reads from the last frame to the first.
    pub backward: bool,
    /// |dLoss/dh| by the distance from the state that the direction reaches last: number 0 is that state, number
    /// d the one d frames before it in reading order. Root mean square over the sequences that are long enough.
    #[serde(with = "number")]
    pub norms: Vec<f64>,
}

impl GradientFlow {
    /// The layer, from 1, and the direction: `layer 2, backward`.
    pub fn name(&self) -> String {
        format!("layer {}{}", self.layer + 1, if self.backward { ", backward" } else { "" })
    }
}

/// The gradient of each sequence's loss by all states, for a model with these parameters.
///
/// The loss is that of the sequence's one decision, or the sum of those of its frames. Without dropout, as its chance would hide what is to be seen.
///
/// # Errors
/// [`Error::NoRecurrentLayer`] if the model has none, [`Error::Infer`] if the frames do not fit the model.
///
/// # Panics
/// If there is no example.
pub fn gradient_flow(
    model: &Model,
    parameters: &[f32],
    examples: &LoadedExamples,
) -> Result<Vec<GradientFlow>, Error> {
    let mut without_dropout = model.clone();
    without_dropout.model.disable_dropout();
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
    let places: Vec<usize> = (0..lengths.len()).collect();
    let pass = Pass { sequences: &sequences, mode: Mode::TrainingJob(Draw { key: 0, places: &places }) };

    network.load_parameters(parameters);
    let mut d_scores = network.forward(parameters, &input, pass).to_vec();
    // A whole of one decision: the gradient is that of the sum, of which each sequence's states see their own.
    let labels = examples.labels.labels();
    let cut = |(example, &frames): (usize, &usize)| Crop { example, first: 0, frames, pass: 0 };
    let cuts: Vec<Crop> = lengths.iter().enumerate().map(cut).collect();
    let packed = labels.packed(&cuts, &sequences);
    network.objective().loss(&mut d_scores, labels.targets(&packed), &sequences, 1);
    let mut gradients = vec![0.0; parameters.len()];
    let call = NetworkBackward {
        parameters,
        gradients: &mut gradients,
        input: &input,
        d_output: &d_scores,
        d_input: None,
    };
    network.backward(call, pass);

    let Some(stack) = network.layer::<RecurrentStack>() else { return Err(Error::NoRecurrentLayer) };
    // Layers below the stack may make several frames a step.
    let steps = network.lengths_of::<RecurrentStack>(&sequences).unwrap_or(&sequences);
    let flow = |layer: usize, direction: usize| {
        let norms = stack.state_gradient_norms(layer, direction);
        let norms = by_distance(norms, steps, direction == 1);
        GradientFlow { layer, backward: direction == 1, norms }
    };
    let layers = (0..config.layers).flat_map(|layer| (0..config.directions()).map(move |at| (layer, at)));
    Ok(layers.map(|(layer, direction)| flow(layer, direction)).collect())
}

/// Root mean squares of packed norms by the distance from the last state in reading order.
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
