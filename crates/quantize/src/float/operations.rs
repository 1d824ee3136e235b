//! Operations without states.

use stapes_kernels::convolution::ConvolutionShape;
use stapes_nn::convolution::Activation;
use stapes_nn::graph::{GraphNode, LOG_RELU_FLOOR, Operation};
use stapes_nn::head::{Pooling, Query};
use stapes_nn::layer::Shape;

use super::{FloatNetwork, NodeRange, extend};
use crate::value::Value;

impl FloatNetwork<'_> {
    /// Returns the output of a node, and extends its ranges.
    pub(super) fn operation(
        &self,
        node: &GraphNode,
        inputs: &[&Value<f32>],
        range: &mut NodeRange,
    ) -> Value<f32> {
        let (x, shape) = (inputs[0], node.output);
        let output = match &node.operation {
            Operation::Linear { weight, bias } => {
                let bias = bias.as_ref().map(|bias| self.tensors.values(bias));
                let weight = self.tensors.values(weight);
                Value::new(x.rows().flat_map(|row| linear(weight, bias, row)).collect(), shape)
            }
            Operation::Recurrent { config, prefix } => {
                self.recurrent(config, prefix, x, shape, &mut range.inner)
            }
            Operation::Pool { kind, num_directions } => pool(x, *kind, *num_directions, shape),
            Operation::Attention { query, weight, bias } => {
                let query = self.query(x, *query, weight, bias);
                extend(&mut range.inner, &query[1..]);
                Value::new(attention(&query[1..], query[0], x), shape)
            }
            Operation::FramesAsRows | Operation::FramesAsChannels | Operation::ImageAsFrames => {
                x.transposed(shape)
            }
            Operation::Convolution { shape: window, weight, bias, norm, relu, avg_pool, .. } => {
                let [weights, bias] =
                    self.tensors.convolution(window, weight, bias.as_deref(), norm.as_ref());
                let (mut y, size) = convolution(window, [&weights, &bias], x);
                if *relu {
                    self::relu(&mut y);
                }
                extend(&mut range.output, &y);
                Value::new(average_pool(&y, size, *avg_pool), shape)
            }
            Operation::FrameConvolution { filters, window, pool, activation, weight, bias } => {
                let [weight, bias] = [weight, bias].map(|name| self.tensors.values(name));
                let positions = x.width() - window + 1;
                let pool = pool.unwrap_or(positions);
                let row = |row| frame_convolution(row, [weight, bias], [*filters, *window, pool]);
                let mut y: Vec<f32> = x.rows().flat_map(row).collect();
                if *activation == Activation::LogRelu {
                    y.iter_mut().for_each(|y| *y = (*y + LOG_RELU_FLOOR).ln());
                }
                Value::new(y, shape)
            }
            Operation::NormActivation { norm, bands, relu } => {
                let mut y = x.data.clone();
                if let Some(names) = norm {
                    let [scale, shift] = self.tensors.batch_norm(names);
                    let channel = channels(x, *bands);
                    y.iter_mut().enumerate().for_each(|(at, y)| {
                        let channel = channel(at);
                        *y = *y * scale[channel] + shift[channel];
                    });
                }
                if *relu {
                    self::relu(&mut y);
                }
                Value::new(y, shape)
            }
            Operation::Swish => Value::new(x.data.iter().map(|&x| x / (1.0 + (-x).exp())).collect(), shape),
            Operation::MeanOverRows | Operation::GlobalMean => mean(x, &node.operation, shape),
            Operation::Sum { relu } => {
                let mut y = x.data.clone();
                for term in &inputs[1..] {
                    let place = broadcast(x, term);
                    extend(&mut range.output, &term.data);
                    y.iter_mut().enumerate().for_each(|(at, y)| *y += term.data[place(at)]);
                    extend(&mut range.output, &y);
                }
                if *relu {
                    self::relu(&mut y);
                }
                Value::new(y, shape)
            }
            _ => x.reshaped(shape),
        };
        if !matches!(node.operation, Operation::Convolution { .. }) {
            extend(&mut range.output, &output.data);
        }
        output
    }

    /// Returns the bias of the scores of attention, and the query.
    fn query(&self, x: &Value<f32>, query: Query, weight: &str, bias: &str) -> Vec<f32> {
        let [weight, bias] = [weight, bias].map(|name| self.tensors.values(name));
        match query {
            Query::Learned => [bias, weight].concat(),
            Query::MiddleFrame => {
                let n = x.width();
                let middle = &x.data[x.length / 2 * n..][..n];
                [vec![0.0], linear(weight, Some(bias), middle)].concat()
            }
        }
    }
}

/// Returns W x + b.
pub(super) fn linear(weight: &[f32], bias: Option<&[f32]>, x: &[f32]) -> Vec<f32> {
    let row = |(at, row): (usize, &[f32])| {
        bias.map_or(0.0, |bias| bias[at]) + row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>()
    };
    weight.chunks_exact(x.len()).enumerate().map(row).collect()
}

fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

fn pool(x: &Value<f32>, kind: Pooling, directions: usize, shape: Shape) -> Value<f32> {
    match kind {
        Pooling::Last => x.last(directions, shape),
        Pooling::Mean => {
            let sums: Vec<f32> = x.fold(|value| value, |sum, value| sum + value);
            Value::new(sums.iter().map(|sum| sum / x.length as f32).collect(), shape)
        }
        Pooling::Max => Value::new(x.fold(|value| value, f32::max), shape),
    }
}

/// Returns the mean of the frames, weighted by the softmax of their products with the query.
fn attention(query: &[f32], bias: f32, x: &Value<f32>) -> Vec<f32> {
    let scores: Vec<f32> =
        x.rows().map(|row| bias + row.iter().zip(query).map(|(x, q)| x * q).sum::<f32>()).collect();
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
    let total: f32 = weights.iter().sum();
    let mut y = vec![0.0; x.width()];
    for (row, weight) in x.rows().zip(&weights) {
        y.iter_mut().zip(row).for_each(|(y, x)| *y += x * weight / total);
    }
    y
}

/// Returns the output [outputs, rows, columns] of a convolution, and its size.
fn convolution(
    window: &ConvolutionShape,
    [weights, bias]: [&[f32]; 2],
    x: &Value<f32>,
) -> (Vec<f32>, [usize; 3]) {
    let size = crate::window::output_size(window, x.image());
    let mut y = Vec::with_capacity(size.iter().product());
    crate::window::positions(window, x.image(), |output, products| {
        let sum: f32 = products.map(|[w, x_at]| weights[w] * x.data[x_at]).sum();
        y.push(bias[output] + sum);
    });
    (y, size)
}

/// Returns the means over windows [rows, columns] of an image.
fn average_pool(y: &[f32], size: [usize; 3], window: [usize; 2]) -> Vec<f32> {
    let count = (window[0] * window[1]) as f32;
    let mean = |places: &mut dyn Iterator<Item = usize>| places.map(|at| y[at]).sum::<f32>() / count;
    crate::window::pooled(size, window, mean)
}

/// Returns the maxima over adjacent windows of the products with the filters, or 0 if it is larger.
fn frame_convolution(
    row: &[f32],
    [weight, bias]: [&[f32]; 2],
    [filters, window, pool]: [usize; 3],
) -> Vec<f32> {
    let positions = (row.len() - window + 1) / pool;
    let product = |filter: usize, at: usize| {
        let taps = weight[filter * window..][..window].iter().zip(&row[at..]);
        bias[filter] + taps.map(|(w, x)| w * x).sum::<f32>()
    };
    let best = |filter: usize, place: usize| {
        (place * pool..(place + 1) * pool).map(|at| product(filter, at)).fold(0.0, f32::max)
    };
    (0..filters).flat_map(|filter| (0..positions).map(move |place| best(filter, place))).collect()
}

/// Returns the channel of the normalization of each place in an image or in frames.
pub(crate) fn channels<T: Copy + Default>(x: &Value<T>, bands: usize) -> impl Fn(usize) -> usize + use<T> {
    let (width, [_, height, columns]) = (x.width(), x.image());
    let is_image = matches!(x.shape, Shape::Image { .. });
    let each = if is_image { (height / bands * columns).max(1) } else { 1 };
    move |at| if is_image { at / each } else { at % width }
}

/// Returns the place in a term of a sum of each place in the first: images of one row are added to each row.
pub(crate) fn broadcast<T: Copy + Default>(
    x: &Value<T>,
    term: &Value<T>,
) -> impl Fn(usize) -> usize + use<T> {
    let ([_, height, columns], [_, rows, _]) = (x.image(), term.image());
    let is_row = rows == 1 && height > 1;
    move |at| if is_row { at / (height * columns) * columns + at % columns } else { at }
}

/// Returns the mean over the rows of each column, or over all positions of each channel.
fn mean(x: &Value<f32>, operation: &Operation, shape: Shape) -> Value<f32> {
    let mean = |places: &mut dyn Iterator<Item = usize>, count: usize| {
        places.map(|at| x.data[at]).sum::<f32>() / count as f32
    };
    Value::new(crate::window::means(x.image(), operation, mean), shape)
}
