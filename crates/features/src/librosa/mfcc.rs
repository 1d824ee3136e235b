//! Mel-frequency cepstral coefficients.

use super::mel_db::check_stream;
use super::{LibrosaMelDb, LibrosaMfccConfig};
use crate::cepstra::Cepstra;
use crate::dct::Dct;
use crate::front_end_kind::{FrontEndKind, extractors};
use crate::layout::Layout;
use crate::lifter;
use crate::sample::Sample;
use crate::stages::ToolkitStages;
use crate::{Extractor, FeatureError, Streaming};

impl LibrosaMfccConfig {
    /// Builds the extractor for clips with a sample rate.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMfccConfig::check`].
    pub fn init<S: Sample>(&self, sample_rate_hz: u32) -> Result<LibrosaMfcc<S>, FeatureError> {
        self.check(sample_rate_hz)?;
        let coefficients = self.n_mfcc.min(self.n_mels);
        let lifter = lifter::librosa(self.lifter, coefficients);
        Ok(LibrosaMfcc {
            mel_db: LibrosaMelDb::new(&self.mel(), self.decibels(), sample_rate_hz)?,
            cepstra: Cepstra::new(Dct::new(self.n_mels, coefficients, self.norm), lifter),
            decibels: Vec::new(),
        })
    }

    /// Builds the streaming extractor.
    ///
    /// # Units
    /// Hz
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`LibrosaMfccConfig::check`]; [`FeatureError::NeedsWholeClip`] with
    /// `center`, `top_db` or `ref = "max"`.
    ///
    /// # Example
    /// ```
    /// use stapes_features::{Extractor, LibrosaMfccConfig, StreamingExtractor};
    ///
    /// let config = LibrosaMfccConfig { center: false, top_db: None, ..Default::default() };
    /// let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.3).sin()).collect();
    /// let (mut stream, mut frames) = (config.stream(16_000)?, Vec::new());
    /// for chunk in samples.chunks(160) {
    ///     stream.push(chunk, &mut frames)?;
    /// }
    /// stream.finish(&mut frames)?;
    /// assert_eq!(frames, config.init(16_000)?.extract(&samples)?.values());
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn stream<S: Sample>(
        &self,
        sample_rate_hz: u32,
    ) -> Result<Streaming<LibrosaMfcc<S>, S>, FeatureError> {
        check_stream(&self.mel(), &self.decibels())?;
        Ok(Streaming::new(self.init(sample_rate_hz)?, self.mel().stft().uncentered_frames()))
    }
}

impl FrontEndKind for LibrosaMfccConfig {
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
        let mfcc = self.init::<f64>(sample_rate_hz)?;
        let (framing, spectrum) = mfcc.mel_db.stages();
        Ok(Some(ToolkitStages::of_frames(framing, Some(spectrum.with_cepstra(&mfcc.cepstra)))))
    }

    fn quantity(&self) -> &'static str {
        "coefficient (of dB)"
    }
}

/// Extractor of mel-frequency cepstral coefficients; made by [`LibrosaMfccConfig::init`].
#[derive(Clone, Debug)]
pub struct LibrosaMfcc<S> {
    mel_db: LibrosaMelDb<S>,
    cepstra: Cepstra<S>,
    decibels: Vec<S>,
}

impl<S: Sample> Extractor<S> for LibrosaMfcc<S> {
    fn width(&self) -> usize {
        self.cepstra.width()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.mel_db.frames_for(samples)
    }

    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError> {
        let clip = self.mel_db.fill(samples, &mut self.decibels)?;
        let bands = self.mel_db.width();
        self.cepstra.apply_to_clip((&self.decibels, bands), values, |t| self.mel_db.is_silent(t, &clip));
        Ok(self.decibels.len() / bands)
    }
}
