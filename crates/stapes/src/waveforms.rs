//! Training examples from augmented waveforms: samples are augmented and features recomputed every time.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use stapes_audio::Clip;
use stapes_augment::WaveformAugmenter;
use stapes_data::{DataSet, Example};
use stapes_features::{FeatureConfig, Features, Normalization};
use stapes_infer::{ClipExtractor, InferError, Model};
use stapes_train::{Crop, FrameSource, FrameWorker};

/// Maximum number of bytes of samples in memory; other clips are decoded every time.
pub(crate) const MAX_CACHE_BYTES: usize = 2 << 30;

/// Duration of context before and after a segment, longer than any window or delta, so that the features of the segment are
/// those of the recording.
const CONTEXT_SECONDS: f64 = 1.0;

/// Source of augmented training examples, for a data set of recordings.
pub(crate) struct WaveformSource<'a> {
    pub(crate) dataset: &'a DataSet,
    /// Training examples.
    pub(crate) indices: &'a [usize],
    /// Number of frames of each training example.
    pub(crate) frames: Vec<usize>,
    pub(crate) config: &'a FeatureConfig,
    pub(crate) augmenter: &'a WaveformAugmenter,
    /// Model with the normalization.
    pub(crate) model: &'a Model,
    pub(crate) seed: u64,
    pub(crate) clips: ClipCache,
}

/// Cache of decoded clips at the sample rate of the front end.
pub(crate) struct ClipCache {
    samples: Vec<OnceLock<Samples>>,
    /// Number of free bytes.
    free_bytes: AtomicUsize,
}

/// Samples, in 16 bits if these represent them exactly.
enum Samples {
    Short(Vec<i16>),
    Float(Vec<f32>),
}

/// Integer value of a sample of 1; a power of two, so that scaling is exact.
const FULL_SCALE: f32 = 32768.0;

impl ClipCache {
    /// Creates a cache for `clips` clips with at most `bytes` bytes of samples.
    pub(crate) fn new(clips: usize, bytes: usize) -> ClipCache {
        ClipCache {
            samples: (0..clips).map(|_| OnceLock::new()).collect(),
            free_bytes: AtomicUsize::new(bytes),
        }
    }

    fn insert(&self, clip: usize, samples: &[f32]) {
        let samples = Samples::new(samples);
        let reserved = self
            .free_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(samples.bytes()));
        if reserved.is_ok() {
            // If another thread was faster, its samples are equal.
            let _ = self.samples[clip].set(samples);
        }
    }
}

impl Samples {
    fn new(samples: &[f32]) -> Samples {
        let short = |sample: &f32| {
            let scaled = sample * FULL_SCALE;
            (f32::from(scaled as i16) == scaled).then_some(scaled as i16)
        };
        match samples.iter().map(short).collect() {
            Some(short) => Samples::Short(short),
            None => Samples::Float(samples.to_vec()),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Samples::Short(samples) => size_of_val(&samples[..]),
            Samples::Float(samples) => size_of_val(&samples[..]),
        }
    }

    fn len(&self) -> usize {
        match self {
            Samples::Short(samples) => samples.len(),
            Samples::Float(samples) => samples.len(),
        }
    }

    fn range(&self, range: Range<usize>) -> Vec<f32> {
        match self {
            Samples::Short(samples) => {
                samples[range].iter().map(|&sample| f32::from(sample) / FULL_SCALE).collect()
            }
            Samples::Float(samples) => samples[range].to_vec(),
        }
    }
}

impl FrameSource for WaveformSource<'_> {
    fn worker(&self) -> FrameWorker<'_> {
        let mut extractor = ClipExtractor::new(self.config);
        Box::new(move |crop| {
            let extractor = extractor.as_mut().map_err(|error| error.to_string())?;
            self.augmented(crop, extractor)
        })
    }
}

impl WaveformSource<'_> {
    /// Returns the features of an augmented crop.
    fn augmented(&self, crop: &Crop, extractor: &mut ClipExtractor) -> Result<Features, String> {
        let example = &self.dataset.examples[self.indices[crop.example]];
        let named = |error: InferError| format!("{}: {error}", example.id);
        let (samples, frames_before) = self.samples(crop, example)?;
        let length = samples.len();
        let mut clip = Clip { samples, sample_rate_hz: self.config.sample_rate_hz };
        self.augmenter.apply(&mut clip.samples, self.seed, [crop.repetition, crop.example as u64]);
        let features = extractor.extract(&clip).map_err(named)?;
        let features = self.model.normalize(&features).map_err(named)?;
        if crop.frames == self.frames[crop.example] {
            return Ok(features);
        }
        // Speed perturbation moves the crop within its context.
        let ratio = clip.samples.len() as f64 / length as f64;
        let scaled = |frames: usize| (frames as f64 * ratio).round() as usize;
        let width = features.width();
        let start = scaled(frames_before).min(features.frames() - 1);
        let end = (start + scaled(crop.frames).max(1)).min(features.frames());
        Ok(Features::new(width, features.values()[start * width..end * width].to_vec()))
    }

    /// Returns the samples of a crop with context, and the number of frames before the crop.
    fn samples(&self, crop: &Crop, example: &Example) -> Result<(Vec<f32>, usize), String> {
        if let Some(samples) = self.clips.samples[crop.example].get() {
            let (range, frames_before) = self.sample_range(crop, samples.len());
            return Ok((samples.range(range), frames_before));
        }
        let clip = example.read().ok_or("comes as frames and has no samples".to_string());
        // Errors of decoding contain the file name.
        let clip = clip.and_then(|clip| clip.map_err(|error| error.to_string()))?;
        let clip = match clip.sample_rate_hz == self.config.sample_rate_hz {
            true => clip,
            false => clip
                .resampled(self.config.sample_rate_hz)
                .map_err(|error| format!("{}: {error}", example.id))?,
        };
        self.clips.insert(crop.example, &clip.samples);
        let (range, frames_before) = self.sample_range(crop, clip.samples.len());
        Ok((clip.samples[range].to_vec(), frames_before))
    }

    /// Returns the range of a recording's samples for a crop with context, and the number of frames before the crop.
    ///
    /// The range starts at a multiple of the hop, so that its frames are aligned with those of the recording.
    fn sample_range(&self, crop: &Crop, samples: usize) -> (Range<usize>, usize) {
        let rate_hz = f64::from(self.config.sample_rate_hz);
        let hop = rate_hz / self.config.frames_per_second();
        let context = (CONTEXT_SECONDS * rate_hz / hop).ceil() as usize;
        // With normalization over the utterance every frame depends on all others.
        let per_utterance =
            !matches!(self.config.normalization, Normalization::None | Normalization::PerCoefficient);
        if crop.frames == self.frames[crop.example] || per_utterance {
            return (0..samples, crop.start_frame);
        }
        let first = crop.start_frame.saturating_sub(context);
        let sample = |frame: usize| ((frame as f64 * hop).round() as usize).min(samples);
        (sample(first)..sample(crop.start_frame + crop.frames + context), crop.start_frame - first)
    }
}

#[cfg(test)]
mod tests;
