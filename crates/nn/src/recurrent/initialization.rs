//! Initialization of the weights of a recurrent stack.

use stapes_random::Rng;

use super::config::{CellKind, Initialization, RecurrentConfig};
use crate::parameters::TensorSpec;

/// Fills all tensors of a stack as [`Initialization`] describes.
pub(super) fn initialize(
    config: &RecurrentConfig,
    tensors: &[TensorSpec],
    parameters: &mut [f32],
    rng: &mut Rng,
) {
    let hidden_size = config.hidden_size;
    for (at, tensor) in tensors.iter().enumerate() {
        let values = tensor.slice_mut(parameters);
        match (config.initialization, tensor.shape.as_slice()) {
            (Initialization::Uniform, _) => {
                let bound = 1.0 / (hidden_size as f32).sqrt();
                values.fill_with(|| rng.symmetric(bound));
            }
            // W and U may have the same shape; their order distinguishes them.
            (Initialization::Orthogonal, [_, _]) if is_recurrent(config, at) => {
                let gates = values.chunks_exact_mut(hidden_size * hidden_size);
                gates.for_each(|gate| orthogonal(gate, hidden_size, rng));
            }
            (_, &[_, input_size]) => {
                let bound = (6.0 / (hidden_size + input_size) as f32).sqrt();
                values.fill_with(|| rng.symmetric(bound));
            }
            _ => values.fill(0.0),
        }
    }
    if let (Some(bias), CellKind::Lstm) = (config.forget_bias, config.cell) {
        // The two biases are summed; the second is zero.
        for (at, tensor) in tensors.iter().enumerate().filter(|(_, tensor)| tensor.shape.len() == 1) {
            let value = if at % 4 == 2 { bias } else { 0.0 };
            tensor.slice_mut(parameters)[hidden_size..2 * hidden_size].fill(value);
        }
    }
}

/// True if tensor number `at` is a U: the second of the two or four tensors of a direction.
fn is_recurrent(config: &RecurrentConfig, at: usize) -> bool {
    at % (if config.bias { 4 } else { 2 }) == 1
}

/// Fills an [H, H] matrix with a uniformly distributed orthogonal one: rows of normal deviates, each made
/// orthogonal to the previous rows (Gram-Schmidt, twice for precision) and normalized.
fn orthogonal(matrix: &mut [f32], hidden_size: usize, rng: &mut Rng) {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(hidden_size);
    while rows.len() < hidden_size {
        let mut row: Vec<f64> = (0..hidden_size).map(|_| rng.normal()).collect();
        for _ in 0..2 {
            for other in &rows {
                let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
            }
        }
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        // A row that depends linearly on the previous ones is drawn again.
        if length > 1e-6 {
            row.iter_mut().for_each(|value| *value /= length);
            rows.push(row);
        }
    }
    for (to, row) in matrix.chunks_exact_mut(hidden_size).zip(rows) {
        to.iter_mut().zip(row).for_each(|(to, value)| *to = value as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Directions;
    use super::*;
    use crate::layer::{Layer, Shape};
    use crate::parameters::Layout;
    use crate::recurrent::RecurrentStack;

    fn initialized(config: RecurrentConfig) -> (Vec<TensorSpec>, Vec<f32>) {
        let mut layout = Layout::new();
        let stack = RecurrentStack::new(config, Shape::frames(5), "", &mut layout);
        let mut parameters = vec![f32::NAN; layout.len()];
        stack.initialize(&mut parameters, &mut Rng::new(1, "weights"));
        (layout.tensors().to_vec(), parameters)
    }

    #[test]
    fn orthogonal_initialization_has_orthogonal_recurrent_gates_and_zero_biases() {
        let config = RecurrentConfig {
            initialization: Initialization::Orthogonal,
            ..RecurrentConfig::new(CellKind::Gru, 7, 2, Directions::Interleaved)
        };
        let (tensors, parameters) = initialized(config);
        for tensor in &tensors {
            let values = tensor.slice(&parameters);
            if tensor.name.starts_with("bias") {
                assert!(values.iter().all(|&value| value == 0.0), "{}", tensor.name);
            } else if tensor.name.starts_with("weight_hh") {
                for gate in values.chunks_exact(49) {
                    for (a, one) in gate.chunks_exact(7).enumerate() {
                        for (b, other) in gate.chunks_exact(7).enumerate() {
                            let product: f32 = one.iter().zip(other).map(|(x, y)| x * y).sum();
                            let expected = if a == b { 1.0 } else { 0.0 };
                            assert!((product - expected).abs() < 1e-6, "{}: {product}", tensor.name);
                        }
                    }
                }
            } else {
                let bound = (6.0 / (7 + tensor.shape[1]) as f32).sqrt();
                let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
                assert!(largest <= bound && largest > 0.8 * bound, "{}: {largest} of {bound}", tensor.name);
            }
        }
    }

    #[test]
    fn forget_bias_sets_the_forget_gates_of_an_lstm() {
        for initialization in [Initialization::Uniform, Initialization::Xavier] {
            let config = RecurrentConfig {
                initialization,
                forget_bias: Some(1.5),
                ..RecurrentConfig::new(CellKind::Lstm, 3, 2, Directions::Unidirectional)
            };
            let (tensors, parameters) = initialized(config);
            for tensor in tensors.iter().filter(|tensor| tensor.name.starts_with("bias")) {
                let expected = if tensor.name.starts_with("bias_ih") { 1.5 } else { 0.0 };
                assert_eq!(tensor.slice(&parameters)[3..6], [expected; 3], "{}", tensor.name);
                let others = [0..3, 6..12].map(|range| tensor.slice(&parameters)[range].to_vec()).concat();
                let zero = others.iter().all(|&value| value == 0.0);
                assert_eq!(zero, initialization == Initialization::Xavier, "{}", tensor.name);
            }
        }
    }
}
