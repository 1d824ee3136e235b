//! Closed gates and vanishing gradients become zero: denormal values would make processors about 100 times slower.

use stapes_kernels::product::{Matrix, MatrixMut, Start};
use stapes_kernels::recurrent::{Backward, CellKind, Direction, Forward, Gradients, Recurrence, Weights};
use stapes_kernels::{InstructionSet, Sequences};

const INPUTS: usize = 4;
const HIDDEN: usize = 24;
const FRAMES: usize = 400;

/// True if a nonzero value is smaller than the smallest state or gradient that is stored.
fn has_tiny_values(values: &[f32]) -> bool {
    values.iter().any(|value| *value != 0.0 && value.abs() < 1e-30)
}

#[test]
fn states_and_gradients_of_saturated_cells_contain_no_denormal_values() {
    for set in InstructionSet::available() {
        for kind in [CellKind::RnnTanh, CellKind::Gru, CellKind::Lstm] {
            let rows = kind.gates() * HIDDEN;
            // Inputs in the hundreds, as unnormalized cepstra have, and small recurrent weights.
            let numbers = |count: usize, scale: f64| -> Vec<f32> {
                (0..count).map(|index| (scale * (1.7 * index as f64 + scale).sin()) as f32).collect()
            };
            let (w, u) = (numbers(rows * INPUTS, 0.12), numbers(rows * HIDDEN, 0.01));
            let weights = Weights { input: &w, recurrent: &u, bias: None };
            let mut layer = Recurrence::new(set, kind, (INPUTS, HIDDEN), Direction::Forward);
            layer.pack_weights(weights);
            layer.pack_weights_backward(weights);
            let sequences = Sequences::new(&[FRAMES]).unwrap();
            let mut x = numbers(FRAMES * INPUTS, 400.0);
            // Then the input is silent, and the states decay.
            x[FRAMES * INPUTS / 4..].fill(0.0);
            let input = Matrix::new(&x, FRAMES, INPUTS);
            let mut output = vec![f32::NAN; FRAMES * HIDDEN];
            let forward = Forward { sequences: &sequences, input, initial: None, keep: true };
            layer.forward(forward, MatrixMut::new(&mut output, FRAMES, HIDDEN));
            assert!(!has_tiny_values(&output), "{set}: {kind:?}: a state");
            let mut d_output = vec![0.0; FRAMES * HIDDEN];
            d_output[(FRAMES - 1) * HIDDEN..].fill(0.1);
            let (mut d_w, mut d_u) = (vec![0.0; w.len()], vec![0.0; u.len()]);
            let mut d_x = vec![f32::NAN; x.len()];
            let backward = Backward {
                sequences: &sequences,
                input,
                output: Matrix::new(&output, FRAMES, HIDDEN),
                d_output: Matrix::new(&d_output, FRAMES, HIDDEN),
                d_final: None,
                truncate: None,
                norms: true,
            };
            let gradients = Gradients { input: &mut d_w, recurrent: &mut d_u, bias: None };
            layer.backward(
                backward,
                gradients,
                Some((MatrixMut::new(&mut d_x, FRAMES, INPUTS), Start::Zero)),
            );
            let norms = layer.state_gradient_norms();
            assert!(norms[FRAMES - 1] > 0.0 && norms.iter().all(|norm| norm.is_finite()), "{set}: {kind:?}");
            let smallest = |values: &[f32]| {
                values
                    .iter()
                    .filter(|value| **value != 0.0)
                    .fold(f32::INFINITY, |least, value| least.min(value.abs()))
            };
            // Weighted sums of the stored values may be smaller than these.
            for values in [&d_x[..], norms] {
                assert!(smallest(values) > f32::MIN_POSITIVE, "{set}: {kind:?}: {:e}", smallest(values));
            }
        }
    }
}
