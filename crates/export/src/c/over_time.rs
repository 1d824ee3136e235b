//! Decisions over time: starts and ends of speech from a frame-level model, keywords from windows.

use stapes_features::FeatureConfig;
use stapes_infer::{KeywordSettings, Model, SpeechOptions};

use super::model_error;
use crate::error::ExportError;

/// Texts of the decisions.
#[derive(Default)]
pub(super) struct OverTime {
    pub(super) header: String,
    pub(super) source: String,
}

/// Writes the decisions of a model: speech for a frame-level model, whose first class is the background, or the keywords whose
/// thresholds are in the model file.
///
/// # Errors
/// [`ExportError::Model`] if the front end has no frame times.
pub(super) fn write(
    model: &Model,
    features: &FeatureConfig,
    frame_level: bool,
    name: &str,
) -> Result<OverTime, ExportError> {
    match (frame_level, &model.keywords) {
        (true, _) => speech(features, model.labels.len(), name),
        (false, Some(settings)) if !settings.thresholds.is_empty() => {
            Ok(keywords(settings, features, &model.labels, name))
        }
        _ => Ok(OverTime::default()),
    }
}

fn named(text: &str, name: &str, words: &[(&str, String)]) -> String {
    let text = words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value));
    text.replace("NAME", name).replace("UPPER", &name.to_uppercase())
}

fn speech(features: &FeatureConfig, classes: usize, name: &str) -> Result<OverTime, ExportError> {
    let times = features.frame_times().map_err(model_error)?;
    let rate = f64::from(features.sample_rate_hz);
    let offset = (times.center_seconds(0) - times.hop_seconds() / 2.0).max(0.0) * rate;
    let hop = (times.hop_seconds() * rate).round().max(1.0);
    let options = SpeechOptions::default();
    let end = (options.threshold - 0.15).max(0.01);
    let header = named(
        include_str!("pieces/speech.h"),
        name,
        &[
            ("END_VALUE", float_from(end)),
            ("THRESHOLD     /*", format!("{}     /*", float_from(options.threshold))),
            ("MIN_SPEECH  ", format!("{}  ", options.min_speech_duration_ms)),
            ("MIN_SILENCE /*", format!("{} /*", options.min_silence_duration_ms)),
            ("SPEECH_PAD  ", format!("{}  ", options.speech_pad_ms)),
        ],
    );
    let probability = if classes == 2 { "scores[1]" } else { "1 - scores[0]" };
    let source = named(
        include_str!("pieces/speech.c"),
        name,
        &[
            ("PROBABILITY", probability.to_owned()),
            ("OFFSET", format!("{}", offset.round())),
            ("+= HOP", format!("+= {hop}")),
        ],
    );
    Ok(OverTime { header, source: format!("\n/* Speech over time. */\n\n{source}") })
}

/// Returns the smallest number of type float that is at least `value`, as C.
fn float_from(value: f64) -> String {
    let nearest = value as f32;
    let float = if f64::from(nearest) < value { nearest.next_up() } else { nearest };
    format!("{float:?}f")
}

fn keywords(settings: &KeywordSettings, features: &FeatureConfig, labels: &[String], name: &str) -> OverTime {
    let samples = |seconds: f64| (seconds * f64::from(features.sample_rate_hz)).round().max(1.0) as u64;
    let windows = |seconds: f64| (seconds / settings.hop_seconds).round() as u64;
    let length = windows(settings.smoothing_seconds).clamp(1, 1 << 16).to_string();
    let count = settings.thresholds.len();
    let class = |label: &String| labels.iter().position(|other| other == label).unwrap_or(0).to_string();
    let classes: Vec<String> = settings.thresholds.keys().map(class).collect();
    let thresholds: Vec<String> = settings.thresholds.values().map(|value| format!("{value:?}f")).collect();
    let header = named(
        include_str!("pieces/keywords.h"),
        name,
        &[
            ("window of WINDOW samples every HOP samples", {
                let [window, hop] = [settings.window_seconds, settings.hop_seconds].map(samples);
                format!("window of {window} samples every {hop} samples")
            }),
            ("KEYWORD_WINDOW WINDOW", format!("KEYWORD_WINDOW {}", samples(settings.window_seconds))),
            ("KEYWORD_HOP HOP", format!("KEYWORD_HOP {}", samples(settings.hop_seconds))),
            ("_KEYWORDS KEYWORDS", format!("_KEYWORDS {count}")),
            ("LENGTH", length.clone()),
        ],
    );
    let refractory = windows(settings.refractory_seconds).min(u64::from(u32::MAX));
    let source = named(
        include_str!("pieces/keywords.c"),
        name,
        &[("LENGTH", length), ("REFRACTORY", refractory.to_string())],
    );
    let tables = format!(
        "static const int keyword_classes[{count}] = {{{}}};\nstatic const float keyword_thresholds[{count}] = {{{}}};\n",
        classes.join(", "),
        thresholds.join(", ")
    );
    OverTime { header, source: format!("\n/* Keywords over time. */\n\n{tables}\n{source}") }
}
