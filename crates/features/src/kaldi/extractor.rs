//! Extractors of whole clips and of streams. `frame.rs` has the arithmetic.

use super::frame::{KaldiFrame, cepstra};
use super::{KaldiCmvn, KaldiDialect, KaldiFbankConfig, KaldiMfccConfig};
use crate::cepstra::Cepstra;
use crate::stages::{FrameStage, ToolkitStages};
use crate::stream::{Analysis, EdgePolicy, FramePipeline, FrameSpec, StreamingDelta, extract_clip};
use crate::{Extractor, FeatureError, Normalization, StreamingExtractor};

/// Kaldi's extractor; made by `init` of [`KaldiMfccConfig`] or [`KaldiFbankConfig`].
#[derive(Clone, Debug)]
pub struct Kaldi {
    stream: KaldiStream,
    cmvn: KaldiCmvn,
}

/// Kaldi's streaming extractor; made by `stream` of [`KaldiMfccConfig`] or [`KaldiFbankConfig`].
///
/// A frame is complete with its last sample, or 2 (4) frames later with deltas of order 1 (2). Without
/// `snip_edges` the last frames need the mirrored end of the clip and are complete at its end.
#[derive(Clone, Debug)]
pub struct KaldiStream {
    pipeline: FramePipeline<KaldiFrame>,
    /// Minimum number of samples of a clip.
    min_samples: usize,
}

impl KaldiStream {
    fn new(
        config: &KaldiFbankConfig,
        sample_rate_hz: u32,
        cepstra: Option<Cepstra<f32>>,
    ) -> Result<KaldiStream, FeatureError> {
        let analysis = KaldiFrame::new(config, sample_rate_hz, cepstra)?;
        let lengths = config.lengths(sample_rate_hz);
        let edges = if config.frame_opts.snip_edges { EdgePolicy::Discard } else { EdgePolicy::Mirror };
        let deltas = StreamingDelta::convolved(analysis.width(), config.deltas, 2);
        Ok(KaldiStream {
            pipeline: FramePipeline::new(
                FrameSpec { length: lengths.frame, hop: lengths.hop, edges },
                analysis,
                deltas,
            ),
            min_samples: if config.dialect == KaldiDialect::Torchaudio { lengths.frame } else { 0 },
        })
    }
}

impl Kaldi {
    /// Returns the stages.
    pub(super) fn stages(&self) -> ToolkitStages {
        let pipeline = &self.stream.pipeline;
        let normalization = match self.cmvn {
            KaldiCmvn::None => None,
            KaldiCmvn::Mean => Some(Normalization::CmvnMean),
            KaldiCmvn::MeanVar => Some(Normalization::Cmvn),
        };
        let mut frames = pipeline.delta_stages();
        frames.extend(normalization.map(FrameStage::Normalization));
        ToolkitStages {
            preemphasis: 0.0,
            framing: pipeline.spec().stage(),
            spectrum: Some(pipeline.analysis().stage()),
            frames,
        }
    }
}

impl StreamingExtractor<f32> for KaldiStream {
    fn width(&self) -> usize {
        self.pipeline.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        if samples < self.min_samples { 0 } else { self.pipeline.frames_for(samples) }
    }

    fn push(&mut self, samples: &[f32], frames: &mut Vec<f32>) -> Result<usize, FeatureError> {
        self.pipeline.push(samples, frames, |samples, numbers| numbers.copy_from_slice(samples))
    }

    fn finish(&mut self, frames: &mut Vec<f32>) -> Result<usize, FeatureError> {
        let samples = self.pipeline.received();
        if samples < self.min_samples {
            self.reset();
            return Err(FeatureError::TooShort { samples, needed: self.min_samples });
        }
        self.pipeline.finish(frames)
    }

    fn reset(&mut self) {
        self.pipeline.reset();
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
        let frames = extract_clip(&mut self.stream, samples, values)?;
        self.cmvn.apply(values, self.stream.width());
        Ok(frames)
    }
}

/// Implements `init` and `stream` of a configuration from its bands and cepstra.
macro_rules! front_end {
    ($config:ident, $fbank:expr, $cepstra:expr) => {
        impl $config {
            /// Builds the extractor for clips with a sample rate.
            ///
            /// # Units
            /// Hz
            ///
            /// # Errors
            #[doc = concat!("[`FeatureError::Setting`], see [`", stringify!($config), "::check`].")]
            pub fn init(&self, sample_rate_hz: u32) -> Result<Kaldi, FeatureError> {
                self.check(sample_rate_hz)?;
                let stream = KaldiStream::new(&$fbank(self), sample_rate_hz, $cepstra(self))?;
                Ok(Kaldi { stream, cmvn: self.cmvn })
            }

            /// Builds the streaming extractor.
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
