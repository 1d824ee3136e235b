//! Log-mel spectrogram: mel bands in decibels, as by `power_to_db`.

use super::check::check_decibels;
use super::{LibrosaMel, LibrosaMelConfig, LibrosaMelDbConfig};
use crate::decibel::{Decibels, Reference};
use crate::framing::NonzeroRange;
use crate::front_end_kind::{FrontEndKind, extractors};
use crate::layout::{FeatureAxis, Layout};
use crate::sample::Sample;
use crate::stages::{FramingStage, SpectrumStage, ToolkitStages};
use crate::stream::{check_no_floor, check_uncentered, needs_whole_clip};
use crate::{Extractor, FeatureError, Streaming};

impl LibrosaMelDbConfig {
    /// Builds the extractor for clips with a sample rate.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMelDbConfig::check`].
    pub fn init<S: Sample>(&self, sample_rate_hz: u32) -> Result<LibrosaMelDb<S>, FeatureError> {
        LibrosaMelDb::new(&self.mel(), self.decibels(), sample_rate_hz)
    }

    /// Builds the streaming extractor.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMelDbConfig::check`]; [`FeatureError::NeedsWholeClip`] with
    /// `center`, `top_db` or `ref = "max"`.
    pub fn stream<S: Sample>(
        &self,
        sample_rate_hz: u32,
    ) -> Result<Streaming<LibrosaMelDb<S>, S>, FeatureError> {
        check_stream(&self.mel(), &self.decibels())?;
        Ok(Streaming::new(self.init(sample_rate_hz)?, self.mel().stft().uncentered_frames()))
    }
}

/// Checks that no setting needs the whole clip.
pub(super) fn check_stream(mel: &LibrosaMelConfig, decibels: &Decibels) -> Result<(), FeatureError> {
    check_uncentered(mel.center)?;
    check_no_floor(decibels.top_db)?;
    match decibels.reference {
        Reference::Power(_) => Ok(()),
        Reference::Max => Err(needs_whole_clip("ref", "max", "use ref = 1, in training too")),
    }
}

impl FrontEndKind for LibrosaMelDbConfig {
    extractors!();

    fn hop(&self, _sample_rate_hz: u32) -> usize {
        self.hop_length
    }

    fn frame_length(&self, _sample_rate_hz: u32) -> usize {
        self.n_fft
    }

    fn first_center(&self, _sample_rate_hz: u32) -> f64 {
        self.mel().first_center()
    }

    fn layout(&self) -> Layout {
        Layout::FeaturesFirst
    }

    fn stages(&self, sample_rate_hz: u32) -> Result<Option<ToolkitStages>, FeatureError> {
        let (framing, spectrum) = self.init::<f64>(sample_rate_hz)?.stages();
        Ok(Some(ToolkitStages::of_frames(framing, Some(spectrum))))
    }

    fn quantity(&self) -> &'static str {
        "level (dB)"
    }

    fn axis(&self, sample_rate_hz: u32) -> FeatureAxis {
        let highest_hz = self.mel().highest_hz(sample_rate_hz);
        FeatureAxis::mel_bands(self.mel().scale(), self.n_mels, (self.fmin, highest_hz))
    }
}

/// Extractor of mel bands in decibels; made by [`LibrosaMelDbConfig::init`].
#[derive(Clone, Debug)]
pub struct LibrosaMelDb<S> {
    mel: LibrosaMel<S>,
    decibels: Decibels,
}

impl<S: Sample> LibrosaMelDb<S> {
    /// Checks the settings and builds the extractor.
    pub(super) fn new(
        mel: &LibrosaMelConfig,
        decibels: Decibels,
        sample_rate_hz: u32,
    ) -> Result<LibrosaMelDb<S>, FeatureError> {
        let mel = mel.init(sample_rate_hz)?;
        check_decibels(&decibels)?;
        Ok(LibrosaMelDb { mel, decibels })
    }

    /// Returns the stages.
    pub(super) fn stages(&self) -> (FramingStage, SpectrumStage) {
        self.mel.stages(self.decibels.into())
    }

    /// Implements [`Extractor::extract_into`] and returns the nonzero range of the clip.
    pub(super) fn fill(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<NonzeroRange, FeatureError> {
        let frames = self.mel.stft.framing().require_frames(samples.len())?;
        let clip = NonzeroRange::from_samples(samples)?;
        let width = self.mel.width();
        values.clear();
        values.resize(frames * width, S::default());
        let silence = self.decibels.silence();
        let mut peak = silence;
        for (t, frame) in values.chunks_exact_mut(width).enumerate() {
            if self.is_silent(t, &clip) {
                frame.fill(silence.decibels());
            } else {
                self.mel.frame(samples, t, frame);
                if !self.decibels.convert(frame, &mut peak) {
                    return Err(FeatureError::Overflow { frame: t });
                }
            }
        }
        self.decibels.finish(values, peak);
        Ok(clip)
    }

    /// Returns true if frame `t` is all zeros; all such frames have the same decibels.
    pub(super) fn is_silent(&self, t: usize, clip: &NonzeroRange) -> bool {
        self.mel.stft.is_silent(t, clip)
    }
}

impl<S: Sample> Extractor<S> for LibrosaMelDb<S> {
    fn width(&self) -> usize {
        self.mel.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.mel.frames_for(samples)
    }

    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError> {
        self.fill(samples, values)?;
        Ok(values.len() / self.mel.width())
    }
}
