//! What of a run is written while it is trained.

use std::time::{Duration, Instant};

use stapes_infer::Model;
use stapes_train::{Checkpoint, Event, Point, Snapshot};

use crate::error::Error;
use crate::run::{self, EventFile, Provenance, RunFolder, SavedRun};

/// Writes down what a training has reached.
pub(super) struct Checkpointer<'a> {
    folder: &'a RunFolder,
    model: &'a Model,
    origin: &'a Provenance,
    events: EventFile,
    every: Duration,
    last: Instant,
    points: Vec<Point>,
    /// Whether to write a checkpoint before the first step, which holds where the training started.
    at_once: bool,
    /// The parameters of the best validation, until they are written.
    best: Option<Vec<f32>>,
}

impl<'a> Checkpointer<'a> {
    pub(super) fn begin(
        folder: &'a RunFolder,
        model: &'a Model,
        origin: &'a Provenance,
        (saved, every): (Option<&Checkpoint>, Duration),
        at_once: bool,
    ) -> Result<Checkpointer<'a>, Error> {
        let points = saved.map_or(Vec::new(), |checkpoint| checkpoint.progress.points.clone());
        let events = EventFile::create(folder.folder(), &points).map_err(|source| no_events(folder, source))?;
        Ok(Checkpointer {
            folder,
            model,
            origin,
            events,
            every,
            last: Instant::now(),
            points,
            at_once,
            best: None,
        })
    }

    pub(super) fn hear(&mut self, event: &Event<'_>) -> Result<(), Error> {
        match event {
            Event::Validated { point, best } => {
                self.folder.check_exists()?;
                self.points.push(*point);
                self.best = best.map(<[f32]>::to_vec).or(self.best.take());
                self.events.add(point).map_err(|source| no_events(self.folder, source))
            }
            Event::Snapshot { snapshot, last } => {
                let first = snapshot.progress.step == 0;
                let due = if first { self.at_once } else { *last || self.last.elapsed() >= self.every };
                if due { self.keep(snapshot) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// The checkpoint comes last: what it says is there then.
    fn keep(&mut self, snapshot: &Snapshot<'_>) -> Result<(), Error> {
        self.folder.write(run::METRICS, run::metrics(&self.points).as_bytes())?;
        if let Some(best) = self.best.take() {
            self.folder.write(run::MODEL, &self.model.with_parameters(&best).to_bytes()?)?;
        }
        SavedRun::write(self.folder, snapshot, self.origin)?;
        self.last = Instant::now();
        Ok(())
    }
}

fn no_events(folder: &RunFolder, source: std::io::Error) -> Error {
    Error::File { path: folder.folder().into(), action: "write the events for TensorBoard", source }
}
