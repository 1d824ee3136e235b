//! C99: one header and one source with the front end, the network and its weights, for processors without an operating system.
//!
//! The network computes with float32, or with int8 weights and int16 values.
//!
//! The code allocates nothing and calls nothing but the mathematics and the memory functions of C. Its state is a struct of the
//! caller. A causal model reads a stream of samples; any other model reads clips, and its buffers have the size of the longest.

mod code;
mod front_end;
mod interface;
mod memory;
mod network;
mod over_time;
mod source;
mod test_files;

use stapes_infer::{Input, Model};
use stapes_nn::Network;
use stapes_quantize::QuantizedNetwork;

use crate::ExportFile;
use crate::error::ExportError;

/// Settings of [`c_files`].
#[derive(Clone, Debug)]
pub struct COptions<'a> {
    /// Name of the files and prefix of all names in them: a C identifier of lower-case letters.
    pub name: String,
    /// Duration of the longest recording of a model that reads clips, s. If given, a causal model reads clips, too.
    pub max_seconds: Option<f64>,
    /// The model as integers: int8 weights in place of float32, and int16 between layers.
    pub quantized: Option<&'a QuantizedNetwork>,
}

impl Default for COptions<'_> {
    fn default() -> Self {
        COptions { name: "model".into(), max_seconds: None, quantized: None }
    }
}

/// Form of the exported model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Samples arrive as a stream.
    Stream,
    /// Whole recordings.
    Clip {
        /// Number of samples of the longest.
        max_samples: usize,
    },
}

/// Returns the files of a model in C99: names and texts of the header, the source, a test with its data, and a Makefile, whose
/// `make test` compares the scores with those of this crate.
///
/// # Errors
/// [`ExportError::Layer`] if C cannot run a layer or a stage of the front end; [`ExportError::Option`] if an option is missing or
/// invalid; [`ExportError::Model`] if the model cannot be built.
///
/// # Example
/// ```
/// use stapes_export::{COptions, c_files};
/// use stapes_infer::Model;
///
/// let config = toml::from_str("[recurrent]\ncell = 'gru'\nhidden_size = 8\nhead = 'per_frame'")?;
/// let labels = vec!["silence".to_string(), "speech".to_string()];
/// let model = Model::untrained(stapes_features::preset("kaldi-mfcc-39")?, config, labels, 1)?;
/// let files = c_files(&model, &COptions { name: "vad".into(), ..COptions::default() })?;
/// assert_eq!(files[0].path, "vad.h");
/// assert!(String::from_utf8(files[0].bytes.clone())?.contains("size_t vad_push("));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn c_files(model: &Model, options: &COptions<'_>) -> Result<Vec<ExportFile>, ExportError> {
    check_name(&options.name)?;
    let network = model.network().map_err(model_error)?;
    let form = form(model, &network, options)?;
    let source::Source { header, source, test } =
        source::write(model, (&network, options.quantized), form, &options.name)?;
    let name = &options.name;
    let mut files =
        vec![ExportFile::new(format!("{name}.h"), header), ExportFile::new(format!("{name}.c"), source)];
    files.extend(test_files::write((model, options.quantized), form, name, &test)?);
    Ok(files)
}

fn model_error(error: impl std::fmt::Display) -> ExportError {
    ExportError::Model(error.to_string())
}

/// Returns the refusal of a layer or stage.
fn refused(layer: impl Into<String>, reason: &'static str) -> ExportError {
    ExportError::Layer { target: "C", layer: layer.into(), reason }
}

/// Checks that names with this prefix are valid in C.
fn check_name(name: &str) -> Result<(), ExportError> {
    let valid = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    match valid && name.len() <= 40 {
        true => Ok(()),
        false => Err(ExportError::Option {
            key: "name",
            value: name.into(),
            rule: "must be at most 40 lower-case letters, digits and underscores, beginning with a letter; use \"model\""
                .into(),
        }),
    }
}

/// Chooses the form: a stream if the model is causal and no length is given, else clips up to a length.
fn form(model: &Model, network: &Network, options: &COptions<'_>) -> Result<Form, ExportError> {
    let Input::Recordings(features) = &model.input else {
        let reason = "it has no front end, and C code reads samples; train on recordings";
        return Err(refused("a model of frames", reason));
    };
    let rate = f64::from(features.sample_rate_hz);
    if let Some(seconds) = options.max_seconds.filter(|seconds| !(*seconds > 0.0 && seconds * rate < 1e9)) {
        let rule = "must be above 0 and at most 1e9 samples; use 1".into();
        return Err(ExportError::Option { key: "max_seconds", value: seconds.to_string(), rule });
    }
    let samples = options.max_seconds.map(|seconds| (seconds * rate).round().max(1.0) as usize);
    let obstacle = match (features.stream(model.normalizer.as_ref()), network.stream()) {
        (Ok(_), Ok(_)) => None,
        (Err(error), _) => Some(error.to_string()),
        (_, Err(error)) => Some(error.to_string()),
    };
    match (features.fixed_length_samples, samples, obstacle) {
        (_, None, None) => Ok(Form::Stream),
        (Some(max_samples), _, _) | (None, Some(max_samples), _) => Ok(Form::Clip { max_samples }),
        (None, None, Some(obstacle)) => Err(ExportError::Option {
            key: "max_seconds",
            value: "absent".into(),
            rule: format!(
                "the model reads whole recordings ({obstacle}), so memory needs their longest duration; set it, for example to 1"
            ),
        }),
    }
}
