//! ONNX: a model with lengths, with or without its front end, for clips or for a stream.
//!
//! The operators are those of opset 11, the lowest that has `Range` and `GatherElements`.

mod builder;
mod convolution;
mod frames;
mod framing;
mod head;
mod network;
mod proto;
mod recurrent;
mod signal;
mod spectrum;
mod stream_samples;

use prost::Message;
use serde_json::json;
use stapes_features::{Normalization, Stages};
use stapes_infer::{Input, Model};
use stapes_nn::graph::{Graph, GraphTensors};
use stapes_nn::layer::Shape;

use self::builder::{Axis, Builder, Kind};
use self::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
pub use self::signal::State;
use self::signal::{Signal, States, batch};
use crate::error::ExportError;

/// Version of the operators.
pub const OPSET: i64 = 11;

/// Version of the format that goes with [`OPSET`].
const IR_VERSION: i64 = 6;

/// Form of an ONNX model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// Reads samples; otherwise frames from the front end.
    pub features: bool,
    /// Reads one frame, or one hop of samples, with states; otherwise whole clips with lengths.
    pub streaming: bool,
}

/// An ONNX model.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxModel {
    /// Content of the file.
    pub bytes: Vec<u8>,
    /// Name of the input of samples or frames, with the sizes of its axes after the batch; `None` for one that may change.
    pub input: (&'static str, Vec<Option<usize>>),
    /// Sizes of the axes of `probabilities` after the batch; `None` for one that may change.
    pub output: Vec<Option<usize>>,
    /// States of a stream.
    pub states: Vec<State>,
    /// True if a step of a stream may have no output; then `has_output` says so.
    pub may_have_no_output: bool,
}

/// Returns an ONNX model with the probabilities of a trained model.
///
/// Inputs for clips: `samples` [B, L] in [-1, 1] at the model's sample rate, or `frames` [B, T, F] from the front end, and `lengths`
/// \[B\]. What is after the lengths has no influence. Outputs: `probabilities` [B, K]; for a frame-level model [B, T, K], zero
/// after `output_lengths` \[B\].
///
/// Inputs for a stream: `samples` [B, hop] or `frame` [B, F], and the states, which begin as zeros. Outputs: `probabilities` [B, K],
/// the states for the next step, and `has_output` \[B\] if a step may have no output.
///
/// # Errors
/// [`ExportError::Layer`] names a layer or setting that needs future frames, on a stream; [`ExportError::Input`] if the model has no
/// front end; [`ExportError::Model`].
pub fn onnx_model(model: &Model, options: OnnxOptions) -> Result<OnnxModel, ExportError> {
    let network = model.network().map_err(|error| ExportError::Model(error.to_string()))?;
    let stages = options.features.then(|| front_end(model)).transpose()?;
    let graph = network.graph();
    let writer = Writer { model, graph: &graph, stages, builder: Builder::default(), options };
    let tensors = GraphTensors::new(&network, &model.parameters);
    if options.streaming {
        network.stream().map_err(|error| ExportError::Layer {
            target: "ONNX on a stream",
            layer: error.layer,
            reason: NOT_CAUSAL,
        })?;
        writer.check_stream()?;
        writer.stream(&tensors)
    } else {
        writer.clips(&tensors)
    }
}

const NOT_CAUSAL: &str = "it needs future frames; use a causal model, or export without streaming";

/// Returns the stages of the front end.
fn front_end(model: &Model) -> Result<Stages, ExportError> {
    let no_front_end =
        ExportError::Input("the model reads frames and has no front end; export it without features");
    let Input::Recordings(config) = &model.input else { return Err(no_front_end) };
    let stages = config.stages().map_err(|error| ExportError::Model(error.to_string()))?;
    stages.ok_or(ExportError::Input("the front end has no description; export the model without features"))
}

struct Writer<'a> {
    model: &'a Model,
    graph: &'a Graph,
    stages: Option<Stages>,
    builder: Builder,
    options: OnnxOptions,
}

impl Writer<'_> {
    /// Checks that the front end and the normalization run on a stream.
    fn check_stream(&self) -> Result<(), ExportError> {
        let needs_clip = |normalization| {
            matches!(
                normalization,
                Normalization::PerUtterance
                    | Normalization::PerUtteranceMean
                    | Normalization::Cmvn
                    | Normalization::CmvnMean
            )
        };
        match &self.model.input {
            Input::Recordings(config) if self.options.features => config
                .stream(self.model.normalizer.as_ref())
                .map(drop)
                .map_err(|error| ExportError::Stream(error.to_string())),
            Input::Frames(config) if needs_clip(config.normalization) => {
                let name = config.normalization.name();
                Err(ExportError::Stream(format!(
                    "normalization = {name:?} needs the whole clip; use \"per-coefficient\" in training"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Adds the front end after the frames of samples, and the normalization.
    fn frames(&mut self, mut signal: Signal) -> Signal {
        let builder = &mut self.builder;
        if let Some(stages) = &self.stages {
            if let Some(stage) = &stages.spectrum {
                signal = spectrum::write(builder, stage, &signal);
            }
            for stage in &stages.frames {
                signal = frames::write(builder, stage, &signal);
            }
        }
        if let Input::Frames(config) = &self.model.input {
            signal = frames::normalize(builder, config.normalization, &signal);
        }
        if let Some(scaler) = &self.model.normalizer {
            signal = frames::standardize(builder, scaler, &signal);
        }
        Signal { shape: self.graph.input, ..signal }
    }

    fn clips(mut self, tensors: &GraphTensors<'_>) -> Result<OnnxModel, ExportError> {
        let builder = &mut self.builder;
        let (batch_axis, features) = (Axis::Dynamic("batch"), self.graph.input.features());
        let (name, axes, unit) = match (&self.stages, self.graph.input.length()) {
            (Some(_), _) => ("samples", vec![None], "samples in [-1, 1]"),
            (None, frames) => ("frames", vec![frames, Some(features)], "frames of the front end"),
        };
        let dynamic = if self.stages.is_some() { "samples" } else { "frames" };
        let sized = |size: &Option<usize>| size.map_or(Axis::Dynamic(dynamic), Axis::Fixed);
        let dimensions: Vec<Axis> = std::iter::once(batch_axis).chain(axes.iter().map(sized)).collect();
        let x = builder.input(name, Kind::F32, &dimensions, unit);
        let description = if self.stages.is_some() {
            "number of samples of each clip"
        } else {
            "number of frames of each clip"
        };
        let lengths = builder.input("lengths", Kind::I64, &[batch_axis], description);
        let signal = match &self.stages {
            Some(stages) => framing::write(builder, stages, &x, &lengths),
            None => Signal {
                value: x,
                shape: self.graph.input,
                lengths: Some(lengths),
                masked: false,
                has_output: None,
            },
        };
        let signal = self.frames(signal);
        let scores = network::write(&mut self.builder, tensors, self.graph, signal, None)?;
        let builder = &mut self.builder;
        let labels = self.model.labels.len();
        let probabilities = head::probabilities(builder, self.graph.objective, &scores, labels, None)?;
        let mut output = vec![Some(labels)];
        if self.graph.objective.is_frame_level() {
            let shape = Shape::frames(labels);
            let filled = scores.map(probabilities, shape).filled(builder, 0.0);
            let axes = [batch_axis, Axis::Dynamic("output_frames"), Axis::Fixed(labels)];
            builder.output(
                &filled,
                "probabilities",
                Kind::F32,
                &axes,
                "of each label in each frame; zero after the lengths",
            );
            let lengths = scores.lengths.unwrap_or_default();
            builder.output(
                &lengths,
                "output_lengths",
                Kind::I64,
                &[batch_axis],
                "number of frames of probabilities",
            );
            output.insert(0, None);
        } else {
            builder.output(&probabilities, "probabilities", Kind::F32, &batch(&[labels]), "of each label");
        }
        Ok(OnnxModel {
            input: (name, axes),
            output,
            states: Vec::new(),
            may_have_no_output: false,
            bytes: self.file(),
        })
    }

    fn stream(mut self, tensors: &GraphTensors<'_>) -> Result<OnnxModel, ExportError> {
        let mut states = States::default();
        let builder = &mut self.builder;
        let (signal, input) = match &self.stages {
            Some(stages) => {
                let signal = stream_samples::write(builder, &mut states, stages)?;
                (signal, ("samples", vec![Some(stages.framing.hop)]))
            }
            None => {
                let shape = self.graph.input;
                (stream_samples::frame_input(builder, shape), ("frame", vec![Some(shape.features())]))
            }
        };
        let signal = self.frames(signal);
        let scores = network::write(&mut self.builder, tensors, self.graph, signal, Some(&mut states))?;
        let builder = &mut self.builder;
        let labels = self.model.labels.len();
        let mut probabilities =
            head::probabilities(builder, self.graph.objective, &scores, labels, Some(&mut states))?;
        if self.graph.objective.is_frame_level() {
            probabilities = builder.squeeze(&probabilities, &[1]);
        }
        builder.output(&probabilities, "probabilities", Kind::F32, &batch(&[labels]), "of each label");
        if let Some(has_output) = &scores.has_output {
            let flat = builder.squeeze(has_output, &[1]);
            let description =
                "false if this step completes no frame of the model; its probabilities have no meaning";
            builder.output(&flat, "has_output", Kind::Bool, &[Axis::Dynamic("batch")], description);
        }
        states.outputs(builder);
        Ok(OnnxModel {
            input,
            output: vec![Some(labels)],
            states: states.all,
            may_have_no_output: scores.has_output.is_some(),
            bytes: self.file(),
        })
    }

    /// Returns the content of the file.
    fn file(self) -> Vec<u8> {
        let metadata = metadata(self.model, self.options);
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "stapes".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            doc_string: format!("probabilities of {}", self.model.labels.join(", ")),
            graph: Some(self.builder.finish("stapes")),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            metadata_props: metadata
                .into_iter()
                .map(|(key, value)| StringStringEntryProto { key: key.into(), value })
                .collect(),
        };
        model.encode_to_vec()
    }
}

/// Returns what a program needs to know beside the graph; values are JSON.
fn metadata(model: &Model, options: OnnxOptions) -> Vec<(&'static str, String)> {
    let mut entries = vec![("labels", json!(model.labels)), ("streaming", json!(options.streaming))];
    if let Input::Recordings(config) = &model.input {
        let frames_per_second = config.frames_per_second();
        entries.push(("sample_rate_hz", json!(config.sample_rate_hz)));
        entries.push(("hop_length", json!((f64::from(config.sample_rate_hz) / frames_per_second).round())));
        entries.push(("features", json!(config)));
    }
    if let Some(keywords) = &model.keywords {
        entries.push(("keywords", json!(keywords)));
    }
    entries.into_iter().map(|(key, value)| (key, value.to_string())).collect()
}
