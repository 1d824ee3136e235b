//! What the values of a frame mean, for whoever stores or draws them.

use crate::config::{FeatureConfig, FrontEndConfig};
use crate::mel::MelScale;

/// Which way the reference toolkit lays out its matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// \[F, T\]: librosa and torchaudio.transforms.
    FeaturesFirst,
    /// \[T, F\]: python_speech_features, Kaldi, and the samples themselves.
    FramesFirst,
}

/// What the places of a frame's values stand for.
#[derive(Clone, Debug, PartialEq)]
pub enum Places {
    /// Mel bands, by the frequencies of their centres, Hz.
    Bands(Vec<f64>),
    /// Cepstra by their number, or anything with deltas or neighbours behind it.
    Coefficients,
    /// Samples.
    Samples,
}

impl FrontEndConfig {
    /// Which way the reference toolkit lays out its matrix.
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

    /// What a value is, with its unit where it has one.
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

    /// The scale, the number and the outer edges (Hz) of the bands that are a frame's values.
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
    /// What a value is, with its unit where it has one: `level (dB)`.
    ///
    /// # Example
    /// ```
    /// assert_eq!(stapes_features::preset("log-mel")?.quantity(), "level (dB)");
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn quantity(&self) -> &'static str {
        self.front_end.quantity()
    }

    /// What the places of a frame's values stand for; settings must have been checked.
    ///
    /// # Example
    /// ```
    /// use stapes_features::Places;
    ///
    /// let Places::Bands(centres_hz) = stapes_features::preset("log-mel")?.places() else { panic!() };
    /// assert_eq!(centres_hz.len(), 40);
    /// assert!(centres_hz[0] > 0.0 && centres_hz[39] < 8000.0);
    /// # Ok::<(), stapes_features::FeatureError>(())
    /// ```
    pub fn places(&self) -> Places {
        if matches!(self.front_end, FrontEndConfig::Waveform(_)) {
            return Places::Samples;
        }
        let deltas = self.deltas.as_ref().is_some_and(|deltas| deltas.order > 0);
        match self.front_end.bands(self.sample_rate_hz) {
            Some((scale, bands, (low_hz, high_hz))) if !deltas && self.stacking.is_none() => {
                let edges_hz = scale.spaced_hz(bands + 2, low_hz, high_hz);
                Places::Bands(edges_hz[1..=bands].to_vec())
            }
            _ => Places::Coefficients,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KaldiFbankConfig, PsfLogFbankConfig, StackingConfig, TorchaudioMelDbConfig, preset};

    #[test]
    fn there_is_a_centre_for_every_band_and_none_for_cepstra_and_neighbours() {
        for (front_end, bands, first_hz) in [
            (FrontEndConfig::PsfLogFbank(PsfLogFbankConfig::default()), 26, 68.479),
            (FrontEndConfig::KaldiFbank(KaldiFbankConfig::default()), 23, 98.773),
            (FrontEndConfig::TorchaudioMelDb(TorchaudioMelDbConfig::default()), 128, 13.809),
        ] {
            let config = FeatureConfig { front_end, ..Default::default() };
            let Places::Bands(centres_hz) = config.places() else { panic!("no bands") };
            assert_eq!((centres_hz.len(), config.init().unwrap().width()), (bands, bands));
            assert!(centres_hz.is_sorted() && centres_hz[bands - 1] < 8000.0);
            assert!((centres_hz[0] - first_hz).abs() < 0.01, "{}", centres_hz[0]);
            let stacking = StackingConfig { left: 1, ..Default::default() };
            assert_eq!(FeatureConfig { stacking, ..config }.places(), Places::Coefficients);
        }
        assert_eq!(preset("kaldi-mfcc-39").unwrap().places(), Places::Coefficients);
        assert_eq!(preset("waveform").unwrap().places(), Places::Samples);
    }
}
