//! Front end of log mel energies.

use super::{PsfFbankConfig, PsfLogFbankConfig};
use crate::FeatureError;
use crate::front_end_kind::{ClipExtractor, FrontEndKind, StreamExtractor};
use crate::layout::{FeatureAxis, Layout};
use crate::settings_macro::{Settings, Table};

impl FrontEndKind for PsfLogFbankConfig {
    fn name(&self) -> &'static str {
        "psf-logfbank"
    }

    fn settings(&self) -> Table {
        PsfFbankConfig::TABLE
    }

    fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        PsfLogFbankConfig::check(self, sample_rate_hz)
    }

    fn extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn ClipExtractor>, FeatureError> {
        Ok(Box::new(self.init::<f32>(sample_rate_hz)?))
    }

    fn streaming_extractor(&self, sample_rate_hz: u32) -> Result<Box<dyn StreamExtractor>, FeatureError> {
        Ok(Box::new(self.stream::<f32>(sample_rate_hz)?))
    }

    fn hop(&self, sample_rate_hz: u32) -> usize {
        self.fbank.hop(sample_rate_hz)
    }

    fn first_center(&self, sample_rate_hz: u32) -> f64 {
        self.fbank.first_center(sample_rate_hz)
    }

    fn warning(&self, sample_rate_hz: u32) -> Option<String> {
        self.fbank.long_frame_warning(sample_rate_hz)
    }

    fn layout(&self) -> Layout {
        Layout::FramesFirst
    }

    fn quantity(&self) -> &'static str {
        "log energy (ln)"
    }

    fn axis(&self, sample_rate_hz: u32) -> FeatureAxis {
        self.fbank.axis(sample_rate_hz)
    }
}
