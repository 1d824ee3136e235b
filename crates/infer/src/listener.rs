//! A model that listens: samples at any rate -> probabilities and events over time.

use crate::decisions::{KeywordOptions, SpeechOptions};
use crate::error::InferError;
use crate::listener_stream::{ListenerModel, ListenerStream};
use crate::model::Model;
use crate::speech_stream::SpeechTime;

/// Events that a [`Listener`] reports beside the probabilities.
#[derive(Clone, Debug, PartialEq)]
pub enum ListenerOptions {
    /// Starts and ends of speech, by a causal frame-level model whose first class is the background.
    Speech(SpeechOptions),
    /// Keywords in windows of the last seconds, by a model of clips; times in s.
    Keywords {
        /// Length of the windows.
        window_seconds: f64,
        /// Time between two windows.
        hop_seconds: f64,
        /// Keywords, possibly none.
        options: KeywordOptions,
    },
    /// No events: the probabilities after each step of a causal model.
    Scores,
}

/// Result of a [`Listener`].
///
/// # Units
/// s since the first sample
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ListenerEvent<'e> {
    /// Probabilities of a frame or of a window.
    Scores {
        /// Center of the frame, or end of the window.
        seconds: f64,
        /// Probability of each label, \[K\].
        probabilities: &'e [f32],
        /// Smoothed score of each keyword, in the order of the options; empty if keywords are not detected.
        keyword_scores: &'e [f32],
    },
    /// Speech starts or ends.
    Speech(SpeechTime),
    /// A keyword was detected.
    Keyword {
        /// End of the window in which it was detected.
        seconds: f64,
        /// Index of its label.
        class: usize,
        /// Smoothed score.
        score: f32,
    },
}

/// A model that listens to sound that does not end: resampling, [`StreamClassifier`](crate::StreamClassifier) or
/// [`WindowStream`](crate::WindowStream), and the decisions over time.
///
/// A `Listener<'static>` owns its model and can be stored in a struct or sent to a thread.
///
/// # Example
/// ```
/// # use stapes_infer::{Listener, ListenerEvent, ListenerOptions, Model, SpeechOptions};
/// # let features = stapes_features::preset("kaldi-mfcc-39")?;
/// # let config: stapes_nn::ModelConfig = serde_json::from_str(
/// #     r#"{"recurrent": {"cell": "lstm", "hidden_size": 8, "head": "per_frame_binary"}}"#)?;
/// # let model = Model::untrained(features, config, vec!["silence".into(), "voice".into()], 1)?;
/// // `model` is a frame-level model, for example from `Model::load`; the samples have 44,100 Hz.
/// let options = ListenerOptions::Speech(SpeechOptions::default());
/// let mut listener = Listener::new(&model, &options)?.with_sample_rate(44_100)?;
/// let mut frames = 0;
/// for chunk in [0.0; 22_050].chunks(1000) {
///     listener.push(chunk, |event| match event {
///         ListenerEvent::Scores { .. } => frames += 1,
///         event => println!("{event:?}"),
///     })?;
/// }
/// listener.finish(|event| frames += usize::from(matches!(event, ListenerEvent::Scores { .. })))?;
/// assert_eq!(frames, 48); // frames of 25 ms every 10 ms in 0.5 s
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Listener<'a> {
    model: ListenerModel<'a>,
    stream: ListenerStream,
}

impl Listener<'static> {
    /// Creates a listener that owns its model, for samples at the model's rate.
    ///
    /// # Errors
    /// Those of [`Listener::new`].
    pub fn from_model(model: Model, options: &ListenerOptions) -> Result<Listener<'static>, InferError> {
        Listener::build(ListenerModel::from_model(model, options)?, options)
    }
}

impl<'a> Listener<'a> {
    /// Creates a listener that borrows its model, for samples at the model's rate.
    ///
    /// # Errors
    /// [`InferError::SpeechOptions`] or [`InferError::Keywords`] if an option is invalid; [`InferError::WrongInput`] if the model
    /// reads frames; [`InferError::FrameLevel`] if the options are for the other kind of models; otherwise those of
    /// [`StreamClassifier::new`](crate::StreamClassifier::new) and [`WindowStream::new`](crate::WindowStream::new).
    pub fn new(model: &'a Model, options: &ListenerOptions) -> Result<Listener<'a>, InferError> {
        Listener::build(ListenerModel::new(model, options)?, options)
    }

    fn build(model: ListenerModel<'a>, options: &ListenerOptions) -> Result<Listener<'a>, InferError> {
        let stream = model.start(options)?;
        Ok(Listener { model, stream })
    }

    /// Returns the listener for samples at another rate, before the first of them.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`InferError::Audio`] for a rate below 100 Hz or above 1 MHz.
    pub fn with_sample_rate(self, rate_hz: u32) -> Result<Listener<'a>, InferError> {
        Ok(Listener { stream: self.stream.with_sample_rate(rate_hz)?, ..self })
    }

    /// Returns the time between two windows, s, and true if the features of each frame are computed once and not once per window;
    /// `None` for a model that listens frame by frame.
    pub fn windows(&self) -> Option<(f64, bool)> {
        self.stream.windows()
    }

    /// Returns the duration of the samples so far, s.
    pub fn seconds(&self) -> f64 {
        self.stream.seconds()
    }

    /// Adds samples, and reports the probabilities that they complete, each followed by the events that are certain then.
    ///
    /// # Errors
    /// [`InferError::Audio`] if a sample is not finite; [`InferError::Features`] or [`InferError::NotFinite`] if samples are too
    /// large. Samples before the error may have been processed, so no more should be added after it.
    pub fn push(&mut self, samples: &[f32], report: impl FnMut(ListenerEvent<'_>)) -> Result<(), InferError> {
        self.stream.push(&mut self.model, samples, report)
    }

    /// Ends the sound, and reports the rest. A window that is not complete has no result.
    ///
    /// # Errors
    /// Those of [`Listener::push`]; [`InferError::Features`] if all samples are too few for one frame.
    pub fn finish(mut self, report: impl FnMut(ListenerEvent<'_>)) -> Result<(), InferError> {
        self.stream.finish(&mut self.model, report)
    }
}
