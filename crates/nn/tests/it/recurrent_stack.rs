//! Recurrent stacks against the naive layers put together by hand, and their promises.

use stapes_kernels::twin::{Layer as Twin, State};
use stapes_kernels::{InstructionSet, Sequences, recurrent};
use stapes_nn::layer::{Backward, Draw, Layer, Mode, Pass, Shape};
use stapes_nn::parameters::Layout;
use stapes_nn::recurrent::{CellKind, RecurrentConfig, RecurrentStack, Wiring};
use stapes_random::Stream;

const CELLS: [(CellKind, recurrent::CellKind); 5] = [
    (CellKind::RnnTanh, recurrent::CellKind::RnnTanh),
    (CellKind::RnnRelu, recurrent::CellKind::RnnRelu),
    (CellKind::Gru, recurrent::CellKind::Gru),
    (CellKind::GruResetBefore, recurrent::CellKind::GruResetBefore),
    (CellKind::Lstm, recurrent::CellKind::Lstm),
];
const LENGTHS: [usize; 5] = [4, 7, 1, 7, 2];
const FEATURES: usize = 3;

/// A stack with its parameters, and frames for it.
struct Setting {
    config: RecurrentConfig,
    stack: RecurrentStack,
    layout: Layout,
    parameters: Vec<f32>,
    /// Each sequence's frames, [T, F].
    frames: Vec<Vec<f32>>,
}

impl Setting {
    fn new(config: RecurrentConfig, set: InstructionSet) -> Setting {
        let mut layout = Layout::new();
        let stack =
            RecurrentStack::with_instruction_set(config, Shape::frames(FEATURES), ("", &mut layout), set);
        let mut parameters = vec![0.0; layout.len()];
        stack.initialise(&mut parameters, &mut Stream::new(1, "weights"));
        let mut stream = Stream::new(1, "frames");
        let mut frames = |length| (0..length * FEATURES).map(|_| stream.symmetric(1.0)).collect();
        let frames = LENGTHS.map(&mut frames).to_vec();
        Setting { config, stack, layout, parameters, frames }
    }

    /// The outputs of these sequences, each [T, D H], in a pass with this mode.
    fn forward(&mut self, which: &[usize], mode: Mode<'_>) -> Vec<Vec<f32>> {
        let lengths: Vec<usize> = which.iter().map(|&index| LENGTHS[index]).collect();
        let sequences = Sequences::new(&lengths).unwrap();
        let frames: Vec<&[f32]> = which.iter().map(|&index| &self.frames[index][..]).collect();
        let mut input = vec![f32::NAN; sequences.frames() * FEATURES];
        sequences.pack(&frames, FEATURES, &mut input);
        let width = self.config.width();
        let mut output = vec![f32::NAN; sequences.frames() * width];
        let pass = Pass { sequences: &sequences, mode };
        self.stack.prepare(&self.parameters);
        self.stack.forward(&self.parameters, &input, &mut output, pass);
        unpack(&sequences, &output, width)
    }

    /// The gradients by all parameters and by the frames of all sequences, of the loss
    /// sum over outputs of output times `upstream`; after a training pass over all of them.
    fn backward(&mut self, upstream: &[Vec<f32>], mode: Mode<'_>) -> (Vec<f32>, Vec<Vec<f32>>) {
        let sequences = Sequences::new(&LENGTHS).unwrap();
        let width = self.config.width();
        let pack = |each: &[Vec<f32>], width: usize| {
            let mut packed = vec![f32::NAN; sequences.frames() * width];
            sequences.pack(&each.iter().map(|one| &one[..]).collect::<Vec<_>>(), width, &mut packed);
            packed
        };
        let input = pack(&self.frames, FEATURES);
        let mut output = vec![f32::NAN; sequences.frames() * width];
        let pass = Pass { sequences: &sequences, mode };
        self.stack.prepare(&self.parameters);
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
        let mut stream = Stream::new(1, "upstream");
        let width = self.config.width();
        LENGTHS.map(|length| (0..length * width).map(|_| stream.symmetric(1.0)).collect()).to_vec()
    }
}

fn unpack(sequences: &Sequences, packed: &[f32], width: usize) -> Vec<Vec<f32>> {
    let mut padded = vec![f32::NAN; sequences.batch() * sequences.longest() * width];
    sequences.unpack(packed, width, &mut padded);
    let each = padded.chunks_exact(sequences.longest() * width).zip(sequences.lengths());
    each.map(|(one, &length)| one[..length * width].to_vec()).collect()
}

fn config(cell: CellKind, layers: usize, bidirectional: bool, dropout: f32) -> RecurrentConfig {
    let wiring = if bidirectional { Wiring::Stacked } else { Wiring::Unidirectional };
    RecurrentConfig { dropout, ..RecurrentConfig::new(cell, 5, layers, wiring) }
}

fn training(key: u64, places: &[usize]) -> Mode<'_> {
    Mode::Training(Draw { key, places })
}

/// One sequence through naive layers: outputs, and with `upstream` the gradients by parameters and frames.
fn naive(setting: &Setting, kind: recurrent::CellKind, sequence: usize, upstream: &[f32]) -> [Vec<f64>; 3] {
    let (config, parameters) = (setting.config, &setting.parameters);
    let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|&value| f64::from(value)).collect() };
    let hidden = config.hidden;
    let mut views = setting.layout.views().iter();
    let mut runners = Vec::new();
    let apart = matches!(config.wiring, Wiring::Parallel | Wiring::Tied);
    for layer in 0..config.layers {
        for direction in 0..config.directions() {
            if direction == 1 && config.wiring == Wiring::Tied {
                runners.push(runners.last().cloned().unwrap());
                continue;
            }
            let inputs = match layer {
                0 => FEATURES,
                _ if apart => hidden,
                _ => config.width(),
            };
            let mut twin = Twin::<f64>::zero(kind, inputs, hidden);
            let kept = if config.bias { 4 } else { 2 };
            for part in twin.parts_mut().into_iter().take(kept) {
                *part = wide(views.next().unwrap().of(parameters));
            }
            runners.push(twin);
        }
    }
    // What a direction reads of the rows of the layer below.
    let columns = |direction: usize| direction * hidden..(direction + 1) * hidden;
    let read = |rows: &[Vec<f64>], layer: usize, direction: usize| -> Vec<Vec<f64>> {
        let all = layer == 0 || !apart;
        rows.iter().map(|row| if all { row.clone() } else { row[columns(direction)].to_vec() }).collect()
    };
    let turned = |mut rows: Vec<Vec<f64>>, direction: usize| {
        if direction == 1 {
            rows.reverse();
        }
        rows
    };
    let zero = State::zero(hidden);
    let mut rows: Vec<Vec<f64>> = setting.frames[sequence].chunks_exact(FEATURES).map(wide).collect();
    let mut trail = Vec::new();
    for layer in 0..config.layers {
        let mut joined = vec![Vec::new(); rows.len()];
        let mut moments = Vec::new();
        for direction in 0..config.directions() {
            let runner = &runners[layer * config.directions() + direction];
            moments.push(runner.forward(&turned(read(&rows, layer, direction), direction), &zero));
            let outputs = moments[direction].iter().map(|moment| moment.state.h.clone()).collect();
            for (row, h) in joined.iter_mut().zip(turned(outputs, direction)) {
                row.extend(h);
            }
        }
        trail.push((rows, moments));
        rows = joined;
    }
    let outputs = rows.concat();
    let mut d_rows: Vec<Vec<f64>> = upstream.chunks_exact(config.width()).map(wide).collect();
    let mut gradients: Vec<Vec<f64>> = Vec::new();
    for layer in (0..config.layers).rev() {
        let (rows, moments) = &trail[layer];
        let mut d_below = vec![vec![0.0; rows[0].len()]; rows.len()];
        let mut of_layer = Vec::new();
        for direction in 0..config.directions() {
            let runner = &runners[layer * config.directions() + direction];
            let mut gradient = Twin::zero(kind, runner.inputs, hidden);
            let d_h = d_rows.iter().map(|row| row[columns(direction)].to_vec()).collect();
            let frames = turned(read(rows, layer, direction), direction);
            let (d_frames, _) = runner.backward(
                (&frames, &moments[direction]),
                &zero,
                &turned(d_h, direction),
                zero.clone(),
                &mut gradient,
            );
            for (to, from) in d_below.iter_mut().zip(turned(d_frames, direction)) {
                let to = if layer > 0 && apart { &mut to[columns(direction)] } else { &mut to[..] };
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
            let kept = if config.bias { 4 } else { 2 };
            let parts = gradient.parts_mut().into_iter().take(kept).map(|part| part.clone());
            if direction == 1 && config.wiring == Wiring::Tied {
                for (sum, part) in of_layer.iter_mut().zip(parts) {
                    let sum: &mut Vec<f64> = sum;
                    sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
                }
            } else {
                of_layer.extend(parts);
            }
        }
        gradients.splice(0..0, of_layer);
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
fn stacks_agree_with_naive_layers_put_together() {
    for (cell, kind) in CELLS {
        for layers in 1..=3 {
            for wiring in [Wiring::Unidirectional, Wiring::Stacked, Wiring::Parallel, Wiring::Tied] {
                for bias in [false, true] {
                    for set in InstructionSet::available() {
                        let config =
                            RecurrentConfig { bias, ..RecurrentConfig::new(cell, 5, layers, wiring) };
                        let mut setting = Setting::new(config, set);
                        let places = [0, 1, 2, 3, 4];
                        let upstream = setting.upstream();
                        let outputs = setting.forward(&places, training(0, &places));
                        let (gradients, d_frames) = setting.backward(&upstream, training(0, &places));
                        let mut expected = vec![0.0; gradients.len()];
                        for sequence in places {
                            let [output, gradient, d_input] =
                                naive(&setting, kind, sequence, &upstream[sequence]);
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
fn frame_by_frame_is_bit_for_bit_the_whole_sequence() {
    for (cell, _) in CELLS {
        for set in InstructionSet::available() {
            let mut setting = Setting::new(config(cell, 3, false, 0.5), set);
            let outputs = setting.forward(&[0, 1, 2, 3, 4], Mode::Inference);
            let parameters = setting.parameters.clone();
            setting.stack.prepare(&parameters);
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
fn what_falls_depends_on_step_and_place_and_not_on_batch_mates() {
    let mut setting = Setting::new(config(CellKind::Lstm, 2, true, 0.5), InstructionSet::best());
    let together = setting.forward(&[0, 1, 2, 3, 4], training(7, &[0, 1, 2, 3, 4]));
    let some = setting.forward(&[3, 0], training(7, &[3, 0]));
    assert_eq!(some, [together[3].clone(), together[0].clone()]);
    assert_ne!(setting.forward(&[3], training(7, &[4]))[0], together[3], "another place");
    assert_ne!(setting.forward(&[3], training(8, &[3]))[0], together[3], "another step");
}

#[test]
fn nothing_falls_outside_training() {
    let mut dropping = Setting::new(config(CellKind::Gru, 3, false, 0.9), InstructionSet::best());
    let mut plain = Setting::new(config(CellKind::Gru, 3, false, 0.0), InstructionSet::best());
    let outputs = dropping.forward(&[0, 1], Mode::Inference);
    assert_eq!(outputs, plain.forward(&[0, 1], Mode::Inference));
    assert_eq!(outputs, plain.forward(&[0, 1], training(3, &[0, 1])));
    assert_ne!(outputs, dropping.forward(&[0, 1], training(3, &[0, 1])));
}

#[test]
fn gradients_pass_through_the_same_dropout_as_the_values() {
    let places = [0, 1, 2, 3, 4];
    let mut setting = Setting::new(config(CellKind::Lstm, 3, true, 0.4), InstructionSet::best());
    let upstream = setting.upstream();
    let (gradients, _) = setting.backward(&upstream, training(5, &places));
    let mut stream = Stream::new(1, "direction");
    let direction: Vec<f32> = gradients.iter().map(|_| stream.symmetric(1.0)).collect();
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
    let start = setting.parameters.clone();
    let mut loss = |step: f32| {
        setting.parameters = start.iter().zip(&direction).map(|(p, d)| p + step * d).collect();
        let outputs = setting.forward(&places, training(5, &places));
        outputs.iter().zip(&upstream).map(|(output, up)| dot(output, up)).sum::<f64>()
    };
    let slope = (loss(3e-3) - loss(-3e-3)) / 6e-3;
    let expected = dot(&gradients, &direction);
    assert!((slope - expected).abs() < 1e-2 * expected.abs().max(1.0), "{slope}, gradient {expected}");
}

#[test]
fn parameters_have_pytorchs_names_order_and_range() {
    let setting = Setting::new(config(CellKind::Gru, 2, true, 0.0), InstructionSet::best());
    let names: Vec<&str> = setting.layout.views().iter().map(|view| &view.name[..]).collect();
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
    assert_eq!(setting.layout.views()[8].shape, [15, 10]);
    let bound = 1.0 / 5f32.sqrt();
    assert!(setting.parameters.iter().all(|value| value.abs() <= bound));
    assert!(setting.parameters.iter().any(|value| value.abs() > 0.95 * bound));
    // G H (I + H) for each layer and direction.
    assert_eq!(setting.stack.macs(1), 2 * 15 * (3 + 5) + 2 * 15 * (10 + 5));
}
