//! Progress for people, and Ctrl-C.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error; nothing where that is no terminal.
pub(crate) fn bar(steps: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    let template = "{prefix} [{bar:16}] {pos}/{len} {msg} {eta} left";
    // The template is fixed text; should it not parse, the plain bar does.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A flag that becomes true at the first Ctrl-C; the second one ends the program at once.
pub(crate) fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let handler = move || {
        if seen.swap(true, Ordering::Relaxed) {
            stapes::run::abandon_all();
            std::process::exit(130);
        }
        // Without standard error there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "\nstopping; once more to end at once");
    };
    // Without a handler Ctrl-C ends the program as it does any other.
    let _ = ctrlc::set_handler(handler);
    stop
}
