//! Presets, named feature configurations: log-mel, librosa-mfcc, psf-mfcc, kaldi-mfcc-39, torchaudio-mfcc, waveform.

use crate::FrontEndConfig;
use crate::config::{FeatureConfig, Scale};
use crate::front_ends::WaveformConfig;
use crate::kaldi::KaldiMfccConfig;
use crate::librosa::LibrosaMelDbConfig;
use crate::psf::PsfMfccConfig;
use crate::torchaudio::TorchaudioMfccConfig;
use crate::{FeatureError, Setting};

/// Named feature configuration, a starting point for recipes and commands.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Name.
    pub name: &'static str,
    /// Description in one line.
    pub summary: &'static str,
    /// Configuration at a sample rate in Hz.
    config: fn(u32) -> FeatureConfig,
}

impl Preset {
    /// Returns the configuration at 16 kHz.
    pub fn config(&self) -> FeatureConfig {
        self.at(FeatureConfig::default().sample_rate_hz)
    }

    /// Returns the configuration at a sample rate in Hz.
    ///
    /// The windows of `log-mel` last 25 ms every 10 ms at every rate. The other presets have the defaults of their toolkits:
    /// windows in milliseconds for python_speech_features and Kaldi, in samples for librosa and torchaudio.
    pub fn at(&self, sample_rate_hz: u32) -> FeatureConfig {
        FeatureConfig { sample_rate_hz, ..(self.config)(sample_rate_hz) }
    }

    /// Returns all settings with the preset's values.
    pub fn settings(&self) -> Vec<Setting> {
        self.config().settings()
    }
}

/// All presets.
///
/// # Example
/// ```
/// use stapes_features::PRESETS;
///
/// let preset = PRESETS.iter().find(|preset| preset.name == "log-mel");
/// assert!(preset.is_some_and(|preset| preset.summary.starts_with("40 mel bands")));
/// ```
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "librosa-mfcc",
        summary: "20 coefficients of 128 mel bands (librosa.feature.mfcc), 128 ms frames every 32 ms at 16 kHz",
        config: |_| FeatureConfig::default(),
    },
    Preset {
        name: "psf-mfcc",
        summary: "13 coefficients of 26 mel bands (python_speech_features.mfcc), 25 ms frames every 10 ms, int16 scale",
        config: |_| FeatureConfig {
            scale: Scale::Int16,
            ..front_end(FrontEndConfig::PsfMfcc(PsfMfccConfig::default()))
        },
    },
    Preset {
        name: "kaldi-mfcc-39",
        summary: "Kaldi's 13 coefficients with deltas of order 1 and 2, 25 ms frames every 10 ms, int16 scale",
        config: |_| FeatureConfig {
            scale: Scale::Int16,
            ..front_end(FrontEndConfig::KaldiMfcc(with_deltas()))
        },
    },
    Preset {
        name: "torchaudio-mfcc",
        summary: "40 coefficients of 128 mel bands (torchaudio.transforms.MFCC), 25 ms frames every 12.5 ms at 16 kHz",
        config: |_| front_end(FrontEndConfig::TorchaudioMfcc(TorchaudioMfccConfig::default())),
    },
    Preset {
        name: "log-mel",
        summary: "40 mel bands in decibels (librosa.power_to_db), 25 ms frames every 10 ms",
        config: |sample_rate_hz| front_end(FrontEndConfig::LibrosaMelDb(log_mel(sample_rate_hz))),
    },
    Preset {
        name: "waveform",
        summary: "raw samples, one per frame, for networks that learn their front end",
        config: |_| front_end(FrontEndConfig::Waveform(WaveformConfig::default())),
    },
];

/// Returns the configuration of a preset.
///
/// # Errors
/// [`FeatureError::Setting`] listing the presets if none has this name.
///
/// # Example
/// ```
/// let mut front_end = stapes_features::preset("log-mel")?.init()?;
/// let features = front_end.extract(&[0.0; 16_000])?;
/// assert_eq!((features.frames(), features.width()), (101, 40));
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
pub fn preset(name: &str) -> Result<FeatureConfig, FeatureError> {
    preset_at(name, FeatureConfig::default().sample_rate_hz)
}

/// Returns the configuration of a preset at a sample rate in Hz, see [`Preset::at`].
///
/// # Errors
/// Those of [`preset`].
pub fn preset_at(name: &str, sample_rate_hz: u32) -> Result<FeatureConfig, FeatureError> {
    match PRESETS.iter().find(|preset| preset.name == name) {
        Some(preset) => Ok(preset.at(sample_rate_hz)),
        None => {
            let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
            let rule = format!("must be one of {}", names.join(", "));
            Err(FeatureError::setting("preset", name, rule))
        }
    }
}

fn front_end(front_end: FrontEndConfig) -> FeatureConfig {
    FeatureConfig { front_end, ..FeatureConfig::default() }
}

fn with_deltas() -> KaldiMfccConfig {
    KaldiMfccConfig { deltas: 2, ..KaldiMfccConfig::default() }
}

/// Windows of 25 ms every 10 ms, and an FFT of the next power of two.
fn log_mel(sample_rate_hz: u32) -> LibrosaMelDbConfig {
    let samples =
        |milliseconds: f64| (f64::from(sample_rate_hz) * milliseconds / 1000.0).round().max(1.0) as usize;
    let win_length = samples(25.0);
    LibrosaMelDbConfig {
        n_fft: win_length.next_power_of_two(),
        win_length: Some(win_length),
        hop_length: samples(10.0),
        n_mels: 40,
        ..LibrosaMelDbConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_works_and_has_a_unique_name() {
        let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.3).sin()).collect();
        for preset in PRESETS {
            let features = preset.config().init().unwrap().extract(&samples).unwrap();
            assert!(features.frames() > 20, "{}", preset.name);
            assert_eq!(super::preset(preset.name).unwrap(), preset.config());
            assert_eq!(PRESETS.iter().filter(|other| other.name == preset.name).count(), 1);
            assert!(!preset.summary.contains('\n') && !preset.summary.is_empty());
        }
    }

    #[test]
    fn windows_of_log_mel_have_the_same_duration_at_every_rate() {
        for (rate, win_length, hop_length, n_fft) in
            [(8000, 200, 80, 256), (16_000, 400, 160, 512), (44_100, 1103, 441, 2048)]
        {
            let config = preset_at("log-mel", rate).unwrap();
            let FrontEndConfig::LibrosaMelDb(mel) = config.front_end else { panic!() };
            assert_eq!((mel.win_length, mel.hop_length, mel.n_fft), (Some(win_length), hop_length, n_fft));
            assert_eq!(config.sample_rate_hz, rate);
        }
    }

    #[test]
    fn unknown_preset_error_lists_presets() {
        let error = preset("librosa").unwrap_err().to_string();
        assert!(error.starts_with("preset = librosa: must be one of librosa-mfcc, "), "{error}");
    }
}
