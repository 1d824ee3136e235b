//! Layout and axis of feature matrices, for storing and plotting.

use crate::config::{FeatureConfig, FrontEndConfig};
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

impl FrontEndConfig {
    /// Layout of the reference toolkit's feature matrix.
    ///
    /// # Example
    /// ```
    /// use stapes_features::{FrontEndConfig, Layout};
    ///
    /// assert_eq!(FrontEndConfig::default().layout(), Layout::FeaturesFirst);
    /// ```
    pub fn layout(&self) -> Layout {
        match self {
            FrontEndConfig::LibrosaMfcc(_)
            | FrontEndConfig::LibrosaMelDb(_)
            | FrontEndConfig::TorchaudioMfcc(_)
            | FrontEndConfig::TorchaudioMelDb(_) => Layout::FeaturesFirst,
            FrontEndConfig::PsfMfcc(_)
            | FrontEndConfig::PsfLogFbank(_)
            | FrontEndConfig::PsfFbank(_)
            | FrontEndConfig::KaldiMfcc(_)
            | FrontEndConfig::KaldiFbank(_)
            | FrontEndConfig::Waveform(_) => Layout::FramesFirst,
        }
    }

    /// Returns the quantity of the values, with its unit if it has one.
    fn quantity(&self) -> &'static str {
        match self {
            FrontEndConfig::LibrosaMelDb(_) | FrontEndConfig::TorchaudioMelDb(_) => "level (dB)",
            FrontEndConfig::PsfLogFbank(_) => "log energy (ln)",
            FrontEndConfig::PsfFbank(_) => "energy",
            FrontEndConfig::KaldiFbank(config) if config.use_log_fbank => "log energy (ln)",
            FrontEndConfig::KaldiFbank(_) => "energy",
            FrontEndConfig::LibrosaMfcc(_) => "coefficient (of dB)",
            FrontEndConfig::TorchaudioMfcc(config) if !config.log_mels => "coefficient (of dB)",
            FrontEndConfig::TorchaudioMfcc(_) | FrontEndConfig::PsfMfcc(_) | FrontEndConfig::KaldiMfcc(_) => {
                "coefficient (of ln)"
            }
            FrontEndConfig::Waveform(_) => "sample",
        }
    }

    /// Returns mel scale, number and outer edges (Hz) of the bands, if the values are bands.
    fn bands(&self, sample_rate_hz: u32) -> Option<(MelScale, usize, (f64, f64))> {
        let half_hz = f64::from(sample_rate_hz) / 2.0;
        match self {
            FrontEndConfig::LibrosaMelDb(config) => {
                let scale = if config.htk { MelScale::Htk } else { MelScale::Slaney };
                Some((scale, config.n_mels, (config.fmin, config.fmax.unwrap_or(half_hz))))
            }
            FrontEndConfig::TorchaudioMelDb(config) => {
                let mel = config.mel();
                Some((mel.mel_scale, mel.n_mels, (mel.f_min, mel.highest_hz(sample_rate_hz))))
            }
            FrontEndConfig::PsfLogFbank(config) if config.deltas == 0 => {
                FrontEndConfig::PsfFbank(config.fbank()).bands(sample_rate_hz)
            }
            FrontEndConfig::PsfFbank(config) if config.deltas == 0 => {
                let highest_hz = config.highest_hz(sample_rate_hz);
                Some((MelScale::Htk, config.nfilt, (config.lowfreq, highest_hz)))
            }
            FrontEndConfig::KaldiFbank(config) if config.deltas == 0 && !config.use_energy => {
                let mel = &config.mel_opts;
                Some((MelScale::Kaldi, mel.num_bins, (mel.low_freq, mel.highest_hz(sample_rate_hz))))
            }
            _ => None,
        }
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
        self.front_end.quantity()
    }

    /// Returns the feature axis; the settings must have been checked.
    ///
    /// # Example
    /// ```
    /// use stapes_features::FeatureAxis;
    ///
    /// let FeatureAxis::Bands(centers_hz) = stapes_features::preset("log-mel")?.feature_axis() else { panic!() };
    /// assert_eq!(centers_hz.len(), 40);
    /// assert!(centers_hz[0] > 0.0 && centers_hz[39] < 8000.0);
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn feature_axis(&self) -> FeatureAxis {
        if matches!(self.front_end, FrontEndConfig::Waveform(_)) {
            return FeatureAxis::Samples;
        }
        let deltas = self.deltas.as_ref().is_some_and(|deltas| deltas.order > 0);
        match self.front_end.bands(self.sample_rate_hz) {
            Some((scale, bands, (low_hz, high_hz))) if !deltas && self.stacking.is_none() => {
                let edges_hz = scale.spaced_hz(bands + 2, low_hz, high_hz);
                FeatureAxis::Bands(edges_hz[1..=bands].to_vec())
            }
            _ => FeatureAxis::Coefficients,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KaldiFbankConfig, PsfLogFbankConfig, StackingConfig, TorchaudioMelDbConfig, preset};

    #[test]
    fn bands_have_centers_and_cepstra_have_none() {
        for (front_end, bands, first_hz) in [
            (FrontEndConfig::PsfLogFbank(PsfLogFbankConfig::default()), 26, 68.479),
            (FrontEndConfig::KaldiFbank(KaldiFbankConfig::default()), 23, 98.773),
            (FrontEndConfig::TorchaudioMelDb(TorchaudioMelDbConfig::default()), 128, 13.809),
        ] {
            let config = FeatureConfig { front_end, ..Default::default() };
            let FeatureAxis::Bands(centers_hz) = config.feature_axis() else { panic!("no bands") };
            assert_eq!((centers_hz.len(), config.init().unwrap().width()), (bands, bands));
            assert!(centers_hz.is_sorted() && centers_hz[bands - 1] < 8000.0);
            assert!((centers_hz[0] - first_hz).abs() < 0.01, "{}", centers_hz[0]);
            let stacking = StackingConfig { left: 1, ..Default::default() };
            assert_eq!(FeatureConfig { stacking, ..config }.feature_axis(), FeatureAxis::Coefficients);
        }
        assert_eq!(preset("kaldi-mfcc-39").unwrap().feature_axis(), FeatureAxis::Coefficients);
        assert_eq!(preset("waveform").unwrap().feature_axis(), FeatureAxis::Samples);
    }
}
