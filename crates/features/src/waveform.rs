//! Raw samples as features, for nets that learn their own front end.

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::settings::Table;
use crate::stream::{Cut, all_finite};
use crate::{Extractor, FeatureError, Uncentred};

/// The samples themselves, cut into frames: frame t holds samples t hop_length to t hop_length + frame_length.
///
/// There are 1 + (L - frame_length) / hop_length frames; samples after the last whole frame are left out. With
/// the default of one sample a frame the features are the whole waveform \[L, 1\], the input of a convolution
/// along time with one channel.
///
/// # Shapes
/// samples \[L\] -> \[T, frame_length\]
///
/// # Units
/// those of the samples: [-1, 1] at scale `unit`
///
/// # Example
/// ```
/// use stapes_features::{Extractor, WaveformConfig};
///
/// let samples = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6f32];
/// let frames = WaveformConfig { frame_length: 3, hop_length: 2 }.init()?.extract(&samples)?;
/// assert_eq!((frames.frames(), frames.frame(1)), (2, &[0.3, 0.4, 0.5][..]));
/// let whole = WaveformConfig::default().init()?.extract(&samples)?;
/// assert_eq!((whole.frames(), whole.width()), (6, 1));
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaveformConfig {
    /// Length of a frame, samples.
    pub frame_length: usize,
    /// From one frame to the next, samples.
    pub hop_length: usize,
}

impl Default for WaveformConfig {
    fn default() -> WaveformConfig {
        WaveformConfig { frame_length: 1, hop_length: 1 }
    }
}

pub(crate) const SETTINGS: Table = &[
    ("frame_length", "samples", "length of a frame"),
    ("hop_length", "samples", "from one frame to the next"),
];

/// A longer frame would be a typing error.
const LONGEST_FRAME: usize = 1 << 22;
/// A clip's features take at most so many times its own memory.
const MOST_OVERLAP: usize = 256;

impl WaveformConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest choice.
    pub fn check(&self) -> Result<(), FeatureError> {
        if !(1..=LONGEST_FRAME).contains(&self.frame_length) {
            let nearest = self.frame_length.clamp(1, LONGEST_FRAME);
            let rule = format!("must be within 1..={LONGEST_FRAME}; use {nearest}");
            return Err(FeatureError::setting("frame_length", self.frame_length, rule));
        }
        let least = self.frame_length.div_ceil(MOST_OVERLAP);
        if self.hop_length < least {
            let rule = format!("must be at least {least}, 1/{MOST_OVERLAP} of frame_length; use {least}");
            return Err(FeatureError::setting("hop_length", self.hop_length, rule));
        }
        Ok(())
    }

    /// The extractor of these settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`WaveformConfig::check`].
    pub fn init(&self) -> Result<Waveform, FeatureError> {
        self.check()?;
        Ok(Waveform { length: self.frame_length, hop: self.hop_length })
    }

    /// The same for samples that arrive piece by piece.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`WaveformConfig::check`].
    pub fn stream<S: Sample>(&self) -> Result<Uncentred<Waveform, S>, FeatureError> {
        let cut = Cut { length: self.frame_length, hop: self.hop_length, pad: 0 };
        Ok(Uncentred::new(self.init()?, cut))
    }
}

/// Cuts raw samples into frames; made by [`WaveformConfig::init`].
#[derive(Clone, Debug)]
pub struct Waveform {
    length: usize,
    hop: usize,
}

impl<S: Sample> Extractor<S> for Waveform {
    fn width(&self) -> usize {
        self.length
    }

    fn frames_for(&self, samples: usize) -> usize {
        samples.checked_sub(self.length).map_or(0, |room| 1 + room / self.hop)
    }

    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError> {
        if samples.len() < self.length {
            return Err(FeatureError::TooShort { samples: samples.len(), needed: self.length });
        }
        all_finite(samples, 0)?;
        let frames = samples.windows(self.length).step_by(self.hop);
        let count = frames.len();
        values.clear();
        values.reserve(count * self.length);
        if self.hop == self.length {
            values.extend_from_slice(&samples[..count * self.length]);
        } else {
            frames.for_each(|frame| values.extend_from_slice(frame));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_its_part_of_the_samples() {
        for (frame_length, hop_length) in [(1, 1), (5, 2), (5, 5), (2, 7), (40, 1)] {
            let mut waveform = WaveformConfig { frame_length, hop_length }.init().unwrap();
            for length in [frame_length, frame_length + 1, 57, 100] {
                let samples: Vec<f32> = (0..length).map(|n| n as f32).collect();
                let features = waveform.extract(&samples).unwrap();
                assert_eq!(features.frames(), (length - frame_length) / hop_length + 1);
                assert_eq!(features.frames(), Extractor::<f32>::frames_for(&waveform, length));
                for t in 0..features.frames() {
                    assert_eq!(*features.frame(t), samples[t * hop_length..t * hop_length + frame_length]);
                }
            }
        }
    }

    #[test]
    fn bad_clips_and_settings_are_errors() {
        let mut waveform = WaveformConfig { frame_length: 4, hop_length: 2 }.init().unwrap();
        assert_eq!(waveform.extract(&[0.5f32; 3]), Err(FeatureError::TooShort { samples: 3, needed: 4 }));
        assert_eq!(Extractor::<f32>::frames_for(&waveform, 3), 0);
        let error = waveform.extract(&[0.0, 0.0, 0.0, f64::INFINITY, 0.0]).unwrap_err();
        assert_eq!(error, FeatureError::NotFinite { sample: 3, value: f64::INFINITY });
        let refused = |frame_length, hop_length| {
            WaveformConfig { frame_length, hop_length }.check().unwrap_err().to_string()
        };
        assert_eq!(refused(0, 1), "frame_length = 0: must be within 1..=4194304; use 1");
        assert_eq!(refused(400, 0), "hop_length = 0: must be at least 2, 1/256 of frame_length; use 2");
        assert_eq!(refused(1, 0), "hop_length = 0: must be at least 1, 1/256 of frame_length; use 1");
    }
}
