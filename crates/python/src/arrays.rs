//! Arrays of NumPy: reading them without a copy where possible, and making them.

use numpy::ndarray::Array2;
use numpy::{
    Element, IntoPyArray, PyArray1, PyArray2, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods,
    PyReadonlyArray, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use stapes::features::Features;

use crate::error::value_error;

/// Samples of a clip, in the type in which a toolkit computes with them.
pub(crate) enum Samples<'py> {
    F32(PyReadonlyArray1<'py, f32>),
    F64(PyReadonlyArray1<'py, f64>),
}

impl<'py> Samples<'py> {
    /// Reads a one-dimensional array: f32 and narrower floats as f32, everything else as f64.
    pub(crate) fn read(array: &Bound<'py, PyAny>) -> PyResult<Samples<'py>> {
        match is_narrow(array)? {
            true => Ok(Samples::F32(read(array)?)),
            false => Ok(Samples::F64(read(array)?)),
        }
    }
}

/// Returns true if an array has floats of at most 32 bits.
fn is_narrow(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    let dtype = untyped(array)?.dtype();
    Ok(dtype.kind() == b'f' && dtype.itemsize() <= 4)
}

fn untyped<'a, 'py>(array: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyUntypedArray>> {
    let wrong = || {
        let name = array.get_type().name().map_or_else(|_| "an object".into(), |name| name.to_string());
        pyo3::exceptions::PyTypeError::new_err(format!(
            "expected a NumPy array, got {name}; use numpy.asarray"
        ))
    };
    array.cast::<PyUntypedArray>().map_err(|_| wrong())
}

/// Reads a one-dimensional array as numbers of a type.
pub(crate) fn read<'py, T: Element>(array: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray1<'py, T>> {
    read_array(array, "one axis, of samples")
}

/// Reads a two-dimensional array as numbers of a type.
pub(crate) fn read2<'py, T: Element>(array: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray2<'py, T>> {
    read_array(array, "two axes, [T, F]")
}

/// Reads an array; copies it if it is not contiguous and aligned, or has another type or byte order.
fn read_array<'py, T: Element, D: numpy::ndarray::Dimension>(
    array: &Bound<'py, PyAny>,
    axes: &str,
) -> PyResult<PyReadonlyArray<'py, T, D>> {
    let untyped = untyped(array)?;
    if D::NDIM.is_some_and(|axes| axes != untyped.ndim()) {
        return Err(value_error(format!("the array has the shape {:?}; expected {axes}", untyped.shape())));
    }
    if let Ok(array) = array.cast::<PyArrayDyn<T>>()
        && array.is_c_contiguous()
        && (array.data() as usize).is_multiple_of(align_of::<T>())
    {
        return Ok(array.cast::<numpy::PyArray<T, D>>()?.readonly());
    }
    let kind = untyped.dtype().kind();
    if !b"fiub".contains(&kind) {
        let dtype = untyped.dtype();
        return Err(value_error(format!("the array has the type {dtype}; expected real numbers")));
    }
    let options = PyDict::new(array.py());
    options.set_item("dtype", T::get_dtype(array.py()))?;
    options.set_item("requirements", "CA")?;
    let copy = array.py().import("numpy")?.getattr("require")?.call((array,), Some(&options))?;
    Ok(copy.cast::<numpy::PyArray<T, D>>()?.readonly())
}

/// Reads frames, [T, F] of f32.
pub(crate) fn frames(array: &Bound<'_, PyAny>) -> PyResult<Features> {
    let array = read2::<f32>(array)?;
    let width = array.shape()[1];
    if width == 0 {
        return Err(value_error("frames have no values; expected [T, F] with F at least 1"));
    }
    Ok(Features::new(width, array.as_slice()?.to_vec()))
}

/// Returns the array [T, F] of values in frame order, without a copy.
pub(crate) fn matrix<T: Element>(
    py: Python<'_>,
    width: usize,
    values: Vec<T>,
) -> PyResult<Bound<'_, PyArray2<T>>> {
    let frames = values.len().checked_div(width).unwrap_or(0);
    let matrix = Array2::from_shape_vec((frames, width), values);
    Ok(matrix.map_err(|error| value_error(error.to_string()))?.into_pyarray(py))
}

/// Returns the array [N].
pub(crate) fn vector<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    PyArray1::from_vec(py, values)
}
