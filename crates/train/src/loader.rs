//! Batches that are made ready while the steps before them run, on threads of their own.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use stapes_features::Features;
use stapes_nn::layer::Shape;

use crate::batches::{Batches, Cut};
use crate::error::TrainError;
use crate::examples::{Examples, Labels};
use crate::trainer::Trainer;

/// Where the frames of training examples come from, if they are made anew each time an example comes up.
pub trait FrameSource: Sync {
    /// What one thread makes frames with: called once a thread, for buffers of its own.
    fn worker(&self) -> FrameWorker<'_>;
}

/// Makes the frames of a cut, as the model reads them but for augmentation of frames.
///
/// They must depend on the cut alone, and not on the thread or on cuts before. Where every frame has a label there must be
/// as many frames as the cut has; else there may be others. An error is a text that names the example for people.
pub type FrameWorker<'a> = Box<dyn FnMut(&Cut) -> Result<Features, String> + 'a>;

/// A source and who works for it.
#[derive(Clone, Copy)]
pub struct Loading<'a> {
    /// What makes the frames.
    pub source: &'a dyn FrameSource,
    /// How many threads do, at least one; nothing but time depends on it.
    pub threads: usize,
}

/// The examples of a step, ready to learn from.
pub(crate) struct Batch {
    features: Vec<Features>,
    labels: BatchLabels,
}

enum BatchLabels {
    Examples(Vec<usize>),
    Frames(Vec<Vec<usize>>),
}

impl Batch {
    /// The batch as a set of examples, and the cuts that are all of them.
    ///
    /// # Errors
    /// None: they were checked when they were made.
    pub(crate) fn examples(&self) -> Result<(Examples<'_>, Vec<Cut>), TrainError> {
        let labels = match &self.labels {
            BatchLabels::Examples(classes) => Labels::Examples(classes),
            BatchLabels::Frames(classes) => Labels::Frames(classes),
        };
        let examples = Examples::new(&self.features, labels)?;
        Ok((examples, (0..self.features.len()).map(|example| examples.whole(example)).collect()))
    }
}

/// Makes the batches of a training ready, in the order of its steps and a bounded number ahead.
///
/// Each thread makes whole batches. What is in a batch is a function of its step, so it does not matter which thread makes
/// it, or when.
pub(crate) struct Loader<'a> {
    trainer: &'a Trainer<'a>,
    loading: Loading<'a>,
    /// The most frames that the model takes.
    longest: usize,
    /// Behind the last step.
    steps: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The step that training is at, and the first that no thread has begun.
    at: usize,
    next: usize,
    ready: BTreeMap<usize, Result<Batch, TrainError>>,
    /// Whether no step will be taken any more.
    over: bool,
    /// Whether a thread has panicked, so that its batch never comes.
    broken: bool,
}

impl<'a> Loader<'a> {
    /// A loader for the steps from `first` on.
    pub(crate) fn new(
        trainer: &'a Trainer<'a>,
        loading: Loading<'a>,
        longest: usize,
        [first, steps]: [usize; 2],
    ) -> Loader<'a> {
        let state = State { at: first, next: first, ..State::default() };
        Loader { trainer, loading, longest, steps, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Starts the threads; they end when the guard is dropped, each behind the example at hand.
    pub(crate) fn start<'s>(&'s self, scope: &'s Scope<'s, '_>) -> impl Drop + use<'s, 'a> {
        for _ in 0..self.loading.threads.max(1) {
            scope.spawn(|| self.work());
        }
        OnDrop(|| self.change(|state| state.over = true))
    }

    /// The batch of a step; steps are taken in their order.
    ///
    /// # Errors
    /// [`TrainError::Example`] where the source has no frames for an example, or not such as the model reads.
    ///
    /// # Panics
    /// If the source panicked.
    pub(crate) fn take(&self, step: usize) -> Result<Batch, TrainError> {
        let mut state = self.state();
        loop {
            if let Some(batch) = state.ready.remove(&step) {
                state.at = step + 1;
                self.changed.notify_all();
                return batch;
            }
            assert!(!state.broken, "a source of frames has panicked");
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self) {
        let _watch = OnDrop(|| {
            if std::thread::panicking() {
                self.change(|state| state.broken = true);
            }
        });
        let Trainer { config, train, seed, .. } = *self.trainer;
        let mut batches = Batches::new(config, train, seed);
        let mut frames = self.loading.source.worker();
        while let Some(step) = self.begun() {
            let Some(batch) = self.batch(&batches.batch(step), &mut frames).transpose() else { return };
            self.change(|state| {
                state.ready.insert(step, batch);
            });
        }
    }

    /// The next step that has no batch, once there is room for it; none when all are begun or nobody needs them.
    fn begun(&self) -> Option<usize> {
        let ahead = 2 * self.loading.threads.max(2);
        let mut state = self.state();
        loop {
            if state.over || state.next >= self.steps {
                return None;
            }
            if state.next < state.at + ahead {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The examples of these cuts; none if they are not needed any more.
    fn batch(&self, cuts: &[Cut], frames: &mut FrameWorker<'_>) -> Result<Option<Batch>, TrainError> {
        let mut features = Vec::with_capacity(cuts.len());
        for cut in cuts {
            if self.state().over {
                return Ok(None);
            }
            let example = |reason| TrainError::Example { index: cut.example, reason };
            features
                .push(frames(cut).and_then(|features| self.changed_frames(cut, features)).map_err(example)?);
        }
        let labels = match self.trainer.train.labels() {
            Labels::Examples(classes) => {
                BatchLabels::Examples(cuts.iter().map(|cut| classes[cut.example]).collect())
            }
            Labels::Frames(classes) => {
                let of_cut = |cut: &Cut| classes[cut.example][cut.first..][..cut.frames].to_vec();
                BatchLabels::Frames(cuts.iter().map(of_cut).collect())
            }
        };
        Ok(Some(Batch { features, labels }))
    }

    /// The frames that a source made, checked and augmented.
    fn changed_frames(&self, cut: &Cut, mut features: Features) -> Result<Features, String> {
        let Trainer { input, augment, seed, train, .. } = *self.trainer;
        let (frames, width) = (features.frames(), features.width());
        if width != input.features() {
            return Err(format!("frames of {width} values, and the model reads {}", input.features()));
        }
        let exactly = match (train.labels(), input) {
            (Labels::Frames(_), _) => Some(cut.frames),
            (_, Shape::Sequence { frames, .. }) => frames,
            _ => None,
        };
        if let Some(expected) = exactly.filter(|expected| *expected != frames) {
            return Err(format!("{frames} frames, and there must be {expected}"));
        }
        if !(1..=self.longest).contains(&frames) {
            return Err(format!("{frames} frames, and the model takes from 1 to {}", self.longest));
        }
        if let Some(augment) = augment {
            augment.apply(&mut features, self.longest, seed, [cut.pass, cut.example as u64]);
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

/// Does something at the end of its scope, come what may.
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
    use crate::config::TrainConfig;
    use crate::team::Alone;
    use crate::trainer::Start;

    /// A source that reports each example as it is begun, and makes it when it may.
    struct Gate {
        begun: Sender<usize>,
        open: Mutex<Receiver<()>>,
    }

    impl FrameSource for Gate {
        fn worker(&self) -> FrameWorker<'_> {
            Box::new(|cut| {
                self.begun.send(cut.example).unwrap();
                // Open for good once nobody holds the other end.
                let _ = self.open.lock().unwrap().recv();
                Ok(Features::new(1, vec![0.0; cut.frames]))
            })
        }
    }

    #[test]
    fn when_training_is_over_nothing_behind_the_example_at_hand_is_made() {
        let model: ModelConfig = toml::from_str("[recurrent]\ncell = 'gru'\nhidden = 2").unwrap();
        let config: TrainConfig = toml::from_str("batch = 10\nepochs = 2").unwrap();
        let features = vec![Features::new(1, vec![0.0; 3]); 20];
        let classes: Vec<usize> = (0..20).map(|index| index % 2).collect();
        let examples = Examples::new(&features, Labels::Examples(&classes)).unwrap();
        let ((begun, seen), (allow, open)) = (channel(), channel());
        let source = Gate { begun, open: Mutex::new(open) };
        let loading = Loading { source: &source, threads: 1 };
        let trainer = Trainer {
            model: &model,
            input: Shape::frames(1),
            classes: 2,
            config: &config,
            train: examples,
            source: Some(loading),
            validation: examples,
            augment: None,
            start: Start::Drawn,
            seed: 1,
            team: &Alone,
        };
        let loader = Loader::new(&trainer, loading, 3, [0, 4]);
        std::thread::scope(|scope| {
            let until_the_end = loader.start(scope);
            (0..10).for_each(|_| allow.send(()).unwrap());
            assert_eq!(loader.take(0).unwrap().examples().unwrap().1.len(), 10);
            // The first example of the second batch is begun, and waits.
            assert_eq!(seen.iter().take(11).count(), 11);
            drop(until_the_end);
            drop(allow);
        });
        assert_eq!(seen.try_iter().count(), 0);
    }
}
