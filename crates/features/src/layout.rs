//! Layout and axis of feature matrices, for storing and plotting.

use crate::FrontEnd;
use crate::config::FeatureConfig;
use crate::mel::MelScale;

/// Layout of the reference toolkit's feature matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// \[F, T\]: librosa and torchaudio.transforms.
    FeaturesFirst,
    /// \[T, F\]: python_speech_features, Kaldi and raw samples.
    FramesFirst,
}

/// Feature axis: the meaning of the columns of a feature matrix.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureAxis {
    /// Mel bands, with their center frequencies, Hz.
    Bands(Vec<f64>),
    /// Cepstral coefficients, or any features with deltas or stacked neighbors.
    Coefficients,
    /// Samples.
    Samples,
}

impl FeatureAxis {
    /// Returns the axis of `bands` bands, equally spaced on a mel scale between two edges, Hz.
    pub(crate) fn mel_bands(scale: MelScale, bands: usize, (low_hz, high_hz): (f64, f64)) -> FeatureAxis {
        let edges_hz = scale.spaced_hz(bands + 2, low_hz, high_hz);
        FeatureAxis::Bands(edges_hz[1..=bands].to_vec())
    }
}

impl FeatureConfig {
    /// Returns the quantity of the values, with its unit if it has one: `level (dB)`.
    ///
    /// # Example
    /// ```
    /// assert_eq!(stapes_features::preset("log-mel")?.quantity(), "level (dB)");
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn quantity(&self) -> &'static str {
        self.front_end.kind().quantity()
    }
}

impl FrontEnd {
    /// Returns the feature axis.
    ///
    /// # Example
    /// ```
    /// use stapes_features::FeatureAxis;
    ///
    /// let FeatureAxis::Bands(centers_hz) = stapes_features::preset("log-mel")?.init()?.feature_axis() else { panic!() };
    /// assert_eq!(centers_hz.len(), 40);
    /// assert!(centers_hz[0] > 0.0 && centers_hz[39] < 8000.0);
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn feature_axis(&self) -> FeatureAxis {
        let config = self.config();
        let has_deltas = config.deltas.as_ref().is_some_and(|deltas| deltas.order > 0);
        match config.front_end.kind().axis(config.sample_rate_hz) {
            FeatureAxis::Bands(_) if has_deltas || !config.stacking.is_none() => FeatureAxis::Coefficients,
            axis => axis,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FrontEndConfig, KaldiFbankConfig, PsfLogFbankConfig, StackingConfig, TorchaudioMelDbConfig, preset,
    };

    #[test]
    fn bands_have_centers_and_cepstra_have_none() {
        for (front_end, bands, first_hz) in [
            (FrontEndConfig::PsfLogFbank(PsfLogFbankConfig::default()), 26, 68.479),
            (FrontEndConfig::KaldiFbank(KaldiFbankConfig::default()), 23, 98.773),
            (FrontEndConfig::TorchaudioMelDb(TorchaudioMelDbConfig::default()), 128, 13.809),
        ] {
            let config = FeatureConfig { front_end, ..Default::default() };
            let FeatureAxis::Bands(centers_hz) = config.init().unwrap().feature_axis() else {
                panic!("no bands")
            };
            assert_eq!((centers_hz.len(), config.init().unwrap().width()), (bands, bands));
            assert!(centers_hz.is_sorted() && centers_hz[bands - 1] < 8000.0);
            assert!((centers_hz[0] - first_hz).abs() < 0.01, "{}", centers_hz[0]);
            let stacking = StackingConfig { left: 1, ..Default::default() };
            assert_eq!(
                FeatureConfig { stacking, ..config }.init().unwrap().feature_axis(),
                FeatureAxis::Coefficients
            );
        }
        assert_eq!(
            preset("kaldi-mfcc-39").unwrap().init().unwrap().feature_axis(),
            FeatureAxis::Coefficients
        );
        assert_eq!(preset("waveform").unwrap().init().unwrap().feature_axis(), FeatureAxis::Samples);
    }
}
