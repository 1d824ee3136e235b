//! Configured front end for whole clips.

use crate::config::{FeatureConfig, Scale};
use crate::front_end_kind::ClipExtractor;
use crate::post_processing::PostProcessing;
use crate::{FeatureError, Features};

/// Turns clips into a model's input; made by [`FeatureConfig::init`].
///
/// Clones share the tables and own their buffers: clone one per thread. Normalization per coefficient is not
/// applied here but by the [`StandardScaler`](crate::StandardScaler) of a model.
#[derive(Clone, Debug)]
pub struct FrontEnd {
    config: FeatureConfig,
    toolkit: Box<dyn ClipExtractor>,
    post_processing: PostProcessing,
    samples: Vec<f32>,
    base: Vec<f32>,
}

impl FrontEnd {
    /// Checks the settings and builds the tables.
    pub(crate) fn new(config: &FeatureConfig) -> Result<FrontEnd, FeatureError> {
        config.check_clip()?;
        let toolkit = config.front_end.kind().extractor(config.sample_rate_hz);
        let toolkit = toolkit.map_err(|error| config.front_end_error(error))?;
        let post_processing = PostProcessing::new(config, toolkit.width())?;
        let front_end = FrontEnd {
            config: config.clone(),
            toolkit,
            post_processing,
            samples: Vec::new(),
            base: Vec::new(),
        };
        config.check_frames(&front_end)?;
        Ok(front_end)
    }

    /// Returns the settings.
    pub fn config(&self) -> &FeatureConfig {
        &self.config
    }

    /// Returns F, the number of values per frame, deltas and stacked neighbors included.
    pub fn width(&self) -> usize {
        self.post_processing.width()
    }

    /// Returns T, the number of frames of a clip of `samples` samples; 0 if the clip is too short.
    pub fn frames_for(&self, samples: usize) -> usize {
        self.config.stacking.frames(self.base_frames_for(samples))
    }

    /// Returns the number of values per frame before deltas and stacking.
    pub(crate) fn base_width(&self) -> usize {
        self.toolkit.width()
    }

    /// Returns the number of frames before stacking.
    pub(crate) fn base_frames_for(&self, samples: usize) -> usize {
        self.toolkit.frames_for(self.config.fixed_length_samples.unwrap_or(samples))
    }

    /// Returns the features of a clip.
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

    /// Replaces the content of `values` with the features of a clip and returns the number of frames.
    ///
    /// Allocates nothing after the first clip of a given length.
    ///
    /// # Errors
    /// As [`FrontEnd::extract`].
    pub fn extract_into(
        &mut self,
        unit_samples: &[f32],
        values: &mut Vec<f32>,
    ) -> Result<usize, FeatureError> {
        let FrontEnd { config, toolkit, post_processing, samples, base } = self;
        let samples = prepare_samples(config, unit_samples, samples);
        if post_processing.is_none() {
            let frames = toolkit.extract_into(samples, values)?;
            require_frames(&**toolkit, frames, samples.len())?;
        } else {
            let frames = toolkit.extract_into(samples, base)?;
            require_frames(&**toolkit, frames, samples.len())?;
            post_processing.process_clip(base, values)?;
        }
        let width = post_processing.width();
        config.normalization.apply_to_values(values, width);
        Ok(values.len() / width)
    }
}

/// Returns an error if a clip has no frame; a model needs at least one, although some toolkits allow none.
fn require_frames(toolkit: &dyn ClipExtractor, frames: usize, samples: usize) -> Result<(), FeatureError> {
    if frames > 0 {
        return Ok(());
    }
    let needed = (samples + 1..).find(|&more| toolkit.frames_for(more) > 0);
    Err(FeatureError::TooShort { samples, needed: needed.unwrap_or(usize::MAX) })
}

/// Returns the samples at the configured scale and length, in `buffer` if they differ from the input.
fn prepare_samples<'a>(
    config: &FeatureConfig,
    unit_samples: &'a [f32],
    buffer: &'a mut Vec<f32>,
) -> &'a [f32] {
    let length = config.fixed_length_samples.unwrap_or(unit_samples.len());
    if config.scale == Scale::Unit && length <= unit_samples.len() {
        return &unit_samples[..length];
    }
    buffer.clear();
    config.scale.append(&unit_samples[..length.min(unit_samples.len())], buffer);
    buffer.resize(length, 0.0);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DeltaConfig, DeltaMode, DeltasConfig, Extractor, FrontEndConfig, KaldiMfccConfig, LibrosaMelDbConfig,
        LibrosaMfccConfig, Normalization, StandardScaler,
    };

    fn clip(samples: usize) -> Vec<f32> {
        (0..samples).map(|n| f32::from((n * n % 30_011) as i16 - 15_000) / 32768.0).collect()
    }

    fn init(config: FeatureConfig) -> FrontEnd {
        config.init().unwrap()
    }

    #[test]
    fn front_end_without_post_processing_equals_extractor() {
        let samples = clip(5000);
        let features = init(FeatureConfig::default()).extract(&samples).unwrap();
        let expected = LibrosaMfccConfig::default().init(16_000).unwrap().extract(&samples).unwrap();
        assert_eq!(features, expected);
        let config = FeatureConfig {
            front_end: FrontEndConfig::LibrosaMelDb(LibrosaMelDbConfig { n_mels: 40, ..Default::default() }),
            ..Default::default()
        };
        let features = init(config).extract(&samples).unwrap();
        assert_eq!((features.frames(), features.width()), (10, 40));
    }

    #[test]
    fn clip_without_frames_is_an_error() {
        let front_end = FrontEndConfig::KaldiMfcc(KaldiMfccConfig::default());
        let mut kaldi = init(FeatureConfig { front_end, ..Default::default() });
        for samples in [0, 399] {
            let error = kaldi.extract(&clip(samples)).unwrap_err();
            assert_eq!(error, FeatureError::TooShort { samples, needed: 400 });
        }
        assert_eq!(kaldi.extract(&clip(400)).unwrap().frames(), 1);
    }

    #[test]
    fn int16_scale_multiplies_samples() {
        let samples = clip(5000);
        let integers: Vec<f32> = samples.iter().map(|sample| sample * 32768.0).collect();
        let scaled =
            init(FeatureConfig { scale: Scale::Int16, ..Default::default() }).extract(&samples).unwrap();
        assert_eq!(scaled, init(FeatureConfig::default()).extract(&integers).unwrap());
        assert_ne!(scaled, init(FeatureConfig::default()).extract(&samples).unwrap());
    }

    #[test]
    fn fixed_length_cuts_or_pads_with_zeros() {
        let mut fixed = init(FeatureConfig { fixed_length_samples: Some(4000), ..Default::default() });
        let mut free = init(FeatureConfig::default());
        assert_eq!(fixed.frames_for(1), 8);
        let long = clip(5000);
        assert_eq!(fixed.extract(&long).unwrap(), free.extract(&long[..4000]).unwrap());
        let mut padded = clip(1500);
        assert_eq!(fixed.extract(&padded.clone()).unwrap(), {
            padded.resize(4000, 0.0);
            free.extract(&padded).unwrap()
        });
    }

    #[test]
    fn deltas_follow_their_features() {
        let samples = clip(9000);
        let base = init(FeatureConfig::default()).extract(&samples).unwrap();
        let mode = DeltaMode::Nearest;
        let deltas = DeltasConfig { order: 2, width: Some(5), mode: Some(mode), ..Default::default() };
        let both =
            init(FeatureConfig { deltas: Some(deltas), ..Default::default() }).extract(&samples).unwrap();
        assert_eq!((both.frames(), both.width()), (18, 60));
        for order in [1, 2] {
            let expected = DeltaConfig { order, width: 5, mode }.init().unwrap().apply(&base).unwrap();
            for t in 0..18 {
                assert_eq!(both.frame(t)[..20], *base.frame(t));
                assert_eq!(both.frame(t)[order * 20..(order + 1) * 20], *expected.frame(t));
            }
        }
        let none = DeltasConfig { order: 0, ..Default::default() };
        let none = init(FeatureConfig { deltas: Some(none), ..Default::default() });
        assert_eq!(none.width(), 20);
    }

    #[test]
    fn utterance_normalization_follows_deltas() {
        let samples = clip(9000);
        let config = FeatureConfig { deltas: Some(DeltasConfig::default()), ..Default::default() };
        let mut plain = init(config.clone()).extract(&samples).unwrap();
        let whole = FeatureConfig { normalization: Normalization::PerUtterance, ..config.clone() };
        let normalized = init(whole).extract(&samples).unwrap();
        StandardScaler::fit([&plain.clone()]).unwrap().apply(&mut plain).unwrap();
        for (a, b) in normalized.values().iter().zip(plain.values()) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
        let mean = FeatureConfig { normalization: Normalization::PerUtteranceMean, ..config };
        let centered = init(mean).extract(&samples).unwrap();
        let sum: f32 = (0..centered.frames()).map(|t| centered.frame(t)[0]).sum();
        assert!(sum.abs() < 1e-2 && centered.values() != normalized.values());
    }

    #[test]
    fn clones_and_repeated_use_give_equal_features() {
        let mut front_end = init(FeatureConfig::default());
        let first = front_end.extract(&clip(3000)).unwrap();
        front_end.extract(&clip(20_000)).unwrap();
        assert!(front_end.extract(&[0.5, f32::NAN]).is_err());
        assert_eq!(front_end.extract(&clip(3000)).unwrap(), first);
        assert_eq!(front_end.clone().extract(&clip(3000)).unwrap(), first);
    }

    #[test]
    fn invalid_samples_are_errors() {
        let mut front_end =
            init(FeatureConfig { deltas: Some(DeltasConfig::default()), ..Default::default() });
        let mut samples = clip(9000);
        let few = front_end.extract(&samples[..2000]).unwrap_err();
        assert_eq!(few, FeatureError::TooFewFrames { frames: 4, width: 9, widest: 3 });
        samples[777] = f32::INFINITY;
        let error = front_end.extract(&samples).unwrap_err();
        assert_eq!(error.to_string(), "sample 777 is inf; samples must be finite numbers");
        samples[777] = 1e30;
        assert_eq!(front_end.extract(&samples), Err(FeatureError::Overflow { frame: 0 }));
        let short = LibrosaMfccConfig { center: false, ..Default::default() };
        let mut short =
            init(FeatureConfig { front_end: FrontEndConfig::LibrosaMfcc(short), ..Default::default() });
        let error = short.extract(&samples[..700]).unwrap_err();
        assert_eq!(error, FeatureError::TooShort { samples: 700, needed: 2048 });
        assert_eq!(short.frames_for(700), 0);
    }
}
