//! torchaudio.transforms with the settings of a recorded case.

use serde_json::{Map, Value};
use stapes_features::{
    Extractor, Features, TorchaudioDeltaConfig, TorchaudioMelConfig, TorchaudioMelDbConfig,
    TorchaudioMfccConfig,
};

use super::{Replay, parse, to_text};

/// Kinds of cases computed here.
pub(super) const KINDS: [&str; 4] = ["ta_mel", "ta_mfcc", "ta_meldb", "ta_deltas"];

pub(super) fn features(case: &Replay, samples: &[f32]) -> Result<Features, String> {
    let rate_hz = case.rate_hz()?;
    let mut parameters = case.parameters()?;
    match case.text("kind")? {
        "ta_mel" => {
            let config: TorchaudioMelConfig = parse(parameters)?;
            config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
        }
        "ta_meldb" => {
            // Default of the recording script.
            parameters.entry("top_db").or_insert(80.0.into());
            let config: TorchaudioMelDbConfig = parse(parameters)?;
            config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
        }
        "ta_mfcc" => mfcc(parameters, rate_hz, samples),
        "ta_deltas" => {
            let mut filter = Map::new();
            if let Some(length) = parameters.remove("win_length_delta") {
                filter.insert("win_length".to_owned(), length);
            }
            let config: TorchaudioDeltaConfig = parse(filter)?;
            config.init().map_err(to_text)?.apply(&mfcc(parameters, rate_hz, samples)?).map_err(to_text)
        }
        other => Err(format!("kind {other} is not supported")),
    }
}

fn mfcc(mut parameters: Map<String, Value>, rate_hz: u32, samples: &[f32]) -> Result<Features, String> {
    // torchaudio supports type 2 only.
    match parameters.remove("dct_type") {
        None => {}
        Some(kind) if kind == 2 => {}
        Some(kind) => return Err(format!("dct_type {kind} is not supported")),
    }
    let config: TorchaudioMfccConfig = parse(parameters)?;
    config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
}
