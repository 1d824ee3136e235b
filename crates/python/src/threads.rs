//! Threads of parallel functions.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::value_error;

/// Pool of a process.
struct Owned {
    process: u32,
    threads: usize,
    pool: ThreadPool,
}

/// The pool of this process; null before its first use. No lock, because a fork would copy a held one.
static POOL: AtomicPtr<Owned> = AtomicPtr::new(ptr::null_mut());

/// Number of threads that was asked for; 0 for one per core.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Runs a function whose parallel parts use the pool of this process.
///
/// The threads of a pool do not exist in a forked child, which would wait for them for ever; a child gets its own.
pub(crate) fn run<R: Send>(function: impl FnOnce() -> R + Send) -> PyResult<R> {
    let (process, threads) = (std::process::id(), THREADS.load(Ordering::Relaxed));
    let current = POOL.load(Ordering::Acquire);
    #[expect(unsafe_code, reason = "see SAFETY")]
    // SAFETY: the pointer is null or comes from `Box::leak` below, and is never freed.
    let owned = unsafe { current.as_ref() }.filter(|pool| pool.process == process && pool.threads == threads);
    let owned = match owned {
        Some(owned) => owned,
        None => {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|error| value_error(format!("threads cannot be started: {error}")))?;
            // A replaced pool is leaked: another thread may be using it.
            let owned: &'static Owned = Box::leak(Box::new(Owned { process, threads, pool }));
            POOL.store(ptr::from_ref(owned).cast_mut(), Ordering::Release);
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
