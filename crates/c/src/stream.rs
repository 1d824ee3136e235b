//! Streams: samples in, events out.

use std::collections::VecDeque;
use std::ptr::{null, null_mut};
use std::sync::{Mutex, MutexGuard, TryLockError};

use stapes_infer::{InferError, Listener, ListenerEvent, SpeechTime};

use crate::boundary::{Failure, Status, call, check_pointer, free, reference, slice, value, write};
use crate::model::ModelHandle;
use crate::options::StreamOptions;

/// Kind of an event.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Probabilities of a frame, or of a window; only with report_scores.
    Scores = 0,
    /// Speech starts.
    SpeechStart = 1,
    /// Speech ends.
    SpeechEnd = 2,
    /// A keyword was detected.
    Keyword = 3,
}

/// Event of a stream.
#[repr(C)]
pub struct Event {
    /// Kind of the event.
    pub kind: EventKind,
    /// Time since the first sample, s: the center of the frame, or the end of the window; the start or end of
    /// speech.
    pub seconds: f64,
    /// Index of the label of a keyword; else 0.
    pub label: usize,
    /// Smoothed score of a keyword; else 0.
    pub score: f32,
    /// Probabilities of scores, one for each label; else NULL. They belong to the stream, and are valid until its
    /// next event is read or it is freed.
    pub probabilities: *const f32,
}

/// A model that listens to sound that does not end. One thread uses a stream at a time; another one gets an
/// error meanwhile.
pub struct StreamHandle(Mutex<State>);

struct State {
    /// `None` after the end, or after an error.
    listener: Option<Listener<'static>>,
    report_scores: bool,
    events: VecDeque<Queued>,
    /// Probabilities of the last event.
    row: Vec<f32>,
}

enum Queued {
    Scores { seconds: f64, row: Vec<f32> },
    Speech(SpeechTime),
    Keyword { seconds: f64, class: usize, score: f32 },
}

impl State {
    /// Returns the listener, or an error after the end.
    fn take_listener(&mut self) -> Result<Listener<'static>, Failure> {
        self.listener.take().ok_or_else(|| {
            Failure::argument("the stream has ended, by stapes_stream_finish or an error; create another one")
        })
    }

    /// Returns the function that queues the events.
    fn queue(&mut self) -> impl FnMut(ListenerEvent<'_>) + '_ {
        let State { events, report_scores, .. } = self;
        |event| match event {
            ListenerEvent::Scores { seconds, probabilities, .. } => {
                if *report_scores {
                    events.push_back(Queued::Scores { seconds, row: probabilities.to_vec() });
                }
            }
            ListenerEvent::Speech(time) => events.push_back(Queued::Speech(time)),
            ListenerEvent::Keyword { seconds, class, score } => {
                events.push_back(Queued::Keyword { seconds, class, score });
            }
        }
    }

    /// Returns the next event.
    fn next(&mut self) -> Option<Event> {
        let plain = |kind, seconds| Event { kind, seconds, label: 0, score: 0.0, probabilities: null() };
        Some(match self.events.pop_front()? {
            Queued::Scores { seconds, row } => {
                self.row = row;
                Event { probabilities: self.row.as_ptr(), ..plain(EventKind::Scores, seconds) }
            }
            Queued::Speech(SpeechTime::Start(seconds)) => plain(EventKind::SpeechStart, seconds),
            Queued::Speech(SpeechTime::End(seconds)) => plain(EventKind::SpeechEnd, seconds),
            Queued::Keyword { seconds, class, score } => {
                Event { label: class, score, ..plain(EventKind::Keyword, seconds) }
            }
        })
    }
}

/// Returns the state of a stream.
///
/// # Safety
/// The pointer is null, or a stream.
unsafe fn lock<'a>(stream: *const StreamHandle) -> Result<MutexGuard<'a, State>, Failure> {
    // SAFETY: the caller's promise; the state is changed only behind its lock.
    match unsafe { reference(stream, "stream") }?.0.try_lock() {
        Ok(state) => Ok(state),
        // Only a panic poisons it, and a listener is taken while it runs.
        Err(TryLockError::Poisoned(state)) => Ok(state.into_inner()),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::argument("another thread is using the stream; give each thread its own"))
        }
    }
}

/// Creates a stream for one recording. A causal frame-level model reports starts and ends of speech, a model of
/// clips keywords in windows. *stream receives the stream, or NULL after an error; free it with
/// stapes_stream_free.
///
/// The options and their thresholds are copied; NULL: the defaults. The model is copied too, and can be freed
/// before the stream.
///
/// Errors: STAPES_STATUS_INVALID_ARGUMENT if an option is invalid; STAPES_STATUS_INVALID_MODEL if the model cannot
/// listen, such as a frame-level model that needs later frames.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_stream_new(
    model: *const ModelHandle,
    options: *const StreamOptions,
    stream: *mut *mut StreamHandle,
) -> Status {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { write(stream, null_mut(), "stream") }?;
        // SAFETY: the caller's promise; models do not change.
        let model = unsafe { reference(model, "model") }?;
        let options = match options.is_null() {
            true => StreamOptions::of_model(model),
            // SAFETY: the caller's promise; every bit pattern is a value of the fields.
            false => *unsafe { reference(options, "options") }?,
        };
        // SAFETY: the caller's promise.
        let listener_options = unsafe { options.listener_options(model) }?;
        let listener = Listener::from_model(model.model.clone(), &listener_options)
            .and_then(|listener| listener.with_sample_rate(options.sample_rate_hz))
            .map_err(|error| match error {
                InferError::SpeechOptions { .. } | InferError::Keywords(_) | InferError::Audio(_) => {
                    Failure::argument(error.to_string())
                }
                error => Failure::model(&error),
            })?;
        let state = State {
            listener: Some(listener),
            report_scores: options.report_scores != 0,
            events: VecDeque::new(),
            row: Vec::new(),
        };
        let created = Box::new(StreamHandle(Mutex::new(state)));
        // SAFETY: the caller's promise.
        unsafe { write(stream, Box::into_raw(created), "stream") }
    })
}

/// Frees a stream; NULL is ignored. No other thread may be using it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_stream_free(stream: *mut StreamHandle) {
    // SAFETY: the caller's promise: the pointer is null, or from `Box::into_raw` in `stapes_stream_new`.
    unsafe { free(stream) };
}

/// Adds samples, any number of them; read the events that they complete with stapes_stream_next. After an error
/// other than STAPES_STATUS_INVALID_ARGUMENT, the events so far can be read, and the stream takes no more samples.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_stream_push(
    stream: *mut StreamHandle,
    samples: *const f32,
    num_samples: usize,
) -> Status {
    call(|| {
        // SAFETY: the caller's promise.
        let mut state = unsafe { lock(stream) }?;
        // SAFETY: the caller's promise.
        let samples = unsafe { slice(samples, num_samples, "samples") }?;
        let mut listener = state.take_listener()?;
        listener.push(samples, state.queue()).map_err(|error| Failure::input(&error))?;
        state.listener = Some(listener);
        Ok(())
    })
}

/// Ends the recording; read the remaining events with stapes_stream_next. A window that is not complete has no
/// result.
///
/// Errors: STAPES_STATUS_INVALID_INPUT if all samples are too few for one frame.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_stream_finish(stream: *mut StreamHandle) -> Status {
    call(|| {
        // SAFETY: the caller's promise.
        let mut state = unsafe { lock(stream) }?;
        let listener = state.take_listener()?;
        listener.finish(state.queue()).map_err(|error| Failure::input(&error))
    })
}

/// Sets *event to the next event, and returns true; returns false if there is none now, or after an error, such as
/// a null pointer. Events are in the order in which they became certain, scores before the event that follows
/// from them. They wait in memory until they are read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapes_stream_next(stream: *mut StreamHandle, event: *mut Event) -> bool {
    value(false, || {
        check_pointer(event, "event")?;
        // SAFETY: the caller's promise.
        let mut state = unsafe { lock(stream) }?;
        let Some(next) = state.next() else { return Ok(false) };
        // SAFETY: the caller's promise.
        unsafe { write(event, next, "event") }?;
        Ok(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_and_a_model_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        fn is_sync<T: Sync>() {}
        is_send::<StreamHandle>();
        is_sync::<StreamHandle>();
        is_send::<ModelHandle>();
        is_sync::<ModelHandle>();
    }
}
