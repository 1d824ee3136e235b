//! A recording in memory.

/// A mono recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Samples in [-1, 1]; a 16-bit sample x is exactly x / 32768.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub sample_rate_hz: u32,
}

impl Clip {
    /// How long the recording is, in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }
}
