//! PyTorch: one readable file with a `torch.nn.Module` of the same network, and the features as calls of their toolkit.
//!
//! The module has the parameters under the names of the model file, and normalizes the frames as the model does.

mod frames;
mod network;
mod python;
mod toolkits;

use stapes_features::{FeatureConfig, Normalization};
use stapes_infer::{Input, Model};
use stapes_nn::objective::Objective;

use self::network::Code;
use self::python::{INDENT, number, texts, without_unused};
use self::toolkits::{Toolkit, toolkit};
use crate::ExportFile;
use crate::error::ExportError;

/// Name of the Python file of [`torch_files`].
const MODULE_FILE: &str = "model.py";
/// Name of the model file of [`torch_files`], which `model.py` reads.
const PARAMETERS_FILE: &str = "model.safetensors";

/// Functions and classes for users of the file; the others are in it where they are called.
const ROOTS: [&str; 4] = ["features", "Model", "load", "main"];

/// Returns the text of a Python file with the class `Model`, a `torch.nn.Module`, for a trained model.
///
/// `Model()(frames)` returns the probabilities of frames [B, T, F] from the front end: [B, K], or [B, T, K] for a frame-level
/// model. `load(path)` returns a module with the parameters of the model file.
///
/// # Errors
/// [`ExportError::Layer`] if PyTorch has no such layer.
pub fn torch_module(model: &Model) -> Result<String, ExportError> {
    text(model, None)
}

/// Returns the files of a trained model for PyTorch, as names with their contents: `model.py` and `model.safetensors`.
///
/// The first has the class `Model` of [`torch_module`], and for a model of recordings the function `features(samples)`, which
/// returns the frames [T, F] of samples \[L\] in [-1, 1] by calls of the toolkit of the front end. `python model.py FILE.wav`
/// prints the labels with their probabilities, or the segments of a frame-level model. The second is the model file.
///
/// # Errors
/// [`ExportError::Layer`] if PyTorch has no such layer, [`ExportError::Setting`] if the toolkit has no such setting.
pub fn torch_files(model: &Model) -> Result<Vec<ExportFile>, ExportError> {
    let front_end = match &model.input {
        Input::Recordings(config) => Some(FrontEnd::new(config)?),
        Input::Frames(_) => None,
    };
    let module = text(model, front_end.as_ref())?;
    let parameters = model.to_bytes().map_err(|error| ExportError::Model(error.to_string()))?;
    Ok(vec![ExportFile::new(MODULE_FILE, module), ExportFile::new(PARAMETERS_FILE, parameters)])
}

/// Front end of a model of recordings.
struct FrontEnd<'a> {
    config: &'a FeatureConfig,
    toolkit: Toolkit,
    /// Statements of the function `features`.
    lines: String,
}

impl FrontEnd<'_> {
    fn new(config: &FeatureConfig) -> Result<FrontEnd<'_>, ExportError> {
        let stages = config.stages().map_err(|error| ExportError::Model(error.to_string()))?;
        let stages = stages.ok_or(ExportError::Input("the front end has no description"))?;
        let toolkit = toolkit(config, &stages)?;
        let mut lines = String::new();
        if let Some(length) = stages.fixed_length_samples {
            lines += &format!("{INDENT}samples = fix_length(samples, {length})\n");
        }
        if stages.scale != 1.0 {
            lines += &format!(
                "{INDENT}samples = {} * samples  # the range of 16 bits\n",
                number(stages.scale.into())
            );
        }
        lines += &toolkit.lines;
        lines.extend(stages.frames.iter().map(frames::lines));
        Ok(FrontEnd { config, toolkit, lines })
    }

    /// Returns the parts of the file before and after the module.
    fn parts(&self, objective: Objective) -> (String, String) {
        let template = include_str!("recordings.py");
        let by = self
            .toolkit
            .package
            .map_or("slices of the recording".into(), |package| format!("computed by {package}"));
        let import =
            self.toolkit.import.map_or(String::new(), |import| format!("{INDENT}import {import}\n\n"));
        let results = if objective.is_frame_level() { SEGMENTS } else { PROBABILITIES };
        let text = template
            .replace("as COMPUTED", &by)
            .replace(
                "    samples = as_samples(samples)\n",
                &format!("{import}    samples = as_samples(samples)\n"),
            )
            .replace("    # front end\n", &self.lines)
            .replace("    # results\n", results);
        let functions = text.split_once("\n\n\n").map_or("", |(_, functions)| functions);
        let (before, after) = functions.split_once("# module\n\n\n").unwrap_or_default();
        (before.to_owned(), after.to_owned())
    }

    /// Returns the lines of the constants.
    fn constants(&self, objective: Objective) -> Result<String, ExportError> {
        let mut lines = format!("SAMPLE_RATE = {}  # Hz\n", self.config.sample_rate_hz);
        if objective.is_frame_level() {
            let times = self.config.frame_times().map_err(|error| ExportError::Model(error.to_string()))?;
            lines += &format!(
                "FIRST_CENTER = {}  # center of the first frame, s\nHOP = {}  # between frames, s\n",
                number(times.first_center_seconds()),
                number(times.hop_seconds())
            );
        }
        Ok(lines)
    }

    /// Returns the documentation of the file.
    fn documentation(&self, objective: Objective) -> String {
        let packages = ["torch", "safetensors", "numpy"].into_iter().chain(self.toolkit.package);
        let packages = packages.collect::<Vec<_>>().join(" ");
        let prints = match objective.is_frame_level() {
            true => "segments",
            false => "labels with their probabilities",
        };
        format!(
            "A speech classifier of stapes in PyTorch.\n\n\
             It needs {PARAMETERS_FILE} beside this file, and: pip install {packages}\n\n\
             {INDENT}python {MODULE_FILE} FILE.wav    # prints the {prints}\n\n\
             {INDENT}model = load(\"{PARAMETERS_FILE}\")\n\
             {INDENT}frames = torch.from_numpy(features(samples))\n\
             {INDENT}probabilities = model(frames[None])\n"
        )
    }
}

/// Imports of the file of a model of recordings.
const IMPORTS: &str = "import sys\nimport wave\nfrom pathlib import Path\n\nimport numpy as np\n";

const PROBABILITIES: &str = "    for index in probabilities.argsort(descending=True).tolist():
        print(f\"{probabilities[index]:.4f}  {LABELS[index]}\")
";

const SEGMENTS: &str = "    for start, end, label in segments(probabilities, len(samples) / SAMPLE_RATE):
        print(f\"{start:.3f} s to {end:.3f} s  {label}\")
";

/// Returns the documentation of a file without a front end.
fn documentation(model: &Model) -> String {
    let reads = match &model.input {
        Input::Recordings(_) => "It reads frames of the front end of the model.",
        Input::Frames(_) => "It reads frames, and has no front end.",
    };
    format!(
        "A speech classifier of stapes in PyTorch. {reads}\n\n\
         {INDENT}model = load(\"{PARAMETERS_FILE}\")\n\
         {INDENT}probabilities = model(frames)    # [B, T, F]\n"
    )
}

/// Returns the whole file.
fn text(model: &Model, front_end: Option<&FrontEnd<'_>>) -> Result<String, ExportError> {
    let network = model.network().map_err(|error| ExportError::Model(error.to_string()))?;
    let graph = network.graph();
    let code = Code::new(&graph)?;
    let objective = graph.objective;
    let (probabilities, shape) = probabilities(objective)?;
    let (before, after) = front_end.map(|front_end| front_end.parts(objective)).unwrap_or_default();
    let constants = front_end.map_or(Ok(String::new()), |front_end| front_end.constants(objective))?;
    let documentation =
        front_end.map_or_else(|| documentation(model), |front_end| front_end.documentation(objective));
    let text = include_str!("module.py")
        .replace("DOCUMENTATION\n", &documentation)
        .replace("# imports\n", if front_end.is_some() { IMPORTS } else { "" })
        .replace("# constants\n", &constants)
        .replace("FEATURES = 0", &format!("FEATURES = {}", model.shape.features()))
        .replace("# features\n\n\n", &before)
        .replace("        # modules\n", &code.modules)
        .replace("        # normalization\n", normalization(model))
        .replace("        # layers\n", &code.forward)
        .replace("SHAPE", shape)
        .replace("return SCORES", &format!("return x{}", code.nodes))
        .replace("return PROBABILITIES", &format!("return {probabilities}"));
    let text = if after.is_empty() { text } else { text + "\n\n" + &after };
    let mut text = without_unused(&text, &ROOTS);
    if !text.contains("F.") {
        text = text.replace("import torch.nn.functional as F\n", "");
    }
    // The labels come last, because they may have any text.
    Ok(text.replacen("LABELS = []", &format!("LABELS = {}", texts(&model.labels)), 1))
}

/// Returns the lines that normalize frames over a sequence, for a model without a front end.
fn normalization(model: &Model) -> &'static str {
    let Input::Frames(config) = &model.input else { return "" };
    match config.normalization {
        Normalization::None | Normalization::PerCoefficient => "",
        Normalization::PerUtterance => {
            "        mean = frames.mean(dim=1, keepdim=True)\n        \
             deviation = frames.std(dim=1, keepdim=True, unbiased=False)\n        \
             # A value that is constant up to rounding becomes 0.\n        \
             varies = deviation > 4 * torch.finfo(frames.dtype).eps * mean.abs()\n        \
             frames = (frames - mean) / torch.where(varies, deviation, torch.ones_like(deviation))\n"
        }
        Normalization::Cmvn => {
            "        frames = frames - frames.mean(dim=1, keepdim=True)\n        \
             variance = frames.square().mean(dim=1, keepdim=True)\n        \
             frames = frames / variance.clamp(min=1e-20).sqrt()\n"
        }
        _ => "        frames = frames - frames.mean(dim=1, keepdim=True)\n",
    }
}

/// Returns the expression of the probabilities, and their shape.
fn probabilities(objective: Objective) -> Result<(&'static str, &'static str), ExportError> {
    Ok(match objective {
        Objective::Classes => ("scores.softmax(dim=-1)", "[B, K]"),
        Objective::FrameClasses => ("scores.softmax(dim=-1)", "[B, T, K]"),
        Objective::FrameBinary => ("torch.cat([(-scores).sigmoid(), scores.sigmoid()], dim=-1)", "[B, T, K]"),
        Objective::Vote => {
            ("F.one_hot(scores.argmax(dim=-1), len(LABELS)).to(scores.dtype).mean(dim=1)", "[B, K]")
        }
        other => return Err(ExportError::unknown("PyTorch", &format!("{other:?}"))),
    })
}

#[cfg(test)]
mod tests {
    use stapes_features::{FrontEndConfig, PRESETS};

    use super::*;

    fn model(features: FeatureConfig) -> Model {
        let config = toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 4").unwrap();
        Model::untrained(features, config, vec!["SHAPE".into(), "# layers\n".into()], 1).unwrap()
    }

    fn module(features: FeatureConfig) -> String {
        let files = torch_files(&model(features)).unwrap();
        assert_eq!([&*files[0].path, &*files[1].path], ["model.py", "model.safetensors"]);
        String::from_utf8(files[0].bytes.clone()).unwrap()
    }

    #[test]
    fn every_preset_has_the_calls_of_its_toolkit() {
        let calls = [
            ("librosa-mfcc", "librosa.feature.mfcc(S=decibels, n_mfcc=20, norm=\"ortho\", lifter=0).T"),
            ("psf-mfcc", "python_speech_features.mfcc(\n        samples.astype(np.float64),\n"),
            ("kaldi-mfcc-39", "    options.mel_opts.num_bins = 23\n"),
            ("torchaudio-mfcc", "torchaudio.transforms.MFCC(\n"),
            ("log-mel", "frames = librosa.power_to_db(mel, ref=1, amin=1e-10, top_db=80).T\n"),
            ("waveform", "np.lib.stride_tricks.sliding_window_view(samples, 1)[::1]\n"),
        ];
        for preset in PRESETS {
            let (_, call) = calls.iter().find(|(name, _)| *name == preset.name).unwrap();
            let text = module(preset.config());
            assert!(text.contains(call), "{}: {text}", preset.name);
            assert!(text.contains("\ndef features(samples):\n") && text.contains("\ndef main():\n"));
            assert_eq!(text.contains("\ndef delta("), preset.name == "kaldi-mfcc-39");
            assert!(text.contains("LABELS = [\"SHAPE\", \"# layers\\n\"]\n"), "{text}");
            assert!(text.lines().all(|line| line.len() <= 130 && line.trim_end() == line), "{text}");
            for marker in
                ["DOCUMENTATION", "COMPUTED", "    # layers\n", "# imports", "# constants", "# front end"]
            {
                assert!(!text.contains(marker), "{marker}: {text}");
            }
        }
    }

    #[test]
    fn the_module_alone_has_no_features() {
        let model = model(FeatureConfig::default());
        let text = torch_module(&model).unwrap();
        assert!(
            !text.contains("def features(") && !text.contains("import numpy") && !text.contains("def main(")
        );
        assert!(text.ends_with("return load_parameters(Model(), load_file(path))\n"));
    }

    #[test]
    fn a_setting_that_the_toolkit_lacks_is_named() {
        let front_end: FrontEndConfig =
            toml::from_str("[kaldi-fbank]\ndialect = 'torchaudio'\neps = 1e-5").unwrap();
        let error = torch_files(&model(FeatureConfig { front_end, ..Default::default() })).unwrap_err();
        assert_eq!(
            error.to_string(),
            "torchaudio.compliance.kaldi has no setting eps = 1e-5; use 1.1920929e-7, or dialect = \"kaldi-native-fbank\""
        );
    }
}
