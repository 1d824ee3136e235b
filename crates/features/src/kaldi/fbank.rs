//! Front end of mel energies and their logarithms.

use super::KaldiFbankConfig;
use crate::FeatureError;
use crate::front_end_kind::{ClipExtractor, FrontEndKind, StreamExtractor};
use crate::layout::{FeatureAxis, Layout};
use crate::mel::MelScale;
use crate::settings_macro::{Settings, Table};

impl FrontEndKind for KaldiFbankConfig {
    fn name(&self) -> &'static str {
        "kaldi-fbank"
    }

    fn settings(&self) -> Table {
        KaldiFbankConfig::TABLE
    }

    fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        KaldiFbankConfig::check(self, sample_rate_hz)
    }

    fn extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn ClipExtractor>, FeatureError> {
        Ok(Box::new(self.init(sample_rate_hz)?))
    }

    fn streaming_extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn StreamExtractor>, FeatureError> {
        Ok(Box::new(self.stream(sample_rate_hz)?))
    }

    fn hop(&self, sample_rate_hz: u32) -> usize {
        self.lengths(sample_rate_hz).hop
    }

    fn frame_length(&self, sample_rate_hz: u32) -> usize {
        self.lengths(sample_rate_hz).points
    }

    fn first_center(&self, sample_rate_hz: u32) -> f64 {
        self.frame_opts.first_center(sample_rate_hz)
    }

    fn layout(&self) -> Layout {
        Layout::FramesFirst
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
