//! Progress bars of a run, and its validations as JSON lines.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use stapes::report::visible;
use stapes::train::Event;
use stapes::{Experiment, Progress};

use super::super::console::{Console, percent, thousands};
use super::super::progress;

/// Progress bars of a run, and its validations as JSON lines.
pub(crate) struct Bars<'a> {
    console: &'a Console,
    bar: Mutex<ProgressBar>,
    accuracy: Mutex<String>,
}

impl Bars<'_> {
    /// Returns bars that appear with the first progress.
    pub(crate) fn new(console: &Console) -> Bars<'_> {
        Bars { console, bar: Mutex::new(ProgressBar::hidden()), accuracy: Mutex::default() }
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

impl Progress for Bars<'_> {
    fn on_open(&self, experiment: &Experiment) {
        self.console.eprint(&format!("{}\n{}", visible(&experiment.recipe.title), sizes(experiment)));
        experiment.notes().iter().for_each(|note| self.on_warning(&note.to_string()));
        if let Some(warning) = experiment.recipe.feature_warning() {
            self.on_warning(&warning);
        }
    }

    fn on_warning(&self, text: &str) {
        self.console.warning(text);
    }

    fn on_load(&self, done: usize, of: usize) {
        self.show("features", of, done, String::new());
    }

    fn on_check(&self, done: usize, of: usize) {
        self.show("files", of, done, String::new());
    }

    fn on_skipped(&self, files: &[(PathBuf, String)]) {
        self.console.skipped(files);
    }

    fn on_event(&self, event: &Event<'_>) {
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
            }
            _ => {}
        }
    }

    fn on_message(&self, text: &str) {
        self.console.eprint(&visible(text));
    }
}

impl Drop for Bars<'_> {
    fn drop(&mut self) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).finish_and_clear();
    }
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
