//! Training from a source of frames: the same bits whatever the threads, in order, and never past an error.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use stapes_data::AugmentConfig;
use stapes_features::Features;
use stapes_nn::ModelConfig;
use stapes_nn::layer::Shape;
use stapes_random::Stream;
use stapes_train::{
    Alone, Cut, Event, Examples, FrameSource, FrameWorker, Labels, Loading, Start, TrainConfig, TrainError,
    Trained, Trainer, train,
};

type Make<'a> = dyn Fn(&Cut) -> Result<Features, String> + Sync + 'a;

/// A source that is one function, for every thread.
struct Made<'a>(&'a Make<'a>);

impl FrameSource for Made<'_> {
    fn worker(&self) -> FrameWorker<'_> {
        Box::new(|cut| (self.0)(cut))
    }
}

/// Twenty examples to fit and six to validate on, of two classes.
struct Task {
    model: ModelConfig,
    config: TrainConfig,
    augment: AugmentConfig,
    features: Vec<Features>,
    classes: Vec<usize>,
    frame_classes: Vec<Vec<usize>>,
    of_frames: bool,
}

const TRAIN: usize = 20;

impl Task {
    fn new(changes: &str) -> Task {
        let features = |index: usize| {
            let value = |t| ((t * (1 + 2 * (index % 2)) + index) as f32 * 0.5).sin();
            Features::new(1, (0..8 + index % 5).map(value).collect())
        };
        let features: Vec<Features> = (0..26).map(features).collect();
        let frame_classes = |features: &Features| {
            (0..features.frames()).map(|t| usize::from(features.values()[t] > 0.0)).collect()
        };
        let mut config: toml::Table = toml::from_str("batch = 3\nepochs = 4").unwrap();
        config.extend(toml::from_str::<toml::Table>(changes).unwrap());
        let augment = "[jitter]\ndeviation = 0.1\n[shift]\nframes = 1";
        Task {
            model: toml::from_str("[recurrent]\ncell = 'gru'\nhidden = 6\nhead_dropout = 0.2").unwrap(),
            config: config.try_into().unwrap(),
            augment: toml::from_str(augment).unwrap(),
            frame_classes: features.iter().map(frame_classes).collect(),
            features,
            classes: (0..26).map(|index| index % 2).collect(),
            of_frames: false,
        }
    }

    /// With a label for each frame.
    fn of_frames(changes: &str) -> Task {
        let model = "[recurrent]\ncell = 'gru'\nhidden = 6\nhead = 'per_frame'";
        Task { model: toml::from_str(model).unwrap(), of_frames: true, ..Task::new(changes) }
    }

    fn train<E: From<TrainError>>(
        &self,
        source: Option<(&Make<'_>, usize)>,
        start: Start<'_>,
        stop: &AtomicBool,
        report: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<Trained, E> {
        let examples = |from: usize, to: usize| {
            let labels = match self.of_frames {
                true => Labels::Frames(&self.frame_classes[from..to]),
                false => Labels::Examples(&self.classes[from..to]),
            };
            Examples::new(&self.features[from..to], labels)
        };
        let made = source.map(|(make, threads)| (Made(make), threads));
        let trainer = Trainer {
            model: &self.model,
            input: Shape::frames(1),
            classes: 2,
            config: &self.config,
            train: examples(0, TRAIN)?,
            source: made.as_ref().map(|(source, threads)| Loading { source, threads: *threads }),
            validation: examples(TRAIN, 26)?,
            augment: Some(&self.augment),
            start,
            seed: 1,
            team: &Alone,
        };
        train(&trainer, stop, report)
    }

    fn trained(&self, make: &Make<'_>, threads: usize) -> Result<Trained, TrainError> {
        self.train(Some((make, threads)), Start::Drawn, &AtomicBool::new(false), |_| Ok(()))
    }

    /// The frames in memory, as a source gives them.
    fn in_memory(&self, cut: &Cut) -> Features {
        let values = &self.features[cut.example].values()[cut.first..cut.first + cut.frames];
        Features::new(1, values.to_vec())
    }

    /// Other frames each pass, made after a while that differs.
    fn changed(&self, cut: &Cut) -> Result<Features, String> {
        let mut stream = Stream::numbered(7, "changed", [cut.pass, cut.example as u64]);
        std::thread::sleep(Duration::from_micros(stream.below(300) as u64));
        let values = self.in_memory(cut).values().iter().map(|value| value + stream.symmetric(0.5)).collect();
        Ok(Features::new(1, values))
    }
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn a_source_of_the_frames_in_memory_trains_to_the_same_bits_as_memory() {
    for task in
        [Task::new("segment_frames = 5"), Task::new("accumulate = 2"), Task::of_frames("segment_frames = 5")]
    {
        let memory =
            task.train::<TrainError>(None, Start::Drawn, &AtomicBool::new(false), |_| Ok(())).unwrap();
        let source = task.trained(&|cut| Ok(task.in_memory(cut)), 2).unwrap();
        assert!(same_bits(&memory.last, &source.last));
        assert_eq!((memory.waited_seconds, memory.steps), (0.0, source.steps));
        assert!(source.waited_seconds > 0.0 && source.waited_seconds < source.training_seconds);
        let other = task.trained(&|cut| task.changed(cut), 2).unwrap();
        assert!(!same_bits(&memory.last, &other.last));
    }
}

#[test]
fn the_result_is_the_same_bits_whatever_the_number_of_loader_threads() {
    let task = Task::new("");
    let one = task.trained(&|cut| task.changed(cut), 1).unwrap();
    for threads in [2, 3, 9] {
        let other = task.trained(&|cut| task.changed(cut), threads).unwrap();
        assert!(same_bits(&one.last, &other.last), "{threads} threads");
        assert!(same_bits(&one.parameters, &other.parameters), "{threads} threads");
    }
}

#[test]
fn a_resumed_training_goes_on_with_the_batch_that_is_due() {
    let task = Task::new("epochs = 3");
    let whole = task.trained(&|cut| task.changed(cut), 2).unwrap();
    for at in [1, 7, 11] {
        let mut saved = None;
        let stop = AtomicBool::new(false);
        let keep = |event: Event<'_>| {
            if let Event::Between { snapshot, .. } = event
                && snapshot.progress.step == at
            {
                saved = Some(snapshot.to_checkpoint());
                stop.store(true, Ordering::Relaxed);
            }
            Ok::<(), TrainError>(())
        };
        let make = |cut: &Cut| task.changed(cut);
        let stopped = task.train(Some((&make, 2)), Start::Drawn, &stop, keep).unwrap();
        // The stop is seen behind the step that follows.
        assert!(stopped.stopped && stopped.steps == at + 1);
        let mut saved = saved.unwrap();
        // More than any part of this training can wait: what was waited before must be counted.
        saved.progress.waiting_seconds = 1000.0;
        let seen = Mutex::new(BTreeSet::new());
        let watched = |cut: &Cut| {
            seen.lock().unwrap().insert((cut.pass, cut.example));
            task.changed(cut)
        };
        let go_on = Start::Checkpoint(&saved);
        let quiet = |_: Event<'_>| Ok::<(), TrainError>(());
        let resumed = task.train(Some((&watched, 3)), go_on, &AtomicBool::new(false), quiet).unwrap();
        assert!(same_bits(&whole.last, &resumed.last), "from {at}");
        assert!(resumed.waited_seconds >= 1000.0, "{}", resumed.waited_seconds);
        // What came before is not made again: 7 batches a pass, the last of 2.
        let before = at / 7 * TRAIN + at % 7 * 3;
        assert_eq!(seen.lock().unwrap().len(), 3 * TRAIN - before, "from {at}");
    }
}

#[test]
fn only_training_examples_come_from_the_source_each_once_a_pass() {
    let task = Task::new("");
    let seen = Mutex::new(Vec::new());
    let watched = |cut: &Cut| {
        seen.lock().unwrap().push((cut.pass, cut.example));
        Ok(task.in_memory(cut))
    };
    let trained = task.trained(&watched, 3).unwrap();
    assert_eq!(trained.points.len(), 4);
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    let expected: Vec<(u64, usize)> =
        (0..4).flat_map(|pass| (0..TRAIN).map(move |example| (pass, example))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn an_example_without_frames_ends_the_training_at_its_step_by_its_name() {
    let task = Task::new("");
    let fails = |cut: &Cut| match (cut.pass, cut.example) {
        (1, 13) => Err("13.wav: it is gone".to_string()),
        _ => Ok(task.in_memory(cut)),
    };
    let mut ends = BTreeSet::new();
    for threads in [1, 3] {
        let mut steps = 0;
        let count = |event: Event<'_>| {
            steps += usize::from(matches!(event, Event::Step { .. }));
            Ok::<(), TrainError>(())
        };
        let stop = AtomicBool::new(false);
        let error = task.train(Some((&fails, threads)), Start::Drawn, &stop, count).unwrap_err();
        assert_eq!(error.to_string(), "training example 13: 13.wav: it is gone");
        ends.insert(steps);
    }
    // In the second pass, at the same step whatever the threads.
    assert!(ends.len() == 1 && (7..14).contains(ends.first().unwrap()), "{ends:?}");
}

#[test]
fn frames_that_the_model_does_not_read_are_an_error() {
    let of_examples = Task::new("");
    let of_frames = Task::of_frames("segment_frames = 5");
    for (task, frames, part) in [
        (&of_examples, Features::new(2, vec![0.0; 6]), "frames of 2 values, and the model reads 1"),
        (&of_examples, Features::new(1, Vec::new()), ": 0 frames, and the model takes from 1"),
        (&of_frames, Features::new(1, vec![0.0; 6]), ": 6 frames, and there must be 5"),
    ] {
        let error = task.trained(&|_| Ok(frames.clone()), 2).unwrap_err().to_string();
        assert!(error.starts_with("training example ") && error.contains(part), "{error}");
    }
    // Where a whole example has one label, its source may give more or fewer frames.
    let longer = |cut: &Cut| Ok(Features::new(1, vec![0.1; cut.frames + cut.example % 3]));
    assert!(of_examples.trained(&longer, 2).is_ok());
}

#[test]
fn a_source_that_panics_ends_the_training_and_does_not_hang() {
    let task = Task::new("");
    for threads in [1, 3] {
        let panics = |cut: &Cut| match (cut.pass, cut.example) {
            (1, 13) => panic!("as the test wants it"),
            _ => Ok(task.in_memory(cut)),
        };
        assert!(catch_unwind(AssertUnwindSafe(|| task.trained(&panics, threads))).is_err());
    }
}

// That nothing behind the example at hand is made any more is a test of the loader itself.
#[test]
fn a_stop_or_an_error_of_the_report_does_not_wait_for_the_queue() {
    let task = Task::new("batch = 10");
    let made = |cut: &Cut| Ok(task.in_memory(cut));
    let stop = AtomicBool::new(true);
    let quiet = |_: Event<'_>| Ok::<(), TrainError>(());
    let stopped = task.train(Some((&made, 1)), Start::Drawn, &stop, quiet).unwrap();
    assert_eq!((stopped.steps, stopped.stopped), (1, true));
    let refuse = |event: Event<'_>| match event {
        Event::Step { .. } => Err(TrainError::NoExamples),
        _ => Ok(()),
    };
    let error = task.train(Some((&made, 1)), Start::Drawn, &AtomicBool::new(false), refuse).unwrap_err();
    assert!(matches!(error, TrainError::NoExamples));
}

#[test]
fn no_more_than_a_few_batches_are_made_ahead() {
    let task = Task::new("epochs = 40");
    let made = AtomicUsize::new(0);
    let counted = |cut: &Cut| {
        made.fetch_add(1, Ordering::Relaxed);
        Ok(task.in_memory(cut))
    };
    let mut most = 0;
    let slow = |event: Event<'_>| {
        if let Event::Step { step, .. } = event {
            // Four batches of three, however long they take.
            while step <= 2 && made.load(Ordering::Relaxed) < 3 * step + 12 {
                std::thread::sleep(Duration::from_millis(1));
            }
            // A loader without a bound goes on meanwhile.
            std::thread::sleep(Duration::from_millis(if step <= 2 { 20 } else { 0 }));
            most = most.max(made.load(Ordering::Relaxed).saturating_sub(step * 3));
        }
        Ok::<(), TrainError>(())
    };
    task.train(Some((&counted, 2)), Start::Drawn, &AtomicBool::new(false), slow).unwrap();
    assert_eq!(most, 12);
}

#[test]
fn augmentation_of_waveforms_needs_a_source() {
    let mut task = Task::new("");
    task.augment = toml::from_str("[waveform.gain]\ndb = [0.0, 0.0]").unwrap();
    let quiet = |_: Event<'_>| Ok::<(), TrainError>(());
    let error = task.train(None, Start::Drawn, &AtomicBool::new(false), quiet).unwrap_err().to_string();
    assert!(error.starts_with("augment.waveform = given: changes samples"), "{error}");
    assert!(task.trained(&|cut| Ok(task.in_memory(cut)), 2).is_ok());
}
