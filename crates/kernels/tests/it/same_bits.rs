//! AVX2 and NEON compute the same bits: the vectors, the order of the sums and the fused operations are equal.

use stapes_kernels::adam::{Adam, AdamState};
use stapes_kernels::convolution::{self, Convolution, ConvolutionShape};
use stapes_kernels::norm::{AvgPool, Channel, Epilogue, EpilogueGradient, Moments, add_moments};
use stapes_kernels::product::{Matrix, MatrixMut, Products, Start};
use stapes_kernels::recurrent::{Backward, CellKind, Direction, Forward, Gradients, Recurrence, Weights};
use stapes_kernels::{InstructionSet, Sequences, adam};

/// Values in [-1, 1) without functions of the platform.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8).cast_signed().wrapping_sub(1 << 23) as f32 / (1 << 23) as f32
    };
    (0..count).map(|_| next()).collect()
}

/// FNV-1a of the bits.
fn add(hash: &mut u64, values: &[f32]) {
    for byte in values.iter().flat_map(|value| value.to_bits().to_le_bytes()) {
        *hash = (*hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
}

fn add_products(set: InstructionSet, hash: &mut u64) {
    let mut products = Products::new(set);
    for (rows, depth, columns) in [(1, 40, 35), (2, 9, 50), (3, 300, 33), (7, 20, 10), (29, 31, 37)] {
        let (a, b) = (numbers(rows * depth, 1), numbers(depth * columns, 2));
        let mut c = numbers(rows * columns, 3);
        let to = MatrixMut::new(&mut c, rows, columns);
        products.multiply(Matrix::new(&a, rows, depth), Matrix::new(&b, depth, columns), to, Start::Keep);
        add(hash, &c);
    }
}

fn add_recurrence(set: InstructionSet, kind: CellKind, hash: &mut u64) {
    let (inputs, hidden, lengths) = (11, 21, [9, 4, 7, 1]);
    let sequences = Sequences::new(&lengths).unwrap();
    let (frames, rows) = (sequences.frames(), kind.gates() * hidden);
    let (input, recurrent) = (numbers(rows * inputs, 4), numbers(rows * hidden, 5));
    let bias = numbers(rows, 6);
    let weights = Weights { input: &input, recurrent: &recurrent, bias: Some([&bias, &bias]) };
    let mut layer = Recurrence::new(set, kind, (inputs, hidden), Direction::Forward);
    layer.pack_weights(weights);
    layer.pack_weights_backward(weights);
    let (x, d_output) = (numbers(frames * inputs, 7), numbers(frames * hidden, 8));
    let x = Matrix::new(&x, frames, inputs);
    let mut output = vec![0.0; frames * hidden];
    let forward = Forward { sequences: &sequences, input: x, initial: None, keep: true };
    layer.forward(forward, MatrixMut::new(&mut output, frames, hidden));
    let backward = Backward {
        sequences: &sequences,
        input: x,
        output: Matrix::new(&output, frames, hidden),
        d_output: Matrix::new(&d_output, frames, hidden),
        d_final: None,
        truncate: None,
        norms: false,
    };
    let mut d_weights = [input.len(), recurrent.len(), rows, rows].map(|len| vec![0.0; len]);
    let [d_input, d_recurrent, d_bias, d_recurrent_bias] = &mut d_weights;
    let gradients =
        Gradients { input: d_input, recurrent: d_recurrent, bias: Some([d_bias, d_recurrent_bias]) };
    let mut d_x = vec![0.0; frames * inputs];
    layer.backward(backward, gradients, Some((MatrixMut::new(&mut d_x, frames, inputs), Start::Zero)));
    for values in [&output, &d_x].into_iter().chain(&d_weights) {
        add(hash, values);
    }
}

fn add_convolution(set: InstructionSet, pool: AvgPool, hash: &mut u64) {
    let (shape, size) = (ConvolutionShape::new(3, 7, [2, 3]), [7, 45]);
    let (input, weights) = (numbers(3 * size[0] * size[1], 9), numbers(7 * 18, 10));
    let [height, width] = shape.output(size).unwrap();
    let channels: Vec<Channel> =
        numbers(7, 11).iter().map(|&c| Channel { center: c, scale: 1.0 + c, shift: 0.1 }).collect();
    let epilogue = Epilogue { channels: Some(&channels), relu: true, pool };
    let mut convolution = Convolution::new(set, shape).unwrap();
    convolution.pack_weights(convolution::Weights { weights: &weights, bias: None });
    let [pooled_height, pooled_width] = pool.output([height, width]);
    let mut output = vec![0.0; 7 * pooled_height * pooled_width];
    convolution.forward((&input, size), epilogue, &mut output, None);
    convolution.begin_backward(&weights);
    let d = numbers(output.len(), 12);
    let (mut d_input, mut d_weights) = (vec![0.0; input.len()], vec![0.0; weights.len()]);
    convolution.backward(
        (&input, size),
        EpilogueGradient { pool, ..EpilogueGradient::plain(&d) },
        Some(&mut d_input),
    );
    convolution.finish_backward(convolution::Gradients { weights: &mut d_weights, bias: None });
    let mut moments = [Moments::default(); 7];
    add_moments(set, &numbers(7 * 123, 13), &mut moments);
    let moments = moments.map(|of| (of.mean + of.variance()) as f32);
    for values in [&output[..], &d_input, &d_weights, &moments] {
        add(hash, values);
    }
}

fn add_adam(set: InstructionSet, hash: &mut u64) {
    let [mut parameters, mut mean, gradients] = [14, 15, 16].map(|seed| numbers(37, seed));
    let mut square: Vec<f32> = numbers(37, 17).iter().map(|value| value * value).collect();
    // Betas whose first powers are exact, so that the platform's `powf` does not matter.
    let settings = Adam { betas: [0.5, 0.75], ..Adam::default() };
    let state = AdamState { step: 1, mean: &mut mean, square: &mut square };
    adam::update(set, settings, state, &gradients, &mut parameters);
    add(hash, &parameters);
}

fn hash(set: InstructionSet) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    add_products(set, &mut hash);
    for kind in CellKind::ALL {
        add_recurrence(set, kind, &mut hash);
    }
    for pool in [AvgPool::None, AvgPool::By2, AvgPool::By2x2] {
        add_convolution(set, pool, &mut hash);
    }
    add_adam(set, &mut hash);
    hash
}

#[test]
fn avx2_and_neon_have_the_recorded_bits() {
    for set in InstructionSet::available() {
        if ["avx2", "neon"].contains(&&*set.to_string()) {
            assert_eq!(format!("{:016x}", hash(set)), "d6ac592f98e632e3", "{set}");
        }
    }
}
