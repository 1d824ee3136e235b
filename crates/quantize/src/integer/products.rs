//! Products of int8 weights with int16 values.

use crate::fixed_point::{MAX_VALUE, Rescale, saturate};

/// Weights of W x + b with a scale per output. Sums fit 32 bits for any input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Products {
    /// W, one row after the other.
    pub weights: Vec<i8>,
    /// b, at the scale of the products.
    pub bias: Vec<i32>,
    /// Factors from the scale of the products to that of the output.
    pub rescale: Rescale,
}

impl Products {
    /// Quantizes weights of `outputs` rows and a bias, for these scales of input and output.
    pub(crate) fn new(
        weights: &[f32],
        bias: Option<&[f32]>,
        outputs: usize,
        [input_scale, output_scale]: [f64; 2],
    ) -> Products {
        let mut products = Products { weights: Vec::new(), bias: Vec::new(), rescale: Rescale::new(&[]) };
        let mut factors = Vec::new();
        for (output, row) in weights.chunks_exact(weights.len() / outputs).enumerate() {
            let bias = bias.map_or(0.0, |bias| f64::from(bias[output]));
            let scale = weight_scale(row, bias, input_scale);
            products
                .weights
                .extend(row.iter().map(|&w| (f64::from(w) / scale).round().clamp(-127.0, 127.0) as i8));
            products.bias.push((bias / (scale * input_scale)).round() as i32);
            factors.push(scale * input_scale / output_scale);
        }
        Products { rescale: Rescale::new(&factors), ..products }
    }

    /// Returns an output at the scale of the output, before it is clamped to a value: the bias and products of weights, by their
    /// places, with values.
    pub(crate) fn sum(&self, output: usize, products: impl Iterator<Item = (usize, i16)>) -> i32 {
        let product = |(at, x): (usize, i16)| i32::from(self.weights[at]) * i32::from(x);
        let sum = self.bias[output] + products.map(product).sum::<i32>();
        self.rescale.apply(sum, output)
    }

    /// Returns W x + b for the rows from `first`, before it is clamped.
    pub(crate) fn rows(&self, x: &[i16], rows: std::ops::Range<usize>) -> Vec<i32> {
        rows.map(|row| self.sum(row, (row * x.len()..).zip(x.iter().copied()))).collect()
    }

    /// Returns W x + b as values.
    pub(crate) fn linear(&self, x: &[i16]) -> Vec<i16> {
        self.rows(x, 0..self.bias.len()).into_iter().map(saturate).collect()
    }

    /// Returns the number of bytes.
    pub fn bytes(&self) -> usize {
        self.weights.len() + 4 * (self.bias.len() + self.rescale.multipliers.len())
    }
}

/// Returns the scale of a row of weights: 127 is the largest weight, unless a sum could then exceed 32 bits.
fn weight_scale(row: &[f32], bias: f64, input_scale: f64) -> f64 {
    let largest = row.iter().fold(0f64, |largest, &w| largest.max(f64::from(w).abs()));
    let sum: f64 = row.iter().map(|&w| f64::from(w).abs()).sum();
    // Each weight is rounded by at most a half.
    let room = f64::from(i32::MAX - 1) - 0.5 * row.len() as f64 * f64::from(MAX_VALUE);
    let bound = (sum * f64::from(MAX_VALUE) + bias.abs() / input_scale) / room.max(1.0);
    let scale = (largest / 127.0).max(bound);
    if scale > 0.0 { scale } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_many_large_weights_fit_32_bits() {
        for (inputs, bias) in [(10_000, 0.0), (5000, 300.0), (3, 1e6), (1, 0.0)] {
            let weights: Vec<f32> = (0..inputs).map(|at| 0.9 + 0.1 * (at as f32).sin()).collect();
            let products = Products::new(&weights, Some(&[bias]), 1, [1.0 / 32767.0, 1.0]);
            let sum: i64 = products.weights.iter().map(|&w| i64::from(w).abs() * 32767).sum();
            assert!(sum + i64::from(products.bias[0]) <= i64::from(i32::MAX), "{inputs} {bias}");
            let exact = f64::from(bias) + weights.iter().map(|&w| f64::from(w)).sum::<f64>();
            let result = products.rows(&vec![32767; inputs], 0..1)[0];
            assert!((f64::from(result) - exact).abs() <= 0.5 + 0.01 * exact, "{result} {exact}");
        }
    }

    #[test]
    fn a_row_of_zeros_is_zero() {
        let products = Products::new(&[0.0; 6], None, 2, [0.1, 0.1]);
        assert_eq!(products.linear(&[5, -7, 9]), [0, 0]);
    }
}
