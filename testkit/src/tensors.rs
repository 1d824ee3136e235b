//! Recorded arrays: `.npy` and `.safetensors` files.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::ArrayD;
use safetensors::{Dtype, SafeTensors};

/// An array of any shape, converted to f64, with its stored type.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Lengths of the axes; the last axis is contiguous.
    pub shape: Vec<usize>,
    /// Elements in C order.
    pub values: Vec<f64>,
    /// Stored element type, by its numpy name.
    pub dtype: &'static str,
}

impl Tensor {
    /// Returns the elements rounded to f32.
    pub fn to_f32(&self) -> Vec<f32> {
        self.values.iter().map(|&value| value as f32).collect()
    }

    /// Returns the elements as sizes.
    pub fn to_usize(&self) -> Vec<usize> {
        self.values.iter().map(|&value| value as usize).collect()
    }
}

/// Reads a `.npy` file of f32 or f64.
pub fn read_npy(path: &Path) -> Result<Tensor, String> {
    if let Ok(array) = ndarray_npy::read_npy::<_, ArrayD<f32>>(path) {
        let values = array.iter().map(|&value| f64::from(value)).collect();
        return Ok(Tensor { shape: array.shape().to_vec(), values, dtype: "float32" });
    }
    let array: ArrayD<f64> =
        ndarray_npy::read_npy(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Tensor { shape: array.shape().to_vec(), values: array.iter().copied().collect(), dtype: "float64" })
}

/// Reads all tensors of a `.safetensors` file of f32, f64 or i64.
pub fn read_safetensors(path: &Path) -> Result<BTreeMap<String, Tensor>, String> {
    let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| describe(&error))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| describe(&error))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let data = view.data();
        let (values, dtype) = match view.dtype() {
            Dtype::F32 => (elements(data, |bytes| f64::from(f32::from_le_bytes(bytes))), "float32"),
            Dtype::F64 => (elements(data, f64::from_le_bytes), "float64"),
            Dtype::I64 => (elements(data, |bytes| i64::from_le_bytes(bytes) as f64), "int64"),
            other => return Err(describe(&format!("{name} has the unsupported type {other:?}"))),
        };
        tensors.insert(name, Tensor { shape: view.shape().to_vec(), values, dtype });
    }
    Ok(tensors)
}

fn elements<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    data.as_chunks::<N>().0.iter().map(|&bytes| read(bytes)).collect()
}
