//! Truncated backpropagation and the gradients w.r.t. the states, against the naive reference split into chunks.

use stapes_kernels::product::{Matrix, MatrixMut, Start};
use stapes_kernels::recurrent::reference::{Layer, State};
use stapes_kernels::recurrent::{Backward, CellKind, Direction, Forward, Gradients, Recurrence, Weights};
use stapes_kernels::{InstructionSet, Sequences};

const INPUTS: usize = 3;
const HIDDEN: usize = 9;
const LENGTHS: [usize; 4] = [5, 12, 1, 10];

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| (1.7 * index as f64 + 0.77 * seed as f64).sin() as f32).collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&number| f64::from(number)).collect()
}

/// Gradients w.r.t. W, U and both biases, and the norms of the gradients w.r.t. the states of each sequence.
type Outcome = (Vec<Vec<f64>>, Vec<Vec<f64>>);

struct Problem {
    kind: CellKind,
    direction: Direction,
    truncate: Option<usize>,
    weights: [Vec<f32>; 4],
}

impl Problem {
    fn new(kind: CellKind, direction: Direction, truncate: Option<usize>) -> Problem {
        let rows = kind.gates() * HIDDEN;
        let half = |values: Vec<f32>| values.into_iter().map(|value| 0.5 * value).collect();
        let weights = [
            half(numbers(rows * INPUTS, 1)),
            half(numbers(rows * HIDDEN, 2)),
            numbers(rows, 3),
            numbers(rows, 4),
        ];
        Problem { kind, direction, truncate, weights }
    }

    fn fast(&self, set: InstructionSet) -> Outcome {
        let sequences = Sequences::new(&LENGTHS).unwrap();
        let frames = sequences.frames();
        let pack = |width: usize, seed: usize| {
            let each: Vec<Vec<f32>> =
                LENGTHS.iter().enumerate().map(|(b, length)| numbers(length * width, seed + b)).collect();
            let mut packed = vec![f32::NAN; frames * width];
            sequences.pack(&each.iter().map(|one| &one[..]).collect::<Vec<_>>(), width, &mut packed);
            packed
        };
        let [input, recurrent, b, c] = &self.weights;
        let weights = Weights { input, recurrent, bias: Some([b, c]) };
        let mut layer = Recurrence::new(set, self.kind, (INPUTS, HIDDEN), self.direction);
        layer.pack_weights(weights);
        layer.pack_weights_backward(weights);
        let (x, d_output) = (pack(INPUTS, 10), pack(HIDDEN, 30));
        let input = Matrix::new(&x, frames, INPUTS);
        let mut output = vec![f32::NAN; frames * HIDDEN];
        let forward = Forward { sequences: &sequences, input, initial: None, keep: true };
        layer.forward(forward, MatrixMut::new(&mut output, frames, HIDDEN));
        let mut gradients = self.weights.clone().map(|weights| vec![0.0; weights.len()]);
        let [d_w, d_u, d_b, d_c] = &mut gradients;
        let backward = Backward {
            sequences: &sequences,
            input,
            output: Matrix::new(&output, frames, HIDDEN),
            d_output: Matrix::new(&d_output, frames, HIDDEN),
            d_final: None,
            truncate: self.truncate,
            norms: true,
        };
        let mut d_x = vec![f32::NAN; x.len()];
        let d_input = (MatrixMut::new(&mut d_x, frames, INPUTS), Start::Zero);
        let gradient = Gradients { input: d_w, recurrent: d_u, bias: Some([d_b, d_c]) };
        layer.backward(backward, gradient, Some(d_input));
        let mut norms = vec![f32::NAN; LENGTHS.len() * sequences.max_length()];
        sequences.unpack(layer.state_gradient_norms(), 1, &mut norms);
        let each = norms.chunks_exact(sequences.max_length()).zip(LENGTHS);
        let norms = each.map(|(norms, length)| wide(&norms[..length])).collect();
        (gradients.map(|gradient| wide(&gradient)).to_vec(), norms)
    }

    fn naive(&self) -> Outcome {
        let mut layer = Layer::<f64>::zero(self.kind, INPUTS, HIDDEN);
        for (part, weights) in layer.parts_mut().into_iter().zip(&self.weights) {
            *part = wide(weights);
        }
        let mut gradients = Layer::zero(self.kind, INPUTS, HIDDEN);
        let backward = self.direction == Direction::Backward;
        let mut all_norms = Vec::new();
        for (b, &length) in LENGTHS.iter().enumerate() {
            let rows = |width: usize, seed: usize| -> Vec<Vec<f64>> {
                numbers(length * width, seed + b).chunks_exact(width).map(wide).collect()
            };
            let (mut x, mut d_h) = (rows(INPUTS, 10), rows(HIDDEN, 30));
            // Chunks in reading order; time is split at multiples of the chunk size in both directions.
            let chunk = self.truncate.unwrap_or(length);
            let mut sizes: Vec<usize> =
                (0..length).step_by(chunk).map(|from| chunk.min(length - from)).collect();
            if backward {
                x.reverse();
                d_h.reverse();
                sizes.reverse();
            }
            let (mut state, mut norms, mut from) = (State::zero(HIDDEN), Vec::new(), 0);
            for size in sizes {
                let (x, d_h) = (&x[from..from + size], &d_h[from..from + size]);
                let caches = layer.forward(x, &state);
                let none = State::zero(HIDDEN);
                layer.backward((x, &caches), &state, d_h, none.clone(), &mut gradients);
                for t in 0..size {
                    // Gradient w.r.t. a state: from the output of its frame, and from the frames after it.
                    let (later, rest) = (&x[t + 1..], &d_h[t + 1..]);
                    let again = layer.forward(later, &caches[t].state);
                    let mut ignored = Layer::zero(self.kind, INPUTS, HIDDEN);
                    let (_, d_state) =
                        layer.backward((later, &again), &caches[t].state, rest, none.clone(), &mut ignored);
                    let both = d_h[t].iter().zip(&d_state.h).map(|(above, after)| (above + after).powi(2));
                    norms.push(both.sum::<f64>().sqrt());
                }
                state = caches[size - 1].state.clone();
                from += size;
            }
            if backward {
                norms.reverse();
            }
            all_norms.push(norms);
        }
        (gradients.parts_mut().map(|part| part.clone()).to_vec(), all_norms)
    }
}

fn close(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
    for (index, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-4 * largest, "{what}[{index}]: {a}, expected {b}");
    }
}

#[test]
fn truncated_gradients_and_their_norms_are_those_of_chunks_with_detached_states() {
    for kind in CellKind::ALL {
        for direction in [Direction::Forward, Direction::Backward] {
            for truncate in [None, Some(1), Some(4), Some(5), Some(100)] {
                let problem = Problem::new(kind, direction, truncate);
                let (expected, expected_norms) = problem.naive();
                for set in InstructionSet::available() {
                    let (gradients, norms) = problem.fast(set);
                    let what = format!("{kind:?}, {direction:?}, {truncate:?}, {set}");
                    close(&format!("{what}: gradients"), &gradients.concat(), &expected.concat());
                    close(&format!("{what}: norms"), &norms.concat(), &expected_norms.concat());
                }
            }
        }
    }
}

#[test]
fn truncation_changes_the_gradient() {
    let whole = Problem::new(CellKind::Lstm, Direction::Forward, None).fast(InstructionSet::best());
    let cut = Problem::new(CellKind::Lstm, Direction::Forward, Some(3)).fast(InstructionSet::best());
    assert!(whole.0[1].iter().zip(&cut.0[1]).any(|(a, b)| (a - b).abs() > 1e-3));
}
