//! A training goes on from what was written down.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::task::{Task, same_bits};
use stapes_train::{Checkpoint, Event, Point, Start, Trained};

/// The checkpoint behind each step.
fn checkpoints(task: &Task) -> (Trained, Vec<Checkpoint>) {
    let mut checkpoints = Vec::new();
    let report = |event: Event<'_>| {
        if let Event::Between { snapshot, .. } = event {
            checkpoints.push(snapshot.to_checkpoint());
        }
        Ok(())
    };
    let trained = task.run(&AtomicBool::new(false), report).unwrap();
    (trained, checkpoints)
}

#[test]
fn a_training_goes_on_from_any_step_to_the_same_bits() {
    for changes in [
        "optimiser = 'adamw'\nweight_decay = 0.1\nschedule = 'cosine'\nclip_norm = 0.5",
        "optimiser = 'sgd'\nmomentum = 0.9\nvalidate_every_steps = 4",
        "segment_frames = 5\nframes_per_epoch = 170",
        "average_decay = 0.9\naccumulate = 3\nschedule = { plateau = { patience = 1, factor = 0.5 } }",
        "mixup = 0.5\nlabel_smoothing = 0.1\nclass_weights = 'balanced'\nwarmup_steps = 9",
        "schedule = 'one_cycle'\nlearning_rate = 0.05\npatience = 2",
    ] {
        let task = Task::new(changes);
        let (whole, checkpoints) = checkpoints(&task);
        assert_eq!(checkpoints.len(), whole.steps + 1);
        for checkpoint in &checkpoints {
            let json = serde_json::to_string(&checkpoint.progress).unwrap();
            let read = Checkpoint { progress: serde_json::from_str(&json).unwrap(), ..checkpoint.clone() };
            assert_eq!(&read, checkpoint);
            let start = Start::Checkpoint(&read);
            let resumed = task.run_from(start, &AtomicBool::new(false), |_| Ok(())).unwrap();
            let step = checkpoint.progress.step;
            assert!(same_bits(&resumed.parameters, &whole.parameters), "{changes} from step {step}");
            assert!(same_bits(&resumed.last, &whole.last), "{changes} from step {step}");
            let figures = |trained: &Trained| -> Vec<Point> {
                trained.points.iter().map(|point| Point { seconds: 0.0, ..*point }).collect()
            };
            assert_eq!(figures(&resumed), figures(&whole), "{changes} from step {step}");
            assert_eq!((resumed.steps, resumed.best.step), (whole.steps, whole.best.step));
        }
    }
}

#[test]
fn what_a_stop_adds_is_not_in_the_checkpoint() {
    let (stop, mut last) = (AtomicBool::new(false), None);
    let task = Task::new("");
    let stopped = task.run(&stop, |event| {
        stop.fetch_or(matches!(event, Event::Step { step: 8, .. }), Ordering::Relaxed);
        if let Event::Between { snapshot, .. } = event {
            last = Some(snapshot.to_checkpoint());
        }
        Ok(())
    });
    assert_eq!(stopped.unwrap().points.last().unwrap().step, 8);
    let start = last.unwrap();
    let resumed = task.run_from(Start::Checkpoint(&start), &AtomicBool::new(false), |_| Ok(())).unwrap();
    let whole = task.trained();
    assert!(same_bits(&resumed.last, &whole.last) && same_bits(&resumed.parameters, &whole.parameters));
    assert_eq!(resumed.points.len(), whole.points.len());
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let (_, checkpoints) = checkpoints(&Task::new(""));
    for changes in ["optimiser = 'sgd'", "optimiser = 'sgd'\nmomentum = 0.9"] {
        let start = Start::Checkpoint(&checkpoints[2]);
        let error = Task::new(changes).run_from(start, &AtomicBool::new(false), |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("numbers of optimiser."), "{error}");
    }
}
