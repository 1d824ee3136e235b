//! A configured front end at work.

use crate::config::{FeatureConfig, FrontEndConfig, Scale};
use crate::delta::{Columns, Delta, DeltaConfig};
use crate::librosa::{LibrosaMelDb, LibrosaMfcc};
use crate::{Extractor, FeatureError, Features};

/// Turns clips into a model's input; made by [`FeatureConfig::init`].
///
/// It holds its tables (shared between clones) and its buffers (its own): clone one for each thread.
/// Normalisation per coefficient is not done here but by the [`Standardiser`](crate::Standardiser) that belongs
/// to a model.
#[derive(Clone, Debug)]
pub struct FrontEnd {
    config: FeatureConfig,
    toolkit: Toolkit,
    deltas: Vec<Delta>,
    samples: Vec<f32>,
    base: Vec<f32>,
}

/// The extractor of each toolkit.
#[derive(Clone, Debug)]
enum Toolkit {
    LibrosaMfcc(LibrosaMfcc<f32>),
    LibrosaMelDb(LibrosaMelDb<f32>),
}

impl Toolkit {
    fn extractor(&self) -> &dyn Extractor<f32> {
        match self {
            Toolkit::LibrosaMfcc(extractor) => extractor,
            Toolkit::LibrosaMelDb(extractor) => extractor,
        }
    }

    fn extractor_mut(&mut self) -> &mut dyn Extractor<f32> {
        match self {
            Toolkit::LibrosaMfcc(extractor) => extractor,
            Toolkit::LibrosaMelDb(extractor) => extractor,
        }
    }
}

impl FrontEnd {
    /// Builds the tables of settings that have been checked.
    pub(crate) fn new(config: &FeatureConfig) -> Result<FrontEnd, FeatureError> {
        let rate_hz = config.sample_rate_hz;
        let toolkit = match &config.front_end {
            FrontEndConfig::LibrosaMfcc(config) => Toolkit::LibrosaMfcc(config.init(rate_hz)?),
            FrontEndConfig::LibrosaMelDb(config) => Toolkit::LibrosaMelDb(config.init(rate_hz)?),
        };
        let deltas = match &config.deltas {
            None => Vec::new(),
            Some(deltas) => (1..=deltas.order)
                .map(|order| DeltaConfig { order, ..deltas.clone() }.init())
                .collect::<Result<_, _>>()?,
        };
        Ok(FrontEnd { config: config.clone(), toolkit, deltas, samples: Vec::new(), base: Vec::new() })
    }

    /// The settings.
    pub fn config(&self) -> &FeatureConfig {
        &self.config
    }

    /// F, the number of values a frame, deltas included.
    pub fn width(&self) -> usize {
        self.toolkit.extractor().width() * (1 + self.deltas.len())
    }

    /// T, the number of frames of a clip of so many samples; 0 if they are too few.
    pub fn frames_for(&self, samples: usize) -> usize {
        self.toolkit.extractor().frames_for(self.config.fixed_length_samples.unwrap_or(samples))
    }

    /// The features of a clip.
    ///
    /// # Shapes
    /// samples \[L\] -> \[T, F\]
    ///
    /// # Units
    /// samples in [-1, 1], at the configured rate
    ///
    /// # Errors
    /// [`FeatureError::NotFinite`] with the sample's index, [`FeatureError::TooShort`],
    /// [`FeatureError::TooFewFrames`] for deltas, [`FeatureError::Overflow`].
    pub fn extract(&mut self, unit_samples: &[f32]) -> Result<Features, FeatureError> {
        let mut values = Vec::new();
        self.extract_into(unit_samples, &mut values)?;
        Ok(Features::new(self.width(), values))
    }

    /// As [`FrontEnd::extract`], into a vector whose content is replaced; the number of frames.
    ///
    /// After the first clip of a length nothing is allocated.
    ///
    /// # Errors
    /// As [`FrontEnd::extract`].
    pub fn extract_into(
        &mut self,
        unit_samples: &[f32],
        values: &mut Vec<f32>,
    ) -> Result<usize, FeatureError> {
        self.prepare(unit_samples);
        let width = self.width();
        let frames = if self.deltas.is_empty() {
            self.toolkit.extractor_mut().extract_into(&self.samples, values)?
        } else {
            let frames = self.toolkit.extractor_mut().extract_into(&self.samples, &mut self.base)?;
            values.clear();
            values.resize(frames * width, 0.0);
            self.append_deltas(values)?;
            frames
        };
        self.config.normalisation.apply_to_values(values, width);
        Ok(frames)
    }

    /// Scales the samples and brings them to the fixed length.
    fn prepare(&mut self, unit_samples: &[f32]) {
        let length = self.config.fixed_length_samples.unwrap_or(unit_samples.len());
        let kept = &unit_samples[..length.min(unit_samples.len())];
        self.samples.clear();
        match self.config.scale {
            Scale::Unit => self.samples.extend_from_slice(kept),
            // A power of two: exact.
            Scale::Int16 => self.samples.extend(kept.iter().map(|sample| sample * 32768.0)),
        }
        self.samples.resize(length, 0.0);
    }

    /// Writes the base features and, beside them, their deltas.
    fn append_deltas(&self, values: &mut [f32]) -> Result<(), FeatureError> {
        let count = self.toolkit.extractor().width();
        let output_width = self.width();
        for (row, base) in values.chunks_exact_mut(output_width).zip(self.base.chunks_exact(count)) {
            row[..count].copy_from_slice(base);
        }
        for (order, delta) in self.deltas.iter().enumerate() {
            let output_first = (order + 1) * count;
            let columns = Columns { input_width: count, count, output_width, output_first };
            delta.columns(&self.base, values, columns)?;
        }
        Ok(())
    }
}
