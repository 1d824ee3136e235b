//! A training resumes from checkpoints.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::task::{Task, same_bits};
use stapes_train::{Checkpoint, Event, Point, Start, TrainingResult};

/// Trains and returns the checkpoints before the first step and after each step.
fn checkpoints(task: &Task) -> (TrainingResult, Vec<Checkpoint>) {
    let mut checkpoints = Vec::new();
    let report = |event: Event<'_>| {
        if let Event::Snapshot { snapshot, .. } = event {
            checkpoints.push(snapshot.to_checkpoint());
        }
        Ok(())
    };
    let result = task.run(&AtomicBool::new(false), report).unwrap();
    (result, checkpoints)
}

#[test]
fn a_training_resumed_from_any_step_gives_the_same_bits() {
    for settings in [
        "optimizer = 'adamw'\nweight_decay = 0.1\nschedule = 'cosine'\nmax_grad_norm = 0.5",
        "optimizer = 'sgd'\nmomentum = 0.9\nvalidate_every_steps = 4",
        "segment_frames = 5\nframes_per_epoch = 170",
        "ema_decay = 0.9\naccumulation_steps = 3\nschedule = { plateau = { patience = 1, factor = 0.5 } }",
        "mixup = 0.5\nlabel_smoothing = 0.1\nclass_weights = 'balanced'\nwarmup_steps = 9",
        "schedule = 'one_cycle'\nlearning_rate = 0.05\npatience = 2",
    ] {
        let task = Task::new(settings);
        let (full, checkpoints) = checkpoints(&task);
        assert_eq!(checkpoints.len(), full.steps + 1);
        for checkpoint in &checkpoints {
            let json = serde_json::to_string(&checkpoint.progress).unwrap();
            let read = Checkpoint { progress: serde_json::from_str(&json).unwrap(), ..checkpoint.clone() };
            assert_eq!(&read, checkpoint);
            let start = Start::Checkpoint(&read);
            let resumed = task.run_from(start, &AtomicBool::new(false), |_| Ok(())).unwrap();
            let step = checkpoint.progress.step;
            assert!(same_bits(&resumed.parameters, &full.parameters), "{settings} from step {step}");
            assert!(same_bits(&resumed.last, &full.last), "{settings} from step {step}");
            let points = |result: &TrainingResult| -> Vec<Point> {
                result.points.iter().map(|point| Point { seconds: 0.0, ..*point }).collect()
            };
            assert_eq!(points(&resumed), points(&full), "{settings} from step {step}");
            assert_eq!((resumed.steps, resumed.best.step), (full.steps, full.best.step));
        }
    }
}

#[test]
fn the_final_validation_of_a_stopped_training_is_not_in_the_checkpoint() {
    let (stop, mut last) = (AtomicBool::new(false), None);
    let task = Task::new("");
    let stopped = task.run(&stop, |event| {
        stop.fetch_or(matches!(event, Event::Step { step: 8, .. }), Ordering::Relaxed);
        if let Event::Snapshot { snapshot, .. } = event {
            last = Some(snapshot.to_checkpoint());
        }
        Ok(())
    });
    assert_eq!(stopped.unwrap().points.last().unwrap().step, 8);
    let start = last.unwrap();
    let resumed = task.run_from(Start::Checkpoint(&start), &AtomicBool::new(false), |_| Ok(())).unwrap();
    let full = task.train();
    assert!(same_bits(&resumed.last, &full.last) && same_bits(&resumed.parameters, &full.parameters));
    assert_eq!(resumed.points.len(), full.points.len());
}

#[test]
fn a_checkpoint_of_another_training_is_an_error() {
    let (_, checkpoints) = checkpoints(&Task::new(""));
    for settings in ["optimizer = 'sgd'", "optimizer = 'sgd'\nmomentum = 0.9"] {
        let start = Start::Checkpoint(&checkpoints[2]);
        let error = Task::new(settings).run_from(start, &AtomicBool::new(false), |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("values of optimizer."), "{error}");
    }
}
