//! Matrix products C = A B and C = C + A B of f32.
//!
//! # Order of summation
//!
//! Each element of C is one chain of additions: it starts from zero, from the current value of C or from a bias, and
//! the products a[m, k] b[k, n] are added in the order k = 0, 1, 2, ... one by one (fused, if the instruction set
//! can). Nothing else has an influence: not the number of rows or columns, not the block sizes, not which operand is
//! packed. Therefore a sequence has bit for bit the same result alone and in any batch, and a product over [x, h]
//! equals bit for bit the product over x continued by the product over h. Tests check this.
//!
//! # Performance
//!
//! B is copied into *panels* two vectors wide, so that a tile of C stays in registers during its sums. [`Packed`]
//! keeps the panels for products that reuse B, as a recurrent layer does at every time step. [`OuterSum`] is for sums
//! over frames, AᵀB. [`Products`] packs, block by block, matrices that are used once.

mod general;
mod matrix;
mod outer_sum;
#[allow(unsafe_code, reason = "blocks of matrices handed on as pointers")]
mod packed;
#[allow(unsafe_code, reason = "rows of a tile reached by pointers")]
mod partial;
#[allow(unsafe_code, reason = "tiles of matrices reached by pointers")]
mod tile;

pub use general::Products;
pub use matrix::{Matrix, MatrixMut, Start};
pub use outer_sum::OuterSum;
pub use packed::Packed;
pub(crate) use packed::transpose;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;

    /// Distinct values in [-1, 1].
    fn values(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// The chain of additions that the module documents, one element at a time.
    fn chain(set: InstructionSet, a: Matrix<'_>, b: Matrix<'_>, start: &[f32]) -> Vec<f32> {
        let fused = set.to_string() != "portable";
        let mut c = Vec::new();
        for m in 0..a.rows() {
            for n in 0..b.columns() {
                let mut sum = start[m * b.columns() + n];
                for k in 0..a.columns() {
                    let (x, y) = (a.get(m, k), b.get(k, n));
                    sum = if fused { x.mul_add(y, sum) } else { x * y + sum };
                }
                c.push(sum);
            }
        }
        c
    }

    const SHAPES: [(usize, usize, usize); 12] = [
        (1, 1, 1),
        (1, 256, 64),
        (2, 33, 7),
        (3, 16, 300),
        (5, 40, 257),
        (6, 15, 20),
        (7, 17, 1),
        (20, 256, 20),
        (64, 20, 600),
        (97, 31, 65),
        (130, 48, 3),
        (9, 1030, 5),
    ];

    #[cfg_attr(windows, ignore = "fmaf of the C library rounds twice")]
    #[test]
    fn every_layout_and_start_gives_the_documented_chain_bit_for_bit() {
        for set in InstructionSet::available() {
            let mut products = Products::new(set);
            let mut packed = Packed::new(set);
            // Every height that a tile can have, over several panels.
            let heights = (1..=16).map(|rows| (rows, 150, 9));
            for (m, n, k) in SHAPES.into_iter().chain(heights) {
                let (a, b) = (values(m * (k + 3), 1), values(k * n, 2));
                let (at, bt) = (values(m * k, 3), values(k * n, 4));
                let (held, row) = (values(m * n, 5), values(n, 6));
                for a in [Matrix::strided(&a, (m, k), k + 3), Matrix::new(&at, k, m).transposed()] {
                    for b in [Matrix::new(&b, k, n), Matrix::new(&bt, n, k).transposed()] {
                        let rows: Vec<f32> = (0..m).flat_map(|_| row.iter().copied()).collect();
                        for (start, from) in [
                            (Start::Zero, vec![0.0; m * n]),
                            (Start::Keep, held.clone()),
                            (Start::Row(&row), rows),
                        ] {
                            let expected = chain(set, a, b, &from);
                            let mut c = held.clone();
                            products.multiply(a, b, MatrixMut::new(&mut c, m, n), start);
                            assert_eq!(c, expected, "{set} {m} x {n} x {k}, {start:?}");
                            if a.column_stride() != 1 {
                                continue;
                            }
                            let mut c = held.clone();
                            packed.pack(b);
                            packed.multiply(a, MatrixMut::new(&mut c, m, n), start);
                            assert_eq!(c, expected, "{set} packed {m} x {n} x {k}, {start:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn values_around_a_result_are_unchanged() {
        for set in InstructionSet::available() {
            let (a, b) = (values(7 * 5, 1), values(5 * 19, 2));
            let mut c = vec![9.0; 7 * 25];
            let result = MatrixMut::strided(&mut c[2..], (7, 19), 25);
            Products::new(set).multiply(Matrix::new(&a, 7, 5), Matrix::new(&b, 5, 19), result, Start::Zero);
            for (index, &value) in c.iter().enumerate() {
                let inside = (2..21).contains(&(index % 25));
                assert_eq!(value == 9.0, !inside, "element {index} is {value}");
            }
        }
    }

    #[test]
    fn a_product_of_depth_0_is_its_start() {
        for set in InstructionSet::available() {
            let mut c = [1.0, 2.0];
            let (a, b) = (Matrix::new(&[], 1, 0), Matrix::new(&[], 0, 2));
            Products::new(set).multiply(a, b, MatrixMut::new(&mut c, 1, 2), Start::Keep);
            assert_eq!(c, [1.0, 2.0]);
            Products::new(set).multiply(a, b, MatrixMut::new(&mut c, 1, 2), Start::Row(&[5.0, 6.0]));
            assert_eq!(c, [5.0, 6.0]);
        }
    }

    #[test]
    #[should_panic(expected = "need 5 values, not 4")]
    fn a_matrix_must_fit_into_its_slice() {
        Matrix::strided(&[0.0; 4], (2, 2), 3);
    }
}
