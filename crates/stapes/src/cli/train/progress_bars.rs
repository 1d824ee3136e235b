//! Progress bars of a run, and its validations as JSON lines.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use stapes::report::visible;
use stapes::train::{Point, Validation};
use stapes::{Event, Experiment};

use super::super::console::{Console, duration, percent, thousands};
use super::super::progress;

/// Progress bars of a run, and its validations as JSON lines.
pub(crate) struct Bars<'a> {
    console: &'a Console,
    bar: Mutex<ProgressBar>,
    accuracy: Mutex<String>,
    /// Number of steps of the training.
    steps: AtomicUsize,
}

impl Bars<'_> {
    /// Returns bars that appear with the first progress.
    pub(crate) fn new(console: &Console) -> Bars<'_> {
        Bars {
            console,
            bar: Mutex::new(ProgressBar::hidden()),
            accuracy: Mutex::default(),
            steps: AtomicUsize::new(0),
        }
    }

    /// Shows the bar of a task at `done` of `steps` steps.
    fn show(&self, task: &'static str, steps: usize, done: usize, message: String) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if bar.prefix() != task || bar.is_finished() {
            bar.finish_and_clear();
            *bar = progress::bar(steps, task);
        }
        bar.set_length(steps as u64);
        bar.set_position(done as u64);
        bar.set_message(message);
        if done == steps {
            bar.finish_and_clear();
        }
    }
}

impl Bars<'_> {
    /// Shows an event.
    pub(crate) fn on_event(&self, event: Event<'_>) {
        match event {
            Event::Opened(experiment) => {
                progress::keep_on_interrupt();
                self.console.status(&format!("{}\n{}", visible(&experiment.recipe.title), sizes(experiment)));
                experiment.notes().iter().for_each(|note| self.console.warning(&note.to_string()));
                if let Some(warning) = experiment.recipe.feature_warning() {
                    self.console.warning(&warning);
                }
            }
            Event::Checked { done, total } => self.show("files", total, done, String::new()),
            Event::Loaded { done, total } => self.show("features", total, done, String::new()),
            Event::Skipped(files) => self.console.skipped(files),
            Event::Training(event) => self.on_training(event),
            Event::Warning(text) => self.console.warning(text),
            Event::Message(text) => self.console.status(&visible(text)),
            _ => {}
        }
    }

    fn on_training(&self, event: &stapes::train::Event<'_>) {
        use stapes::train::Event;
        let mut accuracy = self.accuracy.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Step { step, steps, loss } => {
                let loss = if *loss < 1e6 { format!("{loss:.3}") } else { format!("{loss:.1e}") };
                self.steps.store(*steps, Ordering::Relaxed);
                self.show("training", *steps, *step, format!("loss {loss} {accuracy}"));
            }
            Event::Validated { point, .. } => {
                let validation = point.validation.map(|validation| validation.accuracy);
                *accuracy =
                    validation.map(|value| format!("validation {}", percent(value))).unwrap_or_default();
                self.console.json(&serde_json::json!({ "event": "validation", "point": point }));
                let line = validation_line(point, self.steps.load(Ordering::Relaxed));
                let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
                bar.suspend(|| self.console.status(&line));
            }
            _ => {}
        }
    }
}

impl Drop for Bars<'_> {
    fn drop(&mut self) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).finish_and_clear();
    }
}

/// Describes a validation and the time that is left.
fn validation_line(point: &Point, steps: usize) -> String {
    let mut line = format!("step {} of {steps}: training loss {:.4}", point.step, point.train_loss);
    if let Some(Validation { loss, accuracy }) = point.validation {
        line += &format!(", validation loss {loss:.4}, accuracy {}", percent(accuracy));
    }
    line += &format!("; {}", duration(point.seconds));
    let left = steps.saturating_sub(point.step) as f64 * point.seconds / point.step.max(1) as f64;
    if left > 0.0 {
        line += &format!(", {} left", duration(left));
    }
    line
}

/// Describes the number of classes and examples.
fn sizes(experiment: &Experiment) -> String {
    let split = &experiment.split;
    format!(
        "{} classes; {} training, {} validation and {} test examples; seed {}",
        experiment.dataset.classes.len(),
        thousands(split.train.len() as u64),
        thousands(split.validation.len() as u64),
        thousands(split.test.len() as u64),
        experiment.recipe.seed,
    )
}
