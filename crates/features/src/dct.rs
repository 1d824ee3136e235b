//! The discrete cosine transform of type II.

use std::f64::consts::PI;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::choice::{Choice, choose};
use crate::sample::Sample;

/// How the discrete cosine transform is scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DctNorm {
    /// Orthonormal: sqrt(1/n) for row 0, sqrt(2/n) for the others.
    #[default]
    Ortho,
    /// scipy's plain sum: 2 for every row.
    None,
}

impl<'de> Deserialize<'de> for DctNorm {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<DctNorm, D::Error> {
        choose(deserializer, "\"ortho\" or \"none\"", |choice| match choice {
            Choice::Word("ortho") => Some(DctNorm::Ortho),
            Choice::Word("none") | Choice::Nothing => Some(DctNorm::None),
            _ => None,
        })
    }
}

/// The first rows of the transform y\[k\] = s_k sum_m x\[m\] cos(pi k (2m + 1) / (2n)).
///
/// Row k is symmetric about the middle for even k and antisymmetric for odd k, so the input is folded into
/// sums and differences of its mirrored elements first: half the products. Sums are taken in f64.
#[derive(Clone, Debug)]
pub(crate) struct Dct {
    /// \[rows, half\], half = ceil(n / 2).
    table: Arc<[f64]>,
    inputs: usize,
    rows: usize,
    sums: Vec<f64>,
    differences: Vec<f64>,
}

impl Dct {
    /// `rows` of at most `inputs` rows.
    pub(crate) fn new(inputs: usize, rows: usize, norm: DctNorm) -> Dct {
        let half = inputs.div_ceil(2);
        let n = inputs as f64;
        let scale = |k: usize| match (norm, k) {
            (DctNorm::Ortho, 0) => (1.0 / n).sqrt(),
            (DctNorm::Ortho, _) => (2.0 / n).sqrt(),
            (DctNorm::None, _) => 2.0,
        };
        // The angle in whole steps of pi / 2n, reduced to one turn: exact however large k is.
        let cosine = |k: usize, m: usize| (PI * ((k * (2 * m + 1)) % (4 * inputs)) as f64 / (2.0 * n)).cos();
        let table = (0..rows).flat_map(|k| (0..half).map(move |m| scale(k) * cosine(k, m))).collect();
        Dct { table, inputs, rows, sums: vec![0.0; half], differences: vec![0.0; half] }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// # Shapes
    /// input \[inputs\] -> output \[rows\]
    pub(crate) fn apply<S: Sample>(&mut self, input: &[S], output: &mut [S]) {
        let pairs = self.inputs / 2;
        let half = self.sums.len();
        let mirrored = input[half..].iter().rev();
        let folded = self.sums.iter_mut().zip(&mut self.differences);
        for ((sum, difference), (&left, &right)) in folded.zip(input[..pairs].iter().zip(mirrored)) {
            *sum = left.widen() + right.widen();
            *difference = left.widen() - right.widen();
        }
        if half > pairs {
            // The middle of an odd number of elements; odd rows are zero there.
            self.sums[pairs] = input[pairs].widen();
            self.differences[pairs] = 0.0;
        }
        for (k, (value, row)) in output.iter_mut().zip(self.table.chunks_exact(half)).enumerate() {
            let folded = if k % 2 == 0 { &self.sums } else { &self.differences };
            *value = S::narrow(product(row, folded));
        }
    }
}

/// The sum of products, in eight partial sums.
fn product(row: &[f64], values: &[f64]) -> f64 {
    let (row_runs, row_rest) = row.as_chunks::<8>();
    let (value_runs, value_rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (row, values) in row_runs.iter().zip(value_runs) {
        for lane in 0..8 {
            sums[lane] += row[lane] * values[lane];
        }
    }
    let rest: f64 = row_rest.iter().zip(value_rest).map(|(weight, value)| weight * value).sum();
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_equals_its_definition() {
        for inputs in [1usize, 2, 3, 7, 16, 23, 40, 128] {
            for norm in [DctNorm::Ortho, DctNorm::None] {
                let x: Vec<f64> = (0..inputs).map(|m| ((m * m) as f64 * 0.7).sin() * 50.0 - 30.0).collect();
                for rows in [1, inputs.div_ceil(2), inputs] {
                    let mut y = vec![0.0; rows];
                    Dct::new(inputs, rows, norm).apply(&x, &mut y);
                    for (k, y) in y.iter().enumerate() {
                        let n = inputs as f64;
                        let term = |m: usize| x[m] * (PI * (k * (2 * m + 1)) as f64 / (2.0 * n)).cos();
                        let sum: f64 = (0..inputs).map(term).sum();
                        let expected = match (norm, k) {
                            (DctNorm::Ortho, 0) => sum / n.sqrt(),
                            (DctNorm::Ortho, _) => sum * (2.0 / n).sqrt(),
                            (DctNorm::None, _) => 2.0 * sum,
                        };
                        assert!((y - expected).abs() < 1e-10, "{inputs} {norm:?} {k}: {y} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_orthonormal_transform_keeps_lengths() {
        let x: Vec<f64> = (0..40).map(|m| (m as f64).cos()).collect();
        let mut y = vec![0.0; 40];
        Dct::new(40, 40, DctNorm::Ortho).apply(&x, &mut y);
        let square = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        assert!((square(&x) - square(&y)).abs() < 1e-12);
    }
}
