//! Front end of mel energies. `frame.rs` has the arithmetic.

use super::PsfFbankConfig;
use crate::FeatureError;
use crate::front_end_kind::{FrontEndKind, extractors};
use crate::layout::FeatureAxis;
use crate::mel::MelScale;
use crate::stages::ToolkitStages;

impl FrontEndKind for PsfFbankConfig {
    extractors!();

    fn hop(&self, sample_rate_hz: u32) -> usize {
        PsfFbankConfig::hop(self, sample_rate_hz)
    }

    fn frame_length(&self, sample_rate_hz: u32) -> usize {
        self.points(sample_rate_hz)
    }

    fn warning(&self, sample_rate_hz: u32) -> Option<String> {
        self.long_frame_warning(sample_rate_hz)
    }

    fn first_center(&self, sample_rate_hz: u32) -> f64 {
        self.winlen * f64::from(sample_rate_hz) / 2.0
    }

    fn stages(&self, sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        Ok(Some(self.init::<f64>(sample_rate_hz)?.stages()))
    }

    fn quantity(&self) -> &'static str {
        "energy"
    }

    fn axis(&self, sample_rate_hz: u32) -> FeatureAxis {
        if self.deltas > 0 {
            return FeatureAxis::Coefficients;
        }
        FeatureAxis::mel_bands(MelScale::Htk, self.nfilt, (self.lowfreq, self.highest_hz(sample_rate_hz)))
    }
}
