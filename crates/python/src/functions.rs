//! Functions on spectrograms and features, and reading of recordings.

use std::path::PathBuf;

use numpy::{Element, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use stapes::audio::{Channel, ReadOptions, Recording, read_with};
use stapes::features::{
    Delta, DeltaConfig, DeltaMode, Features, LibrosaMelConfig, LibrosaMfccConfig, Reference, Sample,
    TorchaudioDeltaConfig, power_to_db,
};

use crate::arrays::{matrix, read2, vector};
use crate::error::{exception, parse, value_error};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(delta, module)?)?;
    module.add_function(wrap_pyfunction!(regression_delta, module)?)?;
    module.add_function(wrap_pyfunction!(decibels, module)?)?;
    module.add_function(wrap_pyfunction!(cepstra, module)?)?;
    module.add_function(wrap_pyfunction!(mel_filters, module)?)?;
    module.add_function(wrap_pyfunction!(channels, module)?)?;
    module.add_function(wrap_pyfunction!(load, module)?)
}

/// Returns true if an array, which the wrappers made contiguous, has f64.
fn is_double(array: &Bound<'_, PyAny>) -> bool {
    array.cast::<numpy::PyArray2<f64>>().is_ok()
}

/// Returns librosa's deltas of frames, [T, F] -> [T, F].
#[pyfunction]
fn delta<'py>(
    py: Python<'py>,
    frames: &Bound<'py, PyAny>,
    order: usize,
    width: usize,
    mode: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let mode = match mode {
        "interp" => DeltaMode::Interp,
        "nearest" => DeltaMode::Nearest,
        "mirror" => DeltaMode::Mirror,
        "constant" => DeltaMode::Constant,
        "wrap" => DeltaMode::Wrap,
        _ => {
            let known = "interp, nearest, mirror, constant or wrap";
            return Err(value_error(format!("mode = {mode:?}: must be {known}")));
        }
    };
    let filter = DeltaConfig { order, width, mode }.init().map_err(exception)?;
    apply(py, &filter, frames)
}

/// Returns the slopes of lines fitted to neighboring frames, [T, F] -> [T, F].
#[pyfunction]
fn regression_delta<'py>(
    py: Python<'py>,
    frames: &Bound<'py, PyAny>,
    win_length: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let filter = TorchaudioDeltaConfig { win_length }.init().map_err(exception)?;
    apply(py, &filter, frames)
}

fn apply<'py>(py: Python<'py>, filter: &Delta, frames: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    fn typed<'py, S: Sample + Element>(
        py: Python<'py>,
        filter: &Delta,
        frames: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let deltas = filter.apply(&features::<S>(frames)?).map_err(exception)?;
        matrix(py, deltas.width(), deltas.values().to_vec())?.into_bound_py_any(py)
    }
    match is_double(frames) {
        true => typed::<f64>(py, filter, frames),
        false => typed::<f32>(py, filter, frames),
    }
}

fn features<S: Sample + Element>(frames: &Bound<'_, PyAny>) -> PyResult<Features<S>> {
    let array = read2::<S>(frames)?;
    match array.shape()[1] {
        0 => Err(value_error("the array has no values")),
        width => Ok(Features::new(width, array.as_slice()?.to_vec())),
    }
}

/// Returns librosa's power_to_db of an array of any shape; `reference` is `None` for the largest power.
#[pyfunction]
#[pyo3(signature = (powers, reference, amin, top_db))]
fn decibels<'py>(
    py: Python<'py>,
    powers: &Bound<'py, PyAny>,
    reference: Option<f64>,
    amin: f64,
    top_db: Option<f64>,
) -> PyResult<Bound<'py, PyAny>> {
    let reference = reference.map_or(Reference::Max, Reference::Power);
    fn typed<'py, S: Sample + Element>(
        py: Python<'py>,
        powers: PyReadonlyArrayDyn<'py, S>,
        settings: (Reference, f64, Option<f64>),
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut values = powers.as_slice()?.to_vec();
        power_to_db(&mut values, settings.0, settings.1, settings.2).map_err(exception)?;
        vector(py, values).reshape(powers.shape().to_vec())?.into_bound_py_any(py)
    }
    let settings = (reference, amin, top_db);
    match powers.extract::<PyReadonlyArrayDyn<'py, f64>>() {
        Ok(powers) => typed(py, powers, settings),
        Err(_) => typed(py, powers.extract::<PyReadonlyArrayDyn<'py, f32>>()?, settings),
    }
}

/// Returns librosa's cepstra of a log-mel spectrogram, [T, M] -> [T, C].
#[pyfunction]
fn cepstra<'py>(
    py: Python<'py>,
    decibels: &Bound<'py, PyAny>,
    settings: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let config: LibrosaMfccConfig = parse(settings)?;
    fn typed<'py, S: Sample + Element>(
        py: Python<'py>,
        config: &LibrosaMfccConfig,
        decibels: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let cepstra = config.cepstra(&features::<S>(decibels)?).map_err(exception)?;
        matrix(py, cepstra.width(), cepstra.values().to_vec())?.into_bound_py_any(py)
    }
    match is_double(decibels) {
        true => typed::<f64>(py, &config, decibels),
        false => typed::<f32>(py, &config, decibels),
    }
}

/// Returns librosa's mel filter bank, [n_mels, n_fft / 2 + 1].
#[pyfunction]
fn mel_filters<'py>(py: Python<'py>, sample_rate: u32, settings: &str) -> PyResult<Bound<'py, PyAny>> {
    let config: LibrosaMelConfig = parse(settings)?;
    let bank = config.filter_bank(sample_rate).map_err(exception)?;
    matrix(py, bank.width(), bank.values().to_vec())?.into_bound_py_any(py)
}

/// Reads a recording: its samples in [-1, 1] at `sample_rate` or its own rate, and the rate. `channel` is `None` for the mean.
#[pyfunction]
#[pyo3(signature = (path, sample_rate, channel))]
fn load(
    py: Python<'_>,
    path: PathBuf,
    sample_rate: Option<u32>,
    channel: Option<usize>,
) -> PyResult<(Bound<'_, PyAny>, u32)> {
    let channel = channel.map_or(Channel::Mean, Channel::Index);
    let clip = py.detach(|| {
        let clip = read_with(&path, &ReadOptions { channel, ..ReadOptions::default() })?;
        match sample_rate {
            Some(rate_hz) => clip.resampled(rate_hz),
            None => Ok(clip),
        }
    });
    let clip = clip.map_err(|error| exception(stapes::infer::InferError::from(error)))?;
    Ok((vector(py, clip.samples).into_bound_py_any(py)?, clip.sample_rate_hz))
}

/// Returns the number of channels of a recording.
#[pyfunction]
fn channels(py: Python<'_>, path: PathBuf) -> PyResult<usize> {
    let count = py.detach(|| {
        let mut recording = Recording::open(&path)?;
        recording.next_block()?;
        Ok(recording.channel_peaks().len().max(1))
    });
    count.map_err(|error: stapes::audio::AudioError| exception(stapes::infer::InferError::from(error)))
}
