//! Parameters in safetensors files, under the names of a PyTorch state dict.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use stapes_nn::Network;
use stapes_nn::parameters::TensorSpec;

use crate::error::InferError;
use crate::model::{FILE, MEAN, SCALE};

/// Parameters from a file of weights, and what was done to read them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Weights {
    /// Parameters, in the layout of the network.
    pub parameters: Vec<f32>,
    /// Prefix of every name in the file that was removed, such as `module.`; empty if the names are those of the network.
    pub prefix: String,
    /// True if the file has numbers of half precision, which were widened.
    pub half_precision: bool,
}

/// Prefixes that wrappers of PyTorch modules add to every name: DataParallel, `torch.compile`, Lightning.
const PREFIXES: [&str; 3] = ["module.", "_orig_mod.", "model."];

/// Reads the parameters of a network from a safetensors file of `safetensors.torch.save_file(model.state_dict(), path)`:
/// F16, BF16, F32 or F64 tensors under the network's names. The prefixes `module.`, `_orig_mod.` and `model.` are removed if
/// every name has them. A stapes model file is also accepted.
///
/// # Errors
/// [`InferError::File`] if the file cannot be read, [`InferError::NoWeights`] if it is not a safetensors file or has a value
/// that is not finite, [`InferError::Weights`] with every name that is missing, not expected or of another shape.
pub fn read_weights(path: &Path, network: &Network) -> Result<Weights, InferError> {
    read_weights_except(path, network, &[], &[])
}

/// Reads the parameters of a network like [`read_weights`], but takes those of the tensors `reset` from `initial`, in the
/// layout of the network, whatever the file has under their names: for a head with other classes.
///
/// # Errors
/// Those of [`read_weights`].
///
/// # Panics
/// If `initial` is shorter than the parameters and a tensor is reset.
pub fn read_weights_except(
    path: &Path,
    network: &Network,
    reset: &[String],
    initial: &[f32],
) -> Result<Weights, InferError> {
    let action = "read the weights";
    let bytes =
        stapes_files::read(path).map_err(|source| InferError::File { path: path.into(), action, source })?;
    weights(&bytes, path, network, reset, initial)
}

fn weights(
    bytes: &[u8],
    path: &Path,
    network: &Network,
    reset: &[String],
    initial: &[f32],
) -> Result<Weights, InferError> {
    let refused = |reason: String| InferError::NoWeights { path: path.into(), reason };
    let file = SafeTensors::deserialize(bytes).map_err(|error| refused(error.to_string()))?;
    // Weights that another program wrote have no checksum.
    FILE.verify(bytes).map_err(|error| refused(error.to_string()))?;
    let prefix = common_prefix(&file.names(), network);
    let half_precision = file.iter().any(|(_, view)| matches!(view.dtype(), Dtype::F16 | Dtype::BF16));
    let tensors =
        Tensors { file, path, prefix: &prefix, types: &[Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16] };
    let (head, body): (Vec<_>, Vec<_>) =
        network.tensors().iter().cloned().partition(|tensor| reset.contains(&tensor.name));
    let extra: Vec<&str> = head.iter().map(|tensor| &*tensor.name).chain([MEAN, SCALE]).collect();
    let parameters = tensors.parameters(&body, &extra).map(|mut parameters| {
        parameters.resize(network.buffer_len(), 0.0);
        head.iter()
            .for_each(|tensor| tensor.slice_mut(&mut parameters).copy_from_slice(tensor.slice(initial)));
        parameters
    });
    match parameters {
        Ok(parameters) => Ok(Weights { parameters, prefix, half_precision }),
        Err(InferError::Damaged { reason, .. }) => Err(refused(reason)),
        Err(other) => Err(other),
    }
}

/// Returns the prefixes of wrappers that every name has and no name of the network.
fn common_prefix(names: &[&str], network: &Network) -> String {
    let mut common = String::new();
    while !names.is_empty() {
        let next = PREFIXES.into_iter().find(|next| {
            let longer = format!("{common}{next}");
            names.iter().all(|name| name.starts_with(&longer))
                && !network.tensors().iter().any(|tensor| tensor.name.starts_with(next))
        });
        let Some(next) = next else { break };
        common.push_str(next);
    }
    common
}

/// Suffix of PyTorch's batch counter of a normalization layer, which is unused with a momentum.
const BATCH_COUNTER: &str = ".num_batches_tracked";

/// Tensors of a file.
pub(crate) struct Tensors<'a> {
    file: SafeTensors<'a>,
    path: &'a Path,
    /// Prefix of all names in the file.
    prefix: &'a str,
    /// Types that are read.
    types: &'static [Dtype],
}

impl<'a> Tensors<'a> {
    /// Returns the tensors of a model file; `path` is used in error messages.
    pub(crate) fn of_model(file: SafeTensors<'a>, path: &'a Path) -> Tensors<'a> {
        Tensors { file, path, prefix: "", types: &[Dtype::F32] }
    }

    fn view(&self, name: &str) -> Result<TensorView<'_>, SafeTensorError> {
        self.file.tensor(&format!("{}{name}", self.prefix))
    }

    /// Returns all parameters in the flat layout. The file may also have the tensors `extra`.
    pub(crate) fn parameters(&self, specs: &[TensorSpec], extra: &[&str]) -> Result<Vec<f32>, InferError> {
        let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
        let mut parameters = vec![0.0; specs.last().map_or(0, |spec| spec.offset + spec.len())];
        for spec in specs {
            match self.mismatch(&spec.name, &spec.shape) {
                None => {
                    let values = self.tensor(&spec.name, &spec.shape)?;
                    spec.slice_mut(&mut parameters).copy_from_slice(&values);
                }
                Some(None) => missing.push(format!("{} {:?}", spec.name, spec.shape)),
                Some(Some(got)) => {
                    misshapen.push(format!("{} is {got}, expected {:?}", spec.name, spec.shape));
                }
            }
        }
        let known = |name: &&str| {
            let counter = name.ends_with(BATCH_COUNTER);
            counter || specs.iter().any(|spec| spec.name == *name) || extra.contains(name)
        };
        let names = self.file.names().into_iter();
        let names = names.filter(|name| !name.strip_prefix(self.prefix).is_some_and(|name| known(&name)));
        let mut unexpected: Vec<String> = names.map(String::from).collect();
        unexpected.sort();
        if missing.is_empty() && misshapen.is_empty() && unexpected.is_empty() {
            return Ok(parameters);
        }
        Err(InferError::Weights { path: self.path.into(), missing, unexpected, misshapen })
    }

    /// Returns the values of a tensor.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, InferError> {
        let damaged = |reason: String| InferError::Damaged { path: self.path.into(), reason };
        match self.mismatch(name, shape) {
            None => {}
            Some(None) => return Err(damaged(format!("tensor {name} is missing"))),
            Some(Some(got)) => return Err(damaged(format!("tensor {name} is {got}, expected {shape:?}"))),
        }
        let view = self.view(name).map_err(|error| damaged(error.to_string()))?;
        let values = widened(view.dtype(), view.data());
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(damaged(format!("tensor {name} has the value {value}"))),
            None => Ok(values),
        }
    }

    /// Returns `None` for a tensor of the expected shape and a supported type, `Some(None)` for a missing tensor, and else
    /// the shape, and the type if it is not supported.
    fn mismatch(&self, name: &str, shape: &[usize]) -> Option<Option<String>> {
        let Ok(view) = self.view(name) else { return Some(None) };
        match view.dtype() {
            _ if view.shape() != shape => Some(Some(format!("{:?}", view.shape()))),
            dtype if self.types.contains(&dtype) => None,
            other => {
                let types: Vec<String> = self.types.iter().map(Dtype::to_string).collect();
                Some(Some(format!("{:?} of type {other}, not {}", view.shape(), types.join(" or "))))
            }
        }
    }
}

/// Returns the numbers of a tensor of a floating-point type.
fn widened(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    let halves = || bytes.as_chunks::<2>().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
    match dtype {
        Dtype::F16 => halves().map(half_to_single).collect(),
        Dtype::BF16 => halves().map(|bits| f32::from_bits(u32::from(bits) << 16)).collect(),
        Dtype::F64 => {
            bytes.as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect()
        }
        _ => bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
    }
}

/// Returns a number of half precision (IEEE 754 binary16), exactly.
fn half_to_single(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;
    use stapes_nn::ModelConfig;
    use stapes_nn::layer::Shape;

    use super::*;

    fn network() -> Network {
        let model: ModelConfig = toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 2").unwrap();
        model.build(Shape::frames(3), 2).unwrap()
    }

    /// Returns a file with the network's tensors after `change`; value i of each tensor is i / 8.
    fn file(dtype: Dtype, change: impl Fn(&mut Vec<(String, Vec<usize>)>)) -> Vec<u8> {
        let specs = network().tensors().to_vec();
        let mut tensors: Vec<(String, Vec<usize>)> =
            specs.into_iter().map(|spec| (spec.name, spec.shape)).collect();
        change(&mut tensors);
        let data = |shape: &[usize]| -> Vec<u8> {
            let values = (0..shape.iter().product()).map(|index: usize| index as f64 / 8.0);
            match dtype {
                Dtype::F64 => values.flat_map(f64::to_le_bytes).collect(),
                Dtype::BF16 => values
                    .flat_map(|value| ((value as f32).to_bits() >> 16).to_le_bytes()[..2].to_vec())
                    .collect(),
                Dtype::F32 => values.flat_map(|value| (value as f32).to_le_bytes()).collect(),
                _ => values.flat_map(|_| [0, 0]).collect(),
            }
        };
        let data: Vec<Vec<u8>> = tensors.iter().map(|(_, shape)| data(shape)).collect();
        let each = tensors.iter().zip(&data).map(|((name, shape), data)| {
            (name.clone(), TensorView::new(dtype, shape.clone(), data).unwrap())
        });
        safetensors::serialize(each, None).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<f32>, InferError> {
        weights(bytes, Path::new("w.safetensors"), &network(), &[], &[]).map(|weights| weights.parameters)
    }

    #[test]
    fn weights_are_read_in_every_precision() {
        for dtype in [Dtype::F32, Dtype::F64, Dtype::BF16] {
            let parameters = read(&file(dtype, |_| {})).unwrap();
            for spec in network().tensors() {
                let values = spec.slice(&parameters);
                assert!(values.iter().enumerate().all(|(index, &value)| value == index as f32 / 8.0));
            }
        }
    }

    #[test]
    fn every_mismatched_tensor_is_reported() {
        let bytes = file(Dtype::F32, |tensors| {
            tensors.retain(|(name, _)| name != "fc.bias");
            tensors[0].1 = vec![6, 4];
            tensors.push(("head.weight".into(), vec![1]));
            tensors.push(("1.num_batches_tracked".into(), vec![]));
        });
        let error = read(&bytes).unwrap_err().to_string();
        for part in [
            "missing: fc.bias [2]",
            "not expected: head.weight",
            "of another shape: rnn.weight_ih_l0 is [6, 4], expected [6, 3]",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("num_batches_tracked"), "{error}");
    }

    #[test]
    fn the_tensors_of_a_head_can_be_reset() {
        let initial: Vec<f32> = (0..network().buffer_len()).map(|index| index as f32 + 100.0).collect();
        let reset = ["fc.weight".to_owned(), "fc.bias".to_owned()];
        let bytes = file(Dtype::F32, |tensors| {
            // A head of three classes, without a bias.
            tensors.retain(|(name, _)| name != "fc.bias");
            tensors.iter_mut().filter(|(name, _)| name == "fc.weight").for_each(|(_, shape)| shape[0] = 3);
        });
        let found = weights(&bytes, Path::new("w.safetensors"), &network(), &reset, &initial).unwrap();
        let plain = read(&file(Dtype::F32, |_| {})).unwrap();
        for spec in network().tensors() {
            let expected = if reset.contains(&spec.name) { &initial } else { &plain };
            assert_eq!(spec.slice(&found.parameters), spec.slice(expected), "{}", spec.name);
        }
    }

    #[test]
    fn half_precision_is_widened_exactly() {
        let cases = [
            (0x0000, 0.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x3555, 0.333_251_95),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(half_to_single(bits), value, "{bits:#x}");
        }
        assert!(half_to_single(0x7e00).is_nan() && half_to_single(0x8000).is_sign_negative());
        let zeros = read(&file(Dtype::F16, |_| {})).unwrap();
        assert!(zeros.iter().all(|&value| value == 0.0));
    }

    #[test]
    fn prefixes_of_wrappers_are_removed() {
        let plain = read(&file(Dtype::F32, |_| {})).unwrap();
        for prefix in ["module.", "_orig_mod.", "model.", "model._orig_mod.", "module.model."] {
            let wrapped = file(Dtype::F32, |tensors| {
                tensors.iter_mut().for_each(|(name, _)| *name = format!("{prefix}{name}"));
            });
            let found = weights(&wrapped, Path::new("w.safetensors"), &network(), &[], &[]).unwrap();
            assert_eq!((found.prefix.as_str(), found.parameters), (prefix, plain.clone()));
        }
        let partly = file(Dtype::F32, |tensors| tensors[1].0 = format!("module.{}", tensors[1].0));
        let error = read(&partly).unwrap_err().to_string();
        assert!(error.contains("not expected: module."), "{error}");
    }

    #[test]
    fn other_types_and_damaged_files_are_errors() {
        let error = read(&file(Dtype::I16, |_| {})).unwrap_err().to_string();
        assert!(error.contains("type I16, not F32 or F64 or F16 or BF16"), "{error}");
        let bytes = file(Dtype::F32, |_| {});
        assert!(matches!(read(&bytes[..bytes.len() - 1]), Err(InferError::NoWeights { .. })));
        assert!(matches!(read(b"no tensors"), Err(InferError::NoWeights { .. })));
    }
}
