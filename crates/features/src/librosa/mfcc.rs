//! Mel-frequency cepstral coefficients.

use std::ops::Range;
use std::sync::Arc;

use super::{LibrosaMelDb, LibrosaMfccConfig};
use crate::dct::Dct;
use crate::lifter;
use crate::sample::Sample;
use crate::{Extractor, FeatureError};

impl LibrosaMfccConfig {
    /// The extractor of these settings for clips of a sample rate, which places the bands.
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
            mel_db: self.mel_db().init(sample_rate_hz)?,
            dct: Dct::new(self.n_mels, coefficients, self.norm),
            lifter: lifter.into_iter().map(S::narrow).collect(),
            decibels: Vec::new(),
        })
    }
}

/// Mel-frequency cepstral coefficients; made by [`LibrosaMfccConfig::init`].
#[derive(Clone, Debug)]
pub struct LibrosaMfcc<S> {
    mel_db: LibrosaMelDb<S>,
    dct: Dct,
    lifter: Arc<[S]>,
    decibels: Vec<S>,
}

impl<S: Sample> LibrosaMfcc<S> {
    /// The coefficients of one frame of the decibels.
    fn frame(&mut self, decibels: Range<usize>, coefficients: &mut [S]) {
        self.dct.apply(&self.decibels[decibels], coefficients);
        for (coefficient, &weight) in coefficients.iter_mut().zip(&*self.lifter) {
            *coefficient = *coefficient * weight;
        }
    }
}

impl<S: Sample> Extractor<S> for LibrosaMfcc<S> {
    fn width(&self) -> usize {
        self.dct.rows()
    }

    fn frames_for(&self, samples: usize) -> usize {
        self.mel_db.frames_for(samples)
    }

    fn extract_into(&mut self, samples: &[S], values: &mut Vec<S>) -> Result<usize, FeatureError> {
        let clip = self.mel_db.fill(samples, &mut self.decibels)?;
        let (bands, width) = (self.mel_db.width(), self.dct.rows());
        let frames = self.decibels.len() / bands;
        values.clear();
        values.resize(frames * width, S::default());
        let mut silent: Option<usize> = None;
        for t in 0..frames {
            let here = t * width..(t + 1) * width;
            match silent {
                Some(earlier) if self.mel_db.is_silent(t, &clip) => {
                    values.copy_within(earlier * width..(earlier + 1) * width, here.start);
                }
                _ => self.frame(t * bands..(t + 1) * bands, &mut values[here]),
            }
            if silent.is_none() && self.mel_db.is_silent(t, &clip) {
                silent = Some(t);
            }
        }
        Ok(frames)
    }
}
