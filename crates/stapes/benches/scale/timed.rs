//! A communicator that measures the parts of a step.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stapes::train::Communicator;

/// Times and messages of a step.
#[derive(Default)]
pub(crate) struct Times {
    losses: Duration,
    gradients: Duration,
    messages: usize,
    bytes: usize,
}

impl Times {
    pub(crate) fn to_json(&self, step: Duration) -> Value {
        let [step, losses, gradients] =
            [step, self.losses, self.gradients].map(|time| time.as_secs_f64() * 1e3);
        json!({"step": step, "losses": losses, "gradients": gradients, "messages": self.messages, "bytes": self.bytes})
    }
}

/// Communicator that measures another one. Messages are those with gradients.
pub(crate) struct Timed<'a> {
    communicator: &'a dyn Communicator,
    times: Mutex<Times>,
}

impl<'a> Timed<'a> {
    pub(crate) fn new(communicator: &'a dyn Communicator) -> Timed<'a> {
        Timed { communicator, times: Mutex::default() }
    }

    /// Returns the times since the last call.
    pub(crate) fn take(&self) -> Times {
        std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn gradients(&self, sent: usize, call: impl FnOnce()) {
        let start = Instant::now();
        call();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.gradients += start.elapsed();
        times.messages += usize::from(sent > 0);
        times.bytes += 4 * sent;
    }
}

impl Communicator for Timed<'_> {
    fn rank(&self) -> usize {
        self.communicator.rank()
    }

    fn size(&self) -> usize {
        self.communicator.size()
    }

    fn send(&self, values: &[f32], to: usize) {
        self.gradients(values.len(), || self.communicator.send(values, to));
    }

    fn receive(&self, values: &mut [f32], from: usize) {
        self.gradients(0, || self.communicator.receive(values, from));
    }

    fn send_receive(&self, sent: &[f32], received: &mut [f32], partner: usize) {
        self.gradients(sent.len(), || self.communicator.send_receive(sent, received, partner));
    }

    fn broadcast(&self, values: &mut [f32]) {
        let sent = if self.rank() == 0 && self.size() > 1 { values.len() } else { 0 };
        self.gradients(sent, || self.communicator.broadcast(values));
    }

    fn all_gather(&self, message: &[u8]) -> Vec<Vec<u8>> {
        let start = Instant::now();
        let all = self.communicator.all_gather(message);
        self.times.lock().unwrap_or_else(PoisonError::into_inner).losses += start.elapsed();
        all
    }
}
