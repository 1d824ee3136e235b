//! Raw samples as features, for networks that learn their own front end.

use crate::check::{MAX_FRAME_LENGTH, require, require_within};
use crate::front_end_kind::{ClipExtractor, FrontEndKind, StreamExtractor};
use crate::layout::FeatureAxis;
use crate::sample::Sample;
use crate::settings_macro::config;
use crate::stages::{Edges, FramingStage, ToolkitStages};
use crate::stream::{UncenteredFrames, check_finite};
use crate::{Extractor, FeatureError, Streaming};

config! {
    /// Frames of raw samples: frame t contains samples t hop_length to t hop_length + frame_length.
    ///
    /// There are 1 + (L - frame_length) / hop_length frames; samples after the last whole frame are ignored.
    /// By default a frame is one sample and the features are the waveform \[L, 1\], the input of a
    /// one-channel convolution along time.
    ///
    /// # Shapes
    /// samples \[L\] -> \[T, frame_length\]
    ///
    /// # Units
    /// as the samples: [-1, 1] at scale `unit`
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
    #[derive(Eq)]
    pub struct WaveformConfig {
        /// Length of a frame.
        frame_length: usize = 1, "samples";
        /// Hop between frames.
        hop_length: usize = 1, "samples";
    }
}

/// Maximum ratio of the memory of a clip's features to that of the clip.
const MAX_OVERLAP: usize = 256;

impl WaveformConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`] naming the setting, its value, the rule and the nearest valid value.
    pub fn check(&self) -> Result<(), FeatureError> {
        require_within("frame_length", self.frame_length, 1, MAX_FRAME_LENGTH)?;
        let min = self.frame_length.div_ceil(MAX_OVERLAP);
        let rule = format!("must be at least {min}, 1/{MAX_OVERLAP} of frame_length; use {min}");
        require(self.hop_length >= min, "hop_length", self.hop_length, &rule)
    }

    /// Builds the extractor with these settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`WaveformConfig::check`].
    pub fn init(&self) -> Result<Waveform, FeatureError> {
        self.check()?;
        Ok(Waveform { length: self.frame_length, hop: self.hop_length })
    }

    /// Builds the streaming extractor with these settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`WaveformConfig::check`].
    pub fn stream<S: Sample>(&self) -> Result<Streaming<Waveform, S>, FeatureError> {
        let frames = UncenteredFrames { length: self.frame_length, hop: self.hop_length, pad: 0 };
        Ok(Streaming::new(self.init()?, frames))
    }
}

impl FrontEndKind for WaveformConfig {
    fn extractor(&self, _sample_rate_hz: u32) -> Result<Box<dyn ClipExtractor>, FeatureError> {
        Ok(Box::new(self.init()?))
    }

    fn streaming_extractor(&self, _sample_rate_hz: u32) -> Result<Box<dyn StreamExtractor>, FeatureError> {
        Ok(Box::new(self.stream::<f32>()?))
    }

    fn hop(&self, _sample_rate_hz: u32) -> usize {
        self.hop_length
    }

    fn frame_length(&self, _sample_rate_hz: u32) -> usize {
        self.frame_length
    }

    fn first_center(&self, _sample_rate_hz: u32) -> f64 {
        self.frame_length as f64 / 2.0
    }

    fn stages(&self, _sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        self.check()?;
        let edges = Edges::Padded { zeros: 0, reflected: 0 };
        let framing = FramingStage { length: self.frame_length, hop: self.hop_length, edges };
        Ok(Some(ToolkitStages::of_frames(framing, None)))
    }

    fn quantity(&self) -> &'static str {
        "sample"
    }

    fn axis(&self, _sample_rate_hz: u32) -> FeatureAxis {
        FeatureAxis::Samples
    }
}

/// Extractor of frames of raw samples; made by [`WaveformConfig::init`].
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
        check_finite(samples, 0)?;
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
    fn frames_are_slices_of_the_samples() {
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
    fn invalid_clips_and_settings_are_errors() {
        let mut waveform = WaveformConfig { frame_length: 4, hop_length: 2 }.init().unwrap();
        assert_eq!(waveform.extract(&[0.5f32; 3]), Err(FeatureError::TooShort { samples: 3, needed: 4 }));
        assert_eq!(Extractor::<f32>::frames_for(&waveform, 3), 0);
        let error = waveform.extract(&[0.0, 0.0, 0.0, f64::INFINITY, 0.0]).unwrap_err();
        assert_eq!(error, FeatureError::NotFinite { sample: 3, value: f64::INFINITY });
        let rejected = |frame_length, hop_length| {
            WaveformConfig { frame_length, hop_length }.check().unwrap_err().to_string()
        };
        assert_eq!(rejected(0, 1), "frame_length = 0: must be within 1..=65536; use 1");
        assert_eq!(rejected(400, 0), "hop_length = 0: must be at least 2, 1/256 of frame_length; use 2");
        assert_eq!(rejected(1, 0), "hop_length = 0: must be at least 1, 1/256 of frame_length; use 1");
    }
}
