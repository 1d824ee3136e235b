//! Front end of mel-frequency cepstral coefficients.

use super::KaldiMfccConfig;
use crate::FeatureError;
use crate::front_end_kind::{ClipExtractor, FrontEndKind, StreamExtractor};
use crate::layout::Layout;
use crate::settings_macro::{Settings, Table};

impl FrontEndKind for KaldiMfccConfig {
    fn name(&self) -> &'static str {
        "kaldi-mfcc"
    }

    fn settings(&self) -> Table {
        KaldiMfccConfig::TABLE
    }

    fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        KaldiMfccConfig::check(self, sample_rate_hz)
    }

    fn extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn ClipExtractor>, FeatureError> {
        Ok(Box::new(self.init(sample_rate_hz)?))
    }

    fn streaming_extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn StreamExtractor>, FeatureError> {
        Ok(Box::new(self.stream(sample_rate_hz)?))
    }

    fn hop(&self, sample_rate_hz: u32) -> usize {
        self.fbank().lengths(sample_rate_hz).hop
    }

    fn frame_length(&self, sample_rate_hz: u32) -> usize {
        self.fbank().lengths(sample_rate_hz).points
    }

    fn first_center(&self, sample_rate_hz: u32) -> f64 {
        self.frame_opts.first_center(sample_rate_hz)
    }

    fn layout(&self) -> Layout {
        Layout::FramesFirst
    }

    fn quantity(&self) -> &'static str {
        "coefficient (of ln)"
    }
}
