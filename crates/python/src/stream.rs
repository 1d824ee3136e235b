//! Streams: samples in chunks of any size.

use std::sync::{Mutex, MutexGuard};

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use stapes::features::{self, FeatureConfig, StreamingExtractor};
use stapes::infer::{self, Input, Listener, ListenerEvent, ListenerOptions, SpeechTime};

use crate::arrays::{matrix, read, vector};
use crate::error::{exception, parse, value_error};
use crate::model::{Model, SpeechSettings};

/// State of a stream, which one thread uses at a time.
struct State<T>(Mutex<T>);

impl<T> State<T> {
    fn lock(&self) -> PyResult<MutexGuard<'_, T>> {
        self.0
            .try_lock()
            .map_err(|_| value_error("another thread is using the stream; give each thread its own"))
    }
}

/// Front end on a stream.
#[pyclass(frozen, module = "stapes._native")]
pub(crate) struct FeatureStream(State<features::FeatureStream>);

#[pymethods]
impl FeatureStream {
    /// Creates a stream with the front end and the normalization of a model.
    #[staticmethod]
    fn of_model(model: &Model) -> PyResult<FeatureStream> {
        let Input::Recordings(config) = &model.model().input else {
            return Err(value_error("the model reads frames, and has no front end"));
        };
        let stream = config.stream(model.model().normalizer.as_ref()).map_err(exception)?;
        Ok(FeatureStream(State(Mutex::new(stream))))
    }

    /// Creates a stream with the settings of a `[features]` section, as JSON.
    #[staticmethod]
    fn of_settings(settings: &str) -> PyResult<FeatureStream> {
        let config: FeatureConfig = parse(settings)?;
        Ok(FeatureStream(State(Mutex::new(config.stream(None).map_err(exception)?))))
    }

    /// F, the number of values per frame.
    #[getter]
    fn width(&self) -> PyResult<usize> {
        Ok(self.0.lock()?.width())
    }

    /// Processes samples and returns the frames that they complete, [T, F].
    fn push<'py>(&self, py: Python<'py>, samples: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (samples, mut frames) = (read::<f32>(samples)?, Vec::new());
        let samples = samples.as_slice()?;
        let mut stream = self.0.lock()?;
        let pushed = &mut *stream;
        py.detach(|| pushed.push(samples, &mut frames)).map_err(exception)?;
        matrix(py, stream.width(), frames)?.into_bound_py_any(py)
    }

    /// Ends the recording and returns the remaining frames; the stream can be used for another recording.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (mut stream, mut frames) = (self.0.lock()?, Vec::new());
        let finished = stream.finish(&mut frames);
        stream.reset();
        finished.map_err(exception)?;
        matrix(py, stream.width(), frames)?.into_bound_py_any(py)
    }
}

/// Kaldi's features on a stream, with all frames so far.
#[pyclass(frozen, module = "stapes._native")]
pub(crate) struct KaldiStream(State<KaldiFrames>);

struct KaldiFrames {
    stream: features::KaldiStream,
    frames: Vec<f32>,
}

#[pymethods]
impl KaldiStream {
    /// Creates a stream with settings as JSON.
    #[new]
    fn new(name: &str, sample_rate: u32, settings: &str) -> PyResult<KaldiStream> {
        let stream = kaldi_stream(name, sample_rate, settings)?;
        Ok(KaldiStream(State(Mutex::new(KaldiFrames { stream, frames: Vec::new() }))))
    }

    /// F, the number of values per frame.
    #[getter]
    fn width(&self) -> PyResult<usize> {
        Ok(self.0.lock()?.stream.width())
    }

    /// Number of frames so far.
    #[getter]
    fn frames(&self) -> PyResult<usize> {
        let state = self.0.lock()?;
        Ok(state.frames.len() / state.stream.width())
    }

    /// Returns frame `index`, [F].
    fn frame<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        let state = self.0.lock()?;
        let (width, frames) = (state.stream.width(), state.frames.len() / state.stream.width());
        if index >= frames {
            return Err(PyIndexError::new_err(format!("frame {index}: there are {frames}")));
        }
        Ok(vector(py, state.frames[index * width..(index + 1) * width].to_vec()).into_any())
    }

    /// Processes samples.
    fn push(&self, py: Python<'_>, samples: &Bound<'_, PyAny>) -> PyResult<()> {
        let samples = read::<f32>(samples)?;
        let samples = samples.as_slice()?;
        let mut state = self.0.lock()?;
        let KaldiFrames { stream, frames } = &mut *state;
        py.detach(|| stream.push(samples, frames)).map_err(exception)?;
        Ok(())
    }

    /// Ends the recording.
    fn finish(&self) -> PyResult<()> {
        let mut state = self.0.lock()?;
        let KaldiFrames { stream, frames } = &mut *state;
        stream.finish(frames).map_err(exception)?;
        Ok(())
    }
}

fn kaldi_stream(name: &str, rate_hz: u32, settings: &str) -> PyResult<features::KaldiStream> {
    match name {
        "kaldi-mfcc" => parse::<features::KaldiMfccConfig>(settings)?.stream(rate_hz).map_err(exception),
        "kaldi-fbank" => parse::<features::KaldiFbankConfig>(settings)?.stream(rate_hz).map_err(exception),
        _ => Err(value_error(format!("{name}: unknown stream"))),
    }
}

/// Classifier on a stream.
#[pyclass(frozen, module = "stapes._native")]
pub(crate) struct StreamClassifier {
    stream: State<infer::StreamClassifier<'static>>,
    model: infer::Model,
}

impl StreamClassifier {
    fn new(model: &infer::Model) -> PyResult<StreamClassifier> {
        let stream = infer::StreamClassifier::from_model(model.clone()).map_err(exception)?;
        Ok(StreamClassifier { stream: State(Mutex::new(stream)), model: model.clone() })
    }
}

#[pymethods]
impl StreamClassifier {
    #[new]
    fn of_model(model: &Model) -> PyResult<StreamClassifier> {
        StreamClassifier::new(model.model())
    }

    /// Processes samples and returns the probabilities after each step that they complete, [N, K].
    fn push<'py>(&self, py: Python<'py>, samples: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let samples = read::<f32>(samples)?;
        let (samples, mut rows) = (samples.as_slice()?, Vec::new());
        let mut stream = self.stream.lock()?;
        let stream = &mut *stream;
        py.detach(|| stream.push(samples, |row| rows.extend_from_slice(row))).map_err(exception)?;
        matrix(py, self.model.labels.len(), rows)?.into_bound_py_any(py)
    }

    /// Ends the recording and returns the remaining probabilities, [N, K]; the next samples are those of another recording.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut rows = Vec::new();
        let next = infer::StreamClassifier::from_model(self.model.clone()).map_err(exception)?;
        let ended = std::mem::replace(&mut *self.stream.lock()?, next);
        ended.finish(|row| rows.extend_from_slice(row)).map_err(exception)?;
        matrix(py, self.model.labels.len(), rows)?.into_bound_py_any(py)
    }
}

/// Speech of a stream.
#[pyclass(frozen, module = "stapes._native")]
pub(crate) struct SpeechStream {
    listener: State<Listener<'static>>,
    model: infer::Model,
    options: ListenerOptions,
}

/// Start (true) or end of speech, and its time in s.
type Event = (bool, f64);

#[pymethods]
impl SpeechStream {
    /// Creates a stream for a frame-level model whose first class is the background; options as JSON, under silero-vad's names.
    #[new]
    fn new(model: &Model, options: &str) -> PyResult<SpeechStream> {
        let options = ListenerOptions::Speech(SpeechSettings::parse(options)?);
        let model = infer::Model::clone(model.model());
        let listener = Listener::from_model(model.clone(), &options).map_err(exception)?;
        Ok(SpeechStream { listener: State(Mutex::new(listener)), model, options })
    }

    /// Processes samples; returns the starts and ends that are certain, as (is start, seconds), and the speech probabilities.
    fn push(&self, py: Python<'_>, samples: &Bound<'_, PyAny>) -> PyResult<(Vec<Event>, Vec<f32>)> {
        let samples = read::<f32>(samples)?;
        let samples = samples.as_slice()?;
        let mut listener = self.listener.lock()?;
        let listener = &mut *listener;
        let (mut events, mut speech) = (Vec::new(), Vec::new());
        let pushed = py.detach(|| {
            listener.push(samples, |reported| match reported {
                ListenerEvent::Scores { probabilities, .. } => {
                    speech.push(infer::SpeechStream::probability(probabilities));
                }
                ListenerEvent::Speech(time) => events.push(event(time)),
                ListenerEvent::Keyword { .. } => {}
            })
        });
        pushed.map_err(exception)?;
        Ok((events, speech))
    }

    /// Ends the recording and returns the remaining starts and ends; the next samples are those of another recording.
    fn finish(&self) -> PyResult<Vec<Event>> {
        let next = Listener::from_model(self.model.clone(), &self.options).map_err(exception)?;
        let ended = std::mem::replace(&mut *self.listener.lock()?, next);
        let mut events = Vec::new();
        if ended.seconds() == 0.0 {
            return Ok(events);
        }
        let report = |reported: ListenerEvent<'_>| {
            if let ListenerEvent::Speech(time) = reported {
                events.push(event(time));
            }
        };
        ended.finish(report).map_err(exception)?;
        Ok(events)
    }
}

fn event(time: SpeechTime) -> Event {
    match time {
        SpeechTime::Start(seconds) => (true, seconds),
        SpeechTime::End(seconds) => (false, seconds),
    }
}
