//! State that all requests share.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::api_error::ApiError;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::options::ServerOptions;
use crate::pool::{JobError, Pool};
use crate::upload::Budget;

/// State that all requests share.
pub(crate) struct App {
    pub(crate) models: Models,
    pub(crate) options: ServerOptions,
    pub(crate) metrics: Metrics,
    pub(crate) budget: Budget,
    /// Threads for recordings that take long.
    clips: Pool,
    /// Threads for messages of streams that take long; they never wait for a recording: the system shares the cores.
    streams: Pool,
    open_streams: AtomicUsize,
    /// True after the signal to stop.
    stopping: watch::Receiver<bool>,
}

/// Jobs of streams per thread that are in the queue at a time; the others wait at their connections.
const STREAM_JOBS: usize = 8;

/// Longest expected time of a job on a thread of the connections, whose other connections wait meanwhile. The way to another thread and
/// back takes about .1 ms.
const MAX_SHORT_SECONDS: f64 = 0.003;

impl App {
    pub(crate) fn new(
        models: Models,
        options: ServerOptions,
        stopping: watch::Receiver<bool>,
    ) -> io::Result<App> {
        let threads = options.threads.max(1);
        Ok(App {
            models,
            metrics: Metrics::new(),
            budget: Budget::new(&options.limits),
            clips: Pool::start("stapes-clips", threads, options.limits.max_waiting)?,
            streams: Pool::start("stapes-streams", threads, threads * STREAM_JOBS)?,
            open_streams: AtomicUsize::new(0),
            stopping,
            options,
        })
    }

    /// Runs a job of a recording: here if it is short, else on another thread, if the queue has a place.
    pub(crate) async fn run_clip<T: Send + 'static>(
        &self,
        expected_seconds: f64,
        job: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let result = match expected_seconds <= MAX_SHORT_SECONDS {
            true => run_here(job).await,
            false => self.clips.try_run(job).await,
        };
        result.map_err(|error| self.job_error(&error))?
    }

    /// Runs a job of a stream: here if it is short, else on another thread, after its turn has come.
    pub(crate) async fn run_stream<T: Send + 'static>(
        &self,
        expected_seconds: f64,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let result = match expected_seconds <= MAX_SHORT_SECONDS {
            true => run_here(job).await,
            false => self.streams.run(job).await,
        };
        result.map_err(|error| self.job_error(&error))
    }

    fn job_error(&self, error: &JobError) -> ApiError {
        match error {
            JobError::Full => {
                self.metrics.refused("queue");
                ApiError::busy("all threads are busy and the queue is full; try again later")
            }
            JobError::Failed(reason) => ApiError::internal(reason),
        }
    }

    /// Counts a stream, if the server takes one more.
    pub(crate) fn open_stream(self: &Arc<App>) -> Result<OpenStream, ApiError> {
        let max = self.options.limits.max_streams;
        if self.open_streams.fetch_add(1, Ordering::Relaxed) >= max {
            self.open_streams.fetch_sub(1, Ordering::Relaxed);
            self.metrics.refused("streams");
            return Err(ApiError::busy(format!("the server has {max} streams, its limit; try again later")));
        }
        self.metrics.streams.inc();
        Ok(OpenStream(Arc::clone(self)))
    }

    /// Returns a receiver that becomes true when the server stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// Returns true after the signal to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Returns the text for Prometheus.
    pub(crate) fn metrics_text(&self) -> String {
        self.metrics.text(&[("clips", self.clips.used()), ("streams", self.streams.used())])
    }
}

/// Runs a job on this thread, after the other connections that are ready.
async fn run_here<T>(job: impl FnOnce() -> T) -> Result<T, JobError> {
    tokio::task::yield_now().await;
    stapes_files::contain_panic(job).map_err(JobError::Failed)
}

/// A stream that is counted until it is dropped.
pub(crate) struct OpenStream(Arc<App>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.open_streams.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.streams.dec();
    }
}

/// Waits until a receiver is true, or its sender is gone.
pub(crate) async fn is_true(receiver: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone.
    let _ = receiver.wait_for(|is_true| *is_true).await;
}
