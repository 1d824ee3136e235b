//! Threads of parallel functions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::value_error;

/// Pool of a process.
struct Owned {
    process: u32,
    threads: usize,
    pool: ThreadPool,
}

/// The pool of this process, after its first use. Nothing waits for this lock: a fork copies a held one.
static POOL: RwLock<Option<Arc<Owned>>> = RwLock::new(None);

/// Number of threads that was asked for; 0 for one per core.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Runs a function whose parallel parts use the pool of this process.
///
/// The threads of a pool do not exist in a forked child, which would wait for them for ever; a child gets its own.
pub(crate) fn run<R: Send>(function: impl FnOnce() -> R + Send) -> PyResult<R> {
    let (process, threads) = (std::process::id(), THREADS.load(Ordering::Relaxed));
    let current = POOL.try_read().ok().and_then(|pool| pool.clone());
    let owned = match current.filter(|owned| owned.process == process && owned.threads == threads) {
        Some(owned) => owned,
        None => {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|error| value_error(format!("threads cannot be started: {error}")))?;
            let owned = Arc::new(Owned { process, threads, pool });
            if let Ok(mut pool) = POOL.try_write()
                && let Some(replaced) = pool.replace(Arc::clone(&owned))
                && replaced.process != process
            {
                // The threads of the parent do not exist here, and cannot be joined.
                std::mem::forget(replaced);
            }
            owned
        }
    };
    Ok(owned.pool.install(function))
}

/// Sets the number of threads of batches and of training; 0 means one per core. It does not affect results.
#[pyfunction]
pub(crate) fn set_num_threads(threads: usize) -> PyResult<()> {
    if threads > 1024 {
        return Err(value_error(format!("threads = {threads}: must be at most 1024; 0 means one per core")));
    }
    THREADS.store(threads, Ordering::Relaxed);
    Ok(())
}

/// Returns the number of threads of batches and of training.
#[pyfunction]
pub(crate) fn num_threads() -> PyResult<usize> {
    run(rayon::current_num_threads)
}
