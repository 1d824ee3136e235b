//! Recurrent stacks against a stack of naive reference layers; streams, dropout and parameter names.

use stapes_kernels::recurrent::reference::{Layer as ReferenceLayer, State};
use stapes_kernels::{InstructionSet, Sequences, recurrent};
use stapes_nn::layer::{Backward, DropoutKey, Layer, Mode, Pass, Shape};
use stapes_nn::parameters::Layout;
use stapes_nn::recurrent::{CellKind, Directions, RecurrentConfig, RecurrentStack};
use stapes_random::Rng;

const CELLS: [(CellKind, recurrent::CellKind); 5] = [
    (CellKind::RnnTanh, recurrent::CellKind::RnnTanh),
    (CellKind::RnnRelu, recurrent::CellKind::RnnRelu),
    (CellKind::Gru, recurrent::CellKind::Gru),
    (CellKind::GruResetBefore, recurrent::CellKind::GruResetBefore),
    (CellKind::Lstm, recurrent::CellKind::Lstm),
];
const MODES: [Directions; 4] =
    [Directions::Unidirectional, Directions::Interleaved, Directions::Independent, Directions::Shared];
const LENGTHS: [usize; 5] = [4, 7, 1, 7, 2];
const FEATURES: usize = 3;

/// A stack, its parameters, and frames for it.
struct Setting {
    config: RecurrentConfig,
    stack: RecurrentStack,
    layout: Layout,
    parameters: Vec<f32>,
    /// Frames of each sequence, [T, F].
    frames: Vec<Vec<f32>>,
}

impl Setting {
    fn new(config: RecurrentConfig, set: InstructionSet) -> Setting {
        let mut layout = Layout::new();
        let stack =
            RecurrentStack::with_instruction_set(config, Shape::frames(FEATURES), "", &mut layout, set);
        let mut parameters = vec![0.0; layout.len()];
        stack.initialize(&mut parameters, &mut Rng::new(1, "weights"));
        let mut rng = Rng::new(1, "frames");
        let mut frames = |length| (0..length * FEATURES).map(|_| rng.symmetric(1.0)).collect();
        let frames = LENGTHS.map(&mut frames).to_vec();
        Setting { config, stack, layout, parameters, frames }
    }

    /// Returns the outputs of these sequences, each [T, D H].
    fn forward(&mut self, which: &[usize], mode: Mode<'_>) -> Vec<Vec<f32>> {
        let lengths: Vec<usize> = which.iter().map(|&index| LENGTHS[index]).collect();
        let sequences = Sequences::new(&lengths).unwrap();
        let frames: Vec<&[f32]> = which.iter().map(|&index| &self.frames[index][..]).collect();
        let mut input = vec![f32::NAN; sequences.frames() * FEATURES];
        sequences.pack(&frames, FEATURES, &mut input);
        let width = self.config.output_size();
        let mut output = vec![f32::NAN; sequences.frames() * width];
        let pass = Pass { sequences: &sequences, mode };
        self.stack.load_parameters(&self.parameters);
        self.stack.forward(&self.parameters, &input, &mut output, pass);
        unpack(&sequences, &output, width)
    }

    /// Returns the gradients of all parameters and of the frames of all sequences, for the sum of output
    /// times `upstream` as loss.
    fn backward(&mut self, upstream: &[Vec<f32>], mode: Mode<'_>) -> (Vec<f32>, Vec<Vec<f32>>) {
        let sequences = Sequences::new(&LENGTHS).unwrap();
        let width = self.config.output_size();
        let pack = |each: &[Vec<f32>], width: usize| {
            let mut packed = vec![f32::NAN; sequences.frames() * width];
            sequences.pack(&each.iter().map(|one| &one[..]).collect::<Vec<_>>(), width, &mut packed);
            packed
        };
        let input = pack(&self.frames, FEATURES);
        let mut output = vec![f32::NAN; sequences.frames() * width];
        let pass = Pass { sequences: &sequences, mode };
        self.stack.load_parameters(&self.parameters);
        self.stack.forward(&self.parameters, &input, &mut output, pass);
        let mut gradients = vec![0.0; self.parameters.len()];
        let mut d_input = vec![f32::NAN; input.len()];
        let buffers = Backward {
            parameters: &self.parameters,
            gradients: &mut gradients,
            input: &input,
            output: &output,
            d_output: &mut pack(upstream, width),
            d_input: Some(&mut d_input),
        };
        self.stack.backward(buffers, pass);
        (gradients, unpack(&sequences, &d_input, FEATURES))
    }

    fn upstream(&self) -> Vec<Vec<f32>> {
        let mut rng = Rng::new(1, "upstream");
        let width = self.config.output_size();
        LENGTHS.map(|length| (0..length * width).map(|_| rng.symmetric(1.0)).collect()).to_vec()
    }
}

fn unpack(sequences: &Sequences, packed: &[f32], width: usize) -> Vec<Vec<f32>> {
    let mut padded = vec![f32::NAN; sequences.batch() * sequences.max_length() * width];
    sequences.unpack(packed, width, &mut padded);
    let each = padded.chunks_exact(sequences.max_length() * width).zip(sequences.lengths());
    each.map(|(one, &length)| one[..length * width].to_vec()).collect()
}

fn config(cell: CellKind, layers: usize, bidirectional: bool, dropout: f32) -> RecurrentConfig {
    let directions = if bidirectional { Directions::Interleaved } else { Directions::Unidirectional };
    RecurrentConfig { dropout, ..RecurrentConfig::new(cell, 5, layers, directions) }
}

fn training(step: u64, example_ids: &[usize]) -> Mode<'_> {
    Mode::Training(DropoutKey { step, example_ids })
}

/// Runs one sequence through the reference; returns the outputs, and the gradients of parameters and frames
/// for `upstream`.
fn reference(
    setting: &Setting,
    kind: recurrent::CellKind,
    sequence: usize,
    upstream: &[f32],
) -> [Vec<f64>; 3] {
    let (config, parameters) = (setting.config, &setting.parameters);
    let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|&value| f64::from(value)).collect() };
    let hidden_size = config.hidden_size;
    let mut specs = setting.layout.tensors().iter();
    let mut layers = Vec::new();
    let separate = matches!(config.directions, Directions::Independent | Directions::Shared);
    for layer in 0..config.num_layers {
        for direction in 0..config.num_directions() {
            if direction == 1 && config.directions == Directions::Shared {
                layers.push(layers.last().cloned().unwrap());
                continue;
            }
            let inputs = match layer {
                0 => FEATURES,
                _ if separate => hidden_size,
                _ => config.output_size(),
            };
            let mut reference = ReferenceLayer::<f64>::zero(kind, inputs, hidden_size);
            let kept = if config.bias { 4 } else { 2 };
            for part in reference.parts_mut().into_iter().take(kept) {
                *part = wide(specs.next().unwrap().slice(parameters));
            }
            layers.push(reference);
        }
    }
    // Columns that a direction reads from the layer below.
    let columns = |direction: usize| direction * hidden_size..(direction + 1) * hidden_size;
    let read = |rows: &[Vec<f64>], layer: usize, direction: usize| -> Vec<Vec<f64>> {
        let all = layer == 0 || !separate;
        rows.iter().map(|row| if all { row.clone() } else { row[columns(direction)].to_vec() }).collect()
    };
    let in_order = |mut rows: Vec<Vec<f64>>, direction: usize| {
        if direction == 1 {
            rows.reverse();
        }
        rows
    };
    let zero = State::zero(hidden_size);
    let mut rows: Vec<Vec<f64>> = setting.frames[sequence].chunks_exact(FEATURES).map(wide).collect();
    let mut trail = Vec::new();
    for layer in 0..config.num_layers {
        let mut concatenated = vec![Vec::new(); rows.len()];
        let mut steps = Vec::new();
        for direction in 0..config.num_directions() {
            let reference = &layers[layer * config.num_directions() + direction];
            steps.push(reference.forward(&in_order(read(&rows, layer, direction), direction), &zero));
            let outputs = steps[direction].iter().map(|step| step.state.h.clone()).collect();
            for (row, h) in concatenated.iter_mut().zip(in_order(outputs, direction)) {
                row.extend(h);
            }
        }
        trail.push((rows, steps));
        rows = concatenated;
    }
    let outputs = rows.concat();
    let mut d_rows: Vec<Vec<f64>> = upstream.chunks_exact(config.output_size()).map(wide).collect();
    let mut gradients: Vec<Vec<f64>> = Vec::new();
    for layer in (0..config.num_layers).rev() {
        let (rows, steps) = &trail[layer];
        let mut d_below = vec![vec![0.0; rows[0].len()]; rows.len()];
        let mut layer_gradients = Vec::new();
        for direction in 0..config.num_directions() {
            let reference = &layers[layer * config.num_directions() + direction];
            let mut gradient = ReferenceLayer::zero(kind, reference.inputs, hidden_size);
            let d_h = d_rows.iter().map(|row| row[columns(direction)].to_vec()).collect();
            let frames = in_order(read(rows, layer, direction), direction);
            let (d_frames, _) = reference.backward(
                (&frames, &steps[direction]),
                &zero,
                &in_order(d_h, direction),
                zero.clone(),
                &mut gradient,
            );
            for (to, from) in d_below.iter_mut().zip(in_order(d_frames, direction)) {
                let to = if layer > 0 && separate { &mut to[columns(direction)] } else { &mut to[..] };
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
            let kept = if config.bias { 4 } else { 2 };
            let parts = gradient.parts_mut().into_iter().take(kept).map(|part| part.clone());
            if direction == 1 && config.directions == Directions::Shared {
                for (sum, part) in layer_gradients.iter_mut().zip(parts) {
                    let sum: &mut Vec<f64> = sum;
                    sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
                }
            } else {
                layer_gradients.extend(parts);
            }
        }
        gradients.splice(0..0, layer_gradients);
        d_rows = d_below;
    }
    [outputs, gradients.concat(), d_rows.concat()]
}

fn close(what: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
    for (index, (&a, &b)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(a) - b).abs() <= tolerance * largest, "{what}[{index}]: {a}, expected {b}");
    }
}

#[test]
fn stacks_match_the_reference() {
    for (cell, kind) in CELLS {
        for layers in 1..=3 {
            for directions in MODES {
                for bias in [false, true] {
                    for set in InstructionSet::available() {
                        let config =
                            RecurrentConfig { bias, ..RecurrentConfig::new(cell, 5, layers, directions) };
                        let mut setting = Setting::new(config, set);
                        let example_ids = [0, 1, 2, 3, 4];
                        let upstream = setting.upstream();
                        let outputs = setting.forward(&example_ids, training(0, &example_ids));
                        let (gradients, d_frames) = setting.backward(&upstream, training(0, &example_ids));
                        let mut expected = vec![0.0; gradients.len()];
                        for sequence in example_ids {
                            let [output, gradient, d_input] =
                                reference(&setting, kind, sequence, &upstream[sequence]);
                            close(&format!("{config:?} output"), &outputs[sequence], &output, 1e-5);
                            close(&format!("{config:?} d_input"), &d_frames[sequence], &d_input, 1e-4);
                            expected.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
                        }
                        close(&format!("{config:?} gradients"), &gradients, &expected, 1e-4);
                    }
                }
            }
        }
    }
}

#[test]
fn step_is_bit_identical_to_the_whole_sequence() {
    for (cell, _) in CELLS {
        for set in InstructionSet::available() {
            let mut setting = Setting::new(config(cell, 3, false, 0.5), set);
            let outputs = setting.forward(&[0, 1, 2, 3, 4], Mode::Inference);
            let parameters = setting.parameters.clone();
            setting.stack.load_parameters(&parameters);
            for (frames, output) in setting.frames.iter().zip(outputs) {
                let mut state = vec![0.0; setting.stack.state_len(1)];
                for (frame, expected) in frames.chunks_exact(FEATURES).zip(output.chunks_exact(5)) {
                    let mut h = [f32::NAN; 5];
                    setting.stack.step(frame, &mut state, &mut h);
                    assert_eq!(h, *expected, "{cell:?}, {set}");
                }
            }
        }
    }
}

#[test]
fn dropout_depends_on_step_and_example_and_not_on_the_batch() {
    let mut setting = Setting::new(config(CellKind::Lstm, 2, true, 0.5), InstructionSet::best());
    let together = setting.forward(&[0, 1, 2, 3, 4], training(7, &[0, 1, 2, 3, 4]));
    let some = setting.forward(&[3, 0], training(7, &[3, 0]));
    assert_eq!(some, [together[3].clone(), together[0].clone()]);
    assert_ne!(setting.forward(&[3], training(7, &[4]))[0], together[3], "another example");
    assert_ne!(setting.forward(&[3], training(8, &[3]))[0], together[3], "another step");
}

#[test]
fn inference_has_no_dropout() {
    let mut dropping = Setting::new(config(CellKind::Gru, 3, false, 0.9), InstructionSet::best());
    let mut plain = Setting::new(config(CellKind::Gru, 3, false, 0.0), InstructionSet::best());
    let outputs = dropping.forward(&[0, 1], Mode::Inference);
    assert_eq!(outputs, plain.forward(&[0, 1], Mode::Inference));
    assert_eq!(outputs, plain.forward(&[0, 1], training(3, &[0, 1])));
    assert_ne!(outputs, dropping.forward(&[0, 1], training(3, &[0, 1])));
}

#[test]
fn gradients_have_the_dropout_of_the_forward_pass() {
    let example_ids = [0, 1, 2, 3, 4];
    let mut setting = Setting::new(config(CellKind::Lstm, 3, true, 0.4), InstructionSet::best());
    let upstream = setting.upstream();
    let (gradients, _) = setting.backward(&upstream, training(5, &example_ids));
    let mut rng = Rng::new(1, "direction");
    let direction: Vec<f32> = gradients.iter().map(|_| rng.symmetric(1.0)).collect();
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
    let start = setting.parameters.clone();
    let mut loss = |step: f32| {
        setting.parameters = start.iter().zip(&direction).map(|(p, d)| p + step * d).collect();
        let outputs = setting.forward(&example_ids, training(5, &example_ids));
        outputs.iter().zip(&upstream).map(|(output, up)| dot(output, up)).sum::<f64>()
    };
    let slope = (loss(3e-3) - loss(-3e-3)) / 6e-3;
    let expected = dot(&gradients, &direction);
    assert!((slope - expected).abs() < 1e-2 * expected.abs().max(1.0), "{slope}, gradient {expected}");
}

#[test]
fn parameters_have_names_order_and_range_of_pytorch() {
    let setting = Setting::new(config(CellKind::Gru, 2, true, 0.0), InstructionSet::best());
    let names: Vec<&str> = setting.layout.tensors().iter().map(|spec| &spec.name[..]).collect();
    let expected = [
        "weight_ih_l0",
        "weight_hh_l0",
        "bias_ih_l0",
        "bias_hh_l0",
        "weight_ih_l0_reverse",
        "weight_hh_l0_reverse",
        "bias_ih_l0_reverse",
        "bias_hh_l0_reverse",
        "weight_ih_l1",
        "weight_hh_l1",
        "bias_ih_l1",
        "bias_hh_l1",
        "weight_ih_l1_reverse",
        "weight_hh_l1_reverse",
        "bias_ih_l1_reverse",
        "bias_hh_l1_reverse",
    ];
    assert_eq!(names, expected);
    assert_eq!(setting.layout.tensors()[8].shape, [15, 10]);
    let bound = 1.0 / 5f32.sqrt();
    assert!(setting.parameters.iter().all(|value| value.abs() <= bound));
    assert!(setting.parameters.iter().any(|value| value.abs() > 0.95 * bound));
    // G H (I + H) per layer and direction.
    assert_eq!(setting.stack.macs(1), 2 * 15 * (3 + 5) + 2 * 15 * (10 + 5));
}
