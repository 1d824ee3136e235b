//! Trains the runs of a sweep, side by side.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use stapes_train::SingleProcess;

use super::Job;
use crate::error::Error;
use crate::run::{IfExists, RunFolder, RunRecord, RunState};
use crate::training::{NoProgress, TrainingJob, same_recipe};

/// How the runs of a sweep are to be trained.
#[derive(Clone)]
pub struct SweepRunner<'a> {
    /// The folder of the data set, where it has one.
    pub data: Option<PathBuf>,
    /// A folder where frames are kept and taken from, by all runs.
    pub cache: Option<PathBuf>,
    /// The folder for the runs' folders.
    pub out: &'a Path,
    /// How many runs are trained at a time; each gets an equal part of the threads.
    pub at_once: usize,
    /// Which part of the runs is trained here, from 1, and of how many parts.
    pub shard: (usize, usize),
    /// Whether the models are tested; without, the test examples stay unheard.
    pub tested: bool,
    /// No run is begun after this.
    pub until: Option<Instant>,
    /// The least time between two checkpoints of a run.
    pub checkpoint_every: Duration,
    /// The command line, for the records.
    pub command: String,
    /// Once this is true, the runs at hand end with what they reached, and no other begins.
    pub stop: &'a AtomicBool,
}

/// Who follows a sweep.
pub trait SweepProgress: Sync {
    /// A run has ended, `done` of `of` runs; called from any thread.
    fn ended(&self, job: &Job, ended: &RunStatus, done: usize, of: usize);
}

/// How a run ended.
pub enum RunStatus {
    /// It was complete before.
    Before,
    /// It was trained.
    TrainingResult(Box<RunRecord>),
    /// It was stopped, and can be resumed.
    Stopped,
    /// Another process makes it.
    Elsewhere,
    /// It went wrong.
    Failed(Box<Error>),
}

/// What became of the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepSummary {
    /// Runs of this part of the sweep.
    pub asked: usize,
    /// Those that are complete, also those that were before.
    pub complete: usize,
    /// Those that went wrong.
    pub failed: usize,
}

impl SweepSummary {
    /// Both together.
    pub(super) fn and(self, other: SweepSummary) -> SweepSummary {
        SweepSummary {
            asked: self.asked + other.asked,
            complete: self.complete + other.complete,
            failed: self.failed + other.failed,
        }
    }
}

impl SweepRunner<'_> {
    /// Trains what is not trained yet. A run that goes wrong is told to the watcher, and the others go on.
    pub fn run(&self, jobs: Vec<Job>, watcher: &dyn SweepProgress) -> SweepSummary {
        let (own, parts) = self.shard;
        let jobs: VecDeque<Job> = jobs.into_iter().skip(own - 1).step_by(parts).collect();
        let asked = jobs.len();
        let at_once = self.at_once.clamp(1, asked.max(1));
        let threads = (rayon::current_num_threads() / at_once).max(1);
        let queue = Mutex::new(jobs);
        let conducted = Mutex::new((SweepSummary { asked, ..SweepSummary::default() }, 0));
        let made = self.out.is_dir();
        let work = || {
            // Fails only where the system has no more threads; then the run shares those that there are.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok();
            while let Some(job) = self.next(&queue) {
                // The runs' folder was moved or removed: another one would hold a part of them.
                let ended = match &pool {
                    _ if made && !self.out.is_dir() => {
                        RunStatus::Failed(Box::new(Error::FolderGone(self.out.into())))
                    }
                    Some(pool) => pool.install(|| self.train(&job)),
                    None => self.train(&job),
                };
                let mut state = conducted.lock().unwrap_or_else(PoisonError::into_inner);
                state.1 += 1;
                match &ended {
                    RunStatus::AlreadyComplete | RunStatus::Trained(_) => state.0.complete += 1,
                    RunStatus::Failed(_) => state.0.failed += 1,
                    RunStatus::Stopped | RunStatus::Busy => {}
                }
                watcher.ended(&job, &ended, state.1, asked);
            }
        };
        std::thread::scope(|scope| {
            (1..at_once).for_each(|_| {
                scope.spawn(work);
            });
            work();
        });
        conducted.into_inner().unwrap_or_else(PoisonError::into_inner).0
    }

    fn next(&self, queue: &Mutex<VecDeque<Job>>) -> Option<Job> {
        let late = self.until.is_some_and(|until| Instant::now() >= until);
        if late || self.stop.load(Ordering::Relaxed) {
            return None;
        }
        queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn train(&self, job: &Job) -> RunStatus {
        match self.trained(job) {
            Ok(ended) => ended,
            Err(Error::Busy(_)) => RunStatus::Busy,
            Err(error) if self.stop.load(Ordering::Relaxed) && error.is_stop() => RunStatus::Stopped,
            Err(error) => RunStatus::Failed(Box::new(error)),
        }
    }

    fn trained(&self, job: &Job) -> Result<RunStatus, Error> {
        let place = self.out.join(&job.folder);
        if RunState::of(&place)? == RunState::Complete {
            same_recipe(&place, &job.recipe.clone().resolved(self.data.as_deref())?)?;
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
        let folder = RunFolder::open(&place, IfExists::Resume)?;
        let record = match self.tested {
            true => training.run(folder, &NoProgress)?.record,
            false => training.train_without_test(folder, &NoProgress)?,
        };
        Ok(if record.stopped { RunStatus::Stopped } else { RunStatus::Trained(Box::new(record)) })
    }
}
