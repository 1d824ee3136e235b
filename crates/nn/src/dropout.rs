//! Dropout of single values or of whole channels.

use crate::graph::Operation;
use crate::layer::{Backward, Layer, Mode, Pass, Shape};

/// In training sets each value to zero with probability p and scales the others by 1 / (1 - p).
///
/// The choice depends only on the step, the example's index in the batch, the time and the feature, so
/// neither the number of shards nor the other sequences change it.
///
/// # Shapes
/// the output has the shape of the input
///
/// # Source
/// Srivastava et al. 2014, scaled as in PyTorch; Tompson et al. 2015 for whole channels.
pub struct Dropout {
    probability: f32,
    shape: Shape,
    /// Distinguishes the dropout layers of one model.
    id: u64,
    channelwise: bool,
    /// 0 or 1 / (1 - p) for each value; empty if nothing is dropped.
    factors: Vec<f32>,
}

impl Dropout {
    /// Creates dropout with this probability, in [0, 1), for values of this shape. `id` distinguishes the
    /// dropout layers of one model.
    pub fn new(probability: f32, shape: Shape, id: u64) -> Dropout {
        Dropout { probability, shape, id, channelwise: false, factors: Vec::new() }
    }

    /// Drops whole channels of images, as torch.nn.Dropout2d.
    pub fn channelwise(self) -> Dropout {
        Dropout { channelwise: true, ..self }
    }

    /// Draws the factors of this pass.
    fn sample(&mut self, pass: Pass<'_>) {
        self.factors.clear();
        let Mode::Training(key) = pass.mode else { return };
        if self.probability == 0.0 {
            return;
        }
        let sequences = pass.sequences;
        let (probability, id) = (self.probability, self.id);
        let scale = 1.0 / (1.0 - probability);
        let factor = move |sequence: usize, element: usize| {
            if key.uniform(id, sequence, element) < probability { 0.0 } else { scale }
        };
        match self.shape {
            Shape::Sequence { features, .. } => {
                for t in 0..sequences.max_length() {
                    for &sequence in &sequences.order()[..sequences.rows(t)] {
                        let elements = t * features..(t + 1) * features;
                        self.factors.extend(elements.map(|element| factor(sequence, element)));
                    }
                }
            }
            Shape::Vector { features } => {
                for sequence in 0..sequences.batch() {
                    self.factors.extend((0..features).map(|element| factor(sequence, element)));
                }
            }
            Shape::Image { channels, height, .. } => {
                for (sequence, length) in sequences.lengths().iter().enumerate() {
                    let area = height * length;
                    if !self.channelwise {
                        self.factors.extend((0..channels * area).map(|at| factor(sequence, at)));
                        continue;
                    }
                    for channel in 0..channels {
                        self.factors.extend(std::iter::repeat_n(factor(sequence, channel), area));
                    }
                }
            }
        }
    }

    /// Scales values by the factors of the most recent forward pass.
    pub(crate) fn scale(&self, values: &mut [f32]) {
        values.iter_mut().zip(&self.factors).for_each(|(value, factor)| *value *= factor);
    }
}

impl Layer for Dropout {
    fn describe(&self) -> String {
        format!("dropout {}", self.probability)
    }

    fn operation(&self) -> Operation {
        Operation::Identity
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn initial_state(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        self.sample(pass);
        output.copy_from_slice(input);
        self.scale(output);
    }

    fn backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        stapes_kernels::require_training();
        let Some(d_input) = buffers.d_input else { return };
        d_input.copy_from_slice(buffers.d_output);
        self.scale(d_input);
    }
}
