//! Work that Ctrl-C ends, and its events as calls of a function of Python.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use rayon::prelude::*;
use serde_json::{Value, json};
use stapes::sweep::RunStatus;
use stapes::train::Event as Training;
use stapes::{Event, OnEvent};

use crate::error::message;
use crate::threads;

/// Minimum time between two events of the same kind that replace each other, such as steps.
const INTERVAL: Duration = Duration::from_millis(100);

/// How often the interpreter is asked for Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// Runs `work` on a thread, with the interpreter's lock released, and calls the callback, if there is one, on this thread with
/// each event as JSON.
///
/// Ctrl-C, or a `KeyboardInterrupt` of the callback, sets `stop`, at which the work ends with what it has; so does any other
/// exception of the callback or of a signal handler, which is raised when the work has ended. Returns the result of the work,
/// and true after Ctrl-C.
pub(crate) fn interruptible<R: Send>(
    py: Python<'_>,
    stop: &AtomicBool,
    callback: Option<&Py<PyAny>>,
    work: impl FnOnce(OnEvent<'_>) -> R + Send,
) -> PyResult<(R, bool)> {
    let (sender, receiver) = channel::<String>();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let last = Mutex::new(None);
            let send = |event: Event<'_>| {
                if let Some(event) = event_json(&event, &last) {
                    // The receiver lives until the work ends.
                    let _ = sender.send(event.to_string());
                }
            };
            threads::run(|| work(&send))
        });
        let (interrupted, raised) = report(py, stop, callback, receiver);
        let result = py.detach(|| worker.join());
        // A panic of the work is a panic here.
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        match raised {
            Some(error) => Err(error),
            None => Ok((result, interrupted)),
        }
    })
}

/// Runs a function on each input, in parallel, with the interpreter's lock released; each thread's part begins with `init`.
///
/// The error is that of the first input that has one. Ctrl-C ends the work after the inputs that were begun.
pub(crate) fn parallel<I: Sync, S, R: Send, E: Send>(
    py: Python<'_>,
    inputs: &[I],
    init: impl Fn() -> S + Sync,
    function: impl Fn(&mut S, usize, &I) -> Result<R, E> + Sync,
) -> PyResult<Result<Vec<R>, E>> {
    let (stop, first_failed) = (AtomicBool::new(false), AtomicUsize::new(usize::MAX));
    let run = |state: &mut S, (index, input): (usize, &I)| {
        // Inputs before a failed one are still needed: one of them may fail, too.
        if stop.load(Ordering::Relaxed) || index > first_failed.load(Ordering::Relaxed) {
            return None;
        }
        let result = function(state, index, input);
        if result.is_err() {
            first_failed.fetch_min(index, Ordering::Relaxed);
        }
        Some(result)
    };
    let (results, interrupted) = interruptible(py, &stop, None, |_| {
        inputs.par_iter().enumerate().map_init(&init, &run).collect::<Vec<_>>()
    })?;
    if interrupted {
        let done = results.iter().flatten().count();
        return Err(PyKeyboardInterrupt::new_err(format!("after {done} of {}", inputs.len())));
    }
    // Only inputs after a failed one have no result.
    Ok(results.into_iter().flatten().collect())
}

/// Calls the callback with the events until the work ends.
fn report(
    py: Python<'_>,
    stop: &AtomicBool,
    callback: Option<&Py<PyAny>>,
    events: Receiver<String>,
) -> (bool, Option<PyErr>) {
    let (mut interrupted, mut raised) = (false, None);
    // The lock is released while waiting; a receiver may move to the waiting closure, but not be shared with it.
    let events = Mutex::new(events);
    loop {
        let event = py.detach(|| events.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(SIGNALS));
        let called = match event {
            Err(RecvTimeoutError::Disconnected) => return (interrupted, raised),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            // The callback is not called again after its exception.
            Ok(event) => match callback.filter(|_| raised.is_none()) {
                Some(callback) => callback.call1(py, (event,)).map(|_| ()),
                None => Ok(()),
            },
        };
        for error in [called, py.check_signals()].into_iter().filter_map(Result::err) {
            stop.store(true, Ordering::Relaxed);
            match error.is_instance_of::<PyKeyboardInterrupt>(py) {
                true => interrupted = true,
                false => raised = raised.or(Some(error)),
            }
        }
    }
}

/// Returns an event as JSON; `None` for one that is not for people, or that follows another one of its kind too soon.
fn event_json(event: &Event<'_>, last: &Mutex<Option<Instant>>) -> Option<Value> {
    let is_due = |done: bool| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = done || last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if due {
            *last = Some(Instant::now());
        }
        due
    };
    let progress = |name: &str, done: usize, total: usize| {
        is_due(done == total).then(|| json!({ "event": name, "done": done, "total": total }))
    };
    match event {
        Event::Checked { done, total } => progress("checking", *done, *total),
        Event::Loaded { done, total } => progress("loading", *done, *total),
        Event::Training(Training::Step { step, steps, loss }) => is_due(step == steps)
            .then(|| json!({ "event": "step", "step": step, "steps": steps, "loss": number(*loss) })),
        Event::Training(Training::Validated { point, .. }) => {
            Some(json!({ "event": "validation", "point": point }))
        }
        Event::Warning(text) => Some(json!({ "event": "warning", "text": text })),
        Event::Message(text) => Some(json!({ "event": "message", "text": text })),
        Event::Skipped(files) if !files.is_empty() => {
            let files: Vec<Value> = files
                .iter()
                .map(|(path, reason)| json!({ "path": path.display().to_string(), "reason": reason }))
                .collect();
            Some(json!({ "event": "skipped", "files": files }))
        }
        Event::RunEnded { job, status, done, total } => {
            let (status, error) = match status {
                RunStatus::AlreadyComplete => ("already_complete", None),
                RunStatus::Trained(_) => ("trained", None),
                RunStatus::Stopped => ("stopped", None),
                RunStatus::Busy => ("busy", None),
                RunStatus::Failed(error) => ("failed", Some(message(error))),
            };
            let run = job.folder.display().to_string();
            Some(json!({
                "event": "run_ended", "run": run, "status": status, "error": error, "done": done, "total": total,
            }))
        }
        _ => None,
    }
}

/// Returns a number as JSON; infinities and NaN as text, like the records.
pub(crate) fn number(value: f64) -> Value {
    match value {
        value if value.is_finite() => json!(value),
        value if value.is_nan() => json!("NaN"),
        value => json!(if value > 0.0 { "Infinity" } else { "-Infinity" }),
    }
}
