//! Files that are processed on all threads, with results in their order and in bounded memory.

use std::path::PathBuf;

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde_json::json;

use super::console::Console;
use super::progress;

/// Processes files in batches of `per_thread` files per thread, each with the state of its thread, and prints each result. A
/// failed file is passed to `on_error`, and the others are processed. `paths` failed before: they are printed first, and counted. Returns
/// the exit code. Stops when nobody reads the output.
pub(super) fn process<F: Sync, S, R: Send>(
    (files, paths): (&[F], &[(PathBuf, anyhow::Error)]),
    per_thread: usize,
    console: &Console,
    state: impl Fn() -> Result<S> + Sync + Send,
    work: impl Fn(&mut S, &F) -> Result<R> + Sync + Send,
    print: impl Fn(&F, R) -> Result<()>,
    on_error: impl Fn(&F, &anyhow::Error),
) -> u8 {
    let bar = if files.len() > 1 { progress::bar(files.len(), "files") } else { ProgressBar::hidden() };
    for (path, error) in paths {
        console.failed_file(path, &super::message(error));
    }
    let mut failed = paths.len();
    for batch in files.chunks(per_thread * rayon::current_num_threads()) {
        let results: Vec<Result<R>> = batch
            .par_iter()
            .map_init(&state, |state, file| match state {
                Ok(state) => work(state, file),
                Err(error) => bail!("{error}"),
            })
            .collect();
        bar.suspend(|| {
            for (file, result) in batch.iter().zip(results) {
                if let Err(error) = result.and_then(|result| print(file, result)) {
                    failed += 1;
                    on_error(file, &error);
                }
            }
        });
        bar.inc(batch.len() as u64);
        if console.is_closed() {
            break;
        }
    }
    bar.finish_and_clear();
    let total = files.len() + paths.len();
    console.json(&json!({ "files": total, "failed": failed }));
    match failed {
        0 => super::DONE,
        failed if failed < total => super::SOME_FAILED,
        _ => super::NOTHING_DONE,
    }
}
