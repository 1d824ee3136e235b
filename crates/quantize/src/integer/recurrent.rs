//! Recurrent layers.

use stapes_nn::layer::Shape;
use stapes_nn::recurrent::{CellKind, RecurrentConfig};

use super::{Products, QuantizedNetwork};
use crate::fixed_point::{Functions, Rescale, SUM_BITS, UNIT_BITS, saturate, shift_rounded};
use crate::value::Value;

/// One direction of one recurrent layer. The products of input and state are Q16, before the activation functions.
#[derive(Clone, Debug)]
pub struct QuantizedLayer {
    /// Products of the input.
    pub input: Products,
    /// Products of the state.
    pub state: Products,
    /// RNN with ReLU: factor from Q16 to the scale of the states.
    pub rescale: Option<Rescale>,
    /// LSTM: bits after the point of c.
    pub cell_bits: u32,
}

impl QuantizedLayer {
    /// Returns the number of bytes.
    pub(super) fn bytes(&self) -> usize {
        self.input.bytes() + self.state.bytes()
    }

    /// Computes the next state of a layer: h \[H\], and c \[H\] of an LSTM.
    pub(crate) fn step(&self, cell: CellKind, functions: &Functions, x: &[i16], state: &mut [i16]) {
        let (hidden, gates) = (state.len() / cell.states(), cell.gates());
        let a = self.input.rows(x, 0..gates * hidden);
        let mut u = self.state.rows(&state[..hidden], 0..gates * hidden);
        if cell == CellKind::GruResetBefore {
            let reset =
                |i: usize| saturate(shift_rounded(functions.sigmoid(a[i] + u[i]) * i32::from(state[i]), 15));
            let reset: Vec<i16> = (0..hidden).map(reset).collect();
            u.splice(2 * hidden.., self.state.rows(&reset, 2 * hidden..3 * hidden));
        }
        for i in 0..hidden {
            let gate = |gate: usize| a[gate * hidden + i] + u[gate * hidden + i];
            let sigmoid = |number: usize| functions.sigmoid(gate(number));
            let new = match cell {
                CellKind::RnnTanh => functions.tanh(gate(0)),
                CellKind::RnnRelu => {
                    self.rescale.as_ref().map_or(0, |rescale| rescale.apply(gate(0).max(0), 0))
                }
                CellKind::Lstm => {
                    let old = i32::from(state[hidden + i]);
                    let candidate = sigmoid(0) * functions.tanh(gate(2));
                    let kept = sigmoid(1) * old + shift_rounded(candidate, UNIT_BITS - self.cell_bits);
                    let c = saturate(shift_rounded(kept, UNIT_BITS));
                    state[hidden + i] = c;
                    let squashed = functions.tanh(i32::from(c) << (SUM_BITS - self.cell_bits));
                    shift_rounded(sigmoid(3) * squashed, UNIT_BITS)
                }
                _ => {
                    let z = sigmoid(1);
                    let recurrent = u[2 * hidden + i];
                    let recurrent = match cell {
                        CellKind::Gru => scale_by(recurrent, sigmoid(0)),
                        _ => recurrent,
                    };
                    let n = functions.tanh(a[2 * hidden + i] + recurrent);
                    shift_rounded(z * i32::from(state[i]) + (32768 - z) * n, UNIT_BITS)
                }
            };
            state[i] = saturate(new);
        }
    }
}

/// Returns x times a gate in Q15, rounded, halves up.
fn scale_by(x: i32, gate: i32) -> i32 {
    ((i64::from(x) * i64::from(gate) + (1 << 14)) >> 15) as i32
}

impl QuantizedNetwork {
    /// Returns the outputs of recurrent layers.
    pub(super) fn recurrent(
        &self,
        config: &RecurrentConfig,
        stages: &[Vec<Vec<QuantizedLayer>>],
        input: &Value<i16>,
        shape: Shape,
    ) -> Value<i16> {
        let (hidden, width) = (config.hidden_size, config.output_size());
        let mut input = input.clone();
        for chains in stages {
            let mut output = vec![0; input.length * width];
            for (direction, layers) in chains.iter().enumerate() {
                let mut states = vec![vec![0; config.cell.states() * hidden]; layers.len()];
                for step in 0..input.length {
                    // The second chain of a stage reads backward.
                    let t = if direction == 1 { input.length - 1 - step } else { step };
                    let mut x = input.data[t * input.width()..][..input.width()].to_vec();
                    for (layer, state) in layers.iter().zip(&mut states) {
                        layer.step(config.cell, &self.functions, &x, state);
                        x = state[..hidden].to_vec();
                    }
                    output[t * width + direction * hidden..][..hidden].copy_from_slice(&x);
                }
            }
            input = Value::new(output, shape);
        }
        input
    }
}
