//! What recordings are like: lengths, rates, silence, clipping, copies.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Serialize;
use stapes_audio::{AudioError, Recording};

use crate::content::Hash;
use crate::dataset::{DataSet, Example, Source};
use crate::error::DataError;
use crate::load::{Watch, in_parallel, without_path};
use crate::truth::Truth;

/// A recording is silent where no sample is beyond this: 60 dB below full scale.
const SILENT: f32 = 1e-3;
/// A sample is at full scale from here on; 16-bit files end at 32767/32768.
const FULL: f32 = 0.9999;
/// A recording is clipped where so many samples in a row are at full scale.
const CLIPPED_RUN: usize = 3;

/// What the examples of a data set are like. Examples are indices into the data set's.
///
/// # Example
/// ```
/// use stapes_data::{DataConfig, JapaneseVowelsConfig, Survey, Watch};
///
/// let vowels = DataConfig::JapaneseVowels(JapaneseVowelsConfig::default()).open(None)?;
/// let survey = Survey::new(&vowels, &Watch::default())?;
/// let frames = survey.frames.unwrap();
/// assert_eq!((frames.least, frames.median, frames.most, frames.total), (7.0, 15.0, 29.0, 9961.0));
/// # Ok::<(), stapes_data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Survey {
    /// The lengths of recordings, s; none if there is no recording.
    pub seconds: Option<Lengths>,
    /// The lengths of examples that come as frames; none if there are none.
    pub frames: Option<Lengths>,
    /// How many examples there are of each sample rate, Hz.
    pub rates_hz: BTreeMap<u32, usize>,
    /// Recordings with no sample beyond 1/1000 of full scale.
    pub silent: Vec<usize>,
    /// Recordings with three samples in a row at full scale.
    pub clipped: Vec<usize>,
    /// Examples of the same content, two or more in each.
    pub copies: Vec<Vec<usize>>,
    /// Examples that cannot be read or do not fit their labels, each with what is wrong.
    pub unreadable: Vec<(usize, String)>,
}

/// How long examples are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub least: f64,
    /// The middle one; of an even number the lower of the two.
    pub median: f64,
    /// The longest.
    pub most: f64,
    /// All together.
    pub total: f64,
}

/// What one example is like.
struct Outline {
    length: f64,
    rate_hz: Option<u32>,
    silent: bool,
    clipped: bool,
    content: u64,
}

impl Survey {
    /// Reads every example, on all threads, piece by piece.
    ///
    /// # Errors
    /// [`DataError::Stopped`] when `watch.stop` became true before the last example was done.
    pub fn new(dataset: &DataSet, watch: &Watch<'_>) -> Result<Survey, DataError> {
        let indices: Vec<usize> = (0..dataset.examples.len()).collect();
        let outlines = in_parallel(&indices, || (), |(), index| outline(&dataset.examples[index]), watch)?;
        let mut survey = Survey::default();
        let (mut seconds, mut frames) = (Vec::new(), Vec::new());
        let mut contents: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
        for (index, outline) in outlines.into_iter().enumerate() {
            let outline = match outline {
                Ok(outline) => outline,
                Err(reason) => {
                    survey.unreadable.push((index, reason));
                    continue;
                }
            };
            match outline.rate_hz {
                Some(rate) => {
                    *survey.rates_hz.entry(rate).or_default() += 1;
                    seconds.push(outline.length);
                }
                None => frames.push(outline.length),
            }
            if outline.silent {
                survey.silent.push(index);
            }
            if outline.clipped {
                survey.clipped.push(index);
            }
            // What is silent all through is equal without being a copy.
            if !outline.silent {
                contents.entry((outline.length.to_bits(), outline.content)).or_default().push(index);
            }
        }
        survey.copies = contents.into_values().filter(|examples| examples.len() > 1).collect();
        survey.copies.sort();
        (survey.seconds, survey.frames) = (Lengths::of(seconds), Lengths::of(frames));
        Ok(survey)
    }
}

impl Lengths {
    fn of(mut lengths: Vec<f64>) -> Option<Lengths> {
        lengths.sort_by(f64::total_cmp);
        let (least, most) = (*lengths.first()?, *lengths.last()?);
        let median = lengths[(lengths.len() - 1) / 2];
        Some(Lengths { least, median, most, total: lengths.iter().sum() })
    }
}

fn outline(example: &Example) -> Result<Outline, String> {
    let outline = match &example.source {
        Source::Frames(frames) => {
            let mut content = Hash::default();
            frames.values().iter().for_each(|value| content.add(value.to_bits()));
            let length = frames.frames() as f64;
            return Ok(Outline { length, rate_hz: None, silent: false, clipped: false, content: content.0 });
        }
        Source::File(path) => of_file(path).map_err(|error| without_path(path, &error.to_string()))?,
        Source::Part { path, start_seconds, end_seconds } => {
            let part = stapes_audio::read_part(path, *start_seconds, *end_seconds);
            let part = part.map_err(|error| without_path(path, &error.to_string()))?;
            let mut samples = Samples::default();
            samples.add(&part.samples);
            samples.outline(part.sample_rate_hz)
        }
    };
    if let Truth::Intervals(intervals) = &example.truth {
        intervals.check_length(outline.length)?;
    }
    Ok(outline)
}

fn of_file(path: &Path) -> Result<Outline, AudioError> {
    let mut recording = Recording::open(path)?;
    let mut samples = Samples::default();
    while let Some(block) = recording.next_block()? {
        samples.add(block);
    }
    Ok(samples.outline(recording.sample_rate_hz()))
}

/// What was seen of a recording as yet.
#[derive(Default)]
struct Samples {
    count: u64,
    peak: f32,
    /// How many samples at full scale the last ones are, and whether there ever were enough.
    run: usize,
    clipped: bool,
    content: Hash,
}

impl Samples {
    fn add(&mut self, block: &[f32]) {
        self.count += block.len() as u64;
        for sample in block {
            let size = sample.abs();
            self.peak = self.peak.max(size);
            self.run = if size >= FULL { self.run + 1 } else { 0 };
            self.clipped |= self.run >= CLIPPED_RUN;
            self.content.add(sample.to_bits());
        }
    }

    fn outline(self, rate_hz: u32) -> Outline {
        Outline {
            length: self.count as f64 / f64::from(rate_hz),
            rate_hz: Some(rate_hz),
            silent: self.peak <= SILENT,
            clipped: self.clipped,
            content: self.content.0,
        }
    }
}
