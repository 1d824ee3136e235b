//! Training from a source of frames: the same bits for any number of threads, steps in order, errors at their step.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use stapes_augment::AugmentConfig;
use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Rng;
use stapes_train::{
    Crop, Event, Examples, FrameSource, FrameWorker, LabelsRef, LoaderOptions, SingleProcess, Start,
    TrainConfig, TrainError, TrainingInputs, TrainingResult, train,
};

type Source<'a> = dyn Fn(&Crop) -> Result<Features, String> + Sync + 'a;

/// A source that calls one function on every thread.
struct FunctionSource<'a>(&'a Source<'a>);

impl FrameSource for FunctionSource<'_> {
    fn worker(&self) -> FrameWorker<'_> {
        Box::new(|crop| (self.0)(crop))
    }
}

/// Twenty training and six validation examples of two classes.
struct Task {
    model: ModelConfig,
    config: TrainConfig,
    augment: AugmentConfig,
    features: Vec<Features>,
    classes: Vec<usize>,
    frame_classes: Vec<Vec<usize>>,
    per_frame: bool,
}

const TRAIN: usize = 20;

impl Task {
    fn new(settings: &str) -> Task {
        let features = |index: usize| {
            let value = |t| ((t * (1 + 2 * (index % 2)) + index) as f32 * 0.5).sin();
            Features::new(1, (0..8 + index % 5).map(value).collect())
        };
        let features: Vec<Features> = (0..26).map(features).collect();
        let frame_classes = |features: &Features| {
            (0..features.frames()).map(|t| usize::from(features.values()[t] > 0.0)).collect()
        };
        let mut config: toml::Table = toml::from_str("batch_size = 3\nepochs = 4").unwrap();
        config.extend(toml::from_str::<toml::Table>(settings).unwrap());
        let augment = "[jitter]\nstd = 0.1\n[shift]\nframes = 1";
        Task {
            model: toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 6\nhead_dropout = 0.2").unwrap(),
            config: config.try_into().unwrap(),
            augment: toml::from_str(augment).unwrap(),
            frame_classes: features.iter().map(frame_classes).collect(),
            features,
            classes: (0..26).map(|index| index % 2).collect(),
            per_frame: false,
        }
    }

    /// Creates a task with frame-level labels.
    fn per_frame(settings: &str) -> Task {
        let model = "[recurrent]\ncell = 'gru'\nhidden_size = 6\nhead = 'per_frame'";
        Task { model: toml::from_str(model).unwrap(), per_frame: true, ..Task::new(settings) }
    }

    fn train<E: From<TrainError>>(
        &self,
        source: Option<(&Source<'_>, usize)>,
        start: Start<'_>,
        stop: &AtomicBool,
        report: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<TrainingResult, E> {
        let examples = |from: usize, to: usize| {
            let labels = match self.per_frame {
                true => LabelsRef::PerFrame(&self.frame_classes[from..to]),
                false => LabelsRef::PerExample(&self.classes[from..to]),
            };
            Examples::new(&self.features[from..to], labels)
        };
        let source = source.map(|(source, threads)| (FunctionSource(source), threads));
        let inputs = TrainingInputs {
            model: &self.model,
            input: Shape::frames(1),
            classes: 2,
            config: &self.config,
            train: examples(0, TRAIN)?,
            source: source.as_ref().map(|(source, threads)| LoaderOptions { source, threads: *threads }),
            validation: examples(TRAIN, 26)?,
            augment: Some(&self.augment),
            start,
            seed: 1,
            communicator: &SingleProcess,
        };
        train(&inputs, stop, report)
    }

    fn train_from(&self, source: &Source<'_>, threads: usize) -> Result<TrainingResult, TrainError> {
        self.train(Some((source, threads)), Start::Random, &AtomicBool::new(false), |_| Ok(()))
    }

    /// Returns the frames in memory, as a source.
    fn in_memory(&self, crop: &Crop) -> Features {
        let values = &self.features[crop.example].values()[crop.start_frame..crop.start_frame + crop.frames];
        Features::new(1, values.to_vec())
    }

    /// Returns different frames in each repetition, after a random delay.
    fn changed(&self, crop: &Crop) -> Result<Features, String> {
        let mut rng = Rng::numbered(7, "changed", [crop.repetition, crop.example as u64]);
        std::thread::sleep(Duration::from_micros(rng.below(300) as u64));
        let values = self.in_memory(crop).values().iter().map(|value| value + rng.symmetric(0.5)).collect();
        Ok(Features::new(1, values))
    }
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn a_source_of_the_frames_in_memory_gives_the_same_bits_as_memory() {
    for task in [
        Task::new("segment_frames = 5"),
        Task::new("accumulation_steps = 2"),
        Task::per_frame("segment_frames = 5"),
    ] {
        let memory =
            task.train::<TrainError>(None, Start::Random, &AtomicBool::new(false), |_| Ok(())).unwrap();
        let source = task.train_from(&|crop| Ok(task.in_memory(crop)), 2).unwrap();
        assert!(same_bits(&memory.last, &source.last));
        assert_eq!((memory.data_wait_seconds, memory.steps), (0.0, source.steps));
        assert!(source.data_wait_seconds > 0.0 && source.data_wait_seconds < source.training_seconds);
        let other = task.train_from(&|crop| task.changed(crop), 2).unwrap();
        assert!(!same_bits(&memory.last, &other.last));
    }
}

#[test]
fn results_do_not_depend_on_loader_threads() {
    let task = Task::new("");
    let one = task.train_from(&|crop| task.changed(crop), 1).unwrap();
    for threads in [2, 3, 9] {
        let other = task.train_from(&|crop| task.changed(crop), threads).unwrap();
        assert!(same_bits(&one.last, &other.last), "{threads} threads");
        assert!(same_bits(&one.parameters, &other.parameters), "{threads} threads");
    }
}

#[test]
fn a_resumed_training_continues_with_the_next_batch() {
    let task = Task::new("epochs = 3");
    let full = task.train_from(&|crop| task.changed(crop), 2).unwrap();
    for at in [1, 7, 11] {
        let mut saved = None;
        let stop = AtomicBool::new(false);
        let save = |event: Event<'_>| {
            if let Event::Snapshot { snapshot, .. } = event
                && snapshot.progress.step == at
            {
                saved = Some(snapshot.to_checkpoint());
                stop.store(true, Ordering::Relaxed);
            }
            Ok::<(), TrainError>(())
        };
        let source = |crop: &Crop| task.changed(crop);
        let stopped = task.train(Some((&source, 2)), Start::Random, &stop, save).unwrap();
        // The stop takes effect after the next step.
        assert!(stopped.stopped && stopped.steps == at + 1);
        let mut saved = saved.unwrap();
        // More than this training can wait, so the total must include the time before the checkpoint.
        saved.progress.data_wait_seconds = 1000.0;
        let seen = Mutex::new(BTreeSet::new());
        let recorded = |crop: &Crop| {
            seen.lock().unwrap().insert((crop.repetition, crop.example));
            task.changed(crop)
        };
        let start = Start::Checkpoint(&saved);
        let quiet = |_: Event<'_>| Ok::<(), TrainError>(());
        let resumed = task.train(Some((&recorded, 3)), start, &AtomicBool::new(false), quiet).unwrap();
        assert!(same_bits(&full.last, &resumed.last), "from {at}");
        assert!(resumed.data_wait_seconds >= 1000.0, "{}", resumed.data_wait_seconds);
        // Earlier batches are not computed again: 7 batches per epoch, the last of 2.
        let before = at / 7 * TRAIN + at % 7 * 3;
        assert_eq!(seen.lock().unwrap().len(), 3 * TRAIN - before, "from {at}");
    }
}

#[test]
fn only_training_examples_come_from_the_source_once_per_epoch() {
    let task = Task::new("");
    let seen = Mutex::new(Vec::new());
    let recorded = |crop: &Crop| {
        seen.lock().unwrap().push((crop.repetition, crop.example));
        Ok(task.in_memory(crop))
    };
    let result = task.train_from(&recorded, 3).unwrap();
    assert_eq!(result.points.len(), 4);
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    let expected: Vec<(u64, usize)> =
        (0..4).flat_map(|pass| (0..TRAIN).map(move |example| (pass, example))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn an_error_of_the_source_ends_the_training_at_its_step() {
    let task = Task::new("");
    let fails = |crop: &Crop| match (crop.repetition, crop.example) {
        (1, 13) => Err("13.wav: it is gone".to_string()),
        _ => Ok(task.in_memory(crop)),
    };
    let mut ends = BTreeSet::new();
    for threads in [1, 3] {
        let mut steps = 0;
        let count = |event: Event<'_>| {
            steps += usize::from(matches!(event, Event::Step { .. }));
            Ok::<(), TrainError>(())
        };
        let stop = AtomicBool::new(false);
        let error = task.train(Some((&fails, threads)), Start::Random, &stop, count).unwrap_err();
        assert_eq!(error.to_string(), "training example 13: 13.wav: it is gone");
        ends.insert(steps);
    }
    // In the second epoch, at the same step for any number of threads.
    assert!(ends.len() == 1 && (7..14).contains(ends.first().unwrap()), "{ends:?}");
}

#[test]
fn frames_that_do_not_fit_the_model_are_an_error() {
    let per_example = Task::new("");
    let per_frame = Task::per_frame("segment_frames = 5");
    for (task, frames, part) in [
        (&per_example, Features::new(2, vec![0.0; 6]), "frames of 2 values, but the model reads 1"),
        (&per_example, Features::new(1, Vec::new()), " 0 frames, but the model takes from 1"),
        (&per_frame, Features::new(1, vec![0.0; 6]), " 6 frames, but 5 are required"),
    ] {
        let error = task.train_from(&|_| Ok(frames.clone()), 2).unwrap_err().to_string();
        assert!(error.starts_with("training example ") && error.contains(part), "{error}");
    }
    // With one label per example, the source may return more or fewer frames.
    let longer = |crop: &Crop| Ok(Features::new(1, vec![0.1; crop.frames + crop.example % 3]));
    assert!(per_example.train_from(&longer, 2).is_ok());
}

#[test]
fn a_panic_of_the_source_ends_the_training() {
    let task = Task::new("");
    for threads in [1, 3] {
        let panics = |crop: &Crop| match (crop.repetition, crop.example) {
            (1, 13) => panic!("intended by the test"),
            _ => Ok(task.in_memory(crop)),
        };
        assert!(catch_unwind(AssertUnwindSafe(|| task.train_from(&panics, threads))).is_err());
    }
}

// That nothing behind the example at hand is made any more is a test of the loader itself.
#[test]
fn a_stop_or_an_error_of_the_report_does_not_wait_for_prepared_batches() {
    let task = Task::new("batch_size = 10");
    let made = |crop: &Crop| Ok(task.in_memory(crop));
    let stop = AtomicBool::new(true);
    let quiet = |_: Event<'_>| Ok::<(), TrainError>(());
    let stopped = task.train(Some((&made, 1)), Start::Random, &stop, quiet).unwrap();
    assert_eq!((stopped.steps, stopped.stopped), (1, true));
    let fail = |event: Event<'_>| match event {
        Event::Step { .. } => Err(TrainError::NoExamples),
        _ => Ok(()),
    };
    let error = task.train(Some((&made, 1)), Start::Random, &AtomicBool::new(false), fail).unwrap_err();
    assert!(matches!(error, TrainError::NoExamples));
}

#[test]
fn only_a_few_batches_are_prepared_ahead() {
    let task = Task::new("epochs = 40");
    let made = AtomicUsize::new(0);
    let counted = |crop: &Crop| {
        made.fetch_add(1, Ordering::Relaxed);
        Ok(task.in_memory(crop))
    };
    let mut max_ahead = 0;
    let slow = |event: Event<'_>| {
        if let Event::Step { step, .. } = event {
            // Four batches of three, however long they take.
            while step <= 2 && made.load(Ordering::Relaxed) < 3 * step + 12 {
                std::thread::sleep(Duration::from_millis(1));
            }
            // A loader without a bound continues meanwhile.
            std::thread::sleep(Duration::from_millis(if step <= 2 { 20 } else { 0 }));
            max_ahead = max_ahead.max(made.load(Ordering::Relaxed).saturating_sub(step * 3));
        }
        Ok::<(), TrainError>(())
    };
    task.train(Some((&counted, 2)), Start::Random, &AtomicBool::new(false), slow).unwrap();
    assert_eq!(max_ahead, 12);
}

#[test]
fn waveform_augmentation_needs_a_source() {
    let mut task = Task::new("");
    task.augment = toml::from_str("[waveform.gain]\ndb = [0.0, 0.0]").unwrap();
    let quiet = |_: Event<'_>| Ok::<(), TrainError>(());
    let error = task.train(None, Start::Random, &AtomicBool::new(false), quiet).unwrap_err().to_string();
    assert!(error.starts_with("augment.waveform = given: changes samples"), "{error}");
    assert!(task.train_from(&|crop| Ok(task.in_memory(crop)), 2).is_ok());
}
