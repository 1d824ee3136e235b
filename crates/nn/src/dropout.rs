//! Dropout of values, or of whole channels.

use crate::layer::{Backward, Layer, Mode, Pass, Shape};

/// Sets each value to zero with probability p while training, and scales the others by 1 / (1 - p).
///
/// Which values fall depends on the step, the sequence's place in the batch, the time and the feature, so that
/// neither the number of shards nor the other sequences change it.
///
/// # Shapes
/// the output as the input
///
/// # Source
/// Srivastava et al. 2014, in the scaled form that PyTorch uses; of whole channels Tompson et al. 2015.
pub struct Dropout {
    probability: f32,
    shape: Shape,
    /// Tells the dropout layers of one model apart.
    number: u64,
    whole_channels: bool,
    /// 0 or 1 / (1 - p) for each value; empty where nothing is dropped.
    factors: Vec<f32>,
}

impl Dropout {
    /// Dropout with probability `probability` in [0, 1) over values of this shape.
    pub fn new(probability: f32, shape: Shape, number: u64) -> Dropout {
        Dropout { probability, shape, number, whole_channels: false, factors: Vec::new() }
    }

    /// The same for whole channels of images, as torch.nn.Dropout2d.
    pub fn of_channels(self) -> Dropout {
        Dropout { whole_channels: true, ..self }
    }

    /// Draws what falls in this pass.
    fn draw(&mut self, pass: Pass<'_>) {
        self.factors.clear();
        let Mode::Training(draw) = pass.mode else { return };
        if self.probability == 0.0 {
            return;
        }
        let sequences = pass.sequences;
        let (probability, number) = (self.probability, self.number);
        let kept = 1.0 / (1.0 - probability);
        let factor = move |index: usize, unit: usize| {
            if draw.uniform(number, index, unit) < probability { 0.0 } else { kept }
        };
        match self.shape {
            Shape::Sequence { features, .. } => {
                for t in 0..sequences.longest() {
                    for &index in &sequences.order()[..sequences.rows(t)] {
                        self.factors.extend((0..features).map(|unit| factor(index, t * features + unit)));
                    }
                }
            }
            Shape::Vector { features } => {
                for index in 0..sequences.batch() {
                    self.factors.extend((0..features).map(|unit| factor(index, unit)));
                }
            }
            Shape::Image { channels, height, .. } => {
                for (index, length) in sequences.lengths().iter().enumerate() {
                    let places = height * length;
                    let unit = |at: usize| if self.whole_channels { at / places } else { at };
                    self.factors.extend((0..channels * places).map(|at| factor(index, unit(at))));
                }
            }
        }
    }

    /// Scales values as the forward pass that came last did.
    pub(crate) fn scale(&self, values: &mut [f32]) {
        values.iter_mut().zip(&self.factors).for_each(|(value, factor)| *value *= factor);
    }
}

impl Layer for Dropout {
    fn describe(&self) -> String {
        format!("dropout {}", self.probability)
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn stream(&self) -> Option<Vec<f32>> {
        Some(Vec::new())
    }

    fn forward(&mut self, _parameters: &[f32], input: &[f32], output: &mut [f32], pass: Pass<'_>) {
        self.draw(pass);
        output.copy_from_slice(input);
        self.scale(output);
    }

    fn backward(&mut self, buffers: Backward<'_>, _pass: Pass<'_>) {
        let Some(d_input) = buffers.d_input else { return };
        d_input.copy_from_slice(buffers.d_output);
        self.scale(d_input);
    }
}
