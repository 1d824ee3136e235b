//! Background threads that prepare the batches of the next steps.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use stapes_features::Features;
use stapes_nn::layer::Shape;

use crate::batches::{Batches, Crop};
use crate::error::TrainError;
use crate::examples::{Examples, Labels, LabelsRef};
use crate::inputs::TrainingInputs;

/// Source of training frames that are computed each time an example is used.
pub trait FrameSource: Sync {
    /// Creates a worker with its own buffers; called once per thread.
    fn worker(&self) -> FrameWorker<'_>;
}

/// Function that computes the frames of a crop, as the model reads them, before augmentation of frames.
///
/// The frames must depend on the crop alone, not on the thread or on earlier crops. With frame-level labels there must be
/// as many frames as in the crop; otherwise their number may differ. The error is a message that names the example.
pub type FrameWorker<'a> = Box<dyn FnMut(&Crop) -> Result<Features, String> + 'a>;

/// Source of training frames and its number of threads.
#[derive(Clone, Copy)]
pub struct LoaderOptions<'a> {
    /// Source of the frames.
    pub source: &'a dyn FrameSource,
    /// Number of threads, at least 1. Results do not depend on it.
    pub threads: usize,
}

/// Prepared examples of a step.
pub(crate) struct Batch {
    features: Vec<Features>,
    labels: Labels,
}

impl Batch {
    /// Returns the batch as a set of examples, and the crops that contain each of them in full.
    ///
    /// # Errors
    /// None in practice: the loader checked the examples.
    pub(crate) fn examples(&self) -> Result<(Examples<'_>, Vec<Crop>), TrainError> {
        let examples = Examples::new(&self.features, self.labels.as_ref())?;
        Ok((examples, (0..self.features.len()).map(|example| examples.full(example)).collect()))
    }
}

/// Prepares the batches of a training in the order of its steps, a bounded number of them ahead.
///
/// Each thread prepares whole batches. A batch is a function of its step, so it does not depend on the thread or the time.
pub(crate) struct Loader<'a> {
    inputs: &'a TrainingInputs<'a>,
    options: LoaderOptions<'a>,
    batches: Batches<'a>,
    /// Maximum number of frames that the model takes.
    max_frames: usize,
    /// Number of steps of the whole training.
    steps: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The step that training needs next.
    current: usize,
    /// The first step that no thread has claimed.
    unclaimed: usize,
    ready: BTreeMap<usize, Result<Batch, TrainError>>,
    /// `true` when no more batches are needed.
    closed: bool,
    /// `true` after a thread has panicked, so that its batch never becomes ready.
    panicked: bool,
}

impl<'a> Loader<'a> {
    /// Creates a loader for these steps.
    pub(crate) fn new(
        inputs: &'a TrainingInputs<'a>,
        options: LoaderOptions<'a>,
        batches: Batches<'a>,
        max_frames: usize,
        steps: Range<usize>,
    ) -> Loader<'a> {
        let state = State { current: steps.start, unclaimed: steps.start, ..State::default() };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Loader { inputs, options, batches, max_frames, steps: steps.end, state, changed }
    }

    /// Starts the threads. When the guard is dropped, each thread ends after its current example.
    pub(crate) fn start<'s>(&'s self, scope: &'s Scope<'s, '_>) -> impl Drop + use<'s, 'a> {
        for _ in 0..self.options.threads.max(1) {
            scope.spawn(|| self.run_worker());
        }
        OnDrop(|| self.change(|state| state.closed = true))
    }

    /// Waits for the batch of a step and returns it. Steps must be requested in order.
    ///
    /// # Errors
    /// [`TrainError::Example`] if the source fails for an example, or its frames do not fit the model.
    ///
    /// # Panics
    /// If the source panicked.
    pub(crate) fn batch(&self, step: usize) -> Result<Batch, TrainError> {
        let mut state = self.state();
        loop {
            if let Some(batch) = state.ready.remove(&step) {
                state.current = step + 1;
                self.changed.notify_all();
                return batch;
            }
            assert!(!state.panicked, "a source of frames panicked");
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run_worker(&self) {
        let _guard = OnDrop(|| {
            if std::thread::panicking() {
                self.change(|state| state.panicked = true);
            }
        });
        let mut batches = self.batches.clone();
        let mut worker = self.options.source.worker();
        while let Some(step) = self.claim_step() {
            let Some(batch) = self.prepare(&batches.batch(step), &mut worker).transpose() else { return };
            self.change(|state| {
                state.ready.insert(step, batch);
            });
        }
    }

    /// Waits until another batch may be prepared and claims its step; returns `None` after the last step and when the
    /// loader is closed.
    fn claim_step(&self) -> Option<usize> {
        let max_ahead = 2 * self.options.threads.max(2);
        let mut state = self.state();
        loop {
            if state.closed || state.unclaimed >= self.steps {
                return None;
            }
            if state.unclaimed < state.current + max_ahead {
                state.unclaimed += 1;
                return Some(state.unclaimed - 1);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Prepares the examples of these crops; returns `None` when the loader is closed.
    fn prepare(&self, crops: &[Crop], worker: &mut FrameWorker<'_>) -> Result<Option<Batch>, TrainError> {
        let mut features = Vec::with_capacity(crops.len());
        for crop in crops {
            if self.state().closed {
                return Ok(None);
            }
            let frames = worker(crop).and_then(|frames| self.check_and_augment(crop, frames));
            features.push(frames.map_err(|reason| TrainError::Example { index: crop.example, reason })?);
        }
        Ok(Some(Batch { features, labels: self.inputs.train.labels().select(crops) }))
    }

    /// Checks and augments the frames from a source.
    fn check_and_augment(&self, crop: &Crop, mut features: Features) -> Result<Features, String> {
        let TrainingInputs { input, augment, seed, train, .. } = *self.inputs;
        let (frames, width) = (features.frames(), features.width());
        if width != input.features() {
            return Err(format!(
                "the source returned frames of {width} values, but the model reads {}",
                input.features()
            ));
        }
        let required = match (train.labels(), input) {
            (LabelsRef::PerFrame(_), _) => Some(crop.frames),
            (_, Shape::Sequence { frames, .. }) => frames,
            _ => None,
        };
        if let Some(required) = required.filter(|required| *required != frames) {
            return Err(format!("the source returned {frames} frames, but {required} are required"));
        }
        if !(1..=self.max_frames).contains(&frames) {
            let max_frames = self.max_frames;
            return Err(format!(
                "the source returned {frames} frames, but the model takes from 1 to {max_frames}"
            ));
        }
        if let Some(augment) = augment {
            augment.apply(&mut features, self.max_frames, seed, [crop.repetition, crop.example as u64]);
        }
        Ok(features)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }
}

/// Runs a closure at the end of its scope, also during a panic.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use stapes_nn::ModelConfig;

    use super::*;
    use crate::communicator::SingleProcess;
    use crate::config::TrainConfig;
    use crate::inputs::Start;

    /// Source that reports the start of each example and waits for permission to finish it.
    struct Gate {
        begun: Sender<usize>,
        open: Mutex<Receiver<()>>,
    }

    impl FrameSource for Gate {
        fn worker(&self) -> FrameWorker<'_> {
            Box::new(|crop| {
                self.begun.send(crop.example).unwrap();
                // Always open once the sender is dropped.
                let _ = self.open.lock().unwrap().recv();
                Ok(Features::new(1, vec![0.0; crop.frames]))
            })
        }
    }

    #[test]
    fn after_training_only_the_current_example_is_finished() {
        let model: ModelConfig = toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 2").unwrap();
        let config: TrainConfig = toml::from_str("batch_size = 10\nepochs = 2").unwrap();
        let features = vec![Features::new(1, vec![0.0; 3]); 20];
        let classes: Vec<usize> = (0..20).map(|index| index % 2).collect();
        let examples = Examples::new(&features, LabelsRef::PerExample(&classes)).unwrap();
        let ((begun, seen), (allow, open)) = (channel(), channel());
        let source = Gate { begun, open: Mutex::new(open) };
        let options = LoaderOptions { source: &source, threads: 1 };
        let inputs = TrainingInputs {
            model: &model,
            input: Shape::frames(1),
            classes: 2,
            config: &config,
            train: examples,
            source: Some(options),
            validation: examples,
            augment: None,
            start: Start::Random,
            seed: 1,
            communicator: &SingleProcess,
        };
        let batches = Batches::new(inputs.config, inputs.train, inputs.seed).unwrap();
        let loader = Loader::new(&inputs, options, batches, 3, 0..4);
        std::thread::scope(|scope| {
            let until_the_end = loader.start(scope);
            (0..10).for_each(|_| allow.send(()).unwrap());
            assert_eq!(loader.batch(0).unwrap().examples().unwrap().1.len(), 10);
            // The first example of the second batch has started and waits.
            assert_eq!(seen.iter().take(11).count(), 11);
            drop(until_the_end);
            drop(allow);
        });
        assert_eq!(seen.try_iter().count(), 0);
    }
}
