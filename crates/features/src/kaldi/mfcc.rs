//! Front end of mel-frequency cepstral coefficients (MFCC). `frame.rs` has the arithmetic.

use super::KaldiMfccConfig;
use crate::FeatureError;
use crate::front_end_kind::{FrontEndKind, extractors};
use crate::stages::ToolkitStages;

impl FrontEndKind for KaldiMfccConfig {
    extractors!();

    fn hop(&self, sample_rate_hz: u32) -> usize {
        self.fbank().lengths(sample_rate_hz).hop
    }

    fn frame_length(&self, sample_rate_hz: u32) -> usize {
        self.fbank().lengths(sample_rate_hz).points
    }

    fn first_center(&self, sample_rate_hz: u32) -> f64 {
        self.frame_opts.first_center(sample_rate_hz)
    }

    fn stages(&self, sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        Ok(Some(self.init(sample_rate_hz)?.stages()))
    }

    fn quantity(&self) -> &'static str {
        "coefficient (of ln)"
    }
}
