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

/// Longest expected time of a job on the thread that read it, s. Other connections of this thread wait for it; another thread costs
/// more for short jobs.
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

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;
    use std::thread;

    use stapes_infer::Model;

    use super::*;
    use crate::served_model::ServedModel;

    /// Returns the state of a server with the built-in models.
    pub(crate) fn app() -> App {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stapes/models");
        let served = |name: &str| {
            let model = Model::load(&folder.join(name).join("model.safetensors")).unwrap();
            ServedModel::new(name, model)
        };
        let models = Models::new(["vad", "digits"].map(served).into()).unwrap();
        App::new(models, ServerOptions::new(([127, 0, 0, 1], 0).into()), watch::channel(false).1).unwrap()
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn short_work_runs_on_the_thread_that_read_it_and_long_work_on_another() {
        let app = app();
        let here = thread::current().id();
        for (expected_seconds, is_here) in [
            (0.0, true),
            (MAX_SHORT_SECONDS, true),
            (0.0031, false),
            (f64::INFINITY, false),
            (f64::NAN, false),
        ] {
            let id = || thread::current().id();
            let [clip, stream] = block_on(async {
                [
                    app.run_clip(expected_seconds, move || Ok(id())).await.unwrap(),
                    app.run_stream(expected_seconds, id).await.unwrap(),
                ]
            });
            assert_eq!((clip == here, stream == here), (is_here, is_here), "{expected_seconds}");
        }
    }

    #[test]
    fn a_panic_in_short_work_is_an_error_of_the_server() {
        let app = app();
        let error = block_on(app.run_stream(0.0, || -> u8 { panic!("no") })).unwrap_err();
        assert_eq!(error.status.as_u16(), 500);
        assert_eq!(block_on(app.run_stream(0.0, || 3)).unwrap(), 3);
    }
}
