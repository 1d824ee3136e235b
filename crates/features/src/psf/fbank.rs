//! Front end of mel energies.

use super::PsfFbankConfig;
use crate::FeatureError;
use crate::front_end_kind::{ClipExtractor, FrontEndKind, StreamExtractor};
use crate::layout::{FeatureAxis, Layout};
use crate::mel::MelScale;
use crate::settings_macro::{Settings, Table};

impl FrontEndKind for PsfFbankConfig {
    fn name(&self) -> &'static str {
        "psf-fbank"
    }

    fn settings(&self) -> Table {
        PsfFbankConfig::TABLE
    }

    fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        PsfFbankConfig::check(self, sample_rate_hz)
    }

    fn extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn ClipExtractor>, FeatureError> {
        Ok(Box::new(self.init::<f32>(sample_rate_hz)?))
    }

    fn streaming_extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn StreamExtractor>, FeatureError> {
        Ok(Box::new(self.stream::<f32>(sample_rate_hz)?))
    }

    fn hop(&self, sample_rate_hz: u32) -> usize {
        PsfFbankConfig::hop(self, sample_rate_hz)
    }

    fn first_center(&self, sample_rate_hz: u32) -> f64 {
        self.winlen * f64::from(sample_rate_hz) / 2.0
    }

    fn warning(&self, sample_rate_hz: u32) -> Option<String> {
        self.long_frame_warning(sample_rate_hz)
    }

    fn layout(&self) -> Layout {
        Layout::FramesFirst
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
