//! Progress bars and Ctrl-C.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// True if no progress bars are wanted.
static HIDDEN: AtomicBool = AtomicBool::new(false);

/// Hides all progress bars from here on, or shows them.
pub(crate) fn set_hidden(hidden: bool) {
    HIDDEN.store(hidden, Ordering::Relaxed);
}

/// Returns a progress bar on standard error; it is hidden without a terminal.
pub(crate) fn bar(steps: usize, task: &'static str) -> ProgressBar {
    if HIDDEN.load(Ordering::Relaxed) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(steps as u64);
    let template = "{prefix} [{bar:16}] {pos}/{len} {msg} {eta} left";
    // The template is a constant; if it did not parse, the default style would remain.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(task);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Line of a terminal with the level of a sound; hidden without a terminal.
pub(crate) struct LevelMeter(ProgressBar);

/// Lowest level that is shown, dBFS.
const LOWEST_DB: f64 = -60.0;

/// Returns a level meter on standard error.
pub(crate) fn level_meter() -> LevelMeter {
    let bar = bar(-LOWEST_DB as usize, "level");
    if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    LevelMeter(bar)
}

impl LevelMeter {
    /// Shows a level in dBFS, and a text beside it.
    pub(crate) fn show(&self, level_db: f64, text: &str) {
        let level_db = level_db.clamp(LOWEST_DB, 0.0);
        self.0.set_position((level_db - LOWEST_DB) as u64);
        self.0.set_message(format!("{level_db:4.0} dBFS  {text}"));
    }

    /// Hides the line while something is printed.
    pub(crate) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.0.suspend(print)
    }
}

impl Drop for LevelMeter {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// True while there is nothing to save, and a loop may run long without looking at the flag of [`stop_on_interrupt`].
static IMMEDIATE: AtomicBool = AtomicBool::new(true);

/// Makes the first Ctrl-C set the flag of [`stop_on_interrupt`]: from here on a training keeps its result so far.
pub(crate) fn keep_on_interrupt() {
    IMMEDIATE.store(false, Ordering::Relaxed);
}

/// Makes the first Ctrl-C end the program again.
pub(crate) fn end_on_interrupt() {
    IMMEDIATE.store(true, Ordering::Relaxed);
}

/// Flag of the last call of [`stop_on_interrupt`].
static STOP: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// Returns a flag that becomes true at the first Ctrl-C after [`keep_on_interrupt`]; the second one ends the program
/// immediately, as does every Ctrl-C before.
pub(crate) fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    *STOP.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&stop));
    let handler = || {
        let stop = STOP.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let again = stop.is_none_or(|stop| stop.swap(true, Ordering::Relaxed));
        if again || IMMEDIATE.load(Ordering::Relaxed) {
            stapes::run::abandon_all();
            std::process::exit(130);
        }
        // A failure of standard error cannot be reported.
        let _ = writeln!(std::io::stderr(), "\nstopping; press Ctrl-C again to end immediately");
    };
    // Without a handler, Ctrl-C ends the program; a handler of an earlier call in this process is the same.
    let _ = ctrlc::set_handler(handler);
    stop
}
