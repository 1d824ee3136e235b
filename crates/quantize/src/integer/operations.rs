//! Operations without states.

use stapes_nn::graph::{GraphNode, Operation};
use stapes_nn::head::Pooling;

use super::{Numbers, Products, QuantizedNetwork};
use crate::fixed_point::{UNIT_BITS, mean, saturate, shift_rounded};
use crate::float::{broadcast, channels};
use crate::value::Value;
use crate::window;

impl QuantizedNetwork {
    /// Returns the output of a node.
    pub(super) fn operation(
        &self,
        node: &GraphNode,
        numbers: &Numbers,
        inputs: &[&Value<i16>],
    ) -> Value<i16> {
        let (x, shape) = (inputs[0], node.output);
        let data = match (&node.operation, numbers) {
            (Operation::Linear { .. }, Numbers::Products(products)) => {
                x.rows().flat_map(|row| products.linear(row)).collect()
            }
            (Operation::Recurrent { config, .. }, Numbers::Recurrent(stages)) => {
                return self.recurrent(config, stages, x, shape);
            }
            (Operation::Attention { .. }, Numbers::Attention(attention)) => self.attention(attention, x),
            (Operation::Pool { kind: Pooling::Last, num_directions }, _) => {
                return x.last(*num_directions, shape);
            }
            (Operation::Pool { kind: Pooling::Max, .. }, _) => x.fold(|value| value, i16::max),
            (Operation::Pool { .. }, _) => {
                let sums: Vec<i64> = x.fold(i64::from, |sum, value| sum + i64::from(value));
                sums.into_iter().map(|sum| mean(sum, x.length as i64) as i16).collect()
            }
            (Operation::FramesAsRows | Operation::FramesAsChannels | Operation::ImageAsFrames, _) => {
                return x.transposed(shape);
            }
            (Operation::Convolution { shape: window, relu, avg_pool, .. }, Numbers::Products(products)) => {
                let size = window::output_size(window, x.image());
                let mut y = Vec::with_capacity(size.iter().product());
                window::positions(window, x.image(), |output, places| {
                    let sum = products.sum(output, places.map(|[w, at]| (w, x.data[at])));
                    y.push(rectified(saturate(sum), *relu));
                });
                match *avg_pool {
                    [1, 1] => y,
                    window => {
                        window::pooled(size, window, |places| mean_of(&y, places, window[0] * window[1]))
                    }
                }
            }
            (Operation::FrameConvolution { filters, window, pool, .. }, Numbers::Products(products)) => {
                let pool = pool.unwrap_or(x.width() - window + 1);
                x.rows().flat_map(|row| frame_convolution(row, products, [*filters, *window, pool])).collect()
            }
            (Operation::NormActivation { bands, relu, .. }, Numbers::Affine { factors, addends }) => {
                let channel = channels(x, *bands);
                let value = |(at, &x): (usize, &i16)| {
                    let channel = channel(at);
                    saturate(factors.apply(i32::from(x), channel) + addends[channel])
                };
                x.data.iter().enumerate().map(value).map(|y| rectified(y, *relu)).collect()
            }
            (Operation::NormActivation { relu, .. }, _) => {
                x.data.iter().map(|&y| rectified(y, *relu)).collect()
            }
            (Operation::Swish, Numbers::Swish(argument)) => {
                let value = |&x: &i16| {
                    let x = i32::from(x);
                    shift_rounded(x * self.functions.sigmoid(argument.apply(x, 0)), UNIT_BITS) as i16
                };
                x.data.iter().map(value).collect()
            }
            (Operation::MeanOverRows | Operation::GlobalMean, _) => {
                window::means(x.image(), &node.operation, |places, count| mean_of(&x.data, places, count))
            }
            (Operation::Sum { relu }, Numbers::Sum(factors)) => {
                let mut y: Vec<i16> = x.data.iter().map(|&x| saturate(factors.apply(x.into(), 0))).collect();
                for (number, term) in inputs.iter().enumerate().skip(1) {
                    let place = broadcast(x, term);
                    y.iter_mut().enumerate().for_each(|(at, y)| {
                        *y = saturate(i32::from(*y) + factors.apply(term.data[place(at)].into(), number));
                    });
                }
                y.into_iter().map(|y| rectified(y, *relu)).collect()
            }
            _ => return x.reshaped(shape),
        };
        Value::new(data, shape)
    }
}

fn rectified(y: i16, relu: bool) -> i16 {
    if relu { y.max(0) } else { y }
}

fn mean_of(values: &[i16], places: &mut dyn Iterator<Item = usize>, count: usize) -> i16 {
    mean(places.map(|at| i64::from(values[at])).sum(), count as i64) as i16
}

/// Returns the maxima over adjacent windows of the products with the filters, or 0 if it is larger.
fn frame_convolution(row: &[i16], products: &Products, [filters, window, pool]: [usize; 3]) -> Vec<i16> {
    let positions = (row.len() - window + 1) / pool;
    let product = |filter: usize, at: usize| {
        products.sum(filter, (filter * window..(filter + 1) * window).zip(row[at..].iter().copied()))
    };
    let best = |filter: usize, place: usize| {
        let largest = (place * pool..(place + 1) * pool).map(|at| product(filter, at)).fold(0, i32::max);
        saturate(largest)
    };
    (0..filters).flat_map(|filter| (0..positions).map(move |place| best(filter, place))).collect()
}
