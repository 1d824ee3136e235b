//! Naive reference of the recurrent layer: plain loops over one sequence, for f32 and f64.
//!
//! Tests compare the fast kernels with it, and check it with finite differences. It shares only the names of the
//! cells with the kernels, and is far too slow for any other use.

pub use crate::real::Real;

use super::CellKind;

/// Weights of one layer in one direction, or the gradients w.r.t. them.
#[derive(Clone, Debug)]
pub struct Layer<R> {
    /// Kind of the cell.
    pub kind: CellKind,
    /// Input size, I.
    pub inputs: usize,
    /// Hidden size, H.
    pub hidden: usize,
    /// W [G H, I].
    pub input: Vec<R>,
    /// U [G H, H].
    pub recurrent: Vec<R>,
    /// b [G H], added to W x.
    pub input_bias: Vec<R>,
    /// c [G H], added to U h.
    pub recurrent_bias: Vec<R>,
}

/// States h and c, `[H]` each; c is unused by cells other than the LSTM.
#[derive(Clone, Debug, PartialEq)]
pub struct State<R> {
    /// Hidden state, the output of the layer.
    pub h: Vec<R>,
    /// Cell state of the LSTM.
    pub c: Vec<R>,
}

/// Values that one frame computes and the backward pass needs.
#[derive(Clone, Debug)]
pub struct StepCache<R> {
    /// W x + b and U h + c, [G H] each.
    products: [Vec<R>; 2],
    /// States after the frame.
    pub state: State<R>,
}

impl<R: Real> State<R> {
    /// Returns zero states.
    pub fn zero(hidden: usize) -> State<R> {
        State { h: vec![R::default(); hidden], c: vec![R::default(); hidden] }
    }
}

impl<R: Real> Layer<R> {
    /// Returns a layer of zero weights, as needed to accumulate gradients.
    pub fn zero(kind: CellKind, inputs: usize, hidden: usize) -> Layer<R> {
        let rows = kind.gates() * hidden;
        let zeros = |len| vec![R::default(); len];
        Layer {
            kind,
            inputs,
            hidden,
            input: zeros(rows * inputs),
            recurrent: zeros(rows * hidden),
            input_bias: zeros(rows),
            recurrent_bias: zeros(rows),
        }
    }

    /// The four groups of weights.
    pub fn parts_mut(&mut self) -> [&mut Vec<R>; 4] {
        [&mut self.input, &mut self.recurrent, &mut self.input_bias, &mut self.recurrent_bias]
    }

    /// Computes the states of one sequence of frames, `[I]` each, from the first to the last.
    pub fn forward(&self, frames: &[Vec<R>], initial: &State<R>) -> Vec<StepCache<R>> {
        let mut caches: Vec<StepCache<R>> = Vec::new();
        for frame in frames {
            let before = caches.last().map_or(initial, |cache| &cache.state);
            let x = affine(&self.input, frame, &self.input_bias);
            let mut u = affine(&self.recurrent, &before.h, &self.recurrent_bias);
            if self.kind == CellKind::GruResetBefore {
                // Only the rows of the candidate read the state through the reset gate.
                let n = 2 * self.hidden..3 * self.hidden;
                let reset = self.reset([&x, &u], &before.h);
                let weights = &self.recurrent[n.start * self.hidden..];
                u.truncate(n.start);
                u.extend(affine(weights, &reset, &self.recurrent_bias[n]));
            }
            let products = [x, u];
            let state = self.cell(&products, before);
            caches.push(StepCache { products, state });
        }
        caches
    }

    /// Returns r * h.
    fn reset(&self, [x, u]: [&[R]; 2], h: &[R]) -> Vec<R> {
        (0..self.hidden).map(|unit| (x[unit] + u[unit]).sigmoid() * h[unit]).collect()
    }

    /// Returns the states after a frame.
    fn cell(&self, [x, u]: &[Vec<R>; 2], before: &State<R>) -> State<R> {
        let hidden = self.hidden;
        let mut state = before.clone();
        for unit in 0..hidden {
            let at = |gate: usize| x[gate * hidden + unit] + u[gate * hidden + unit];
            match self.kind {
                CellKind::RnnTanh => state.h[unit] = at(0).tanh(),
                CellKind::RnnRelu => state.h[unit] = if at(0).positive() { at(0) } else { R::default() },
                CellKind::Gru => {
                    let (r, z) = (at(0).sigmoid(), at(1).sigmoid());
                    let n = (x[2 * hidden + unit] + r * u[2 * hidden + unit]).tanh();
                    state.h[unit] = (R::ONE - z) * n + z * before.h[unit];
                }
                CellKind::GruResetBefore => {
                    let (z, n) = (at(1).sigmoid(), at(2).tanh());
                    state.h[unit] = (R::ONE - z) * n + z * before.h[unit];
                }
                CellKind::Lstm => {
                    let (i, f, g, o) = (at(0).sigmoid(), at(1).sigmoid(), at(2).tanh(), at(3).sigmoid());
                    state.c[unit] = f * before.c[unit] + i * g;
                    state.h[unit] = o * state.c[unit].tanh();
                }
            }
        }
        state
    }

    /// Backpropagates through the frames. Adds to `gradients`, and returns the gradients w.r.t. the frames and the
    /// initial state, given those w.r.t. the h of each frame and the final state.
    pub fn backward(
        &self,
        (frames, caches): (&[Vec<R>], &[StepCache<R>]),
        initial: &State<R>,
        d_outputs: &[Vec<R>],
        d_final: State<R>,
        gradients: &mut Layer<R>,
    ) -> (Vec<Vec<R>>, State<R>) {
        let mut d_frames = vec![vec![R::default(); self.inputs]; frames.len()];
        let mut d_state = d_final;
        for t in (0..frames.len()).rev() {
            let before = if t == 0 { initial } else { &caches[t - 1].state };
            for (d_h, &d_output) in d_state.h.iter_mut().zip(&d_outputs[t]) {
                *d_h += d_output;
            }
            let ([mut d_x, mut d_u], mut d_before) = self.cell_backward(&caches[t], before, &d_state);
            let mut h_rows = d_u.len();
            if self.kind == CellKind::GruResetBefore {
                h_rows = 2 * self.hidden;
                let d_r = self.reset_backward(&caches[t], before, &d_u[h_rows..], gradients, &mut d_before);
                d_x[..self.hidden].copy_from_slice(&d_r);
                d_u[..self.hidden].copy_from_slice(&d_r);
            }
            affine_backward(&d_x, (&self.input, &frames[t]), &mut gradients.input, &mut d_frames[t]);
            affine_backward(
                &d_u[..h_rows],
                (&self.recurrent, &before.h),
                &mut gradients.recurrent,
                &mut d_before.h,
            );
            for row in 0..d_x.len() {
                gradients.input_bias[row] += d_x[row];
                gradients.recurrent_bias[row] += d_u[row];
            }
            d_state = d_before;
        }
        (d_frames, d_state)
    }

    /// Backpropagates from the candidate's product U v + c with v = r * h: adds the gradients w.r.t. U and h, and
    /// returns the gradient w.r.t. the pre-activation of the reset gate.
    fn reset_backward(
        &self,
        cache: &StepCache<R>,
        before: &State<R>,
        d_u: &[R],
        gradients: &mut Layer<R>,
        d_before: &mut State<R>,
    ) -> Vec<R> {
        let [x, u] = &cache.products;
        let from = 2 * self.hidden * self.hidden;
        let v = self.reset([x, u], &before.h);
        let mut d_v = vec![R::default(); self.hidden];
        affine_backward(d_u, (&self.recurrent[from..], &v), &mut gradients.recurrent[from..], &mut d_v);
        let unit_backward = |unit: usize| {
            let r = (x[unit] + u[unit]).sigmoid();
            d_before.h[unit] += d_v[unit] * r;
            d_v[unit] * before.h[unit] * r * (R::ONE - r)
        };
        (0..self.hidden).map(unit_backward).collect()
    }

    /// Returns the gradients w.r.t. W x + b, U h + c, and the previous states except for their path through U.
    fn cell_backward(
        &self,
        cache: &StepCache<R>,
        before: &State<R>,
        d: &State<R>,
    ) -> ([Vec<R>; 2], State<R>) {
        let hidden = self.hidden;
        let [x, u] = &cache.products;
        let mut d_x = vec![R::default(); x.len()];
        let mut d_u = d_x.clone();
        let mut d_before = State::zero(hidden);
        let slope = |y: R| y * (R::ONE - y);
        for unit in 0..hidden {
            let at = |gate: usize| x[gate * hidden + unit] + u[gate * hidden + unit];
            let (h, d_h) = (cache.state.h[unit], d.h[unit]);
            let mut gates = [R::default(); 4];
            // U h + c and W x + b have different gradients only in the GRU, and only for n.
            let mut d_u_n = None;
            match self.kind {
                CellKind::RnnTanh => gates[0] = d_h * (R::ONE - h * h),
                CellKind::RnnRelu => gates[0] = if h.positive() { d_h } else { R::default() },
                CellKind::Gru => {
                    let (r, z) = (at(0).sigmoid(), at(1).sigmoid());
                    let u_n = u[2 * hidden + unit];
                    let n = (x[2 * hidden + unit] + r * u_n).tanh();
                    let d_a_n = d_h * (R::ONE - z) * (R::ONE - n * n);
                    gates[0] = d_a_n * u_n * slope(r);
                    gates[1] = d_h * (before.h[unit] - n) * slope(z);
                    gates[2] = d_a_n;
                    d_u_n = Some(d_a_n * r);
                    d_before.h[unit] = d_h * z;
                }
                CellKind::GruResetBefore => {
                    // The gradient of the reset gate follows later, from the candidate's product.
                    let (z, n) = (at(1).sigmoid(), at(2).tanh());
                    gates[1] = d_h * (before.h[unit] - n) * slope(z);
                    gates[2] = d_h * (R::ONE - z) * (R::ONE - n * n);
                    d_before.h[unit] = d_h * z;
                }
                CellKind::Lstm => {
                    let (i, f, g, o) = (at(0).sigmoid(), at(1).sigmoid(), at(2).tanh(), at(3).sigmoid());
                    let tanh_c = cache.state.c[unit].tanh();
                    let d_c = d.c[unit] + d_h * o * (R::ONE - tanh_c * tanh_c);
                    gates[0] = d_c * g * slope(i);
                    gates[1] = d_c * before.c[unit] * slope(f);
                    gates[2] = d_c * i * (R::ONE - g * g);
                    gates[3] = d_h * tanh_c * slope(o);
                    d_before.c[unit] = d_c * f;
                }
            }
            for (gate, &value) in gates.iter().enumerate().take(self.kind.gates()) {
                d_x[gate * hidden + unit] = value;
                d_u[gate * hidden + unit] = if gate == 2 { d_u_n.unwrap_or(value) } else { value };
            }
        }
        ([d_x, d_u], d_before)
    }
}

/// Returns M v + b; M is row-major.
fn affine<R: Real>(matrix: &[R], vector: &[R], bias: &[R]) -> Vec<R> {
    let mut result = bias.to_vec();
    for (row, sum) in matrix.chunks_exact(vector.len()).zip(&mut result) {
        for (&weight, &value) in row.iter().zip(vector) {
            *sum += weight * value;
        }
    }
    result
}

/// Backpropagates through y = M v: adds d_M = d_y vᵀ and d_v = Mᵀ d_y.
fn affine_backward<R: Real>(
    d_y: &[R],
    (matrix, vector): (&[R], &[R]),
    d_matrix: &mut [R],
    d_vector: &mut [R],
) {
    let width = vector.len();
    for (row, &d) in d_y.iter().enumerate() {
        for column in 0..width {
            d_matrix[row * width + column] += d * vector[column];
            d_vector[column] += d * matrix[row * width + column];
        }
    }
}

#[cfg(test)]
mod tests {
    use stapes_testkit::finite_difference::finite_difference;

    use super::*;

    /// Distinct values in [-1, 1].
    fn numbers(count: usize, seed: f64) -> Vec<f64> {
        (0..count).map(|index| (1.7 * index as f64 + seed).sin()).collect()
    }

    struct Problem {
        layer: Layer<f64>,
        frames: Vec<Vec<f64>>,
        initial: State<f64>,
        d_outputs: Vec<Vec<f64>>,
        d_final: State<f64>,
    }

    impl Problem {
        fn new(kind: CellKind) -> Problem {
            let (inputs, hidden, time) = (3, 4, 5);
            let mut layer = Layer::zero(kind, inputs, hidden);
            for (seed, part) in layer.parts_mut().into_iter().enumerate() {
                *part = numbers(part.len(), seed as f64);
            }
            Problem {
                layer,
                frames: (0..time).map(|t| numbers(inputs, 10.0 + t as f64)).collect(),
                initial: State { h: numbers(hidden, 20.0), c: numbers(hidden, 21.0) },
                d_outputs: (0..time).map(|t| numbers(hidden, 30.0 + t as f64)).collect(),
                d_final: State { h: numbers(hidden, 40.0), c: numbers(hidden, 41.0) },
            }
        }

        fn loss(&self) -> f64 {
            let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
            let caches = self.layer.forward(&self.frames, &self.initial);
            let last = &caches[caches.len() - 1].state;
            let outputs: f64 =
                caches.iter().zip(&self.d_outputs).map(|(cache, d)| dot(&cache.state.h, d)).sum();
            let cell = if self.layer.kind == CellKind::Lstm { dot(&last.c, &self.d_final.c) } else { 0.0 };
            outputs + dot(&last.h, &self.d_final.h) + cell
        }

        /// Derivative of the loss w.r.t. the value that `choose` returns.
        fn slope(&mut self, choose: impl Fn(&mut Problem) -> &mut f64) -> f64 {
            let original = *choose(self);
            let slope = finite_difference(1e-3, |offset| {
                *choose(self) = original + offset;
                self.loss()
            });
            *choose(self) = original;
            slope
        }
    }

    fn check(what: &str, gradient: f64, slope: f64) {
        assert!(
            (gradient - slope).abs() <= 1e-6 * slope.abs().max(1e-2),
            "{what}: {gradient}, slope {slope}"
        );
    }

    #[test]
    fn gradients_of_every_cell_match_finite_differences() {
        for kind in CellKind::ALL {
            let mut problem = Problem::new(kind);
            let Problem { layer, frames, initial, d_outputs, d_final } = &problem;
            let mut gradients = Layer::zero(kind, layer.inputs, layer.hidden);
            let caches = layer.forward(frames, initial);
            let pair = (&frames[..], &caches[..]);
            let (d_frames, d_initial) =
                layer.backward(pair, initial, d_outputs, d_final.clone(), &mut gradients);
            for (part, gradient) in gradients.parts_mut().into_iter().enumerate() {
                for (index, &gradient) in gradient.iter().enumerate() {
                    let slope = problem.slope(|problem| &mut problem.layer.parts_mut()[part][index]);
                    check(&format!("{kind:?}, weight {index} of part {part}"), gradient, slope);
                }
            }
            for (t, d_frame) in d_frames.iter().enumerate() {
                for (index, &gradient) in d_frame.iter().enumerate() {
                    let slope = problem.slope(|problem| &mut problem.frames[t][index]);
                    check(&format!("{kind:?}, input {index} of frame {t}"), gradient, slope);
                }
            }
            for unit in 0..problem.layer.hidden {
                let slope = problem.slope(|problem| &mut problem.initial.h[unit]);
                check(&format!("{kind:?}, initial h {unit}"), d_initial.h[unit], slope);
                let slope = problem.slope(|problem| &mut problem.initial.c[unit]);
                check(&format!("{kind:?}, initial c {unit}"), d_initial.c[unit], slope);
            }
        }
    }
}
