//! Threads that classify, with a bounded queue: nothing that takes long runs between the connections.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// Threads with a queue. The threads end after the pool is dropped.
pub(crate) struct Pool {
    jobs: Sender<Job>,
    /// One per thread, and one per place in the queue.
    places: Arc<Semaphore>,
    size: usize,
}

/// A job was not done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JobError {
    /// The queue is full.
    Full,
    /// The job panicked, with this message.
    Failed(String),
}

impl Pool {
    /// Starts threads with these names; `max_waiting` jobs may wait for one.
    pub(crate) fn start(name: &str, threads: usize, max_waiting: usize) -> io::Result<Pool> {
        let (jobs, receiver) = mpsc::channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads.max(1) {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new().name(name.to_owned()).spawn(move || work(&receiver))?;
        }
        let size = (threads.max(1) + max_waiting).min(Semaphore::MAX_PERMITS);
        Ok(Pool { jobs, places: Arc::new(Semaphore::new(size)), size })
    }

    /// Runs a job on a thread, if the queue has a place.
    pub(crate) async fn try_run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| JobError::Full)?;
        self.run_at(place, job).await
    }

    /// Runs a job on a thread, after a place in the queue is free. Callers get places in the order of their calls.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| JobError::Full)?;
        self.run_at(place, job).await
    }

    async fn run_at<T: Send + 'static>(
        &self,
        place: OwnedSemaphorePermit,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let (sender, result) = oneshot::channel();
        let job = move || {
            // A job whose client has gone is not done.
            if !sender.is_closed() {
                let result = stapes_files::contain_panic(job);
                // The client may have gone meanwhile.
                let _ = sender.send(result);
            }
            drop(place);
        };
        let stopped = || JobError::Failed("the threads have ended".into());
        self.jobs.send(Box::new(job)).map_err(|_| stopped())?;
        result.await.map_err(|_| stopped())?.map_err(JobError::Failed)
    }

    /// Number of jobs that run or wait.
    pub(crate) fn used(&self) -> usize {
        self.size - self.places.available_permits()
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn a_full_queue_refuses_a_job_and_has_places_again_later() {
        block_on(async {
            let pool = Arc::new(Pool::start("test", 1, 1).unwrap());
            let (release, wait) = mpsc::channel::<()>();
            let first = tokio::spawn({
                let pool = Arc::clone(&pool);
                async move { pool.try_run(move || wait.recv().is_ok()).await }
            });
            let second = tokio::spawn({
                let pool = Arc::clone(&pool);
                async move { pool.try_run(|| 2).await }
            });
            while pool.used() < 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(pool.try_run(|| 3).await, Err(JobError::Full));
            release.send(()).unwrap();
            assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(true), Ok(2)));
            assert_eq!(pool.run(|| 4).await, Ok(4));
        });
    }

    #[test]
    fn a_panic_is_an_error_and_the_thread_remains() {
        block_on(async {
            let pool = Pool::start("test", 1, 4).unwrap();
            assert_eq!(pool.try_run(|| -> u8 { panic!("no") }).await, Err(JobError::Failed("no".into())));
            assert_eq!(pool.try_run(|| 1).await, Ok(1));
        });
    }

    #[test]
    fn a_job_without_a_client_is_not_done() {
        block_on(async {
            let pool = Arc::new(Pool::start("test", 1, 4).unwrap());
            let (release, wait) = mpsc::channel::<()>();
            let busy = tokio::spawn({
                let pool = Arc::clone(&pool);
                async move { pool.try_run(move || wait.recv().is_ok()).await }
            });
            while pool.used() < 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let (done, was_done) = mpsc::channel();
            let gone = pool.run(move || done.send(()).is_ok());
            assert!(tokio::time::timeout(Duration::from_millis(20), gone).await.is_err());
            release.send(()).unwrap();
            assert_eq!(busy.await.unwrap(), Ok(true));
            assert_eq!(pool.run(|| 1).await, Ok(1));
            assert!(was_done.try_recv().is_err());
        });
    }
}
