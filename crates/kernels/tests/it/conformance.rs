//! The recurrent layer against its naive reference in f64, on every instruction set.

use stapes_kernels::product::{Matrix, MatrixMut, Start};
use stapes_kernels::recurrent::reference::{Layer, State, StepCache};
use stapes_kernels::recurrent::{Backward, CellKind, Direction, Forward, Gradients, Recurrence, Weights};
use stapes_kernels::{InstructionSet, Sequences};

/// The last batch has enough rows that the two products of a frame run as one.
const LENGTHS: [&[usize]; 5] =
    [&[1], &[7], &[4, 4, 4], &[6, 9, 1, 9, 4, 1], &[6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 2, 1, 4]];
const HIDDEN: [usize; 6] = [1, 5, 8, 13, 16, 64];

/// Distinct values in [-1, 1], exact in f32.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((1.7 * index as f64 + 0.77 * seed as f64).sin()) as f32).collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&number| f64::from(number)).collect()
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    kind: CellKind,
    direction: Direction,
    inputs: usize,
    hidden: usize,
    bias: bool,
    initial: bool,
    lengths: &'static [usize],
}

/// Too many frames for one span of a pass, with sequences on both sides of every boundary.
const LONG: &[usize] = &[500, 301, 700, 8];

fn long_settings() -> impl Iterator<Item = Setting> {
    CellKind::ALL.into_iter().flat_map(|kind| {
        [Direction::Forward, Direction::Backward].into_iter().map(move |direction| Setting {
            kind,
            direction,
            inputs: 3,
            hidden: 61,
            bias: true,
            initial: true,
            lengths: LONG,
        })
    })
}

fn settings() -> impl Iterator<Item = Setting> {
    let flags = [false, true];
    CellKind::ALL.into_iter().flat_map(move |kind| {
        HIDDEN.into_iter().flat_map(move |hidden| {
            LENGTHS.into_iter().flat_map(move |lengths| {
                [Direction::Forward, Direction::Backward].into_iter().flat_map(move |direction| {
                    flags.into_iter().flat_map(move |bias| {
                        flags.into_iter().map(move |initial| {
                            let inputs = if hidden == 8 { 17 } else { 3 };
                            Setting { kind, direction, inputs, hidden, bias, initial, lengths }
                        })
                    })
                })
            })
        })
    })
}

/// Inputs, weights and gradients w.r.t. the outputs, per sequence in the caller's order.
struct Problem {
    setting: Setting,
    weights: [Vec<f32>; 4],
    frames: Vec<Vec<f32>>,
    d_outputs: Vec<Vec<f32>>,
    /// [S, B, H].
    initial: Vec<f32>,
    d_final: Vec<f32>,
}

/// Results in a common format for both implementations.
struct Results {
    outputs: Vec<Vec<f64>>,
    d_frames: Vec<Vec<f64>>,
    last: Vec<f64>,
    d_initial: Vec<f64>,
    gradients: [Vec<f64>; 4],
}

/// Packs rows of `width` values, per sequence in the caller's order.
fn pack(sequences: &Sequences, each: &[Vec<f32>], width: usize) -> Vec<f32> {
    let mut packed = vec![f32::NAN; sequences.frames() * width];
    sequences.pack(&each.iter().map(|one| &one[..]).collect::<Vec<_>>(), width, &mut packed);
    packed
}

/// Inverse of [`pack`].
fn unpack(sequences: &Sequences, lengths: &[usize], packed: &[f32], width: usize) -> Vec<Vec<f64>> {
    let mut padded = vec![0.0; lengths.len() * sequences.max_length() * width];
    sequences.unpack(packed, width, &mut padded);
    let each = padded.chunks_exact(sequences.max_length() * width).zip(lengths);
    each.map(|(one, &length)| wide(&one[..length * width])).collect()
}

impl Problem {
    fn new(setting: Setting) -> Problem {
        let Setting { kind, inputs, hidden, lengths, .. } = setting;
        let rows = kind.gates() * hidden;
        let scale = |values: Vec<f32>, fan: usize| -> Vec<f32> {
            values.into_iter().map(|value| value / (fan as f32).sqrt()).collect()
        };
        let biases = |seed| if setting.bias { numbers(rows, seed) } else { vec![0.0; rows] };
        let states = kind.states() * lengths.len() * hidden;
        Problem {
            setting,
            weights: [
                scale(numbers(rows * inputs, 1), inputs),
                scale(numbers(rows * hidden, 2), hidden),
                biases(3),
                biases(4),
            ],
            frames: lengths.iter().enumerate().map(|(b, &t)| numbers(t * inputs, 10 + b)).collect(),
            d_outputs: lengths.iter().enumerate().map(|(b, &t)| numbers(t * hidden, 30 + b)).collect(),
            initial: if setting.initial { numbers(states, 50) } else { vec![0.0; states] },
            d_final: numbers(states, 51),
        }
    }

    fn weights(&self) -> Weights<'_> {
        let [input, recurrent, input_bias, recurrent_bias] = &self.weights;
        let bias = self.setting.bias.then_some([&input_bias[..], &recurrent_bias[..]]);
        Weights { input, recurrent, bias }
    }

    /// Returns the outputs of a forward pass, per sequence.
    fn outputs(&self, set: InstructionSet) -> Vec<Vec<f64>> {
        let Setting { kind, direction, inputs, hidden, initial, lengths, .. } = self.setting;
        let sequences = Sequences::new(lengths).unwrap();
        let frames = sequences.frames();
        let mut layer = Recurrence::new(set, kind, (inputs, hidden), direction);
        layer.pack_weights(self.weights());
        let x = pack(&sequences, &self.frames, inputs);
        let mut output = vec![f32::NAN; frames * hidden];
        let forward = Forward {
            sequences: &sequences,
            input: Matrix::new(&x, frames, inputs),
            initial: initial.then_some(&self.initial[..]),
            keep: false,
        };
        layer.forward(forward, MatrixMut::new(&mut output, frames, hidden));
        unpack(&sequences, lengths, &output, hidden)
    }

    fn fast(&self, set: InstructionSet) -> Results {
        let Setting { kind, direction, inputs, hidden, bias, initial, lengths } = self.setting;
        let sequences = Sequences::new(lengths).unwrap();
        let frames = sequences.frames();
        let mut layer = Recurrence::new(set, kind, (inputs, hidden), direction);
        layer.pack_weights(self.weights());
        layer.pack_weights_backward(self.weights());
        let x = pack(&sequences, &self.frames, inputs);
        let x = Matrix::new(&x, frames, inputs);
        // The layer writes one half of the columns of a wider output, as in a bidirectional stack.
        let mut output = vec![9.0; frames * 2 * hidden];
        let to = MatrixMut::strided(&mut output[hidden..], (frames, hidden), 2 * hidden);
        let state = initial.then_some(&self.initial[..]);
        layer.forward(Forward { sequences: &sequences, input: x, initial: state, keep: true }, to);
        assert!(output.chunks_exact(2 * hidden).all(|row| row[..hidden].iter().all(|&value| value == 9.0)));
        let last = wide(layer.final_state());

        // Without `keep` the results have the same bits.
        let mut light = vec![f32::NAN; frames * hidden];
        let forward = Forward { sequences: &sequences, input: x, initial: state, keep: false };
        let mut layer_light = layer.clone();
        layer_light.forward(forward, MatrixMut::new(&mut light, frames, hidden));
        for (row, kept) in light.chunks_exact(hidden).zip(output.chunks_exact(2 * hidden)) {
            assert_eq!(*row, kept[hidden..], "{:?}", self.setting);
        }
        assert_eq!(wide(layer_light.final_state()), last);

        let mut gradients = self.weights.clone().map(|weights| vec![0.0; weights.len()]);
        let [d_input, d_recurrent, d_input_bias, d_recurrent_bias] = &mut gradients;
        let mut d_x = vec![f32::NAN; frames * inputs];
        let d_output = pack(&sequences, &self.d_outputs, hidden);
        layer.backward(
            Backward {
                sequences: &sequences,
                input: x,
                output: Matrix::strided(&output[hidden..], (frames, hidden), 2 * hidden),
                d_output: Matrix::new(&d_output, frames, hidden),
                d_final: Some(&self.d_final),
                truncate: None,
                norms: false,
            },
            Gradients {
                input: d_input,
                recurrent: d_recurrent,
                bias: bias.then_some([&mut d_input_bias[..], &mut d_recurrent_bias[..]]),
            },
            Some((MatrixMut::new(&mut d_x, frames, inputs), Start::Zero)),
        );
        let mut d_initial = vec![0.0; self.initial.len()];
        if initial {
            layer.initial_state_gradient(&sequences, &mut d_initial);
        }
        Results {
            outputs: unpack(&sequences, lengths, &light, hidden),
            d_frames: unpack(&sequences, lengths, &d_x, inputs),
            last,
            d_initial: wide(&d_initial),
            gradients: gradients.map(|gradient| wide(&gradient)),
        }
    }

    fn naive(&self) -> Results {
        let Setting { kind, direction, inputs, hidden, bias, initial, lengths } = self.setting;
        let batch = lengths.len();
        let mut layer = Layer::<f64>::zero(kind, inputs, hidden);
        for (part, weights) in layer.parts_mut().into_iter().zip(&self.weights) {
            *part = wide(weights);
        }
        let state = |from: &[f32], b: usize| {
            let part = |index: usize| wide(&from[(index * batch + b) * hidden..][..hidden]);
            let c = if kind.states() == 2 { part(1) } else { vec![0.0; hidden] };
            State { h: part(0), c }
        };
        // Reading backward is the same as reading the reversed sequence.
        let turn = |mut rows: Vec<Vec<f64>>| {
            if direction == Direction::Backward {
                rows.reverse();
            }
            rows
        };
        let rows = |from: &[f32], width: usize| turn(from.chunks_exact(width).map(wide).collect());
        let mut gradients = Layer::zero(kind, inputs, hidden);
        let mut results = Results {
            outputs: Vec::new(),
            d_frames: Vec::new(),
            last: vec![0.0; self.initial.len()],
            d_initial: vec![0.0; self.initial.len()],
            gradients: Default::default(),
        };
        for b in 0..batch {
            let (frames, start) = (rows(&self.frames[b], inputs), state(&self.initial, b));
            let caches: Vec<StepCache<f64>> = layer.forward(&frames, &start);
            let (d_frames, d_start) = layer.backward(
                (&frames, &caches),
                &start,
                &rows(&self.d_outputs[b], hidden),
                state(&self.d_final, b),
                &mut gradients,
            );
            let keep = |to: &mut [f64], state: &State<f64>| {
                to[b * hidden..][..hidden].copy_from_slice(&state.h);
                if kind.states() == 2 {
                    to[(batch + b) * hidden..][..hidden].copy_from_slice(&state.c);
                }
            };
            keep(&mut results.last, &caches[caches.len() - 1].state);
            if initial {
                keep(&mut results.d_initial, &d_start);
            }
            let outputs = caches.into_iter().map(|cache| cache.state.h).collect();
            results.outputs.push(turn(outputs).concat());
            results.d_frames.push(turn(d_frames).concat());
        }
        results.gradients = gradients.parts_mut().map(|part| part.clone());
        if !bias {
            results.gradients[2].fill(0.0);
            results.gradients[3].fill(0.0);
        }
        results
    }
}

fn check(what: &str, got: &[f64], expected: &[f64], tolerance: f64, setting: Setting, set: InstructionSet) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |largest, value| largest.max(value.abs())).max(1e-3);
    for (index, (a, b)) in got.iter().zip(expected).enumerate() {
        let error = (a - b).abs() / largest;
        assert!(error <= tolerance, "{what}[{index}]: {a}, expected {b}; {set}, {setting:?}");
    }
}

#[test]
fn every_cell_matches_the_reference() {
    settings_match_the_reference(settings());
}

#[test]
fn long_sequences_match_the_reference() {
    settings_match_the_reference(long_settings());
}

fn settings_match_the_reference(settings: impl Iterator<Item = Setting>) {
    for setting in settings {
        let problem = Problem::new(setting);
        let expected = problem.naive();
        for set in InstructionSet::available() {
            let got = problem.fast(set);
            let all = |each: &[Vec<f64>]| each.concat();
            let check = |what, got: &[f64], expected: &[f64], tolerance| {
                check(what, got, expected, tolerance, setting, set);
            };
            check("outputs", &all(&got.outputs), &all(&expected.outputs), 1e-5);
            check("final state", &got.last, &expected.last, 1e-5);
            check("gradient w.r.t. the input", &all(&got.d_frames), &all(&expected.d_frames), 1e-4);
            check("gradient w.r.t. the initial state", &got.d_initial, &expected.d_initial, 1e-4);
            let names = ["gradient w.r.t. W", "gradient w.r.t. U", "gradient w.r.t. b", "gradient w.r.t. c"];
            for (part, name) in names.into_iter().enumerate() {
                check(name, &got.gradients[part], &expected.gradients[part], 1e-4);
            }
        }
    }
}

#[test]
fn a_sequence_has_the_same_bits_alone_in_a_batch_and_frame_by_frame() {
    for setting in settings().chain(long_settings()).filter(|setting| setting.lengths.len() > 1) {
        let Setting { kind, direction, inputs, hidden, initial, lengths, .. } = setting;
        let problem = Problem::new(setting);
        for set in InstructionSet::available() {
            let together = problem.outputs(set);
            let mut layer = Recurrence::new(set, kind, (inputs, hidden), direction);
            layer.pack_weights(problem.weights());
            for (b, &length) in lengths.iter().enumerate() {
                let mut state: Vec<f32> = problem
                    .initial
                    .chunks_exact(lengths.len() * hidden)
                    .flat_map(|part| part[b * hidden..][..hidden].to_vec())
                    .collect();
                let mut alone = vec![f32::NAN; length * hidden];
                let forward = Forward {
                    sequences: &Sequences::new(&[length]).unwrap(),
                    input: Matrix::new(&problem.frames[b], length, inputs),
                    initial: initial.then_some(&state[..]),
                    keep: false,
                };
                layer.forward(forward, MatrixMut::new(&mut alone, length, hidden));
                assert_eq!(wide(&alone), together[b], "{set}, {setting:?}");
                if direction == Direction::Forward {
                    for (frame, h) in problem.frames[b].chunks_exact(inputs).zip(alone.chunks_exact(hidden)) {
                        layer.step(frame, &mut state);
                        assert_eq!(state[..hidden], *h, "frame by frame, {set}, {setting:?}");
                    }
                }
            }
        }
    }
}
