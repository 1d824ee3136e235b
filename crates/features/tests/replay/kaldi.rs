//! Kaldi's features with the settings of a recorded case of kaldi-native-fbank or
//! torchaudio.compliance.kaldi.

use serde_json::{Map, Value, json};
use stapes_features::{Extractor, Features, KaldiFbankConfig, KaldiMfccConfig};

use stapes_testkit::tensors::Tensor;

use super::{Replay, parse, to_text};

/// Kinds of cases computed here.
pub(super) const KINDS: [&str; 4] = ["kaldi_mfcc", "kaldi_fbank", "ta_kaldi_mfcc", "ta_kaldi_fbank"];

pub(super) fn features(case: &Replay, samples: &[f32]) -> Result<Features, String> {
    let rate_hz = case.rate_hz()?;
    let kind = case.text("kind")?;
    let mut parameters = Map::new();
    if kind.starts_with("ta_") {
        parameters.insert("dialect".to_owned(), json!("torchaudio"));
    }
    for (name, value) in case.parameters()? {
        let (path, value) = if kind.starts_with("ta_") { renamed(&name, value)? } else { (name, value) };
        insert(&mut parameters, &path, value);
    }
    if kind.ends_with("fbank") {
        let config: KaldiFbankConfig = parse(parameters)?;
        config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
    } else {
        let config: KaldiMfccConfig = parse(parameters)?;
        config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
    }
}

/// Returns the tolerance of each value: 1e-4 + 1e-5 exp((frame's largest - value) / 2) for logarithms.
pub(super) fn bounds(expected: &Tensor, logarithms: bool) -> Vec<f64> {
    let width = expected.shape.last().copied().unwrap_or(1).max(1);
    let frame = |frame: &[f64]| {
        let largest = frame.iter().copied().fold(f64::MIN, f64::max);
        let bound = |value: &f64| match logarithms {
            true => 1e-4 + 1e-5 * ((largest - value) / 2.0).exp(),
            false => 1e-5 * largest.abs() + 1e-12,
        };
        frame.iter().map(bound).collect::<Vec<_>>()
    };
    expected.values.chunks_exact(width).flat_map(frame).collect()
}

/// Returns kaldi-native-fbank's name of a setting of torchaudio.compliance.kaldi.
fn renamed(name: &str, value: Value) -> Result<(String, Value), String> {
    let path = match name {
        "num_mel_bins" => "mel_opts.num_bins",
        "low_freq" => "mel_opts.low_freq",
        "high_freq" => "mel_opts.high_freq",
        "frame_length" => "frame_opts.frame_length_ms",
        "frame_shift" => "frame_opts.frame_shift_ms",
        "preemphasis_coefficient" => "frame_opts.preemph_coeff",
        "window_type" => "frame_opts.window_type",
        "snip_edges" => "frame_opts.snip_edges",
        "round_to_power_of_two" => "frame_opts.round_to_power_of_two",
        "remove_dc_offset" => "frame_opts.remove_dc_offset",
        "blackman_coeff" => "frame_opts.blackman_coeff",
        "dither" => "frame_opts.dither",
        "subtract_mean" => {
            let subtract = value.as_bool().ok_or("subtract_mean is not supported")?;
            return Ok(("cmvn".to_owned(), json!(if subtract { "mean" } else { "none" })));
        }
        "num_ceps" | "cepstral_lifter" | "htk_compat" | "raw_energy" | "use_energy" | "energy_floor"
        | "use_log_fbank" | "use_power" => name,
        other => return Err(format!("torchaudio's {other} is not supported")),
    };
    Ok((path.to_owned(), value))
}

/// Sets `a.b`: the key `b` of the table `a`.
fn insert(parameters: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            parameters.insert(path.to_owned(), value);
        }
        Some((table, key)) => {
            let table = parameters.entry(table).or_insert_with(|| json!({}));
            if let Value::Object(table) = table {
                table.insert(key.to_owned(), value);
            }
        }
    }
}
