//! Sums over the rows of a matrix.

use crate::product::Matrix;
use crate::simd::{Lanes, Simd, kernel};

kernel! {
    /// Adds the sum of each column to `sums`, as for the gradient of a bias.
    ///
    /// # Shapes
    /// matrix [M, N] with contiguous rows; sums `[N]`
    ///
    /// # Panics
    /// If the shapes do not match.
    pub fn add_column_sums(matrix: Matrix<'_>, sums: &mut [f32]) = add_column_sums_generic
}

#[inline(always)]
fn add_column_sums_generic<S: Simd>(simd: S, matrix: Matrix<'_>, sums: &mut [f32]) {
    assert_eq!(matrix.columns(), sums.len(), "columns and sums");
    assert!(
        matrix.column_stride() == 1 || matrix.columns() == 1,
        "the rows of the matrix must be contiguous"
    );
    // A few vectors of sums stay in registers during the loop over the rows.
    const VECTORS: usize = 4;
    for (strip, sums) in sums.chunks_mut(VECTORS * S::WIDTH).enumerate() {
        let first = strip * VECTORS * S::WIDTH;
        let count = |vector: usize| sums.len().saturating_sub(vector * S::WIDTH).min(S::WIDTH);
        let mut totals = [Lanes::splat(simd, 0.0); VECTORS];
        let whole = sums.len() == VECTORS * S::WIDTH;
        for row in 0..matrix.rows() {
            let from = matrix.pointer(row, first);
            for (vector, total) in totals.iter_mut().enumerate() {
                let count = if whole { S::WIDTH } else { count(vector) };
                // SAFETY: columns first + vector WIDTH.. of this row, at most as many as the strip has.
                *total = *total + unsafe { Lanes::load(simd, from.wrapping_add(vector * S::WIDTH), count) };
            }
        }
        for (part, total) in sums.chunks_mut(S::WIDTH).zip(totals) {
            // SAFETY: a part has at most WIDTH values, all readable and writable.
            unsafe {
                let sum = Lanes::load(simd, part.as_ptr(), part.len()) + total;
                sum.store(part.as_mut_ptr(), part.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;

    #[test]
    fn sums_of_any_number_of_columns_are_added() {
        for set in InstructionSet::available() {
            for columns in [1, 7, 8, 31, 32, 33, 100] {
                let values: Vec<f32> = (0..5 * (columns + 2)).map(|i| (i % 17) as f32).collect();
                let matrix = Matrix::strided(&values, (5, columns), columns + 2);
                let mut sums = vec![0.5; columns];
                add_column_sums(set, matrix, &mut sums);
                for (column, sum) in sums.iter().enumerate() {
                    let expected: f32 = (0..5).map(|row| matrix.get(row, column)).sum();
                    assert_eq!(*sum, 0.5 + expected, "{set}, column {column} of {columns}");
                }
            }
        }
    }
}
