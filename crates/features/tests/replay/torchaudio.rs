//! torchaudio.transforms with a recorded case's settings.

use serde_json::{Map, Value};
use stapes_features::{
    Extractor, Features, TorchaudioDeltaConfig, TorchaudioMelConfig, TorchaudioMelDbConfig,
    TorchaudioMfccConfig,
};

use super::{Replay, parse, say};

/// The kinds of cases that are computed here.
pub(super) const KINDS: [&str; 4] = ["ta_mel", "ta_mfcc", "ta_meldb", "ta_deltas"];

pub(super) fn features(case: &Replay, samples: &[f32]) -> Result<Features, String> {
    let rate_hz = case.rate_hz()?;
    let mut parameters = case.parameters()?;
    match case.text("kind")? {
        "ta_mel" => {
            let config: TorchaudioMelConfig = parse(parameters)?;
            config.init(rate_hz).map_err(say)?.extract(samples).map_err(say)
        }
        "ta_meldb" => {
            // What the recorder took where a case does not say.
            parameters.entry("top_db").or_insert(80.0.into());
            let config: TorchaudioMelDbConfig = parse(parameters)?;
            config.init(rate_hz).map_err(say)?.extract(samples).map_err(say)
        }
        "ta_mfcc" => mfcc(parameters, rate_hz, samples),
        "ta_deltas" => {
            let mut filter = Map::new();
            if let Some(length) = parameters.remove("win_length_delta") {
                filter.insert("win_length".to_owned(), length);
            }
            let config: TorchaudioDeltaConfig = parse(filter)?;
            config.init().map_err(say)?.apply(&mfcc(parameters, rate_hz, samples)?).map_err(say)
        }
        other => Err(format!("kind {other} is not understood")),
    }
}

fn mfcc(mut parameters: Map<String, Value>, rate_hz: u32, samples: &[f32]) -> Result<Features, String> {
    // The only transform that torchaudio has.
    match parameters.remove("dct_type") {
        None => {}
        Some(kind) if kind == 2 => {}
        Some(kind) => return Err(format!("dct_type {kind} is not understood")),
    }
    let config: TorchaudioMfccConfig = parse(parameters)?;
    config.init(rate_hz).map_err(say)?.extract(samples).map_err(say)
}
