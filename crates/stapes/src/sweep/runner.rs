//! Training of the runs of a sweep, several at a time.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use stapes_train::SingleProcess;

use super::Job;
use crate::error::Error;
use crate::event::{Event, OnEvent};
use crate::run::{IfExists, RunFolder, RunRecord, RunState};
use crate::training::{TrainingJob, same_recipe};

/// Settings of the training of a sweep's runs.
#[derive(Clone)]
pub struct SweepRunner<'a> {
    /// Folder of the data set, if it has one.
    pub data: Option<PathBuf>,
    /// Cache folder for features, shared by all runs.
    pub cache: Option<PathBuf>,
    /// Folder of the sweep, which contains the run folders.
    pub out: &'a Path,
    /// Number of runs that are trained at a time; each gets an equal number of threads.
    pub parallel_runs: usize,
    /// Shard of the runs that is trained here.
    pub shard: Shard,
    /// `true` to test the models; otherwise the test examples are not used.
    pub test: bool,
    /// Time after which no run is started.
    pub deadline: Option<Instant>,
    /// Minimum time between two checkpoints of a run.
    pub checkpoint_every: Duration,
    /// Command line, for the records.
    pub command: String,
    /// When this becomes true, current runs end with the result so far, and no run is started.
    pub stop: &'a AtomicBool,
}

/// Shard of the runs of a sweep that is trained on several machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Number of this shard, from 1.
    pub number: usize,
    /// Number of shards.
    pub count: usize,
}

impl Shard {
    /// The only shard, which contains all runs.
    pub const ALL: Shard = Shard { number: 1, count: 1 };
}

/// End of a run.
pub enum RunStatus {
    /// The run was complete before.
    AlreadyComplete,
    /// The run was trained.
    Trained(Box<RunRecord>),
    /// The run was stopped and can be resumed.
    Stopped,
    /// Another process is training the run.
    Busy,
    /// The run failed.
    Failed(Box<Error>),
}

/// Numbers of runs of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepSummary {
    /// Runs of this shard.
    pub requested: usize,
    /// Complete runs, including those that were complete before.
    pub complete: usize,
    /// Failed runs.
    pub failed: usize,
}

impl SweepSummary {
    /// Returns the sums of two summaries.
    pub(super) fn merge(self, other: SweepSummary) -> SweepSummary {
        SweepSummary {
            requested: self.requested + other.requested,
            complete: self.complete + other.complete,
            failed: self.failed + other.failed,
        }
    }
}

impl SweepRunner<'_> {
    /// Trains the runs of this shard that are not complete. A failed run is reported, and the other runs
    /// continue.
    pub fn run(&self, jobs: Vec<Job>, on_event: OnEvent<'_>) -> SweepSummary {
        let Shard { number, count } = self.shard;
        let jobs: VecDeque<Job> = jobs.into_iter().skip(number - 1).step_by(count).collect();
        let requested = jobs.len();
        let parallel_runs = self.parallel_runs.clamp(1, requested.max(1));
        let threads = (rayon::current_num_threads() / parallel_runs).max(1);
        let queue = Mutex::new(jobs);
        let state = Mutex::new((SweepSummary { requested, ..SweepSummary::default() }, 0));
        let out_exists = self.out.is_dir();
        let work = || {
            // Without further threads of the system, the run shares the existing ones.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok();
            while let Some(job) = self.next(&queue) {
                // If the sweep's folder was moved or removed, a new one would contain only some of the runs.
                let status = match &pool {
                    _ if out_exists && !self.out.is_dir() => {
                        RunStatus::Failed(Box::new(Error::FolderGone(self.out.into())))
                    }
                    Some(pool) => pool.install(|| self.train(&job)),
                    None => self.train(&job),
                };
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let (summary, done) = &mut *state;
                *done += 1;
                match &status {
                    RunStatus::AlreadyComplete | RunStatus::Trained(_) => summary.complete += 1,
                    RunStatus::Failed(_) => summary.failed += 1,
                    RunStatus::Stopped | RunStatus::Busy => {}
                }
                on_event(Event::RunEnded { job: &job, status: &status, done: *done, total: requested });
            }
        };
        std::thread::scope(|scope| {
            (1..parallel_runs).for_each(|_| {
                scope.spawn(work);
            });
            work();
        });
        state.into_inner().unwrap_or_else(PoisonError::into_inner).0
    }

    fn next(&self, queue: &Mutex<VecDeque<Job>>) -> Option<Job> {
        let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if late || self.stop.load(Ordering::Relaxed) {
            return None;
        }
        queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn train(&self, job: &Job) -> RunStatus {
        match self.try_train(job) {
            Ok(status) => status,
            Err(Error::Busy(_)) => RunStatus::Busy,
            Err(error) if self.stop.load(Ordering::Relaxed) && error.is_stop() => RunStatus::Stopped,
            Err(error) => RunStatus::Failed(Box::new(error)),
        }
    }

    fn try_train(&self, job: &Job) -> Result<RunStatus, Error> {
        let path = self.out.join(&job.folder);
        if RunState::of(&path)? == RunState::Complete {
            same_recipe(&path, &job.recipe.clone().resolve(self.data.as_deref())?)?;
            return Ok(RunStatus::AlreadyComplete);
        }
        let training = TrainingJob {
            recipe: job.recipe.clone(),
            data: self.data.clone(),
            cache: self.cache.clone(),
            start: None,
            command: self.command.clone(),
            checkpoint_every: self.checkpoint_every,
            stop: self.stop,
            communicator: &SingleProcess,
        };
        let folder = RunFolder::open(&path, IfExists::Resume)?;
        let record = match self.test {
            true => training.run(folder, &|_| {})?.record,
            false => training.train_without_test(folder, &|_| {})?,
        };
        Ok(if record.stopped { RunStatus::Stopped } else { RunStatus::Trained(Box::new(record)) })
    }
}
