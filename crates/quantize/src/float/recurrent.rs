//! Recurrent layers.

use stapes_nn::graph::RecurrentLayer;
use stapes_nn::layer::Shape;
use stapes_nn::recurrent::{CellKind, RecurrentConfig};

use super::operations::linear;
use super::{FloatNetwork, extend};
use crate::value::Value;

impl FloatNetwork<'_> {
    /// Returns the outputs of recurrent layers, and extends the range of their states.
    pub(super) fn recurrent(
        &self,
        config: &RecurrentConfig,
        prefix: &str,
        input: &Value<f32>,
        shape: Shape,
        range: &mut f32,
    ) -> Value<f32> {
        let (hidden, width) = (config.hidden_size, config.output_size());
        let mut input = input.clone();
        for chains in config.stages(prefix, input.width()) {
            let mut output = vec![0.0; input.length * width];
            for (direction, chain) in chains.iter().enumerate() {
                let mut states = vec![vec![0.0; config.cell.states() * hidden]; chain.layers.len()];
                for step in 0..input.length {
                    let t = if chain.backward { input.length - 1 - step } else { step };
                    let mut x = input.data[t * input.width()..][..input.width()].to_vec();
                    for (layer, state) in chain.layers.iter().zip(&mut states) {
                        self.step(config.cell, layer, &x, state);
                        extend(range, if config.cell == CellKind::Lstm { &state[hidden..] } else { state });
                        x = state[..hidden].to_vec();
                    }
                    output[t * width + direction * hidden..][..hidden].copy_from_slice(&x);
                }
            }
            input = Value::new(output, shape);
        }
        input
    }

    /// Computes the next state of a layer: h \[H\], and c \[H\] of an LSTM.
    fn step(&self, cell: CellKind, layer: &RecurrentLayer, x: &[f32], state: &mut [f32]) {
        let hidden = state.len() / cell.states();
        let bias = |at: usize| layer.biases.as_ref().map(|names| self.tensors.values(&names[at]));
        let weight_hh = self.tensors.values(&layer.weight_hh);
        let a = linear(self.tensors.values(&layer.weight_ih), bias(0), x);
        let mut u = linear(weight_hh, bias(1), &state[..hidden]);
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        if cell == CellKind::GruResetBefore {
            let reset: Vec<f32> = (0..hidden).map(|i| sigmoid(a[i] + u[i]) * state[i]).collect();
            let bias = bias(1).map(|bias| &bias[2 * hidden..]);
            u.splice(2 * hidden.., linear(&weight_hh[2 * hidden * hidden..], bias, &reset));
        }
        for i in 0..hidden {
            let gate = |gate: usize| a[gate * hidden + i] + u[gate * hidden + i];
            let new = match cell {
                CellKind::RnnTanh => gate(0).tanh(),
                CellKind::RnnRelu => gate(0).max(0.0),
                CellKind::Lstm => {
                    let c = &mut state[hidden + i];
                    *c = sigmoid(gate(1)) * *c + sigmoid(gate(0)) * gate(2).tanh();
                    sigmoid(gate(3)) * c.tanh()
                }
                _ => {
                    let (r, z) = (sigmoid(gate(0)), sigmoid(gate(1)));
                    let r = if cell == CellKind::Gru { r } else { 1.0 };
                    let n = (a[2 * hidden + i] + r * u[2 * hidden + i]).tanh();
                    n + z * (state[i] - n)
                }
            };
            state[i] = new;
        }
    }
}
