//! Sizes whose products and sums wrap to the lengths of the slices: every function panics, and none writes beyond them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stapes_kernels::column_sums::add_column_sums;
use stapes_kernels::convolution::{Convolution, ConvolutionShape};
use stapes_kernels::norm::*;
use stapes_kernels::pool::{self, Pooling};
use stapes_kernels::product::{Matrix, MatrixMut, OuterSum, Packed, Products, Start};
use stapes_kernels::recurrent::{CellKind, Direction, Recurrence};
use stapes_kernels::{InstructionSet, Sequences};

/// Half of the numbers, so that twice as many are 0, and with one more 2.
const HALF: usize = 1 << (usize::BITS - 1);
const WRAPPING: [[usize; 2]; 6] =
    [[HALF + 1, 2], [2, HALF + 1], [HALF, 2], [usize::MAX, usize::MAX], [usize::MAX, 2], [1, usize::MAX]];

/// Slices in the middle of a buffer, which must keep its values around them.
fn panics(name: &str, run: impl Fn(&mut [f32])) {
    let mut buffer = [7.0f32; 64];
    let result = catch_unwind(AssertUnwindSafe(|| run(&mut buffer[31..33])));
    assert!(result.is_err(), "{name} accepts sizes that wrap");
    assert_eq!(buffer, [7.0; 64], "{name} writes");
}

#[test]
fn epilogues_reject_sizes_that_wrap() {
    let (y, signs) = ([1.0f32, 2.0], [0u8; 2]);
    for set in InstructionSet::available() {
        for size in WRAPPING {
            for pool in [AvgPool::None, AvgPool::By2, AvgPool::By2x2] {
                let steps = Epilogue { pool, ..Epilogue::default() };
                panics("epilogue", |to| epilogue(set, steps, (&y, size), to, None));
                panics("epilogue with signs", |to| epilogue(set, steps, (&y, size), to, Some(&mut [0; 2])));
                let gradient = EpilogueGradient { pool, ..EpilogueGradient::plain(&y) };
                panics("epilogue_backward", |to| epilogue_backward(set, gradient, size, to));
                let gradient = EpilogueGradient { signs: Some(&signs), ..gradient };
                panics("epilogue_backward with signs", |to| epilogue_backward(set, gradient, size, to));
                let (channels, mut sums) = ([Channel::IDENTITY], [GradientSums::default()]);
                panics("add_gradient_sums", |to| {
                    add_gradient_sums(set, gradient, (to, size), &channels, &mut sums.clone());
                });
                assert_eq!(std::mem::take(&mut sums), [GradientSums::default()]);
            }
        }
        assert_eq!(sign_bytes(2, [HALF, 1]), usize::MAX);
    }
}

#[test]
fn matrices_reject_sizes_that_wrap() {
    let values = [1.0f32; 8];
    for [rows, columns] in WRAPPING {
        panics("Matrix::new", |_| _ = Matrix::new(&values[..2], rows, columns).get(0, 0));
        panics("MatrixMut::new", |to| _ = MatrixMut::new(to, rows, columns));
        panics("Matrix::strided", |_| {
            _ = Matrix::strided(&values, (rows.max(2), 2), columns.max(2)).get(1, 1)
        });
        panics("MatrixMut::strided", |to| _ = MatrixMut::strided(to, (rows.max(2), 2), columns.max(2)));
    }
    for first in [1, 3, 4, 5, HALF, usize::MAX] {
        for count in
            [usize::MAX, usize::MAX - 3, HALF, first.wrapping_neg(), first.wrapping_neg().wrapping_add(1)]
        {
            if first.checked_add(count).is_some_and(|end| end <= 4) {
                continue;
            }
            let matrix = Matrix::new(&values, 4, 2);
            panics("Matrix::rows_from", |_| _ = matrix.rows_from(first, count));
            panics("Matrix::columns_from", |_| _ = matrix.transposed().columns_from(first, count));
            panics("MatrixMut::rows_from", |to| _ = MatrixMut::new(to, 2, 1).rows_from(first, count));
            panics("MatrixMut::columns_from", |to| _ = MatrixMut::new(to, 1, 2).columns_from(first, count));
            let mut sum = OuterSum::new(InstructionSet::best());
            sum.resize(2, 2);
            let set_block = |first, left, part| sum.clone().set_block(first, left, part);
            panics("OuterSum::set_block", |_| set_block(first, 0, Matrix::new(&[], count, 0)));
            panics("OuterSum::set_block", |_| set_block(0, first, Matrix::new(&[], 0, count)));
        }
    }
}

#[test]
fn products_of_matrices_without_values_end_at_once() {
    for set in InstructionSet::available() {
        let mut packed = Packed::new(set);
        for (rows, columns) in [(usize::MAX, 0), (0, usize::MAX), (HALF, 0), (0, HALF + 1)] {
            let empty = Matrix::new(&[], rows, columns);
            packed.pack(empty);
            assert_eq!((packed.depth(), packed.columns()), (rows, columns));
            panics("Packed::multiply", |to| {
                packed.multiply(Matrix::new(&[1.0, 2.0], 1, 2), MatrixMut::new(to, 1, 2), Start::Zero);
            });
            let mut sum = OuterSum::new(set);
            sum.resize(rows, columns);
            sum.set_rows(0, empty);
            panics("OuterSum::multiply", |to| {
                sum.multiply(&packed, MatrixMut::new(to, 1, 2), Start::Zero);
            });
            let to = MatrixMut::new(&mut [], rows, columns);
            Products::new(set).multiply(
                Matrix::new(&[], rows, 0),
                Matrix::new(&[], 0, columns),
                to,
                Start::Zero,
            );
            add_column_sums(set, Matrix::new(&[], rows, 0), &mut []);
        }
        panics("OuterSum::resize", |_| OuterSum::new(set).resize(HALF + 1, 2));
    }
}

#[test]
fn a_failed_resize_keeps_the_old_shape() {
    let mut sum = OuterSum::new(InstructionSet::best());
    sum.resize(1, 1);
    assert!(catch_unwind(AssertUnwindSafe(|| sum.resize(HALF, 4))).is_err());
    sum.set_rows(0, Matrix::new(&[3.0], 1, 1));
    let mut packed = Packed::new(InstructionSet::best());
    packed.pack(Matrix::new(&[2.0], 1, 1));
    let mut to = [0.0];
    sum.multiply(&packed, MatrixMut::new(&mut to, 1, 1), Start::Zero);
    assert_eq!(to, [6.0]);
}

#[test]
fn convolution_and_pooling_reject_sizes_that_wrap() {
    for set in InstructionSet::available() {
        let shape = ConvolutionShape::new(1, 1, [1, 1]);
        let mut convolution = Convolution::new(set, shape).unwrap();
        convolution.pack_weights(stapes_kernels::convolution::Weights { weights: &[1.0], bias: None });
        convolution.begin_backward(&[1.0]);
        for size in WRAPPING {
            let example = (&[1.0f32, 2.0][..], size);
            panics("Convolution::forward", |to| {
                convolution.clone().forward(example, Epilogue::default(), to, None);
            });
            panics("Convolution::backward", |to| {
                convolution.clone().backward(example, EpilogueGradient::plain(&[1.0; 2]), Some(to));
            });
            let pooling = Pooling::new([1, 1], [1, 1]).unwrap();
            panics("pool::average", |to| pool::average(set, pooling, example, to));
            panics("pool::average_backward", |to| {
                pool::average_backward(set, pooling, &[1.0; 2], (to, size))
            });
            panics("pool::max", |to| pool::max(set, pooling, example, to, None));
            panics("pool::max_backward", |to| {
                pool::max_backward(set, pooling, &[1.0; 2], &[0; 2], (to, size))
            });
        }
    }
    let large = ConvolutionShape::new(HALF + 1, 2, [usize::MAX, usize::MAX]);
    assert_eq!(large.weights(), usize::MAX);
    assert!(ConvolutionShape { padding: [[usize::MAX; 2]; 2], ..large }.output([1, 1]).is_err());
    assert!(Pooling::new([usize::MAX; 2], [1, 1]).unwrap().output([2, 2]).is_err());
}

#[test]
fn layers_and_sequences_reject_sizes_that_wrap() {
    for size in [HALF, HALF + 1, usize::MAX / 2, usize::MAX] {
        for shape in [(size, 1), (1, size), (size, size)] {
            panics("Recurrence::new", |_| {
                drop(Recurrence::new(InstructionSet::best(), CellKind::Lstm, shape, Direction::Forward));
            });
        }
        let sequences = Sequences::new(&[2, 2]).unwrap();
        panics("Sequences::pack", |to| sequences.pack(&[&[], &[]], size, &mut to[..0]));
        panics("Sequences::unpack", |to| sequences.unpack(&[], size, &mut to[..0]));
    }
}
