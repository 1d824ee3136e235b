//! Replays recorded cases of the toolkits: a manifest lists each case's recording, preprocessing, settings
//! and result.

mod kaldi;
mod psf;
mod torchaudio;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use stapes_features::{
    DeltaConfig, Extractor, Features, LibrosaMelConfig, LibrosaMelDbConfig, LibrosaMfccConfig,
    LibrosaStftConfig, Sample,
};
use stapes_testkit::tensors::{Tensor, read_npy, read_safetensors};
use stapes_testkit::tolerance;

/// Number of cases and largest difference, by kind and type.
pub(crate) type Differences = Arc<Mutex<BTreeMap<String, (usize, f64)>>>;

/// Lists the cases of a folder's manifest whose kind is covered; results are `.npy` files or tensors of
/// `results.safetensors`.
pub(crate) fn list(folder: &Path, covers: impl Fn(&str) -> bool) -> Result<Vec<Replay>, String> {
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let manifest: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let cases = manifest["cases"].as_array().ok_or_else(|| format!("{}: no cases", path.display()))?;
    let tensors = folder.join("results.safetensors");
    let results = Arc::new(if tensors.exists() { read_safetensors(&tensors)? } else { BTreeMap::new() });
    let covered = cases.iter().filter(|case| covers(case["kind"].as_str().unwrap_or_default()));
    let replay =
        |case: &Value| Replay { folder: folder.to_owned(), case: case.clone(), results: results.clone() };
    Ok(covered.map(replay).collect())
}

/// Prints the largest differences.
pub(crate) fn report(differences: &Differences) {
    let Ok(differences) = differences.lock() else { return };
    for (kind, (cases, largest)) in &*differences {
        eprintln!("{kind}: {cases} cases, largest difference {largest:.2e}");
    }
}

/// One recorded case.
pub(crate) struct Replay {
    folder: PathBuf,
    case: Value,
    results: Arc<BTreeMap<String, Tensor>>,
}

impl Replay {
    /// Returns the name of the case.
    pub(crate) fn name(&self) -> String {
        self.case["output"].as_str().unwrap_or("a case without output").to_owned()
    }

    /// Computes the features and compares them.
    pub(crate) fn run(&self, differences: &Differences) -> Result<(), String> {
        match (self.text("kind")?, self.text("input_dtype")?) {
            (kind, "float32") if torchaudio::KINDS.contains(&kind) => {
                self.compare("float32", |sample| sample, torchaudio::features, differences)
            }
            (kind, "float32") if kaldi::KINDS.contains(&kind) => {
                self.compare("float32", |sample| sample, kaldi::features, differences)
            }
            (kind, "float32" | "float64") if psf::KINDS.contains(&kind) => {
                self.compare("float64", f64::from, psf::features, differences)
            }
            (_, "float32") => self.compare::<f32>("float32", |sample| sample, Replay::features, differences),
            (_, "float64") => self.compare::<f64>("float64", f64::from, Replay::features, differences),
            (_, other) => Err(format!("input_dtype {other} is not supported")),
        }
    }

    fn compare<S: Sample + Into<f64>>(
        &self,
        dtype: &str,
        widen: fn(f32) -> S,
        features: fn(&Replay, &[S]) -> Result<Features<S>, String>,
        differences: &Differences,
    ) -> Result<(), String> {
        let output = self.text("output")?;
        let expected = match self.results.get(output) {
            Some(result) => result.clone(),
            None => read_npy(&self.folder.join(output))?,
        };
        let features = features(self, &self.samples(widen)?)?;
        // librosa and torchaudio.transforms return (features, frames), the others (frames, features).
        let kind = self.text("kind")?;
        let (got, shape) = if psf::KINDS.contains(&kind) || kaldi::KINDS.contains(&kind) {
            (
                features.values().iter().map(|&value| value.into()).collect(),
                [features.frames(), features.width()],
            )
        } else {
            (transposed(&features), [features.width(), features.frames()])
        };
        let recorded: Vec<usize> = serde_json::from_value(self.case["shape"].clone()).map_err(to_text)?;
        if expected.shape != shape || recorded != shape {
            return Err(format!(
                "shape {shape:?}, expected {:?}; the manifest has {recorded:?}",
                expected.shape
            ));
        }
        if expected.dtype != dtype || self.text("dtype")? != dtype {
            return Err(format!(
                "{dtype}, expected {}; the manifest has {}",
                expected.dtype,
                self.text("dtype")?
            ));
        }
        self.check(&got, &expected, dtype, differences)
    }

    fn check(
        &self,
        got: &[f64],
        expected: &Tensor,
        dtype: &str,
        differences: &Differences,
    ) -> Result<(), String> {
        let kind = self.text("kind")?;
        let largest = expected.values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        let (unit, allowed) = match (kind, dtype) {
            ("librosa_mfcc" | "librosa_meldb" | "librosa_delta", "float64") => (1.0, 1e-9),
            ("librosa_mel" | "librosa_stft_mag", "float64") => (largest, 1e-12),
            // For orthonormal coefficients of 128 bands, which reach 1131.
            ("librosa_mfcc", _) => (1.0, 5e-4 * (largest / 1131.0).max(1.0)),
            ("librosa_meldb", _) => (1.0, 1e-4),
            ("librosa_delta", _) => (1.0, 3e-4),
            ("psf_fbank", _) => (largest, 1e-12),
            ("psf_mfcc" | "psf_logfbank" | "psf_delta", _) => (1.0, 1e-9),
            ("kaldi_mfcc" | "ta_kaldi_mfcc", _) => (1.0, 5e-3),
            ("kaldi_fbank" | "ta_kaldi_fbank", _) => return self.check_fbank(got, expected, differences),
            ("ta_mfcc" | "ta_deltas", _) => (1.0, 3e-3),
            ("ta_mel", _) => (largest, 3e-6),
            ("ta_meldb", _) => (1.0, 5e-3),
            _ => (largest, 1e-6),
        };
        let difference = tolerance::largest_difference(got, &expected.values)?;
        if let Ok(mut differences) = differences.lock() {
            let relative = if unit == 1.0 { "" } else { ", of the largest value" };
            let (cases, worst) = differences.entry(format!("{kind} {dtype}{relative}")).or_default();
            *cases += 1;
            *worst = worst.max(if difference == 0.0 { 0.0 } else { difference / unit });
        }
        tolerance::check_absolute(kind, got, &expected.values, allowed * unit)
    }

    /// Compares log bands of Kaldi. They contain the noise of its f32 transform, which is larger the farther
    /// a band is below the largest of its frame; differences are relative to that tolerance.
    fn check_fbank(&self, got: &[f64], expected: &Tensor, differences: &Differences) -> Result<(), String> {
        let bounds = kaldi::bounds(expected, self.case["params"]["use_log_fbank"] != Value::Bool(false));
        let parts = |values: &[f64]| {
            values.iter().zip(&bounds).map(|(value, bound)| value / bound).collect::<Vec<_>>()
        };
        let kind = format!("{}, relative to the tolerance", self.text("kind")?);
        let (got, expected) = (parts(got), parts(&expected.values));
        let difference = tolerance::largest_difference(&got, &expected)?;
        if let Ok(mut differences) = differences.lock() {
            let (cases, worst) = differences.entry(kind.clone()).or_default();
            *cases += 1;
            *worst = worst.max(difference);
        }
        tolerance::check_absolute(&kind, &got, &expected, 1.0)
    }

    /// Returns the recording in the type, scale and length of the toolkit's input.
    fn samples<S: Sample>(&self, widen: fn(f32) -> S) -> Result<Vec<S>, String> {
        let clip = stapes_audio::read(&self.folder.join(self.text("input")?)).map_err(to_text)?;
        // Both scales are exact in f32.
        let scale = match self.text("scale")? {
            "unit" => 1.0,
            "int16" => 32768.0,
            other => return Err(format!("scale {other} is not supported")),
        };
        let mut samples: Vec<S> = clip.samples.iter().map(|sample| widen(sample * scale)).collect();
        match &self.case["fix"] {
            Value::Null => {}
            fix => {
                let length = fix.as_u64().ok_or_else(|| format!("fix {fix} is not supported"))?;
                samples.resize(length as usize, S::default());
            }
        }
        Ok(samples)
    }

    fn features<S: Sample>(&self, samples: &[S]) -> Result<Features<S>, String> {
        let rate_hz = self.rate_hz()?;
        let mut parameters = self.parameters()?;
        match self.text("kind")? {
            "librosa_stft_mag" => {
                let config: LibrosaStftConfig = parse(parameters)?;
                config.init().map_err(to_text)?.extract(samples).map_err(to_text)
            }
            "librosa_mel" => {
                let config: LibrosaMelConfig = parse(parameters)?;
                config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
            }
            "librosa_meldb" => {
                let config: LibrosaMelDbConfig = parse(parameters)?;
                config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
            }
            "librosa_mfcc" => mfcc(parameters, rate_hz, samples),
            "librosa_delta" => {
                let filter = ["order", "width", "mode"];
                let filter: Map<String, Value> =
                    filter.iter().filter_map(|&key| parameters.remove_entry(key)).collect();
                let config: DeltaConfig = parse(filter)?;
                config.init().map_err(to_text)?.apply(&mfcc(parameters, rate_hz, samples)?).map_err(to_text)
            }
            other => Err(format!("kind {other} is not supported")),
        }
    }

    fn rate_hz(&self) -> Result<u32, String> {
        let rate = self.case["sr"].as_u64().and_then(|rate| u32::try_from(rate).ok());
        rate.ok_or_else(|| "the case has no sr".to_owned())
    }

    fn parameters(&self) -> Result<Map<String, Value>, String> {
        self.case["params"].as_object().cloned().ok_or_else(|| "the case has no params".to_owned())
    }

    fn text(&self, key: &str) -> Result<&str, String> {
        self.case[key].as_str().ok_or_else(|| format!("the case has no {key}"))
    }
}

fn mfcc<S: Sample>(
    parameters: Map<String, Value>,
    rate_hz: u32,
    samples: &[S],
) -> Result<Features<S>, String> {
    let config: LibrosaMfccConfig = parse(parameters)?;
    config.init(rate_hz).map_err(to_text)?.extract(samples).map_err(to_text)
}

/// Parses settings as in a recipe: unknown keys are errors.
fn parse<T: serde::de::DeserializeOwned>(parameters: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(parameters)).map_err(to_text)
}

fn transposed<S: Sample + Into<f64>>(features: &Features<S>) -> Vec<f64> {
    let column = |f: usize| (0..features.frames()).map(move |t| features.frame(t)[f].into());
    (0..features.width()).flat_map(column).collect()
}

fn to_text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
