//! From settings to features, of whole clips and of streams.

use std::marker::PhantomData;

use super::frame::{PsfFrame, Step};
use super::{PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig};
use crate::sample::Sample;
use crate::stream::{DeltaLine, Ending, Line, Slicing, whole_clip};
use crate::{Extractor, FeatureError, Stream};

/// Features of clips; made by `init` of [`PsfMfccConfig`], [`PsfLogFbankConfig`] or [`PsfFbankConfig`].
///
/// Samples and features are f32 or f64; between them all is f64.
#[derive(Clone, Debug)]
pub struct Psf<S> {
    stream: PsfStream<S>,
}

/// Features of samples that arrive piece by piece; made by `stream` of [`PsfMfccConfig`],
/// [`PsfLogFbankConfig`] or [`PsfFbankConfig`].
///
/// A frame is given once its last sample is there, and 2 N frames later with deltas of order 2. At the end
/// zeros complete the last frame.
#[derive(Clone, Debug)]
pub struct PsfStream<S> {
    line: Line<PsfFrame>,
    preemph: f64,
    /// The sample before the next one.
    before: f64,
    samples: PhantomData<S>,
}

impl<S: Sample> PsfStream<S> {
    fn new(config: &PsfFbankConfig, sample_rate_hz: u32, step: Step) -> PsfStream<S> {
        let slicing = Slicing {
            length: config.frame(sample_rate_hz),
            hop: config.hop(sample_rate_hz),
            ending: Ending::Zeros,
        };
        let analysis = PsfFrame::new(config, sample_rate_hz, step);
        let width = crate::stream::Analysis::width(&analysis);
        let deltas = DeltaLine::repeated(width, config.deltas, config.delta_reach);
        PsfStream {
            line: Line::new(slicing, analysis, deltas),
            preemph: config.preemph,
            before: 0.0,
            samples: PhantomData,
        }
    }
}

impl<S: Sample> Stream<S> for PsfStream<S> {
    fn width(&self) -> usize {
        self.line.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.line.frames_for(samples)
    }

    fn push(&mut self, samples: &[S], frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        let (preemph, before) = (self.preemph, &mut self.before);
        self.line.push(samples, frames, |sample| {
            let sample = sample.widen();
            sample - preemph * std::mem::replace(before, sample)
        })
    }

    fn finish(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        if self.line.received() == 0 {
            return Err(FeatureError::TooShort { samples: 0, needed: 1 });
        }
        self.before = 0.0;
        self.line.finish(frames)
    }

    fn reset(&mut self) {
        self.before = 0.0;
        self.line.reset();
    }
}

impl<S: Sample> Extractor<S> for Psf<S> {
    fn width(&self) -> usize {
        self.stream.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.stream.frames_for(samples)
    }

    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError> {
        whole_clip(&mut self.stream, samples, values)
    }
}

/// `init` and `stream` of a configuration whose features begin with those energies and go on in that step.
macro_rules! front_end {
    ($config:ident, $fbank:expr, $step:expr) => {
        impl $config {
            /// The extractor of these settings for clips of a sample rate.
            ///
            /// # Units
            /// Hz
            ///
            /// # Errors
            #[doc = concat!("[`FeatureError::Setting`], see [`", stringify!($config), "::check`].")]
            pub fn init<S: Sample>(&self, sample_rate_hz: u32) -> Result<Psf<S>, FeatureError> {
                Ok(Psf { stream: self.stream(sample_rate_hz)? })
            }

            /// The same for samples that arrive piece by piece.
            ///
            /// # Units
            /// Hz
            ///
            /// # Errors
            #[doc = concat!("[`FeatureError::Setting`], see [`", stringify!($config), "::check`].")]
            pub fn stream<S: Sample>(&self, sample_rate_hz: u32) -> Result<PsfStream<S>, FeatureError> {
                self.check(sample_rate_hz)?;
                Ok(PsfStream::new(&$fbank(self), sample_rate_hz, $step(self)))
            }
        }
    };
}

front_end!(PsfFbankConfig, PsfFbankConfig::clone, |_| Step::Energies);
front_end!(PsfLogFbankConfig, PsfLogFbankConfig::fbank, |_| Step::Logarithms);
front_end!(PsfMfccConfig, PsfMfccConfig::fbank, Step::cepstra);
