//! TrainingJob examples from their samples: changed, heard by the front end and normalised each time they come up.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use stapes_audio::Clip;
use stapes_data::{DataSet, Example, WaveformAugmenter};
use stapes_features::{FeatureConfig, Features, Normalization};
use stapes_infer::{ClipExtractor, Model, InferError};
use stapes_train::{Crop, FrameSource, FrameWorker};

/// How many bytes of samples stay in memory; a clip that finds no room is decoded each time it comes up.
pub(crate) const CLIPS_BYTES: usize = 2 << 30;

/// What is heard on either side of a segment, so that its frames are those of the recording; no window and no delta
/// reaches as far.
const CONTEXT_SECONDS: f64 = 1.0;

/// The training examples of a data set of recordings, as samples.
pub(crate) struct Waveforms<'a> {
    pub(crate) dataset: &'a DataSet,
    /// The training examples.
    pub(crate) indices: &'a [usize],
    /// How many frames each has.
    pub(crate) frames: Vec<usize>,
    pub(crate) config: &'a FeatureConfig,
    pub(crate) augmenter: &'a WaveformAugmenter,
    /// For the normalization.
    pub(crate) model: &'a Model,
    pub(crate) seed: u64,
    pub(crate) clips: Clips,
}

/// Clips that have come up, at the rate of the front end.
pub(crate) struct Clips {
    samples: Vec<OnceLock<Samples>>,
    /// The bytes that are left.
    room: AtomicUsize,
}

/// Samples, in 16 bits where these hold them exactly.
enum Samples {
    Short(Vec<i16>),
    Float(Vec<f32>),
}

/// What a sample of 1 is as an integer; a power of two, so that nothing is rounded.
const FULL_SCALE: f32 = 32768.0;

impl Clips {
    /// Room for `bytes` of the samples of so many clips.
    pub(crate) fn new(clips: usize, bytes: usize) -> Clips {
        Clips { samples: (0..clips).map(|_| OnceLock::new()).collect(), room: AtomicUsize::new(bytes) }
    }

    fn keep(&self, clip: usize, samples: &[f32]) {
        let samples = Samples::new(samples);
        let room = self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(samples.bytes()));
        if room.is_ok() {
            // Where another thread was faster, it holds the same.
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

    fn part(&self, part: Range<usize>) -> Vec<f32> {
        match self {
            Samples::Short(samples) => {
                samples[part].iter().map(|&sample| f32::from(sample) / FULL_SCALE).collect()
            }
            Samples::Float(samples) => samples[part].to_vec(),
        }
    }
}

impl FrameSource for Waveforms<'_> {
    fn worker(&self) -> FrameWorker<'_> {
        let mut extractor = ClipExtractor::new(self.config);
        Box::new(move |cut| {
            let extractor = extractor.as_mut().map_err(|error| error.to_string())?;
            self.frames_of(cut, extractor)
        })
    }
}

impl Waveforms<'_> {
    fn frames_of(&self, cut: &Crop, extractor: &mut ClipExtractor) -> Result<Features, String> {
        let example = &self.dataset.examples[self.indices[cut.example]];
        let named = |error: InferError| format!("{}: {error}", example.id);
        let (samples, before) = self.samples(cut, example)?;
        let was = samples.len();
        let mut clip = Clip { samples, sample_rate_hz: self.config.sample_rate_hz };
        self.augmenter.apply(&mut clip.samples, self.seed, [cut.pass, cut.example as u64]);
        let heard = extractor.extract(&clip).map_err(named)?;
        let heard = self.model.normalize(&heard).map_err(named)?;
        if cut.frames == self.frames[cut.example] {
            return Ok(heard);
        }
        // Another speed moves the segment within what was heard.
        let longer = clip.samples.len() as f64 / was as f64;
        let scaled = |frames: usize| (frames as f64 * longer).round() as usize;
        let width = heard.width();
        let first = scaled(before).min(heard.frames() - 1);
        let behind = (first + scaled(cut.frames).max(1)).min(heard.frames());
        Ok(Features::new(width, heard.values()[first * width..behind * width].to_vec()))
    }

    /// The samples that are to be heard for a cut, and how many frames of them are before it.
    fn samples(&self, cut: &Crop, example: &Example) -> Result<(Vec<f32>, usize), String> {
        if let Some(samples) = self.clips.samples[cut.example].get() {
            let (part, before) = self.part(cut, samples.len());
            return Ok((samples.part(part), before));
        }
        let clip = example.source.read().ok_or("comes as frames and has no samples".to_string());
        // An error of decoding names the file itself.
        let clip = clip.and_then(|clip| clip.map_err(|error| error.to_string()))?;
        let clip = match clip.sample_rate_hz == self.config.sample_rate_hz {
            true => clip,
            false => clip
                .resampled(self.config.sample_rate_hz)
                .map_err(|error| format!("{}: {error}", example.id))?,
        };
        self.clips.keep(cut.example, &clip.samples);
        let (part, before) = self.part(cut, clip.samples.len());
        Ok((clip.samples[part].to_vec(), before))
    }

    /// Which of a recording's samples are heard for a cut, and how many frames of them are before it.
    ///
    /// A part begins at a whole number of hops, so that its frame t is the recording's frame t behind the first.
    fn part(&self, cut: &Crop, samples: usize) -> (Range<usize>, usize) {
        let rate_hz = f64::from(self.config.sample_rate_hz);
        let hop = rate_hz / self.config.frames_per_second();
        let context = (CONTEXT_SECONDS * rate_hz / hop).ceil() as usize;
        // Normalised over the utterance, every frame depends on all.
        let of_the_utterance =
            !matches!(self.config.normalization, Normalization::None | Normalization::PerCoefficient);
        if cut.frames == self.frames[cut.example] || of_the_utterance {
            return (0..samples, cut.first);
        }
        let first = cut.first.saturating_sub(context);
        let sample = |frame: usize| ((frame as f64 * hop).round() as usize).min(samples);
        (sample(first)..sample(cut.first + cut.frames + context), cut.first - first)
    }
}

#[cfg(test)]
mod tests;
