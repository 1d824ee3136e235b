//! Extractors of whole clips and of streams. `frame.rs` has the arithmetic.

use std::marker::PhantomData;

use super::frame::{PsfFrame, PsfOutput};
use super::{PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig};
use crate::sample::Sample;
use crate::simd::with_simd;
use crate::stages::ToolkitStages;
use crate::stream::{EdgePolicy, FramePipeline, FrameSpec, StreamingDelta, extract_clip};
use crate::{Extractor, FeatureError, StreamingExtractor};

/// Extractor of python_speech_features; made by `init` of [`PsfMfccConfig`], [`PsfLogFbankConfig`] or
/// [`PsfFbankConfig`].
///
/// Samples and features are f32 or f64; all computation is f64.
#[derive(Clone, Debug)]
pub struct Psf<S> {
    stream: PsfStream<S>,
}

/// Streaming extractor of python_speech_features; made by `stream` of [`PsfMfccConfig`],
/// [`PsfLogFbankConfig`] or [`PsfFbankConfig`].
///
/// A frame is complete with its last sample, or 2 N frames later with deltas of order 2. At the end of the
/// clip zeros complete the last frame.
#[derive(Clone, Debug)]
pub struct PsfStream<S> {
    pipeline: FramePipeline<PsfFrame>,
    preemph: f64,
    /// Previous sample.
    previous: f64,
    samples: PhantomData<S>,
}

impl<S: Sample> PsfStream<S> {
    fn new(
        config: &PsfFbankConfig,
        sample_rate_hz: u32,
        output: PsfOutput,
    ) -> Result<PsfStream<S>, FeatureError> {
        let analysis = PsfFrame::new(config, sample_rate_hz, output)?;
        let spec = FrameSpec {
            length: config.frame(sample_rate_hz),
            hop: config.hop(sample_rate_hz),
            edges: EdgePolicy::ZeroPad,
        };
        let width = crate::stream::Analysis::width(&analysis);
        let deltas = StreamingDelta::repeated(width, config.deltas, config.delta_reach);
        Ok(PsfStream {
            pipeline: FramePipeline::new(spec, analysis, deltas),
            preemph: config.preemph,
            previous: 0.0,
            samples: PhantomData,
        })
    }
}

impl<S: Sample> Psf<S> {
    /// Returns the stages.
    pub(super) fn stages(&self) -> ToolkitStages {
        let PsfStream { pipeline, preemph, .. } = &self.stream;
        ToolkitStages {
            preemphasis: *preemph,
            framing: pipeline.spec().stage(),
            spectrum: Some(pipeline.analysis().stage()),
            frames: pipeline.delta_stages(),
        }
    }
}

impl<S: Sample> StreamingExtractor<S> for PsfStream<S> {
    fn width(&self) -> usize {
        self.pipeline.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.pipeline.frames_for(samples)
    }

    fn push(&mut self, samples: &[S], frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        let (preemph, previous) = (self.preemph, &mut self.previous);
        self.pipeline.push(samples, frames, |samples, numbers| {
            with_simd(
                #[inline(always)]
                || emphasize(samples, preemph, *previous, numbers),
            );
            *previous = samples.last().map_or(*previous, |sample| sample.widen());
        })
    }

    fn finish(&mut self, frames: &mut Vec<S>) -> Result<usize, FeatureError> {
        if self.pipeline.received() == 0 {
            return Err(FeatureError::TooShort { samples: 0, needed: 1 });
        }
        self.previous = 0.0;
        self.pipeline.finish(frames)
    }

    fn reset(&mut self) {
        self.previous = 0.0;
        self.pipeline.reset();
    }
}

/// Computes x\[n\] - preemph x\[n - 1\] of samples after the sample `previous`.
#[inline(always)]
fn emphasize<S: Sample>(samples: &[S], preemph: f64, previous: f64, numbers: &mut [f64]) {
    if let ([first, ..], [number, rest @ ..]) = (samples, &mut *numbers) {
        *number = first.widen() - preemph * previous;
        for (number, pair) in rest.iter_mut().zip(samples.windows(2)) {
            *number = pair[1].widen() - preemph * pair[0].widen();
        }
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
        extract_clip(&mut self.stream, samples, values)
    }
}

/// Implements `init` and `stream` of a configuration from its energies and its output.
macro_rules! front_end {
    ($config:ident, $fbank:expr, $output:expr) => {
        impl $config {
            /// Builds the extractor for clips with a sample rate.
            ///
            /// # Units
            /// Hz
            ///
            /// # Errors
            #[doc = concat!("[`FeatureError::Setting`], see [`", stringify!($config), "::check`].")]
            pub fn init<S: Sample>(&self, sample_rate_hz: u32) -> Result<Psf<S>, FeatureError> {
                Ok(Psf { stream: self.stream(sample_rate_hz)? })
            }

            /// Builds the streaming extractor.
            ///
            /// # Units
            /// Hz
            ///
            /// # Errors
            #[doc = concat!("[`FeatureError::Setting`], see [`", stringify!($config), "::check`].")]
            pub fn stream<S: Sample>(&self, sample_rate_hz: u32) -> Result<PsfStream<S>, FeatureError> {
                self.check(sample_rate_hz)?;
                PsfStream::new(&$fbank(self), sample_rate_hz, $output(self))
            }
        }
    };
}

impl PsfFbankConfig {
    /// Builds the extractor of what python_speech_features.fbank returns: the mel energies of a frame, then its total energy.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`PsfFbankConfig::check`].
    pub fn init_with_total<S: Sample>(&self, sample_rate_hz: u32) -> Result<Psf<S>, FeatureError> {
        Ok(Psf { stream: PsfStream::new(self, sample_rate_hz, PsfOutput::EnergiesAndTotal)? })
    }
}

front_end!(PsfFbankConfig, PsfFbankConfig::clone, |_| PsfOutput::Energies);
front_end!(PsfLogFbankConfig, |config: &PsfLogFbankConfig| config.fbank.clone(), |_| PsfOutput::LogEnergies);
front_end!(PsfMfccConfig, PsfMfccConfig::fbank, PsfOutput::cepstra);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_energy_is_that_of_the_first_coefficient() {
        let samples: Vec<f64> = (0..4000).map(|n| f64::from(n * n % 101) - 50.0).collect();
        let config = PsfMfccConfig::default();
        let cepstra = config.init::<f64>(8000).unwrap().extract(&samples).unwrap();
        let energies = config.fbank().init::<f64>(8000).unwrap().extract(&samples).unwrap();
        let both = config.fbank().init_with_total::<f64>(8000).unwrap().extract(&samples).unwrap();
        for t in 0..energies.frames() {
            assert_eq!(both.frame(t)[..26], *energies.frame(t));
            assert_eq!(both.frame(t)[26].ln(), cepstra.frame(t)[0]);
        }
    }
}
