//! Statistics of recordings: lengths, sample rates, silence, clipping, duplicates.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::path::Path;

use serde::Serialize;
use stapes_audio::{AudioError, Channel, Clip, Recording};
use stapes_features::Features;
use stapes_random::Fnv1a;

use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::label::Label;
use crate::load::{Progress, frames_of, in_parallel, without_path};

/// Peak below which a recording is silent: 60 dB below full scale.
const SILENT: f32 = 1e-3;
/// Magnitude from which a sample is at full scale; 16-bit files end at 32767/32768.
const FULL: f32 = 0.9999;
/// Magnitude from which a recording is far beyond full scale.
const BEYOND: f32 = 100.0;
/// Number of consecutive full-scale samples from which a recording is clipped.
const CLIPPED_RUN: usize = 3;

/// Statistics of the examples of a data set. Examples are given by index.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, JapaneseVowelsConfig, DataStatistics, Progress};
///
/// let vowels = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default()).open(None)?;
/// let statistics = DataStatistics::new(&vowels, &Progress::default())?;
/// let frames = statistics.frames.unwrap();
/// assert_eq!((frames.min, frames.median, frames.max, frames.total), (7.0, 15.0, 29.0, 9961.0));
/// # Ok::<(), stapes_data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataStatistics {
    /// Durations of the recordings; `None` if there are no recordings.
    pub seconds: Option<Lengths>,
    /// Duration of each example that is a readable recording.
    #[serde(skip)]
    pub durations: Vec<Option<f64>>,
    /// Lengths of the examples that are frames; `None` if there are none.
    pub frames: Option<Lengths>,
    /// Number of recordings per sample rate in Hz.
    pub rates_hz: BTreeMap<u32, usize>,
    /// Number of recordings per number of channels; segments are not counted.
    pub channels: BTreeMap<usize, usize>,
    /// Recordings whose samples are all below 1/1000 of full scale.
    pub silent: Vec<usize>,
    /// Silent recordings whose channels are not silent: they cancel in their mean.
    pub canceled: Vec<usize>,
    /// Recordings with a silent channel and one that is not.
    pub dead_channel: Vec<usize>,
    /// Recordings with three consecutive samples at full scale.
    pub clipped: Vec<usize>,
    /// Recordings with a sample more than 100 times full scale, each with its largest sample: probably integers that were
    /// written as floats.
    pub beyond_full_scale: Vec<(usize, String)>,
    /// Groups of two or more examples with equal content.
    pub duplicates: Vec<Vec<usize>>,
    /// Examples that cannot be read or do not match their labels, each with the reason.
    pub unreadable: Vec<(usize, String)>,
}

/// Statistics of lengths.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lengths {
    /// Shortest length.
    pub min: f64,
    /// Median length; the lower of the two for an even number.
    pub median: f64,
    /// Longest length.
    pub max: f64,
    /// Sum of all lengths.
    pub total: f64,
}

/// Properties of one example.
struct Properties {
    length: f64,
    rate_hz: Option<u32>,
    silent: bool,
    clipped: bool,
    /// Largest magnitude of each channel; empty if unknown.
    channel_peaks: Vec<f32>,
    /// Largest sample, if it is far beyond full scale.
    beyond_full_scale: Option<String>,
    content: u64,
}

impl DataStatistics {
    /// Reads every example, on all threads, block by block.
    ///
    /// # Errors
    /// [`DataError::Stopped`] if `progress.stop` became true before the last example was finished.
    pub fn new(dataset: &DataSet, progress: &Progress<'_>) -> Result<DataStatistics, DataError> {
        Self::of(dataset, progress, || (), |(), example| properties(example))
    }

    /// Reads every example like [`DataStatistics::new`], and also computes its features: an example that training cannot
    /// use, such as a clip shorter than one frame, is unreadable for the same reason. `extractor` is that of
    /// [`load`](crate::load).
    ///
    /// # Errors
    /// Those of [`DataStatistics::new`].
    pub fn with_features<E, X>(
        dataset: &DataSet,
        extractor: impl Fn() -> E + Sync,
        progress: &Progress<'_>,
    ) -> Result<DataStatistics, DataError>
    where
        E: FnMut(&Clip) -> Result<Features, X>,
        X: Display,
    {
        Self::of(dataset, progress, extractor, |extract: &mut E, example| {
            let Some(path) = example.source.path() else { return properties(example) };
            let clip = match &example.source {
                Source::File(_) => clip_and_peaks(path, example.channel),
                _ => example
                    .read()
                    .unwrap_or_else(|| unreachable!("frames have no path"))
                    .map(|clip| (clip, Vec::new())),
            };
            let (clip, channel_peaks) = clip.map_err(|error| without_path(path, &error.to_string()))?;
            frames_of(&clip, extract)?;
            with_labels(example, Properties { channel_peaks, ..of_clip(&clip) })
        })
    }

    fn of<S>(
        dataset: &DataSet,
        progress: &Progress<'_>,
        state: impl Fn() -> S + Sync,
        read: impl Fn(&mut S, &Example) -> Result<Properties, String> + Sync,
    ) -> Result<DataStatistics, DataError> {
        let indices: Vec<usize> = (0..dataset.examples.len()).collect();
        let propertiess =
            in_parallel(&indices, state, |state, index| read(state, &dataset.examples[index]), progress)?;
        let mut statistics = DataStatistics::default();
        let (mut seconds, mut frames) = (Vec::new(), Vec::new());
        let mut contents: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
        statistics.durations = vec![None; propertiess.len()];
        for (index, properties) in propertiess.into_iter().enumerate() {
            let properties = match properties {
                Ok(properties) => properties,
                Err(reason) => {
                    statistics.unreadable.push((index, reason));
                    continue;
                }
            };
            match properties.rate_hz {
                Some(rate) => {
                    *statistics.rates_hz.entry(rate).or_default() += 1;
                    seconds.push(properties.length);
                    statistics.durations[index] = Some(properties.length);
                }
                None => frames.push(properties.length),
            }
            if properties.silent {
                statistics.silent.push(index);
            }
            statistics.add_channels(index, dataset.examples[index].channel, &properties);
            if properties.clipped {
                statistics.clipped.push(index);
            }
            statistics.beyond_full_scale.extend(properties.beyond_full_scale.map(|peak| (index, peak)));
            // Silent recordings are equal without being duplicates.
            if !properties.silent {
                contents.entry((properties.length.to_bits(), properties.content)).or_default().push(index);
            }
        }
        statistics.duplicates = contents.into_values().filter(|examples| examples.len() > 1).collect();
        statistics.duplicates.sort();
        (statistics.seconds, statistics.frames) = (Lengths::new(seconds), Lengths::new(frames));
        Ok(statistics)
    }
}

impl DataStatistics {
    fn add_channels(&mut self, index: usize, channel: Channel, properties: &Properties) {
        let peaks = &properties.channel_peaks;
        if peaks.is_empty() {
            return;
        }
        *self.channels.entry(peaks.len()).or_default() += 1;
        let silent = peaks.iter().filter(|peak| **peak <= SILENT).count();
        if channel == Channel::Mean && properties.silent && silent == 0 {
            self.canceled.push(index);
        } else if (1..peaks.len()).contains(&silent) {
            self.dead_channel.push(index);
        }
    }
}

impl Lengths {
    fn new(mut lengths: Vec<f64>) -> Option<Lengths> {
        lengths.sort_by(f64::total_cmp);
        let (min, max) = (*lengths.first()?, *lengths.last()?);
        let median = lengths[(lengths.len() - 1) / 2];
        Some(Lengths { min, median, max, total: lengths.iter().sum() })
    }
}

fn properties(example: &Example) -> Result<Properties, String> {
    let properties = match &example.source {
        Source::Frames(frames) => {
            let length = frames.frames() as f64;
            return Ok(Properties {
                length,
                rate_hz: None,
                silent: false,
                clipped: false,
                channel_peaks: Vec::new(),
                beyond_full_scale: None,
                content: content_of_frames(frames),
            });
        }
        Source::File(path) => {
            of_file(path, example.channel).map_err(|error| without_path(path, &error.to_string()))?
        }
        Source::Segment { path, .. } => {
            let part = example.read().unwrap_or_else(|| unreachable!("a segment is read from a file"));
            let part = part.map_err(|error| without_path(path, &error.to_string()))?;
            of_clip(&part)
        }
    };
    with_labels(example, properties)
}

/// Returns a hash of the values of frames.
pub(crate) fn content_of_frames(frames: &Features) -> u64 {
    let mut content = Fnv1a::default();
    frames.values().iter().for_each(|value| content.update(&value.to_bits().to_le_bytes()));
    content.value()
}

/// Returns true for a recording that has no sound, or whose sound cannot be read: it is equal to no other.
pub(crate) fn is_silent_or_unreadable(example: &Example) -> bool {
    properties(example).map_or(true, |properties| properties.silent)
}

/// Checks the length of the labels.
fn with_labels(example: &Example, properties: Properties) -> Result<Properties, String> {
    if let Label::Segments(segments) = &example.label {
        segments.check_length(properties.length)?;
    }
    Ok(properties)
}

fn of_clip(clip: &Clip) -> Properties {
    let mut samples = Samples::default();
    samples.add(&clip.samples);
    samples.properties(clip.sample_rate_hz)
}

/// Reads a recording, and the largest magnitude of each of its channels.
fn clip_and_peaks(path: &Path, channel: Channel) -> Result<(Clip, Vec<f32>), AudioError> {
    let mut recording = Recording::open_channel(path, channel)?;
    let mut clip = Clip { samples: Vec::new(), sample_rate_hz: recording.sample_rate_hz() };
    while let Some(block) = recording.next_block()? {
        clip.samples.extend_from_slice(block);
    }
    Ok((clip, recording.channel_peaks().to_vec()))
}

fn of_file(path: &Path, channel: Channel) -> Result<Properties, AudioError> {
    let mut recording = Recording::open_channel(path, channel)?;
    let mut samples = Samples::default();
    while let Some(block) = recording.next_block()? {
        samples.add(block);
    }
    let channel_peaks = recording.channel_peaks().to_vec();
    Ok(Properties { channel_peaks, ..samples.properties(recording.sample_rate_hz()) })
}

/// Accumulated properties of a recording.
#[derive(Default)]
struct Samples {
    count: u64,
    peak: f32,
    /// Index of the largest sample.
    peak_at: u64,
    /// Number of full-scale samples in the current run.
    run: usize,
    clipped: bool,
    content: Fnv1a,
}

impl Samples {
    fn add(&mut self, block: &[f32]) {
        for (at, sample) in (self.count..).zip(block) {
            let size = sample.abs();
            if size > self.peak {
                (self.peak, self.peak_at) = (size, at);
            }
            self.run = if size >= FULL { self.run + 1 } else { 0 };
            self.clipped |= self.run >= CLIPPED_RUN;
            self.content.update(&sample.to_bits().to_le_bytes());
        }
        self.count += block.len() as u64;
    }

    fn properties(self, rate_hz: u32) -> Properties {
        Properties {
            length: self.count as f64 / f64::from(rate_hz),
            rate_hz: Some(rate_hz),
            silent: self.peak <= SILENT,
            clipped: self.clipped,
            channel_peaks: Vec::new(),
            beyond_full_scale: (self.peak > BEYOND)
                .then(|| format!("sample {} has the magnitude {:e}", self.peak_at, self.peak)),
            content: self.content.value(),
        }
    }
}
