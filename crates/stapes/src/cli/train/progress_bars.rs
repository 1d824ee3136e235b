//! Progress bars of a run, and its validations as JSON lines.

use std::io::IsTerminal;
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
    /// False if bars are hidden, as in a log; then each validation is a line.
    has_terminal: bool,
}

impl Bars<'_> {
    /// Returns bars that appear with the first progress.
    pub(crate) fn new(console: &Console) -> Bars<'_> {
        let has_terminal = std::io::stderr().is_terminal();
        Bars { console, bar: Mutex::new(ProgressBar::hidden()), accuracy: Mutex::default(), has_terminal }
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
                self.console.eprint(&format!("{}\n{}", visible(&experiment.recipe.title), sizes(experiment)));
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
            Event::Message(text) => self.console.eprint(&visible(text)),
            _ => {}
        }
    }

    fn on_training(&self, event: &stapes::train::Event<'_>) {
        use stapes::train::Event;
        let mut accuracy = self.accuracy.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Step { step, steps, loss } => {
                let loss = if *loss < 1e6 { format!("{loss:.3}") } else { format!("{loss:.1e}") };
                self.show("training", *steps, *step, format!("loss {loss} {accuracy}"));
            }
            Event::Validated { point, .. } => {
                let validation = point.validation.map(|validation| validation.accuracy);
                *accuracy =
                    validation.map(|value| format!("validation {}", percent(value))).unwrap_or_default();
                self.console.json(&serde_json::json!({ "event": "validation", "point": point }));
                if !self.has_terminal {
                    self.console.eprint(&validation_line(point));
                }
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

/// Describes a validation for a log without progress bars.
fn validation_line(point: &Point) -> String {
    let mut line = format!("step {}: training loss {:.4}", point.step, point.train_loss);
    if let Some(Validation { loss, accuracy }) = point.validation {
        line += &format!(", validation loss {loss:.4}, accuracy {}", percent(accuracy));
    }
    line + &format!(", {}", duration(point.seconds))
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
