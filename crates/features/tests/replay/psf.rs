//! python_speech_features with the settings of a recorded case.

use serde_json::{Map, Value};
use stapes_features::{Extractor, Features, PsfFbankConfig, PsfLogFbankConfig, PsfMfccConfig};

use super::{Replay, parse, to_text};

/// Kinds of cases computed here.
pub(super) const KINDS: [&str; 4] = ["psf_mfcc", "psf_logfbank", "psf_fbank", "psf_delta"];

pub(super) fn features(case: &Replay, samples: &[f64]) -> Result<Features<f64>, String> {
    let rate_hz = case.rate_hz()?;
    let mut parameters = case.parameters()?;
    if let Some(Value::String(window)) = parameters.get_mut("winfunc") {
        *window = window.trim_start_matches("numpy.").to_owned();
    }
    match case.text("kind")? {
        "psf_fbank" => {
            let config: PsfFbankConfig = parse(parameters)?;
            config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
        }
        "psf_logfbank" => {
            let config: PsfLogFbankConfig = parse(parameters)?;
            config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
        }
        "psf_mfcc" => mfcc(parameters, rate_hz, samples),
        "psf_delta" => {
            // The result contains only the deltas of that order.
            let order = parameters.remove("order").ok_or("no order")?;
            let groups = 1 + order.as_u64().ok_or("order is not supported")? as usize;
            parameters.insert("deltas".to_owned(), order);
            let all = mfcc(parameters, rate_hz, samples)?;
            let width = all.width() / groups;
            let deltas = |t: usize| all.frame(t)[all.width() - width..].to_vec();
            Ok(Features::new(width, (0..all.frames()).flat_map(deltas).collect()))
        }
        other => Err(format!("kind {other} is not supported")),
    }
}

fn mfcc(parameters: Map<String, Value>, rate_hz: u32, samples: &[f64]) -> Result<Features<f64>, String> {
    let config: PsfMfccConfig = parse(parameters)?;
    config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
}
