//! Work that must not wait for ever, and what a program could wait for.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Time after which work is taken to wait for ever: far more than any machine needs.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Returns the result of some work that might wait for ever if the code is wrong.
///
/// # Panics
/// If the work panics, or has not ended after [`PATIENCE`].
pub fn finishes<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("the work waits or panicked: {error}"))
}

/// Returns the output of a program that might wait for ever if its code is wrong; what was set of its standard input holds.
///
/// # Panics
/// If it cannot be started, or has not ended after [`PATIENCE`]; then it is killed.
pub fn output(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (id, (sender, receiver)) = (child.id().to_string(), mpsc::channel());
    thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(output) => output.unwrap_or_else(|error| panic!("{command:?}: {error}")),
        Err(_) => {
            let killed = Command::new("kill").args(["-KILL", &id]).status();
            panic!("{command:?} waits; killed: {killed:?}");
        }
    }
}

/// Makes a named pipe.
///
/// # Panics
/// If the system has none.
pub fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo {}", path.display());
}
