//! Features in the number type of their toolkit, and as .npy files.

use anyhow::Result;
use ndarray::ArrayView2;
use ndarray_npy::{WritableElement, WriteNpyExt};
use stapes::audio::Clip;
use stapes::features::{
    Extractor as _, FeatureConfig, FeatureError, Features, FrontEndConfig, Layout, Normalization, Psf, Scale,
};
use stapes::infer;

/// Features of a recording.
pub(super) enum Frames {
    Single(Features<f32>),
    Double(Features<f64>),
}

impl Frames {
    /// Returns F, the number of values per frame.
    pub(super) fn width(&self) -> usize {
        match self {
            Frames::Single(features) => features.width(),
            Frames::Double(features) => features.width(),
        }
    }

    /// Returns the values, frame by frame.
    pub(super) fn values(&self) -> Vec<f32> {
        match self {
            Frames::Single(features) => features.values().to_vec(),
            Frames::Double(features) => features.values().iter().map(|value| *value as f32).collect(),
        }
    }

    /// Returns NumPy's name of the number type.
    pub(super) fn dtype(&self) -> &'static str {
        match self {
            Frames::Single(_) => "float32",
            Frames::Double(_) => "float64",
        }
    }

    /// Returns the shape of the array.
    pub(super) fn shape(&self, layout: Layout) -> [usize; 2] {
        let (frames, width) = match self {
            Frames::Single(features) => (features.frames(), features.width()),
            Frames::Double(features) => (features.frames(), features.width()),
        };
        match layout {
            Layout::FeaturesFirst => [width, frames],
            Layout::FramesFirst => [frames, width],
        }
    }

    /// Returns the array as an .npy file.
    pub(super) fn npy(&self, layout: Layout) -> Result<Vec<u8>> {
        match self {
            Frames::Single(features) => npy(features, layout),
            Frames::Double(features) => npy(features, layout),
        }
    }
}

fn npy<S: WritableElement + Clone>(features: &Features<S>, layout: Layout) -> Result<Vec<u8>> {
    let shape = (features.frames(), features.width());
    let array = ArrayView2::from_shape(shape, features.values())?;
    let mut file = Vec::new();
    match layout {
        Layout::FramesFirst => array.write_npy(&mut file)?,
        // In C order, which most readers expect.
        Layout::FeaturesFirst => array.t().as_standard_layout().write_npy(&mut file)?,
    }
    Ok(file)
}

/// Extractor in the number type of the toolkit: f64 for python_speech_features without further processing, else f32.
#[derive(Clone)]
pub(super) enum ClipExtractor {
    Single(Box<infer::ClipExtractor>),
    Double(Box<Double>),
}

/// python_speech_features in f64.
#[derive(Clone)]
pub(super) struct Double {
    psf: Psf<f64>,
    config: FeatureConfig,
}

impl ClipExtractor {
    /// Creates the extractor for the settings.
    pub(super) fn new(config: &FeatureConfig) -> Result<ClipExtractor> {
        let single = Box::new(infer::ClipExtractor::new(config)?);
        let rate_hz = config.sample_rate_hz;
        let psf = match &config.front_end {
            FrontEndConfig::PsfMfcc(psf) => psf.init(rate_hz)?,
            FrontEndConfig::PsfLogFbank(psf) => psf.init(rate_hz)?,
            FrontEndConfig::PsfFbank(psf) => psf.init(rate_hz)?,
            _ => return Ok(ClipExtractor::Single(single)),
        };
        let is_plain = config.deltas.as_ref().is_none_or(|deltas| deltas.order == 0)
            && config.stacking == Default::default()
            && config.normalization == Normalization::None;
        Ok(match is_plain {
            true => ClipExtractor::Double(Box::new(Double { psf, config: config.clone() })),
            false => ClipExtractor::Single(single),
        })
    }

    /// Extracts the features of a recording, which is resampled if necessary.
    pub(super) fn extract(&mut self, clip: &Clip) -> Result<Frames> {
        match self {
            ClipExtractor::Single(extractor) => Ok(Frames::Single(extractor.extract(clip)?)),
            ClipExtractor::Double(extractor) if clip.sample_rate_hz == extractor.config.sample_rate_hz => {
                Ok(Frames::Double(extractor.frames(&clip.samples)?))
            }
            ClipExtractor::Double(extractor) => {
                let clip = clip.resampled(extractor.config.sample_rate_hz)?;
                Ok(Frames::Double(extractor.frames(&clip.samples)?))
            }
        }
    }
}

impl Double {
    fn frames(&mut self, samples: &[f32]) -> Result<Features<f64>, FeatureError> {
        let factor = match self.config.scale {
            Scale::Int16 => 32768.0,
            Scale::Unit => 1.0,
        };
        let mut samples: Vec<f64> = samples.iter().map(|sample| f64::from(*sample) * factor).collect();
        if let Some(length) = self.config.fixed_length_samples {
            samples.resize(length, 0.0);
        }
        self.psf.extract(&samples)
    }
}
