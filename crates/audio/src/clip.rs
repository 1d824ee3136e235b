//! A recording in memory.

/// Mono recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Samples, nominally in [-1, 1]; a 16-bit sample x is exactly x / 32768. Float files may exceed this range.
    pub samples: Vec<f32>,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

impl Clip {
    /// Returns the duration in seconds.
    ///
    /// # Example
    /// ```
    /// let clip = stapes_audio::Clip { samples: vec![0.0; 4000], sample_rate_hz: 8000 };
    /// assert_eq!(clip.seconds(), 0.5);
    /// ```
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }
}

/// Returns true if all samples are finite, without a branch per sample.
#[cfg(any(feature = "decode", feature = "resample"))]
pub(crate) fn are_finite(samples: &[f32]) -> bool {
    samples.iter().fold(true, |finite, sample| finite & sample.is_finite())
}
