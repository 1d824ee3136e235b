//! Trained models.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArrayMethods, PyUntypedArrayMethods};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde::Deserialize;
use stapes::FileClassifier;
use stapes::audio::Clip;
use stapes::features::Features;
use stapes::infer::{self, Classifier, InferError, Input, SpeechOptions, SpeechStream, frame_segments};
use stapes::run::Run;

use crate::arrays::{frames, matrix, read, read2, vector};
use crate::error::{exception, parse, value_error};
use crate::events::parallel;
use crate::pool::Pool;
use crate::train::read_recipe;

/// A trained model, for any thread.
#[pyclass(frozen, module = "stapes._native")]
pub(crate) struct Model {
    classifiers: Pool<Arc<infer::Model>, Result<Classifier<'static>, InferError>>,
    frame_level: bool,
}

impl Model {
    pub(crate) fn new(model: infer::Model) -> PyResult<Model> {
        let frame_level = model.network().map_err(exception)?.objective().is_frame_level();
        let classifiers =
            Pool::new(Arc::new(model), |model: &Arc<infer::Model>| Classifier::from_model((**model).clone()));
        // Errors of the settings come now.
        classifiers.with(|classifier| classifier.as_ref().map(|_| ()).map_err(clone)).map_err(exception)?;
        Ok(Model { classifiers, frame_level })
    }

    pub(crate) fn model(&self) -> &Arc<infer::Model> {
        self.classifiers.prototype()
    }

    /// Runs a function with a classifier.
    fn classify<R>(
        &self,
        function: impl FnOnce(&mut Classifier<'static>) -> Result<R, InferError>,
    ) -> Result<R, InferError> {
        self.classifiers.with(|classifier| match classifier {
            Ok(classifier) => function(classifier),
            Err(error) => Err(clone(error)),
        })
    }

    /// Returns probabilities as an array: [K], or [T, K] for a frame-level model.
    fn array<'py>(&self, py: Python<'py>, probabilities: Vec<f32>) -> PyResult<Bound<'py, PyAny>> {
        match self.frame_level {
            true => matrix(py, self.model().labels.len(), probabilities)?.into_bound_py_any(py),
            false => vector(py, probabilities).into_bound_py_any(py),
        }
    }
}

/// Returns an error with the same text. Models are checked when they are made, so that it is not needed.
fn clone(error: &InferError) -> InferError {
    InferError::Keywords(error.to_string())
}

/// Options of speech segments, under silero-vad's names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SpeechSettings {
    threshold: f64,
    neg_threshold: Option<f64>,
    min_speech_duration_ms: f64,
    max_speech_duration_s: Option<f64>,
    min_silence_duration_ms: f64,
    speech_pad_ms: f64,
    min_silence_at_max_speech: f64,
    use_max_poss_sil_at_max_speech: bool,
}

impl Default for SpeechSettings {
    fn default() -> SpeechSettings {
        let options = SpeechOptions::default();
        SpeechSettings {
            threshold: options.threshold,
            neg_threshold: options.neg_threshold,
            min_speech_duration_ms: options.min_speech_duration_ms,
            max_speech_duration_s: None,
            min_silence_duration_ms: options.min_silence_duration_ms,
            speech_pad_ms: options.speech_pad_ms,
            min_silence_at_max_speech: options.min_silence_at_max_speech_ms,
            use_max_poss_sil_at_max_speech: options.cut_at_longest_silence,
        }
    }
}

impl SpeechSettings {
    pub(crate) fn parse(json: &str) -> PyResult<SpeechOptions> {
        let settings: SpeechSettings = parse(json)?;
        let options = SpeechOptions {
            threshold: settings.threshold,
            neg_threshold: settings.neg_threshold,
            min_speech_duration_ms: settings.min_speech_duration_ms,
            max_speech_duration_s: settings.max_speech_duration_s.unwrap_or(f64::INFINITY),
            min_silence_duration_ms: settings.min_silence_duration_ms,
            speech_pad_ms: settings.speech_pad_ms,
            min_silence_at_max_speech_ms: settings.min_silence_at_max_speech,
            cut_at_longest_silence: settings.use_max_poss_sil_at_max_speech,
        };
        options.check().map_err(|(name, fault)| value_error(format!("{name} = {fault}")))?;
        Ok(options)
    }
}

/// Reads samples as a clip.
pub(crate) fn clip(samples: &Bound<'_, PyAny>, sample_rate: u32) -> PyResult<Clip> {
    if sample_rate == 0 {
        return Err(value_error("sample rate 0: must be at least 1"));
    }
    Ok(Clip { samples: read::<f32>(samples)?.as_slice()?.to_vec(), sample_rate_hz: sample_rate })
}

#[pymethods]
impl Model {
    /// Reads a run folder, a model file, or a built-in model by its name.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Model> {
        Model::new(py.detach(|| Run::load_model(&path)).map_err(exception)?)
    }

    /// Reads the content of a model file.
    /// Model of a recipe with initial parameters; `recipe` and `set` as for `train`.
    #[staticmethod]
    fn untrained(recipe: &str, set: &str, seed: u64) -> PyResult<Model> {
        let recipe = read_recipe(recipe, set)?.resolve(None).map_err(exception)?;
        Model::new(recipe.untrained_model(seed).map_err(exception)?)
    }

    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Model> {
        Model::new(infer::Model::from_bytes(bytes, "model".as_ref()).map_err(exception)?)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.model().to_bytes().map_err(exception)?))
    }

    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.model().save(&path).map_err(exception)
    }

    #[getter]
    fn labels(&self) -> Vec<String> {
        self.model().labels.clone()
    }

    /// Sample rate of the recordings, Hz; `None` if the model reads frames.
    #[getter]
    fn sample_rate(&self) -> Option<u32> {
        match &self.model().input {
            Input::Recordings(features) => Some(features.sample_rate_hz),
            Input::Frames(_) => None,
        }
    }

    /// F, the number of values per frame.
    #[getter]
    fn width(&self) -> usize {
        self.model().shape.features()
    }

    #[getter]
    fn frame_level(&self) -> bool {
        self.frame_level
    }

    #[getter]
    fn recipe(&self) -> String {
        self.model().recipe.clone()
    }

    /// Input and network as JSON.
    fn config(&self) -> PyResult<String> {
        let model = self.model();
        let config =
            serde_json::json!({ "input": model.input, "model": model.config, "labels": model.labels });
        Ok(config.to_string())
    }

    /// Parameters under their PyTorch names.
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (model, network) = (self.model(), self.model().network().map_err(exception)?);
        let tensors = PyDict::new(py);
        for tensor in network.tensors() {
            let values = tensor.slice(&model.parameters).to_vec();
            tensors.set_item(&tensor.name, vector(py, values).reshape(tensor.shape.clone())?)?;
        }
        Ok(tensors)
    }

    /// Text of a Python file with the network as a `torch.nn.Module`.
    fn torch_module(&self) -> PyResult<String> {
        stapes_export::torch_module(self.model()).map_err(|error| value_error(error.to_string()))
    }

    /// Files for PyTorch with the features, as names with their contents.
    fn torch_files<'py>(&self, py: Python<'py>) -> PyResult<Vec<(String, Bound<'py, PyBytes>)>> {
        let files =
            stapes_export::torch_files(self.model()).map_err(|error| value_error(error.to_string()))?;
        Ok(files.into_iter().map(|file| (file.path, PyBytes::new(py, &file.bytes))).collect())
    }

    /// Content of an ONNX file.
    fn onnx<'py>(&self, py: Python<'py>, features: bool, streaming: bool) -> PyResult<Bound<'py, PyBytes>> {
        let options = stapes_export::OnnxOptions { features, streaming };
        let model = stapes_export::onnx_model(self.model(), options);
        Ok(PyBytes::new(py, &model.map_err(|error| value_error(error.to_string()))?.bytes))
    }

    /// Mean and scale of each value over the training frames, if the model has them.
    fn normalizer<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let scaler = self.model().normalizer.as_ref()?;
        let array = |values: &[f32]| vector(py, values.to_vec()).into_any();
        Some((array(&scaler.mean), array(&scaler.scale)))
    }

    /// Returns the probabilities of sound files, read in parallel: for each its probabilities, its duration in s, and whether only
    /// its beginning was read.
    fn classify_files<'py>(
        &self,
        py: Python<'py>,
        paths: Vec<PathBuf>,
    ) -> PyResult<Vec<(Bound<'py, PyAny>, f64, bool)>> {
        let model = self.model();
        let classify = |classifier: &mut Option<_>, _, path: &PathBuf| match classifier {
            Some(classifier) => FileClassifier::classify(classifier, path),
            None => classifier.insert(FileClassifier::new(model)?).classify(path),
        };
        let all = parallel(py, &paths, || None, classify)?.map_err(exception)?;
        all.into_iter()
            .map(|found| Ok((self.array(py, found.probabilities)?, found.seconds, found.is_cut)))
            .collect()
    }

    /// Returns the probabilities of samples at a rate.
    fn classify_samples<'py>(
        &self,
        py: Python<'py>,
        samples: &Bound<'py, PyAny>,
        sample_rate: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let clip = clip(samples, sample_rate)?;
        let probabilities = py.detach(|| self.classify(|classifier| classifier.classify(&clip)));
        self.array(py, probabilities.map_err(exception)?)
    }

    /// Returns the probabilities of frames [T, F].
    fn classify_frames<'py>(
        &self,
        py: Python<'py>,
        array: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let frames = frames(array)?;
        let probabilities = py.detach(|| self.classify(|classifier| classifier.classify_frames(&frames)));
        self.array(py, probabilities.map_err(exception)?)
    }

    /// Returns the probabilities of several clips, or of frames without a sample rate, computed in parallel.
    #[pyo3(signature = (arrays, sample_rate))]
    fn classify_many<'py>(
        &self,
        py: Python<'py>,
        arrays: Vec<Bound<'py, PyAny>>,
        sample_rate: Option<u32>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let inputs: Vec<Example> = arrays
            .iter()
            .map(|array| match sample_rate {
                Some(rate) => Ok(Example::Clip(clip(array, rate)?)),
                None => Ok(Example::Frames(frames(array)?)),
            })
            .collect::<PyResult<_>>()?;
        let classify = |_: &mut (), index: usize, input: &Example| {
            let probabilities = self.classify(|classifier| match input {
                Example::Clip(clip) => classifier.classify(clip),
                Example::Frames(frames) => classifier.classify_frames(frames),
            });
            probabilities.map_err(|error| format!("example {index}: {error}"))
        };
        let all = parallel(py, &inputs, || (), classify)?;
        let all = all.map_err(value_error)?;
        all.into_iter().map(|probabilities| self.array(py, probabilities)).collect()
    }

    /// Returns the frames that the front end computes from samples, before normalization, [T, F].
    fn features<'py>(
        &self,
        py: Python<'py>,
        samples: &Bound<'py, PyAny>,
        sample_rate: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Input::Recordings(config) = &self.model().input else {
            return Err(value_error("the model reads frames, and has no front end"));
        };
        let clip = clip(samples, sample_rate)?;
        let features = py.detach(|| infer::ClipExtractor::new(config)?.extract(&clip)).map_err(exception)?;
        matrix(py, features.width(), features.values().to_vec())?.into_bound_py_any(py)
    }

    /// Returns segments, (start, end, class) with times in s, from the probabilities [T, K] of a recording of `seconds`.
    fn segments(&self, probabilities: &Bound<'_, PyAny>, seconds: f64) -> PyResult<Vec<(f64, f64, usize)>> {
        if !self.frame_level {
            return Err(exception(InferError::FrameLevel { frame_level: false }));
        }
        let Input::Recordings(config) = &self.model().input else {
            return Err(value_error("the model reads frames, whose times are unknown"));
        };
        let times = config.frame_times().map_err(exception)?;
        let probabilities = read2::<f32>(probabilities)?;
        let classes = self.model().labels.len();
        if probabilities.shape()[1] != classes {
            return Err(value_error(format!("the probabilities are those of other than {classes} classes")));
        }
        let segments = frame_segments(probabilities.as_slice()?, classes, &times, seconds);
        Ok(segments.iter().map(|one| (one.start_seconds, one.end_seconds, one.class)).collect())
    }

    /// Returns speech segments, (start, end) in s, from the probabilities [T, K] of a recording of `seconds`.
    fn speech(
        &self,
        probabilities: &Bound<'_, PyAny>,
        seconds: f64,
        options: &str,
    ) -> PyResult<Vec<(f64, f64)>> {
        let stream = SpeechStream::new(self.model(), &SpeechSettings::parse(options)?).map_err(exception)?;
        let probabilities = read2::<f32>(probabilities)?;
        let classes = self.model().labels.len();
        if probabilities.shape()[1] != classes {
            return Err(value_error(format!("the probabilities are those of other than {classes} classes")));
        }
        let segments = stream.segments(probabilities.as_slice()?, seconds);
        Ok(segments.into_iter().map(|[start, end]| (start, end)).collect())
    }
}

/// Input of a classification.
enum Example {
    Clip(Clip),
    Frames(Features),
}
