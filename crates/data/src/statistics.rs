//! Statistics of recordings: lengths, sample rates, silence, clipping, duplicates.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Serialize;
use stapes_audio::{AudioError, Recording};
use stapes_random::Fnv1a;

use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::label::Label;
use crate::load::{Progress, in_parallel, without_path};

/// Peak below which a recording is silent: 60 dB below full scale.
const SILENT: f32 = 1e-3;
/// Magnitude from which a sample is at full scale; 16-bit files end at 32767/32768.
const FULL: f32 = 0.9999;
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
    /// Lengths of the examples that are frames; `None` if there are none.
    pub frames: Option<Lengths>,
    /// Number of recordings per sample rate in Hz.
    pub rates_hz: BTreeMap<u32, usize>,
    /// Recordings whose samples are all below 1/1000 of full scale.
    pub silent: Vec<usize>,
    /// Recordings with three consecutive samples at full scale.
    pub clipped: Vec<usize>,
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
    content: u64,
}

impl DataStatistics {
    /// Reads every example, on all threads, block by block.
    ///
    /// # Errors
    /// [`DataError::Stopped`] if `progress.stop` became true before the last example was finished.
    pub fn new(dataset: &DataSet, progress: &Progress<'_>) -> Result<DataStatistics, DataError> {
        let indices: Vec<usize> = (0..dataset.examples.len()).collect();
        let propertiess =
            in_parallel(&indices, || (), |(), index| properties(&dataset.examples[index]), progress)?;
        let mut statistics = DataStatistics::default();
        let (mut seconds, mut frames) = (Vec::new(), Vec::new());
        let mut contents: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
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
                }
                None => frames.push(properties.length),
            }
            if properties.silent {
                statistics.silent.push(index);
            }
            if properties.clipped {
                statistics.clipped.push(index);
            }
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
            let mut content = Fnv1a::default();
            frames.values().iter().for_each(|value| content.update(&value.to_bits().to_le_bytes()));
            let length = frames.frames() as f64;
            return Ok(Properties {
                length,
                rate_hz: None,
                silent: false,
                clipped: false,
                content: content.value(),
            });
        }
        Source::File(path) => of_file(path).map_err(|error| without_path(path, &error.to_string()))?,
        Source::Segment { path, start_seconds, end_seconds } => {
            let part = stapes_audio::read_segment(path, *start_seconds, *end_seconds);
            let part = part.map_err(|error| without_path(path, &error.to_string()))?;
            let mut samples = Samples::default();
            samples.add(&part.samples);
            samples.properties(part.sample_rate_hz)
        }
    };
    if let Label::Segments(segments) = &example.label {
        segments.check_length(properties.length)?;
    }
    Ok(properties)
}

fn of_file(path: &Path) -> Result<Properties, AudioError> {
    let mut recording = Recording::open(path)?;
    let mut samples = Samples::default();
    while let Some(block) = recording.next_block()? {
        samples.add(block);
    }
    Ok(samples.properties(recording.sample_rate_hz()))
}

/// Accumulated properties of a recording.
#[derive(Default)]
struct Samples {
    count: u64,
    peak: f32,
    /// Number of full-scale samples in the current run.
    run: usize,
    clipped: bool,
    content: Fnv1a,
}

impl Samples {
    fn add(&mut self, block: &[f32]) {
        self.count += block.len() as u64;
        for sample in block {
            let size = sample.abs();
            self.peak = self.peak.max(size);
            self.run = if size >= FULL { self.run + 1 } else { 0 };
            self.clipped |= self.run >= CLIPPED_RUN;
            self.content.update(&sample.to_bits().to_le_bytes());
        }
    }

    fn properties(self, rate_hz: u32) -> Properties {
        Properties {
            length: self.count as f64 / f64::from(rate_hz),
            rate_hz: Some(rate_hz),
            silent: self.peak <= SILENT,
            clipped: self.clipped,
            content: self.content.value(),
        }
    }
}
