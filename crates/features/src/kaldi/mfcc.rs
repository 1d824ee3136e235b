//! Front end of mel-frequency cepstral coefficients (MFCC). `frame.rs` has the arithmetic.

use super::KaldiMfccConfig;
use crate::front_end_kind::{FrontEndKind, extractors};

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

    fn quantity(&self) -> &'static str {
        "coefficient (of ln)"
    }
}
