//! Options of streams.

use stapes_infer::{InferError, KeywordSettings, ListenerOptions};

use crate::boundary::{Failure, Status, call, reference, slice, write};
use crate::model::ModelHandle;

/// Options of speech segments, with the names, defaults and meaning of silero-vad's get_speech_timestamps.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SpeechOptions {
    /// Probability from which a frame is speech.
    pub threshold: f64,
    /// Probability below which a frame ends speech; negative: 0.15 below threshold, at least 0.01.
    pub neg_threshold: f64,
    /// Speech of at most this duration is dropped.
    pub min_speech_duration_ms: f64,
    /// Maximum duration of a segment, or INFINITY; a longer one is cut, at a silence if there is one.
    pub max_speech_duration_s: f64,
    /// Silence that ends a segment.
    pub min_silence_duration_ms: f64,
    /// Time added to both ends of a segment, at most half of the silence between two segments.
    pub speech_pad_ms: f64,
    /// Silence longer than this is a place to cut a segment of the maximum duration.
    pub min_silence_at_max_speech_ms: f64,
}

/// Options of keywords in windows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KeywordOptions {
    /// Length of the windows.
    pub window_seconds: f64,
    /// Time between two windows.
    pub hop_seconds: f64,
    /// Scores are averaged over this time.
    pub smoothing_seconds: f64,
    /// Time after a detection in which the same keyword is not detected again.
    pub refractory_seconds: f64,
    /// Threshold of the smoothed score of each label, in their order; above 1, such as 2, for a label that is not a
    /// keyword. NULL: the keywords and thresholds of the model file.
    pub thresholds: *const f32,
    /// Number of thresholds: K, or 0 with NULL.
    pub num_thresholds: usize,
}

/// Options of a stream; stapes_stream_options_init sets them to the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct StreamOptions {
    /// Sample rate of the samples, 100 to 1,000,000 Hz; they are resampled to that of the model.
    pub sample_rate_hz: u32,
    /// 1: probabilities are reported as events; 0: they are not.
    pub report_scores: u32,
    /// Used by frame-level models.
    pub speech: SpeechOptions,
    /// Used by models of clips.
    pub keywords: KeywordOptions,
}

impl SpeechOptions {
    pub(crate) fn to_infer(self) -> stapes_infer::SpeechOptions {
        stapes_infer::SpeechOptions {
            threshold: self.threshold,
            neg_threshold: (self.neg_threshold >= 0.0 || self.neg_threshold.is_nan())
                .then_some(self.neg_threshold),
            min_speech_duration_ms: self.min_speech_duration_ms,
            max_speech_duration_s: self.max_speech_duration_s,
            min_silence_duration_ms: self.min_silence_duration_ms,
            speech_pad_ms: self.speech_pad_ms,
            min_silence_at_max_speech_ms: self.min_silence_at_max_speech_ms,
            ..stapes_infer::SpeechOptions::default()
        }
    }
}

impl From<stapes_infer::SpeechOptions> for SpeechOptions {
    fn from(options: stapes_infer::SpeechOptions) -> SpeechOptions {
        SpeechOptions {
            threshold: options.threshold,
            neg_threshold: options.neg_threshold.unwrap_or(-1.0),
            min_speech_duration_ms: options.min_speech_duration_ms,
            max_speech_duration_s: options.max_speech_duration_s,
            min_silence_duration_ms: options.min_silence_duration_ms,
            speech_pad_ms: options.speech_pad_ms,
            min_silence_at_max_speech_ms: options.min_silence_at_max_speech_ms,
        }
    }
}

impl From<&KeywordSettings> for KeywordOptions {
    fn from(settings: &KeywordSettings) -> KeywordOptions {
        KeywordOptions {
            window_seconds: settings.window_seconds,
            hop_seconds: settings.hop_seconds,
            smoothing_seconds: settings.smoothing_seconds,
            refractory_seconds: settings.refractory_seconds,
            thresholds: std::ptr::null(),
            num_thresholds: 0,
        }
    }
}

impl KeywordOptions {
    /// Returns the settings that the options describe.
    ///
    /// # Safety
    /// `thresholds` is null, or points to `num_thresholds` values.
    unsafe fn to_settings(self, model: &ModelHandle) -> Result<KeywordSettings, Failure> {
        let stored = KeywordSettings::of_model(&model.model).map(|settings| settings.thresholds);
        let labels = &model.model.labels;
        let thresholds = if self.thresholds.is_null() && self.num_thresholds == 0 {
            stored.unwrap_or_default()
        } else {
            // SAFETY: the caller's promise.
            let thresholds = unsafe { slice(self.thresholds, self.num_thresholds, "keywords.thresholds") }?;
            if thresholds.len() != labels.len() {
                let (found, expected) = (thresholds.len(), labels.len());
                let message = format!("keywords.num_thresholds = {found}: the model has {expected} labels");
                return Err(Failure::argument(message));
            }
            let given = labels.iter().cloned().zip(thresholds.iter().copied());
            given.filter(|(_, threshold)| *threshold <= 1.0 || threshold.is_nan()).collect()
        };
        Ok(KeywordSettings {
            window_seconds: self.window_seconds,
            hop_seconds: self.hop_seconds,
            smoothing_seconds: self.smoothing_seconds,
            refractory_seconds: self.refractory_seconds,
            thresholds,
        })
    }
}

impl StreamOptions {
    /// Returns the defaults of a model. The length of the windows is 0 if the model does not have one.
    pub(crate) fn of_model(model: &ModelHandle) -> StreamOptions {
        let settings =
            KeywordSettings::of_model(&model.model).unwrap_or_else(|| KeywordSettings::with_window(0.0));
        StreamOptions {
            sample_rate_hz: model.sample_rate_hz,
            report_scores: 0,
            speech: stapes_infer::SpeechOptions::default().into(),
            keywords: KeywordOptions::from(&settings),
        }
    }

    /// Returns how the model listens.
    ///
    /// # Safety
    /// `keywords.thresholds` is null, or points to `num_thresholds` values.
    pub(crate) unsafe fn listener_options(&self, model: &ModelHandle) -> Result<ListenerOptions, Failure> {
        if model.is_frame_level {
            return Ok(ListenerOptions::Speech(self.speech.to_infer()));
        }
        // SAFETY: the caller's promise.
        let settings = unsafe { self.keywords.to_settings(model) }?;
        let labels = &model.model.labels;
        settings.check(labels).map_err(|fault| Failure::argument(InferError::Keywords(fault).to_string()))?;
        let KeywordSettings { window_seconds, hop_seconds, .. } = settings;
        Ok(ListenerOptions::Keywords { window_seconds, hop_seconds, options: settings.options(labels) })
    }
}

/// Sets *options to the defaults of a model: its sample rate, the defaults of silero-vad, and the windows of the
/// model file. If the model file has neither windows nor clips of a fixed length, keywords.window_seconds is 0 and
/// must be set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_stream_options_init(
    model: *const ModelHandle,
    options: *mut StreamOptions,
) -> Status {
    call(|| {
        // SAFETY: the caller's promise; models do not change.
        let model = unsafe { reference(model, "model") }?;
        // SAFETY: the caller's promise.
        unsafe { write(options, StreamOptions::of_model(model), "options") }
    })
}
