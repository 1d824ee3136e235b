//! What a stack's weights start from.

use stapes_random::Stream;

use super::config::{CellKind, Initialisation, RecurrentConfig};
use crate::parameters::View;

/// Fills all views of a stack; see [`Initialisation`].
pub(super) fn initialise(
    config: &RecurrentConfig,
    views: &[View],
    parameters: &mut [f32],
    stream: &mut Stream,
) {
    let hidden = config.hidden;
    for (at, view) in views.iter().enumerate() {
        let values = view.of_mut(parameters);
        match (config.initialisation, view.shape.as_slice()) {
            (Initialisation::Uniform, _) => {
                let bound = 1.0 / (hidden as f32).sqrt();
                values.fill_with(|| stream.symmetric(bound));
            }
            // A view's place tells W from U, which may have the same shape.
            (Initialisation::Orthogonal, [_, _]) if is_recurrent(config, at) => {
                values.chunks_exact_mut(hidden * hidden).for_each(|gate| orthogonal(gate, hidden, stream));
            }
            (_, &[_, inputs]) => {
                let bound = (6.0 / (hidden + inputs) as f32).sqrt();
                values.fill_with(|| stream.symmetric(bound));
            }
            _ => values.fill(0.0),
        }
    }
    if let (Some(bias), CellKind::Lstm) = (config.forget_bias, config.cell) {
        // The two biases add up; the second stays out of it.
        for (at, view) in views.iter().enumerate().filter(|(_, view)| view.shape.len() == 1) {
            let value = if at % 4 == 2 { bias } else { 0.0 };
            view.of_mut(parameters)[hidden..2 * hidden].fill(value);
        }
    }
}

/// Whether the view at this place is a U: it comes second of the two or four of a layer and direction.
fn is_recurrent(config: &RecurrentConfig, at: usize) -> bool {
    at % (if config.bias { 4 } else { 2 }) == 1
}

/// An orthogonal matrix [H, H], uniform among all: rows of normal deviates, each made orthogonal to those
/// before (Gram and Schmidt, twice for precision) and of length 1.
fn orthogonal(matrix: &mut [f32], hidden: usize, stream: &mut Stream) {
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(hidden);
    while rows.len() < hidden {
        let mut row: Vec<f64> = (0..hidden).map(|_| stream.normal()).collect();
        for _ in 0..2 {
            for other in &rows {
                let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
            }
        }
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        // A row that lies among those before by chance is drawn again.
        if length > 1e-6 {
            row.iter_mut().for_each(|value| *value /= length);
            rows.push(row);
        }
    }
    for (to, row) in matrix.chunks_exact_mut(hidden).zip(rows) {
        to.iter_mut().zip(row).for_each(|(to, value)| *to = value as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Wiring;
    use super::*;
    use crate::layer::{Layer, Shape};
    use crate::parameters::Layout;
    use crate::recurrent::RecurrentStack;

    fn started(config: RecurrentConfig) -> (Vec<View>, Vec<f32>) {
        let mut layout = Layout::new();
        let stack = RecurrentStack::new(config, Shape::frames(5), "", &mut layout);
        let mut parameters = vec![f32::NAN; layout.len()];
        stack.initialise(&mut parameters, &mut Stream::new(1, "weights"));
        (layout.views().to_vec(), parameters)
    }

    #[test]
    fn orthogonal_recurrent_weights_are_orthogonal_gate_by_gate_and_biases_zero() {
        let config = RecurrentConfig {
            initialisation: Initialisation::Orthogonal,
            ..RecurrentConfig::new(CellKind::Gru, 7, 2, Wiring::Stacked)
        };
        let (views, parameters) = started(config);
        for view in &views {
            let values = view.of(&parameters);
            if view.name.starts_with("bias") {
                assert!(values.iter().all(|&value| value == 0.0), "{}", view.name);
            } else if view.name.starts_with("weight_hh") {
                for gate in values.chunks_exact(49) {
                    for (a, one) in gate.chunks_exact(7).enumerate() {
                        for (b, other) in gate.chunks_exact(7).enumerate() {
                            let product: f32 = one.iter().zip(other).map(|(x, y)| x * y).sum();
                            let expected = if a == b { 1.0 } else { 0.0 };
                            assert!((product - expected).abs() < 1e-6, "{}: {product}", view.name);
                        }
                    }
                }
            } else {
                let bound = (6.0 / (7 + view.shape[1]) as f32).sqrt();
                let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
                assert!(largest <= bound && largest > 0.8 * bound, "{}: {largest} of {bound}", view.name);
            }
        }
    }

    #[test]
    fn the_forget_gates_of_an_lstm_start_where_they_are_told_to() {
        for initialisation in [Initialisation::Uniform, Initialisation::Xavier] {
            let config = RecurrentConfig {
                initialisation,
                forget_bias: Some(1.5),
                ..RecurrentConfig::new(CellKind::Lstm, 3, 2, Wiring::Unidirectional)
            };
            let (views, parameters) = started(config);
            for view in views.iter().filter(|view| view.name.starts_with("bias")) {
                let expected = if view.name.starts_with("bias_ih") { 1.5 } else { 0.0 };
                assert_eq!(view.of(&parameters)[3..6], [expected; 3], "{}", view.name);
                let others = [0..3, 6..12].map(|range| view.of(&parameters)[range].to_vec()).concat();
                let zero = others.iter().all(|&value| value == 0.0);
                assert_eq!(zero, initialisation == Initialisation::Xavier, "{}", view.name);
            }
        }
    }
}
