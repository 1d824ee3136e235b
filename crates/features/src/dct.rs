//! The discrete cosine transform of type II.

use std::f64::consts::PI;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::serde_scalar::{Scalar, deserialize_scalar};
use crate::simd::with_simd;

/// Scale of the discrete cosine transform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DctNorm {
    /// Orthonormal: sqrt(1/n) for row 0, sqrt(2/n) for the others.
    #[default]
    Ortho,
    /// scipy's unnormalized sum: 2 for every row.
    None,
}

impl<'de> Deserialize<'de> for DctNorm {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<DctNorm, D::Error> {
        deserialize_scalar(deserializer, "\"ortho\" or \"none\"", |scalar| match scalar {
            Scalar::Word("ortho") => Some(DctNorm::Ortho),
            Scalar::Word("none") | Scalar::Null => Some(DctNorm::None),
            _ => None,
        })
    }
}

/// Number of rows summed at once; few enough for their sums to stay in registers.
const LANES: usize = 10;

/// First rows of the transform y\[k\] = s_k sum_m x\[m\] cos(pi k (2m + 1) / (2n)).
///
/// Row k is symmetric about the middle for even k and antisymmetric for odd k. The input is therefore folded
/// into sums and differences of its mirrored elements first, which halves the products. Sums are f64.
#[derive(Clone, Debug)]
pub(crate) struct Dct {
    /// Tables of the even and the odd rows: groups of LANES rows, each \[half, LANES\], half = ceil(n / 2).
    tables: [Arc<[[f64; LANES]]>; 2],
    inputs: usize,
    rows: usize,
    /// Sums and differences, \[half\] each.
    folded: [Vec<f64>; 2],
}

impl Dct {
    /// Builds the first `rows` of `inputs` rows.
    pub(crate) fn new(inputs: usize, rows: usize, norm: DctNorm) -> Dct {
        let half = inputs.div_ceil(2);
        let groups = rows.div_ceil(2).div_ceil(LANES);
        let table = |parity: usize| {
            let entry = |index: usize| {
                let (group, m) = (index / half, index % half);
                let weight = |lane: usize| match 2 * (group * LANES + lane) + parity {
                    k if k < rows => weight(inputs, k, m, norm),
                    _ => 0.0,
                };
                std::array::from_fn(weight)
            };
            (0..groups * half).map(entry).collect()
        };
        Dct { tables: [table(0), table(1)], inputs, rows, folded: [vec![0.0; half], vec![0.0; half]] }
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Transforms a vector.
    ///
    /// # Shapes
    /// input \[inputs\] -> output \[rows\]
    pub(crate) fn apply<S: Sample>(&mut self, input: &[S], output: &mut [S]) {
        with_simd(
            #[inline(always)]
            || self.transform(input, output),
        );
    }

    #[inline(always)]
    fn transform<S: Sample>(&mut self, input: &[S], output: &mut [S]) {
        self.fold(input);
        for (parity, (table, folded)) in self.tables.iter().zip(&self.folded).enumerate() {
            for (group, table) in table.chunks_exact(folded.len()).enumerate() {
                let rows = output.iter_mut().skip(2 * group * LANES + parity).step_by(2);
                for (row, sum) in rows.zip(products(table, folded)) {
                    *row = S::narrow(sum);
                }
            }
        }
    }

    #[inline(always)]
    fn fold<S: Sample>(&mut self, input: &[S]) {
        let pairs = self.inputs / 2;
        let [sums, differences] = &mut self.folded;
        let mirrored = input[input.len() - pairs..].iter().rev();
        let folded = sums.iter_mut().zip(&mut *differences);
        for ((sum, difference), (&left, &right)) in folded.zip(input.iter().zip(mirrored)) {
            *sum = left.widen() + right.widen();
            *difference = left.widen() - right.widen();
        }
        if sums.len() > pairs {
            // Middle of an odd number of elements, where odd rows are zero.
            sums[pairs] = input[pairs].widen();
            differences[pairs] = 0.0;
        }
    }
}

/// Returns the products of LANES rows with a column, each summed from its first element to its last.
#[inline(always)]
fn products(table: &[[f64; LANES]], column: &[f64]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (weights, value) in table.iter().zip(column) {
        for lane in 0..LANES {
            sums[lane] += weights[lane] * value;
        }
    }
    sums
}

fn weight(inputs: usize, k: usize, m: usize, norm: DctNorm) -> f64 {
    let n = inputs as f64;
    let scale = match (norm, k) {
        (DctNorm::Ortho, 0) => (1.0 / n).sqrt(),
        (DctNorm::Ortho, _) => (2.0 / n).sqrt(),
        (DctNorm::None, _) => 2.0,
    };
    // The angle in whole steps of pi / 2n, reduced to one turn: exact for any k.
    scale * (PI * ((k * (2 * m + 1)) % (4 * inputs)) as f64 / (2.0 * n)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transform_equals_its_definition() {
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
    fn orthonormal_transform_preserves_norms() {
        let x: Vec<f64> = (0..40).map(|m| (m as f64).cos()).collect();
        let mut y = vec![0.0; 40];
        Dct::new(40, 40, DctNorm::Ortho).apply(&x, &mut y);
        let square = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        assert!((square(&x) - square(&y)).abs() < 1e-12);
    }
}
