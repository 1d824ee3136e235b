//! Files that are written during training: checkpoints, learning curves, the best model.

use std::time::{Duration, Instant};

use stapes_infer::Model;
use stapes_train::{Checkpoint, Event, Point, Snapshot};

use crate::error::Error;
use crate::run::{self, EventFile, Provenance, RunFolder, SavedRun};

/// Writes checkpoints and learning curves of a training.
pub(super) struct Checkpointer<'a> {
    folder: &'a RunFolder,
    model: &'a Model,
    provenance: &'a Provenance,
    events: EventFile,
    schedule: CheckpointSchedule,
    last: Instant,
    points: Vec<Point>,
    /// Parameters of the best validation that are not written yet.
    best: Option<Vec<f32>>,
}

/// Times at which checkpoints are written.
#[derive(Clone, Copy)]
pub(super) struct CheckpointSchedule {
    /// Minimum time between two checkpoints.
    pub(super) interval: Duration,
    /// `true` to write a checkpoint before the first step.
    pub(super) immediately: bool,
}

impl<'a> Checkpointer<'a> {
    pub(super) fn new(
        folder: &'a RunFolder,
        model: &'a Model,
        provenance: &'a Provenance,
        checkpoint: Option<&Checkpoint>,
        schedule: CheckpointSchedule,
    ) -> Result<Checkpointer<'a>, Error> {
        let points = checkpoint.map_or(Vec::new(), |checkpoint| checkpoint.progress.points.clone());
        let events =
            EventFile::create(folder.path(), &points).map_err(|source| event_error(folder, source))?;
        let last = Instant::now();
        Ok(Checkpointer { folder, model, provenance, events, schedule, last, points, best: None })
    }

    pub(super) fn on_event(&mut self, event: &Event<'_>) -> Result<(), Error> {
        match event {
            Event::Validated { point, best } => {
                self.folder.check_exists()?;
                self.points.push(*point);
                self.best = best.map(<[f32]>::to_vec).or(self.best.take());
                self.events.add(point).map_err(|source| event_error(self.folder, source))
            }
            Event::Snapshot { snapshot, last } => {
                let due = match snapshot.progress.step {
                    0 => self.schedule.immediately,
                    _ => *last || self.last.elapsed() >= self.schedule.interval,
                };
                if due { self.save(snapshot) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Writes the checkpoint after the files that belong to it.
    fn save(&mut self, snapshot: &Snapshot<'_>) -> Result<(), Error> {
        self.folder.write(run::METRICS, run::metrics(&self.points).as_bytes())?;
        if let Some(best) = self.best.take() {
            self.folder.write(run::MODEL, &self.model.with_parameters(&best).to_bytes()?)?;
        }
        SavedRun::write(self.folder, snapshot, self.provenance)?;
        self.last = Instant::now();
        Ok(())
    }
}

fn event_error(folder: &RunFolder, source: std::io::Error) -> Error {
    Error::File { path: folder.path().into(), action: "write the events for TensorBoard", source }
}
