//! From a clip to a model's input: everything a recipe says about features.

use serde::{Deserialize, Serialize};

use crate::check::rate;
use crate::deltas::DeltasConfig;
use crate::kaldi::{KaldiFbankConfig, KaldiMfccConfig};
use crate::librosa::{LibrosaMelDbConfig, LibrosaMfccConfig};
use crate::normalise::Normalisation;
use crate::psf::{PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig};
use crate::stacking::StackingConfig;
use crate::torchaudio::{TorchaudioMelDbConfig, TorchaudioMfccConfig};
use crate::waveform::WaveformConfig;
use crate::{FeatureError, FrontEnd};

/// A longer fixed length would be a typing error: 4.6 hours at 16 kHz.
const LONGEST_CLIP: usize = 1 << 28;

/// In what numbers a front end sees a 16-bit sample x.
///
/// The cepstra of both are equal but for the first coefficient, except where a floor acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// x itself, -32768..=32767; what scipy.io.wavfile reads.
    Int16,
    /// x / 32768; what librosa.load and torchaudio.load give.
    #[default]
    Unit,
}

impl Scale {
    /// Appends the numbers of samples in [-1, 1].
    pub(crate) fn append(self, unit_samples: &[f32], scaled: &mut Vec<f32>) {
        match self {
            Scale::Unit => scaled.extend_from_slice(unit_samples),
            // A power of two: exact.
            Scale::Int16 => scaled.extend(unit_samples.iter().map(|sample| sample * 32768.0)),
        }
    }
}

/// Which toolkit's features, with its settings; the name is the key: `[features.front_end.librosa-mfcc]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FrontEndConfig {
    /// Mel-frequency cepstral coefficients.
    LibrosaMfcc(LibrosaMfccConfig),
    /// Mel bands in decibels.
    LibrosaMelDb(LibrosaMelDbConfig),
    /// Mel-frequency cepstral coefficients as python_speech_features has them.
    PsfMfcc(PsfMfccConfig),
    /// Logarithms of mel energies as python_speech_features has them.
    #[serde(rename = "psf-logfbank")]
    PsfLogFbank(PsfLogFbankConfig),
    /// Mel energies as python_speech_features has them.
    PsfFbank(PsfFbankConfig),
    /// Mel-frequency cepstral coefficients as Kaldi has them.
    KaldiMfcc(KaldiMfccConfig),
    /// Logarithms of mel energies as Kaldi has them.
    KaldiFbank(KaldiFbankConfig),
    /// Mel-frequency cepstral coefficients as torchaudio has them.
    TorchaudioMfcc(TorchaudioMfccConfig),
    /// Mel bands in decibels as torchaudio has them.
    TorchaudioMelDb(TorchaudioMelDbConfig),
    /// The samples themselves.
    Waveform(WaveformConfig),
}

impl Default for FrontEndConfig {
    fn default() -> FrontEndConfig {
        FrontEndConfig::LibrosaMfcc(LibrosaMfccConfig::default())
    }
}

impl FrontEndConfig {
    /// The name in recipes.
    pub fn name(&self) -> &'static str {
        match self {
            FrontEndConfig::LibrosaMfcc(_) => "librosa-mfcc",
            FrontEndConfig::LibrosaMelDb(_) => "librosa-mel-db",
            FrontEndConfig::PsfMfcc(_) => "psf-mfcc",
            FrontEndConfig::PsfLogFbank(_) => "psf-logfbank",
            FrontEndConfig::PsfFbank(_) => "psf-fbank",
            FrontEndConfig::KaldiMfcc(_) => "kaldi-mfcc",
            FrontEndConfig::KaldiFbank(_) => "kaldi-fbank",
            FrontEndConfig::TorchaudioMfcc(_) => "torchaudio-mfcc",
            FrontEndConfig::TorchaudioMelDb(_) => "torchaudio-mel-db",
            FrontEndConfig::Waveform(_) => "waveform",
        }
    }

    /// From one frame to the next, in samples.
    pub(crate) fn hop(&self, sample_rate_hz: u32) -> usize {
        match self {
            FrontEndConfig::LibrosaMfcc(config) => config.hop_length,
            FrontEndConfig::LibrosaMelDb(config) => config.hop_length,
            FrontEndConfig::PsfMfcc(config) => config.fbank().hop(sample_rate_hz),
            FrontEndConfig::PsfLogFbank(config) => config.fbank().hop(sample_rate_hz),
            FrontEndConfig::PsfFbank(config) => config.hop(sample_rate_hz),
            FrontEndConfig::KaldiMfcc(config) => config.fbank().hop(sample_rate_hz),
            FrontEndConfig::KaldiFbank(config) => config.hop(sample_rate_hz),
            FrontEndConfig::TorchaudioMfcc(config) => config.melkwargs.hop(),
            FrontEndConfig::TorchaudioMelDb(config) => config.mel().hop(),
            FrontEndConfig::Waveform(config) => config.hop_length,
        }
    }

    fn check(&self, sample_rate_hz: u32) -> Result<(), FeatureError> {
        match self {
            FrontEndConfig::LibrosaMfcc(config) => config.check(sample_rate_hz),
            FrontEndConfig::LibrosaMelDb(config) => config.check(sample_rate_hz),
            FrontEndConfig::PsfMfcc(config) => config.check(sample_rate_hz),
            FrontEndConfig::PsfLogFbank(config) => config.check(sample_rate_hz),
            FrontEndConfig::PsfFbank(config) => config.check(sample_rate_hz),
            FrontEndConfig::KaldiMfcc(config) => config.check(sample_rate_hz),
            FrontEndConfig::KaldiFbank(config) => config.check(sample_rate_hz),
            FrontEndConfig::TorchaudioMfcc(config) => config.check(sample_rate_hz),
            FrontEndConfig::TorchaudioMelDb(config) => config.check(sample_rate_hz),
            FrontEndConfig::Waveform(config) => config.check(),
        }
    }
}

/// What becomes of a clip: scale, fixed length, front end, deltas, stacking, normalisation, in this order.
///
/// # Example
/// ```
/// use stapes_features::{DeltasConfig, FeatureConfig};
///
/// let config = FeatureConfig { deltas: Some(DeltasConfig::default()), ..Default::default() };
/// let mut front_end = config.init()?;
/// let features = front_end.extract(&[0.25; 16_000])?;
/// assert_eq!((features.frames(), features.width()), (32, 40));
/// # Ok::<(), stapes_features::FeatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureConfig {
    /// The rate that the front end takes samples to have, Hz.
    pub sample_rate_hz: u32,
    /// The numbers that the front end sees.
    pub scale: Scale,
    /// Clips are cut to this many samples, or zeros appended, before anything else; as they are if absent.
    pub fixed_length_samples: Option<usize>,
    /// Which features.
    pub front_end: FrontEndConfig,
    /// Deltas appended as further columns; none if absent.
    pub deltas: Option<DeltasConfig>,
    /// Frames beside their neighbours, and only every so many of them.
    #[serde(skip_serializing_if = "StackingConfig::is_none")]
    pub stacking: StackingConfig,
    /// How the features are brought to a common scale.
    pub normalisation: Normalisation,
}

impl Default for FeatureConfig {
    fn default() -> FeatureConfig {
        FeatureConfig {
            sample_rate_hz: 16_000,
            scale: Scale::default(),
            fixed_length_samples: None,
            front_end: FrontEndConfig::default(),
            deltas: None,
            stacking: StackingConfig::default(),
            normalisation: Normalisation::default(),
        }
    }
}

impl FeatureConfig {
    /// Checks all settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`]: `features.front_end.librosa-mfcc.hop_length = 0: must be at least 1; use 1`.
    pub fn check(&self) -> Result<(), FeatureError> {
        self.init().map(drop)
    }

    /// The front end of these settings.
    ///
    /// # Errors
    /// [`FeatureError::Setting`], see [`FeatureConfig::check`].
    pub fn init(&self) -> Result<FrontEnd, FeatureError> {
        self.check_values().map_err(|error| error.within("features"))?;
        let front_end = FrontEnd::new(self)?;
        self.check_frames(&front_end).map_err(|error| error.within("features"))?;
        Ok(front_end)
    }

    /// How many frames a second of audio gives.
    pub fn frames_per_second(&self) -> f64 {
        let hop = self.front_end.hop(self.sample_rate_hz) * self.stacking.every;
        f64::from(self.sample_rate_hz) / hop as f64
    }

    fn check_values(&self) -> Result<(), FeatureError> {
        rate(self.sample_rate_hz, 1)?;
        if let Some(length) = self.fixed_length_samples.filter(|length| !(1..=LONGEST_CLIP).contains(length))
        {
            let rule = format!("must be within 1..={LONGEST_CLIP}; leave it out to keep each clip's length");
            return Err(FeatureError::setting("fixed_length_samples", length, rule));
        }
        self.front_end
            .check(self.sample_rate_hz)
            .map_err(|error| error.within(self.front_end.name()).within("front_end"))?;
        if let Some(deltas) = &self.deltas {
            deltas.check().map_err(|error| error.within("deltas"))?;
        }
        self.stacking.check().map_err(|error| error.within("stacking"))
    }

    /// Checks what follows from a fixed length: whether it gives a frame, and enough for the deltas.
    fn check_frames(&self, front_end: &FrontEnd) -> Result<(), FeatureError> {
        let Some(length) = self.fixed_length_samples else { return Ok(()) };
        let frames = front_end.base_frames_for(length);
        if frames == 0 {
            let rule = "must be enough for one frame; use at least the frame's length";
            return Err(FeatureError::setting("fixed_length_samples", length, rule));
        }
        match &self.deltas {
            Some(deltas) if frames < deltas.fewest_frames() => {
                let widest = (frames - 1) / 2 * 2 + 1;
                let choice = if widest < 3 { String::new() } else { format!("{widest}, or ") };
                let rule = format!(
                    "must be at most the {frames} frames of {length} samples; use {choice}mode = \"nearest\""
                );
                Err(FeatureError::setting("deltas.width", deltas.width(), rule))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DctNorm, DeltaKind, DeltaMode, KaldiCmvn, MelNorm, PsfFft, Reference, Window};

    fn parse(text: &str) -> Result<FeatureConfig, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    fn refused(text: &str) -> String {
        parse(text).unwrap().check().unwrap_err().to_string()
    }

    #[test]
    fn a_recipe_names_the_front_end_and_overrides_what_it_likes() {
        let config = parse(
            "sample_rate_hz = 8000\nscale = \"int16\"\nfixed_length_samples = 8000\n\
             normalisation = \"per-coefficient\"\n\
             [deltas]\norder = 2\nmode = \"nearest\"\n\
             [front_end.librosa-mfcc]\nn_mfcc = 13\nwindow = \"boxcar\"\nmel_norm = 2\ntop_db = \"none\"\n\
             ref = \"max\"\nnorm = \"none\"\n",
        )
        .unwrap();
        let expected = LibrosaMfccConfig {
            n_mfcc: 13,
            window: Window::Rectangular,
            mel_norm: MelNorm::P(2.0),
            top_db: None,
            reference: Reference::Max,
            norm: DctNorm::None,
            ..Default::default()
        };
        assert_eq!(config.front_end, FrontEndConfig::LibrosaMfcc(expected));
        assert_eq!(
            config.deltas,
            Some(DeltasConfig { order: 2, mode: Some(DeltaMode::Nearest), ..Default::default() })
        );
        assert_eq!(
            (config.sample_rate_hz, config.scale, config.fixed_length_samples, config.normalisation),
            (8000, Scale::Int16, Some(8000), Normalisation::PerCoefficient)
        );
        assert_eq!(config.frames_per_second(), 8000.0 / 512.0);
        assert_eq!(config.init().unwrap().width(), 39);
    }

    #[test]
    fn an_empty_recipe_is_librosas_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config, FeatureConfig::default());
        assert_eq!(parse("[front_end.librosa-mfcc]\n").unwrap(), config);
    }

    #[test]
    fn settings_survive_being_written_and_read() {
        let mel_db = LibrosaMelDbConfig {
            top_db: None,
            norm: MelNorm::P(f64::INFINITY),
            reference: Reference::Max,
            win_length: Some(400),
            fmax: Some(7600.0),
            ..Default::default()
        };
        let mfcc = LibrosaMfccConfig { mel_norm: MelNorm::None, norm: DctNorm::None, ..Default::default() };
        let psf = PsfMfccConfig { nfft: PsfFft::Auto, highfreq: Some(3000.0), ..Default::default() };
        let kaldi = KaldiMfccConfig { use_energy: Some(false), cmvn: KaldiCmvn::Mean, ..Default::default() };
        for front_end in [
            FrontEndConfig::LibrosaMelDb(mel_db),
            FrontEndConfig::LibrosaMfcc(mfcc),
            FrontEndConfig::PsfMfcc(psf.clone()),
            FrontEndConfig::PsfLogFbank(psf.fbank().log()),
            FrontEndConfig::PsfFbank(psf.fbank()),
            FrontEndConfig::KaldiMfcc(kaldi.clone()),
            FrontEndConfig::KaldiFbank(kaldi.fbank()),
        ] {
            let config = FeatureConfig {
                front_end,
                deltas: Some(DeltasConfig { kind: DeltaKind::Kaldi, ..Default::default() }),
                stacking: StackingConfig { left: 1, right: 2, every: 3 },
                fixed_length_samples: Some(16_000),
                normalisation: Normalisation::PerUtteranceMean,
                ..Default::default()
            };
            assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<FeatureConfig>(&json).unwrap(), config, "{json}");
        }
    }

    #[test]
    fn recipes_name_psf_and_kaldi_by_their_own_settings() {
        let config = parse(
            "sample_rate_hz = 8000\n[front_end.psf-mfcc]\nnfft = \"auto\"\nappendEnergy = false\ndeltas = 1\nN = 3\n\
             winfunc = \"hamming\"\n",
        )
        .unwrap();
        assert_eq!((config.frames_per_second(), config.init().unwrap().width()), (100.0, 26));
        let config = parse(
            "[front_end.kaldi-mfcc]\ndialect = \"torchaudio\"\ndeltas = 2\ncmvn = \"meanvar\"\n\
             [front_end.kaldi-mfcc.frame_opts]\nsnip_edges = false\n\
             [front_end.kaldi-mfcc.mel_opts]\nnum_bins = 40\n",
        )
        .unwrap();
        assert_eq!((config.frames_per_second(), config.init().unwrap().width()), (100.0, 39));
        assert_eq!(
            refused("[front_end.kaldi-fbank.frame_opts]\ndither = 1.0"),
            "features.front_end.kaldi-fbank.frame_opts.dither = 1: must be 0: with added noise no two runs agree"
        );
        assert!(
            refused("[front_end.psf-logfbank]\nhighfreq = 9000")
                .starts_with("features.front_end.psf-logfbank.high")
        );
        assert_eq!(
            refused("[front_end.psf-fbank]\nN = 0"),
            "features.front_end.psf-fbank.N = 0: must be within 1..=4999; use 1"
        );
        for text in ["[front_end.kaldi-mfcc]\nnum_bins = 40", "[front_end.psf-mfcc]\nnfft = 1.5"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn unknown_keys_and_words_are_errors() {
        for text in [
            "sample_rate = 8000",
            "scale = \"int8\"",
            "[front_end.librosa-mfc]",
            "[front_end.librosa-mfcc]\nhop_size = 512",
            "[front_end.librosa-mfcc]\nwindow = \"hanning\"",
            "[front_end.librosa-mfcc]\nmel_norm = \"area\"",
            "[front_end.librosa-mfcc]\ntop_db = \"off\"",
            "[front_end.librosa-mfcc]\nhop_length = -1",
            "[deltas]\nwindow = 9",
            "normalisation = \"global\"",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(
            parse("[front_end.librosa-mfcc]\ntop_db = \"off\"").unwrap_err().contains("a number or \"none\"")
        );
    }

    #[test]
    fn an_impossible_setting_is_named_by_its_whole_key() {
        assert_eq!(
            refused("[front_end.librosa-mfcc]\nhop_length = 0"),
            "features.front_end.librosa-mfcc.hop_length = 0: must be at least 1; use 1"
        );
        assert!(
            refused("[front_end.librosa-mel-db]\nfmax = 9000")
                .starts_with("features.front_end.librosa-mel-db.fmax = 9000: ")
        );
        assert_eq!(
            refused("sample_rate_hz = 0"),
            "features.sample_rate_hz = 0: must be at least 1; use the recordings' own, such as 16000"
        );
        assert!(refused("fixed_length_samples = 0").starts_with("features.fixed_length_samples = 0: "));
        assert_eq!(refused("[deltas]\norder = 3"), "features.deltas.order = 3: must be 0, 1 or 2; use 2");
        assert!(refused("[deltas]\nwidth = 4").starts_with("features.deltas.width = 4: must be odd"));
        assert!(refused("[deltas]\norder = 2\nwidth = 1").starts_with("features.deltas.width = 1: "));
    }

    #[test]
    fn a_fixed_length_must_give_enough_frames() {
        assert_eq!(
            refused("fixed_length_samples = 3000\n[deltas]\norder = 1"),
            "features.deltas.width = 9: must be at most the 6 frames of 3000 samples; \
             use 5, or mode = \"nearest\""
        );
        assert!(
            refused("fixed_length_samples = 700\n[deltas]\norder = 1").ends_with("; use mode = \"nearest\"")
        );
        assert!(
            refused("fixed_length_samples = 2000\n[front_end.librosa-mfcc]\ncenter = false")
                .starts_with("features.fixed_length_samples = 2000: must be enough for one frame")
        );
        assert!(parse("fixed_length_samples = 700\n[deltas]\nmode = \"nearest\"").unwrap().check().is_ok());
    }
}
