//! Models, and the classification of recordings.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr::null;
use std::sync::{Mutex, PoisonError};

use stapes_audio::Clip;
use stapes_infer::{Classifier, InferError, Input, KeywordSettings, Model};

use crate::boundary::{Failure, Status, call, check_pointer, copy, free, reference, slice, value, write};

/// A model in memory. It does not change, and any number of threads can use it at the same time;
/// stapes_classify runs on one of them at a time, and others wait.
pub struct ModelHandle {
    pub(crate) model: Model,
    pub(crate) sample_rate_hz: u32,
    pub(crate) is_frame_level: bool,
    /// Time of the first frame and between frames, s.
    frame_times: [f64; 2],
    labels: Vec<CString>,
    /// Made by the first classification; taken while one runs, so that a panic leaves none.
    classifier: Mutex<Option<Classifier<'static>>>,
}

impl ModelHandle {
    fn from_bytes(bytes: &[u8]) -> Result<ModelHandle, Failure> {
        let path = Path::new("model");
        let model = Model::from_bytes(bytes, path).map_err(|error| Failure::model(&error))?;
        let Input::Recordings(features) = &model.input else {
            let error = InferError::WrongInput {
                expected: format!("frames {}", model.shape),
                got: "a recording".into(),
            };
            return Err(Failure::model(&error));
        };
        let sample_rate_hz = features.sample_rate_hz;
        let times = features.frame_times().map_err(|error| Failure::model(&error.into()))?;
        let frame_times = [times.center_seconds(0), times.hop_seconds()];
        let network = model.network().map_err(|error| Failure::model(&error))?;
        let is_frame_level = network.objective().is_frame_level();
        let label = |label: &String| {
            CString::new(label.as_str()).map_err(|_| {
                let reason = format!("the label {label:?} has a null character");
                Failure::model(&InferError::Damaged { path: path.into(), reason })
            })
        };
        let labels = model.labels.iter().map(label).collect::<Result<Vec<CString>, Failure>>()?;
        Ok(ModelHandle {
            model,
            sample_rate_hz,
            is_frame_level,
            frame_times,
            labels,
            classifier: Mutex::new(None),
        })
    }

    pub(crate) fn classify(&self, clip: &Clip) -> Result<Vec<f32>, InferError> {
        let mut place = self.classifier.lock().unwrap_or_else(PoisonError::into_inner);
        let mut classifier = match place.take() {
            Some(classifier) => classifier,
            None => Classifier::from_model(self.model.clone())?,
        };
        let probabilities = classifier.classify(clip);
        *place = Some(classifier);
        probabilities
    }
}

/// Reads a model from the bytes of a model file (model.safetensors of a run folder), which can be freed
/// afterwards. *model receives the model, or NULL after an error; free it with stapes_model_free.
///
/// Errors: STAPES_STATUS_INVALID_MODEL if the bytes are not a complete model file, or the model reads frames
/// and not recordings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_model_load(
    bytes: *const u8,
    length: usize,
    model: *mut *mut ModelHandle,
) -> Status {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { write(model, std::ptr::null_mut(), "model") }?;
        // SAFETY: the caller's promise; null pointers are errors.
        let bytes = unsafe { slice(bytes, length, "bytes") }?;
        let loaded = Box::new(ModelHandle::from_bytes(bytes)?);
        // SAFETY: the caller's promise.
        unsafe { write(model, Box::into_raw(loaded), "model") }
    })
}

/// Frees a model; NULL is ignored. Its streams are not affected. No other thread may be using the model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_model_free(model: *mut ModelHandle) {
    // SAFETY: the caller's promise: the pointer is null, or from `Box::into_raw` in `stapes_model_load`.
    unsafe { free(model) };
}

/// Returns the sample rate of the model, Hz; 0 if model is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_model_sample_rate_hz(model: *const ModelHandle) -> u32 {
    // SAFETY: the caller's promise; models do not change.
    value(0, || Ok(unsafe { reference(model, "model") }?.sample_rate_hz))
}

/// Returns K, the number of labels; 0 if model is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_model_num_labels(model: *const ModelHandle) -> usize {
    // SAFETY: the caller's promise; models do not change.
    value(0, || Ok(unsafe { reference(model, "model") }?.labels.len()))
}

/// Returns a label, UTF-8, by its index from 0, the order of the probabilities; NULL if there is none. It
/// belongs to the model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_model_label(model: *const ModelHandle, index: usize) -> *const c_char {
    value(null(), || {
        // SAFETY: the caller's promise; models do not change.
        let labels = &unsafe { reference(model, "model") }?.labels;
        let label = labels.get(index).ok_or_else(|| {
            Failure::argument(format!("label {index}: the model has {}, from 0", labels.len()))
        })?;
        Ok(label.as_ptr())
    })
}

/// Returns true if the model has probabilities for each frame of a recording (such as voice activity), false if
/// it has them for a clip (such as keywords), or if model is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_model_is_frame_level(model: *const ModelHandle) -> bool {
    // SAFETY: the caller's promise; models do not change.
    value(false, || Ok(unsafe { reference(model, "model") }?.is_frame_level))
}

/// Writes the times of the rows of stapes_classify with a frame-level model: row t is that of the frame with its
/// center at first_seconds + t hop_seconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_model_frame_times(
    model: *const ModelHandle,
    first_seconds: *mut f64,
    hop_seconds: *mut f64,
) -> Status {
    call(|| {
        // SAFETY: the caller's promise; models do not change.
        let [first, hop] = unsafe { reference(model, "model") }?.frame_times;
        // SAFETY: the caller's promise.
        unsafe {
            write(first_seconds, first, "first_seconds")?;
            write(hop_seconds, hop, "hop_seconds")
        }
    })
}

/// Returns the threshold of a label, by its index from 0, that the model file names for a keyword; above 1 for a label
/// that is not a keyword, or if model is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_model_keyword_threshold(model: *const ModelHandle, index: usize) -> f32 {
    const NOT_A_KEYWORD: f32 = 2.0;
    value(NOT_A_KEYWORD, || {
        // SAFETY: the caller's promise; models do not change.
        let model = &unsafe { reference(model, "model") }?.model;
        let settings = KeywordSettings::of_model(model);
        let threshold = settings.zip(model.labels.get(index));
        let threshold = threshold.and_then(|(settings, label)| settings.thresholds.get(label).copied());
        Ok(threshold.unwrap_or(NOT_A_KEYWORD))
    })
}

/// Classifies a recording.
///
/// - samples: num_samples samples at sample_rate_hz (100 to 1,000,000), which are resampled to the model's rate.
/// - probabilities: receives the probability of each label: K values, or T rows of K values for a frame-level
///   model. capacity is the number of values that fit. It may be NULL if capacity is 0.
/// - num_rows: receives T, or 1; may be NULL.
///
/// Errors: STAPES_STATUS_BUFFER_TOO_SMALL if capacity is too small; then only *num_rows is written, and a buffer of
/// *num_rows times K values is large enough. STAPES_STATUS_INVALID_INPUT if a sample is not finite, or if the
/// recording is too short for the model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_classify(
    model: *const ModelHandle,
    samples: *const f32,
    num_samples: usize,
    sample_rate_hz: u32,
    probabilities: *mut f32,
    capacity: usize,
    num_rows: *mut usize,
) -> Status {
    call(|| {
        if !num_rows.is_null() {
            // SAFETY: the caller's promise.
            unsafe { write(num_rows, 0, "num_rows") }?;
        }
        // SAFETY: the caller's promise; models do not change.
        let model = unsafe { reference(model, "model") }?;
        // SAFETY: the caller's promise.
        let samples = unsafe { slice(samples, num_samples, "samples") }?.to_vec();
        if capacity > 0 {
            check_pointer(probabilities, "probabilities")?;
        }
        let found =
            model.classify(&Clip { samples, sample_rate_hz }).map_err(|error| Failure::input(&error))?;
        if !num_rows.is_null() {
            // SAFETY: the caller's promise.
            unsafe { write(num_rows, found.len() / model.labels.len().max(1), "num_rows") }?;
        }
        // SAFETY: the caller's promise; the values are elsewhere.
        unsafe { copy(&found, probabilities, capacity, "probabilities") }
    })
}
