//! Configured front end for streamed samples.

use crate::config::{FeatureConfig, Scale};
use crate::front_end_kind::StreamExtractor;
use crate::normalization::{Normalization, StandardScaler};
use crate::post_processing::PostProcessing;
use crate::stream::{check_finite, needs_whole_clip};
use crate::{FeatureError, StreamingExtractor};

/// Number of samples processed at a time.
const BLOCK: usize = 1024;

/// Turns samples into a model's input as they arrive; made by [`FeatureConfig::stream`].
///
/// The frames equal those of [`FrontEnd`](crate::FrontEnd) (and its [`StandardScaler`]) for the whole clip,
/// bit for bit and for every chunk size.
#[derive(Clone, Debug)]
pub struct FeatureStream {
    toolkit: Box<dyn StreamExtractor>,
    scale: Scale,
    fixed_length: Option<usize>,
    post_processing: PostProcessing,
    scaler: Option<StandardScaler>,
    every: usize,
    /// Number of samples of the clip received so far.
    received: usize,
    samples: Vec<f32>,
    base: Vec<f32>,
}

impl FeatureConfig {
    /// Builds the streaming front end with these settings.
    ///
    /// `scaler` applies normalization per coefficient; without it the frames stay unnormalized, for fitting
    /// one.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`FeatureConfig::check`]; [`FeatureError::NeedsWholeClip`] with the
    /// streamable alternative if a setting depends on the end of the clip; [`FeatureError::Width`] if the
    /// scaler has another width.
    ///
    /// # Example
    /// ```
    /// use stapes_features::{DeltasConfig, FeatureConfig, FrontEndConfig, LibrosaMfccConfig, StreamingExtractor};
    ///
    /// let mfcc = LibrosaMfccConfig { center: false, top_db: None, ..Default::default() };
    /// let config = FeatureConfig {
    ///     front_end: FrontEndConfig::LibrosaMfcc(mfcc),
    ///     deltas: Some(DeltasConfig::default()),
    ///     ..Default::default()
    /// };
    /// let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.3).sin()).collect();
    /// let (mut stream, mut frames) = (config.stream(None)?, Vec::new());
    /// for chunk in samples.chunks(160) {
    ///     stream.push(chunk, &mut frames)?;
    /// }
    /// stream.finish(&mut frames)?;
    /// assert_eq!(frames, config.init()?.extract(&samples)?.values());
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn stream(&self, scaler: Option<&StandardScaler>) -> Result<FeatureStream, FeatureError> {
        self.check()?;
        let within = |error: FeatureError| error.with_prefix("features");
        let toolkit = self.front_end.kind().streaming_extractor(self.sample_rate_hz);
        let toolkit = toolkit.map_err(|error| within(self.front_end_error(error)))?;
        if let Some(deltas) = &self.deltas {
            deltas.check_stream().map_err(|error| within(error.with_prefix("deltas")))?;
        }
        self.normalization.check_stream().map_err(within)?;
        let post_processing = PostProcessing::new(self, toolkit.width()).map_err(within)?;
        if let Some(scaler) = scaler {
            scaler.check_width(post_processing.width())?;
        }
        let per_coefficient = self.normalization == Normalization::PerCoefficient;
        Ok(FeatureStream {
            toolkit,
            scale: self.scale,
            fixed_length: self.fixed_length_samples,
            post_processing,
            scaler: scaler.filter(|_| per_coefficient).cloned(),
            every: self.stacking.every,
            received: 0,
            samples: Vec::with_capacity(BLOCK),
            base: Vec::new(),
        })
    }
}

impl Normalization {
    /// Checks that no setting needs the whole clip.
    fn check_stream(self) -> Result<(), FeatureError> {
        if matches!(self, Normalization::None | Normalization::PerCoefficient) {
            return Ok(());
        }
        let alternative = "use \"per-coefficient\", whose means come from the training clips";
        Err(needs_whole_clip("normalization", self.name(), alternative))
    }
}

impl FeatureStream {
    /// Processes samples and appends the frames that are complete.
    fn push_samples(&mut self, samples: &[f32], frames: &mut Vec<f32>) -> Result<(), FeatureError> {
        for block in samples.chunks(BLOCK) {
            self.samples.clear();
            self.scale.append(block, &mut self.samples);
            self.base.clear();
            self.toolkit.push(&self.samples, &mut self.base)?;
            self.received += block.len();
            self.post_process(frames);
        }
        Ok(())
    }

    /// Applies deltas and stacking to the toolkit's frames.
    fn post_process(&mut self, frames: &mut Vec<f32>) {
        if self.post_processing.is_none() {
            frames.extend_from_slice(&self.base);
        } else {
            self.post_processing.push(&self.base, frames);
        }
    }

    /// Ends the clip: pads it with zeros to its fixed length and appends the remaining frames.
    fn finish_clip(&mut self, frames: &mut Vec<f32>) -> Result<(), FeatureError> {
        let missing = self.fixed_length.map_or(0, |length| length - self.received);
        for at in (0..missing).step_by(BLOCK) {
            self.push_samples(&[0.0; BLOCK][..BLOCK.min(missing - at)], frames)?;
        }
        let samples = self.received;
        if self.toolkit.frames_for(samples) == 0 {
            let needed = (samples + 1..).find(|&more| self.toolkit.frames_for(more) > 0);
            return Err(FeatureError::TooShort { samples, needed: needed.unwrap_or(usize::MAX) });
        }
        self.base.clear();
        self.toolkit.finish(&mut self.base)?;
        self.post_process(frames);
        self.post_processing.finish(frames)
    }

    /// Normalizes frames in place and returns their number.
    fn normalize(&self, frames: &mut [f32]) -> usize {
        if let Some(scaler) = &self.scaler {
            scaler.apply_to(frames);
        }
        frames.len() / self.post_processing.width()
    }
}

impl StreamingExtractor<f32> for FeatureStream {
    fn width(&self) -> usize {
        self.post_processing.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        let samples = self.fixed_length.unwrap_or(samples);
        self.toolkit.frames_for(samples).div_ceil(self.every)
    }

    fn push(&mut self, samples: &[f32], frames: &mut Vec<f32>) -> Result<usize, FeatureError> {
        let room = self.fixed_length.map_or(samples.len(), |length| length - self.received);
        let samples = &samples[..room.min(samples.len())];
        check_finite(samples, self.received)?;
        let before = frames.len();
        self.push_samples(samples, frames)?;
        Ok(self.normalize(&mut frames[before..]))
    }

    fn finish(&mut self, frames: &mut Vec<f32>) -> Result<usize, FeatureError> {
        let before = frames.len();
        let result = self.finish_clip(frames);
        self.reset();
        result?;
        Ok(self.normalize(&mut frames[before..]))
    }

    fn reset(&mut self) {
        self.received = 0;
        self.toolkit.reset();
        self.post_processing.reset();
    }
}
