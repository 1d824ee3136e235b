//! Options of speech segments, with the names of silero-vad.

use clap::Args;
use clap::builder::PossibleValuesParser;
use stapes::infer::SpeechOptions;

/// Options of speech segments; they change those of the preset.
#[derive(Args)]
pub(crate) struct SpeechArgs {
    /// Defaults of silero-vad or of faster-whisper
    #[arg(long, default_value = "silero", value_parser = PossibleValuesParser::new(SpeechOptions::PRESETS))]
    preset: String,
    /// Probability from which a frame is speech
    #[arg(long, value_name = "P")]
    threshold: Option<f64>,
    /// Probability below which a frame ends speech [default: 0.15 below --threshold]
    #[arg(long, value_name = "P")]
    neg_threshold: Option<f64>,
    /// Speech of at most this duration is dropped
    #[arg(long, value_name = "MS")]
    min_speech_duration_ms: Option<f64>,
    /// Maximum duration of a segment; longer ones are cut, at a silence if there is one
    #[arg(long, value_name = "SECONDS")]
    max_speech_duration_s: Option<f64>,
    /// Silence that ends a segment
    #[arg(long, value_name = "MS")]
    min_silence_duration_ms: Option<f64>,
    /// Time added to both ends of a segment
    #[arg(long, value_name = "MS")]
    speech_pad_ms: Option<f64>,
    /// Silence longer than this is a place to cut a segment of the maximum duration
    #[arg(long, value_name = "MS")]
    min_silence_at_max_speech: Option<f64>,
}

impl SpeechArgs {
    /// Returns true if an option is given.
    pub(crate) fn is_given(&self) -> bool {
        let options = [
            self.threshold,
            self.neg_threshold,
            self.min_speech_duration_ms,
            self.max_speech_duration_s,
            self.min_silence_duration_ms,
            self.speech_pad_ms,
            self.min_silence_at_max_speech,
        ];
        self.preset != SpeechOptions::PRESETS[0] || options.iter().any(Option::is_some)
    }

    /// Returns the options, or the fault of one.
    pub(crate) fn options(&self) -> anyhow::Result<SpeechOptions> {
        let preset = SpeechOptions::preset(&self.preset).unwrap_or_default();
        let options = SpeechOptions {
            threshold: self.threshold.unwrap_or(preset.threshold),
            neg_threshold: self.neg_threshold.or(preset.neg_threshold),
            min_speech_duration_ms: self.min_speech_duration_ms.unwrap_or(preset.min_speech_duration_ms),
            max_speech_duration_s: self.max_speech_duration_s.unwrap_or(preset.max_speech_duration_s),
            min_silence_duration_ms: self.min_silence_duration_ms.unwrap_or(preset.min_silence_duration_ms),
            speech_pad_ms: self.speech_pad_ms.unwrap_or(preset.speech_pad_ms),
            min_silence_at_max_speech_ms: self
                .min_silence_at_max_speech
                .unwrap_or(preset.min_silence_at_max_speech_ms),
            ..preset
        };
        match options.check() {
            Ok(()) => Ok(options),
            Err((name, fault)) => anyhow::bail!("--{} {fault}", name.replace('_', "-")),
        }
    }
}
