//! Parameters in safetensors files, under the names of a PyTorch state dict.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use stapes_nn::Network;
use stapes_nn::parameters::TensorSpec;

use crate::error::InferError;
use crate::model::{MEAN, SCALE};

/// Reads the parameters of a network from a safetensors file of `safetensors.torch.save_file(model.state_dict(), path)`:
/// f32 or f64 tensors under the network's names. A stapes model file is also accepted.
///
/// # Errors
/// [`InferError::File`] if the file cannot be read, [`InferError::NoWeights`] if it is not a safetensors file or has a value
/// that is not finite, [`InferError::Weights`] with every name that is missing, not expected or of another shape.
pub fn read_weights(path: &Path, network: &Network) -> Result<Vec<f32>, InferError> {
    let action = "read the weights";
    let bytes =
        stapes_files::read(path).map_err(|source| InferError::File { path: path.into(), action, source })?;
    let read = Tensors::new(&bytes, path).and_then(|file| file.parameters(network.tensors(), &[MEAN, SCALE]));
    read.map_err(|error| match error {
        InferError::Damaged { path, reason } => InferError::NoWeights { path, reason },
        other => other,
    })
}

/// Suffix of PyTorch's batch counter of a normalization layer, which is unused with a momentum.
const BATCH_COUNTER: &str = ".num_batches_tracked";

/// Tensors of a file.
pub(crate) struct Tensors<'a> {
    file: SafeTensors<'a>,
    path: &'a Path,
}

impl<'a> Tensors<'a> {
    /// Reads the tensors from the bytes of a file; `path` is used in error messages.
    pub(crate) fn new(bytes: &'a [u8], path: &'a Path) -> Result<Tensors<'a>, InferError> {
        let damaged = |error: safetensors::SafeTensorError| InferError::Damaged {
            path: path.into(),
            reason: error.to_string(),
        };
        Ok(Tensors { file: SafeTensors::deserialize(bytes).map_err(damaged)?, path })
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
        let mut unexpected: Vec<String> =
            self.file.names().into_iter().filter(|name| !known(name)).map(String::from).collect();
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
        let view = self.file.tensor(name).map_err(|error| damaged(error.to_string()))?;
        let values: Vec<f32> = match view.dtype() {
            Dtype::F64 => {
                let wide = view.data().as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes));
                wide.map(|value| value as f32).collect()
            }
            _ => view.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        };
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(damaged(format!("tensor {name} has the value {value}"))),
            None => Ok(values),
        }
    }

    /// Returns `None` for a tensor of the expected shape and a supported type, `Some(None)` for a missing tensor, and else
    /// the shape, and the type if it is not supported.
    fn mismatch(&self, name: &str, shape: &[usize]) -> Option<Option<String>> {
        let Ok(view) = self.file.tensor(name) else { return Some(None) };
        match view.dtype() {
            _ if view.shape() != shape => Some(Some(format!("{:?}", view.shape()))),
            Dtype::F32 | Dtype::F64 => None,
            other => Some(Some(format!("{:?} of type {other:?}, not F32 or F64", view.shape()))),
        }
    }
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
        Tensors::new(bytes, Path::new("w.safetensors"))?.parameters(network().tensors(), &[])
    }

    #[test]
    fn weights_are_read_in_single_and_double_precision() {
        for dtype in [Dtype::F32, Dtype::F64] {
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
    fn half_precision_and_damaged_files_are_errors() {
        let error = read(&file(Dtype::F16, |_| {})).unwrap_err().to_string();
        assert!(error.contains("type F16, not F32 or F64"), "{error}");
        let bytes = file(Dtype::F32, |_| {});
        assert!(matches!(read(&bytes[..bytes.len() - 1]), Err(InferError::Damaged { .. })));
        assert!(matches!(read(b"no tensors"), Err(InferError::Damaged { .. })));
    }
}
