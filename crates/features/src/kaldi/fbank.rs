//! Front end of mel energies and their logarithms (log-mel). `frame.rs` has the arithmetic.

use super::KaldiFbankConfig;
use crate::FeatureError;
use crate::front_end_kind::{FrontEndKind, extractors};
use crate::layout::FeatureAxis;
use crate::mel::MelScale;
use crate::stages::ToolkitStages;

impl FrontEndKind for KaldiFbankConfig {
    extractors!();

    fn hop(&self, sample_rate_hz: u32) -> usize {
        self.lengths(sample_rate_hz).hop
    }

    fn frame_length(&self, sample_rate_hz: u32) -> usize {
        self.lengths(sample_rate_hz).points
    }

    fn first_center(&self, sample_rate_hz: u32) -> f64 {
        self.frame_opts.first_center(sample_rate_hz)
    }

    fn stages(&self, sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        Ok(Some(self.init(sample_rate_hz)?.stages()))
    }

    fn quantity(&self) -> &'static str {
        if self.use_log_fbank { "log energy (ln)" } else { "energy" }
    }

    fn axis(&self, sample_rate_hz: u32) -> FeatureAxis {
        if self.deltas > 0 || self.use_energy {
            return FeatureAxis::Coefficients;
        }
        let mel = &self.mel_opts;
        FeatureAxis::mel_bands(MelScale::Kaldi, mel.num_bins, (mel.low_freq, mel.highest_hz(sample_rate_hz)))
    }
}
