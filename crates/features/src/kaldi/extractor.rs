//! From settings to features, of whole clips and of streams.

use super::frame::{KaldiFrame, cepstra};
use super::{KaldiCmvn, KaldiDialect, KaldiFbankConfig, KaldiMfccConfig};
use crate::cepstra::Cepstra;
use crate::stream::{Analysis, DeltaLine, Ending, Line, Slicing, whole_clip};
use crate::{Extractor, FeatureError, Stream};

/// Features of clips; made by `init` of [`KaldiMfccConfig`] or [`KaldiFbankConfig`].
#[derive(Clone, Debug)]
pub struct Kaldi {
    stream: KaldiStream,
    cmvn: KaldiCmvn,
}

/// Features of samples that arrive piece by piece; made by `stream` of [`KaldiMfccConfig`] or
/// [`KaldiFbankConfig`].
///
/// A frame is given once its last sample is there, and 2 (4) frames later with deltas of order 1 (2). Without
/// `snip_edges` the last frames look at the mirrored end of the clip and come with it.
#[derive(Clone, Debug)]
pub struct KaldiStream {
    line: Line<KaldiFrame>,
    /// Fewer samples are refused.
    fewest: usize,
}

impl KaldiStream {
    fn new(config: &KaldiFbankConfig, sample_rate_hz: u32, cepstra: Option<Cepstra<f32>>) -> KaldiStream {
        let lengths = config.lengths(sample_rate_hz);
        let ending = if config.frame_opts.snip_edges { Ending::Dropped } else { Ending::Mirrored };
        let analysis = KaldiFrame::new(config, sample_rate_hz, cepstra);
        let deltas = DeltaLine::convolved(analysis.width(), config.deltas, 2);
        KaldiStream {
            line: Line::new(Slicing { length: lengths.frame, hop: lengths.hop, ending }, analysis, deltas),
            fewest: if config.dialect == KaldiDialect::Torchaudio { lengths.frame } else { 0 },
        }
    }
}

impl Stream<f32> for KaldiStream {
    fn width(&self) -> usize {
        self.line.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        if samples < self.fewest { 0 } else { self.line.frames_for(samples) }
    }

    fn push(&mut self, samples: &[f32], frames: &mut Vec<f32>) -> Result<usize, FeatureError> {
        self.line.push(samples, frames, |sample| sample)
    }

    fn finish(&mut self, frames: &mut Vec<f32>) -> Result<usize, FeatureError> {
        let samples = self.line.received();
        if samples < self.fewest {
            self.reset();
            return Err(FeatureError::TooShort { samples, needed: self.fewest });
        }
        self.line.finish(frames)
    }

    fn reset(&mut self) {
        self.line.reset();
    }
}

impl Extractor<f32> for Kaldi {
    fn width(&self) -> usize {
        self.stream.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.stream.frames_for(samples)
    }

    fn extract_into(&mut self, samples: &[f32], values: &mut Vec<f32>) -> Result<usize, FeatureError> {
        let frames = whole_clip(&mut self.stream, samples, values)?;
        self.cmvn.apply(values, self.stream.width());
        Ok(frames)
    }
}

/// `init` and `stream` of a configuration that begins with those bands and goes on to those cepstra.
macro_rules! front_end {
    ($config:ident, $fbank:expr, $cepstra:expr) => {
        impl $config {
            /// The extractor of these settings for clips of a sample rate.
            ///
            /// # Units
            /// Hz
            ///
            /// # Errors
            #[doc = concat!("[`FeatureError::Setting`], see [`", stringify!($config), "::check`].")]
            pub fn init(&self, sample_rate_hz: u32) -> Result<Kaldi, FeatureError> {
                self.check(sample_rate_hz)?;
                let stream = KaldiStream::new(&$fbank(self), sample_rate_hz, $cepstra(self));
                Ok(Kaldi { stream, cmvn: self.cmvn })
            }

            /// The same for samples that arrive piece by piece.
            ///
            /// # Units
            /// Hz
            ///
            /// # Errors
            #[doc = concat!("[`FeatureError::Setting`], see [`", stringify!($config), "::check`];")]
            /// [`FeatureError::NeedsWholeClip`] with `cmvn`.
            pub fn stream(&self, sample_rate_hz: u32) -> Result<KaldiStream, FeatureError> {
                $fbank(self).check_stream()?;
                Ok(self.init(sample_rate_hz)?.stream)
            }
        }
    };
}

front_end!(KaldiFbankConfig, KaldiFbankConfig::clone, |_| None);
front_end!(KaldiMfccConfig, KaldiMfccConfig::fbank, |config| Some(cepstra(config)));
