//! Front end of mel-frequency cepstral coefficients (MFCC). `frame.rs` has the arithmetic.

use super::PsfMfccConfig;
use crate::FeatureError;
use crate::front_end_kind::{FrontEndKind, extractors};
use crate::stages::ToolkitStages;

impl FrontEndKind for PsfMfccConfig {
    extractors!();

    fn hop(&self, sample_rate_hz: u32) -> usize {
        self.fbank().hop(sample_rate_hz)
    }

    fn frame_length(&self, sample_rate_hz: u32) -> usize {
        self.fbank().points(sample_rate_hz)
    }

    fn first_center(&self, sample_rate_hz: u32) -> f64 {
        self.fbank().first_center(sample_rate_hz)
    }

    fn warning(&self, sample_rate_hz: u32) -> Option<String> {
        self.fbank().long_frame_warning(sample_rate_hz)
    }

    fn stages(&self, sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        Ok(Some(self.init::<f64>(sample_rate_hz)?.stages()))
    }

    fn quantity(&self) -> &'static str {
        "coefficient (of ln)"
    }
}
