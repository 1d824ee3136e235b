//! Recurrent stacks against recorded outputs, final states and gradients of PyTorch, on every instruction
//! set.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use stapes_kernels::{InstructionSet, Sequences};
use stapes_nn::layer::{Backward, DropoutKey, Layer, Mode, Pass, Shape};
use stapes_nn::parameters::Layout;
use stapes_nn::recurrent::{
    CellKind, Directions, RecurrentConfig, RecurrentStack, StateGradients, StatePass,
};
use stapes_testkit::manifest;
use stapes_testkit::suite::Case;
use stapes_testkit::tensors::{Tensor, read_safetensors};
use stapes_testkit::tolerance::{check_mixed, check_relative_to_largest, widen};

pub(crate) fn list(golden: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for case in manifest::networks::<Recorded>(golden, &["recurrent", "wiring", "gru_reset_before"])? {
        for set in InstructionSet::available() {
            let (recorded, file) = (case.recorded.clone(), case.file.clone());
            cases.push(Case::new(format!("{}, {set}", case.name), move || recorded.check(&file, set)));
        }
    }
    Ok(cases)
}

/// A recorded case; unknown keys are errors. Only the group `recurrent` records states, and only
/// `gru_reset_before` has neither cell nor layers.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    #[serde(rename = "name")]
    _name: String,
    group: String,
    #[serde(default = "reset_before")]
    kind: CellKind,
    input: usize,
    hidden: usize,
    #[serde(default = "one")]
    layers: usize,
    #[serde(default)]
    wiring: Wiring,
    #[serde(default)]
    bidirectional: bool,
    #[serde(default = "yes")]
    bias: bool,
    batch: usize,
    time: usize,
    lengths: Option<Vec<usize>>,
    #[serde(default)]
    initial_state: bool,
    #[serde(rename = "call")]
    _call: String,
}

/// Recorded name of [`Directions`].
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wiring {
    #[default]
    Unidirectional,
    Stacked,
    Parallel,
    Tied,
}

fn reset_before() -> CellKind {
    CellKind::GruResetBefore
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

/// Tensors of the file. Each is removed when it is compared, and none may be left.
struct Tensors(BTreeMap<String, Tensor>);

impl Tensors {
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, String> {
        let tensor = self.0.remove(name).ok_or_else(|| format!("no tensor {name}"))?;
        if tensor.shape != shape {
            return Err(format!("{name} has the shape {:?}, expected {shape:?}", tensor.shape));
        }
        Ok(tensor)
    }

    /// States [L D, S, B, H] from one tensor [L D, B, H] per state.
    fn states(&mut self, names: &[String], shape: [usize; 3]) -> Result<Vec<f32>, String> {
        let tensors: Vec<Tensor> =
            names.iter().map(|name| self.take(name, &shape)).collect::<Result<_, _>>()?;
        let mut states = Vec::new();
        for recurrence in 0..shape[0] {
            for tensor in &tensors {
                states.extend_from_slice(
                    &tensor.to_f32()[recurrence * shape[1] * shape[2]..][..shape[1] * shape[2]],
                );
            }
        }
        Ok(states)
    }
}

impl Recorded {
    fn check(&self, file: &Path, set: InstructionSet) -> Result<(), String> {
        let mut tensors = Tensors(read_safetensors(file)?);
        let directions = match self.wiring {
            Wiring::Unidirectional if !self.bidirectional => Directions::Unidirectional,
            Wiring::Unidirectional | Wiring::Stacked => Directions::Interleaved,
            Wiring::Parallel => Directions::Independent,
            Wiring::Tied => Directions::Shared,
        };
        let config = RecurrentConfig {
            bias: self.bias,
            ..RecurrentConfig::new(self.kind, self.hidden, self.layers, directions)
        };
        let mut layout = Layout::new();
        let mut stack =
            RecurrentStack::with_instruction_set(config, Shape::frames(self.input), "", &mut layout, set);
        let mut parameters = vec![0.0; layout.len()];
        for spec in layout.tensors() {
            let tensor = tensors.take(&format!("param.{}", self.recorded_name(&spec.name)), &spec.shape)?;
            spec.slice_mut(&mut parameters).copy_from_slice(&tensor.to_f32());
        }
        if let Some(lengths) = &self.lengths {
            assert_eq!(tensors.take("lengths", &[self.batch])?.to_usize(), *lengths);
        }
        let lengths = self.lengths.clone().unwrap_or_else(|| vec![self.time; self.batch]);
        let sequences = Sequences::new(&lengths).map_err(|error| error.to_string())?;
        let width = config.output_size();
        let names: &[&str] = if self.kind == CellKind::Lstm { &["h", "c"] } else { &["h"] };
        let named =
            |pattern: &str| -> Vec<String> { names.iter().map(|name| pattern.replace('?', name)).collect() };
        let recurrences = self.layers * config.num_directions();
        let state_shape = [recurrences, self.batch, self.hidden];
        let initial = match self.initial_state {
            true => Some(tensors.states(&named("?0"), state_shape)?),
            false => None,
        };

        let input = self.packed(&sequences, &tensors.take("x", &[self.batch, self.time, self.input])?);
        let mut output = vec![f32::NAN; sequences.frames() * width];
        let example_ids: Vec<usize> = (0..self.batch).collect();
        let pass = Pass {
            sequences: &sequences,
            mode: Mode::Training(DropoutKey { step: 0, example_ids: &example_ids }),
        };
        let buffers = StatePass { input: &input, initial: initial.as_deref(), output: &mut output };
        stack.load_parameters(&parameters);
        stack.forward_with_state(buffers, pass);
        let padded = self.padded(&sequences, &output, width);
        let mut last = vec![f32::NAN; stack.state_len(self.batch)];
        stack.final_state(&mut last);
        let frames = [self.batch, self.time, width];
        check_mixed("y", &widen(&padded), &tensors.take("y", &frames)?.values, 1e-5)?;
        let upstream = tensors.take("upstream.y", &frames)?;
        let mut d_final = vec![0.0; last.len()];
        if self.group == "recurrent" {
            let expected = tensors.states(&named("?_n"), state_shape)?;
            check_mixed("final states", &widen(&last), &widen(&expected), 1e-5)?;
            d_final = tensors.states(&named("upstream.?_n"), state_shape)?;
        }
        let product = |a: &[f32], b: &[f64]| -> f64 { a.iter().zip(b).map(|(&a, b)| f64::from(a) * b).sum() };
        let loss = product(&padded, &upstream.values) + product(&last, &widen(&d_final));
        check_mixed("loss", &[loss], &tensors.take("loss", &[1])?.values, 1e-5)?;

        let mut gradients = vec![0.0; layout.len()];
        let mut d_input = vec![f32::NAN; input.len()];
        let mut d_initial = initial.as_ref().map(|initial| vec![f32::NAN; initial.len()]);
        let buffers = Backward {
            parameters: &parameters,
            gradients: &mut gradients,
            input: &input,
            output: &output,
            d_output: &mut self.packed(&sequences, &upstream),
            d_input: Some(&mut d_input),
        };
        let states = StateGradients { d_final: Some(&d_final), d_initial: d_initial.as_deref_mut() };
        stack.backward_with_state(buffers, states, pass);
        for spec in layout.tensors() {
            let name = format!("grad.{}", self.recorded_name(&spec.name));
            let expected = tensors.take(&name, &spec.shape)?;
            check_relative_to_largest(&name, &widen(spec.slice(&gradients)), &expected.values, 1e-4)?;
        }
        let expected = tensors.take("grad.x", &[self.batch, self.time, self.input])?;
        let d_input = widen(&self.padded(&sequences, &d_input, self.input));
        check_relative_to_largest("grad.x", &d_input, &expected.values, 1e-4)?;
        if let Some(d_initial) = d_initial {
            let expected = tensors.states(&named("grad.?0"), state_shape)?;
            check_relative_to_largest("grad of the states", &widen(&d_initial), &widen(&expected), 1e-4)?;
        }
        match tensors.0.keys().next() {
            Some(name) => Err(format!("the tensor {name} was not compared")),
            None => Ok(()),
        }
    }

    /// Recorded name of a parameter; a single cell has the names of torch.nn.GRUCell, without the layer's
    /// number.
    fn recorded_name<'a>(&self, name: &'a str) -> &'a str {
        if self.group == "gru_reset_before" { name.trim_end_matches("_l0") } else { name }
    }

    /// Packs padded frames [B, T, F].
    fn packed(&self, sequences: &Sequences, padded: &Tensor) -> Vec<f32> {
        let (values, width) = (padded.to_f32(), padded.shape[2]);
        let each: Vec<&[f32]> = values
            .chunks_exact(self.time * width)
            .zip(sequences.lengths())
            .map(|(sequence, &length)| &sequence[..length * width])
            .collect();
        let mut packed = vec![f32::NAN; sequences.frames() * width];
        sequences.pack(&each, width, &mut packed);
        packed
    }

    /// Unpacks frames to [B, T, F] with zero padding and the recorded T.
    fn padded(&self, sequences: &Sequences, packed: &[f32], width: usize) -> Vec<f32> {
        let mut padded = vec![0.0; self.batch * self.time * width];
        let mut unpacked = vec![f32::NAN; self.batch * sequences.max_length() * width];
        sequences.unpack(packed, width, &mut unpacked);
        let to = padded.chunks_exact_mut(self.time * width);
        for (to, from) in to.zip(unpacked.chunks_exact(sequences.max_length() * width)) {
            to[..from.len()].copy_from_slice(from);
        }
        padded
    }
}
