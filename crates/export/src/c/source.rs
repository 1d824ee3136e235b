//! Header and source of a model.

use stapes_features::{FeatureConfig, Stages};
use stapes_infer::{Input, Model};
use stapes_nn::Network;
use stapes_quantize::QuantizedNetwork;

use super::code::Code;
use super::front_end::{FrontEnd, FrontEndWriter, min_samples};
use super::interface::{Decisions, clip_api, stream_api};
use super::memory::Memory;
use super::network::{NetworkWriter, quantized_input};
use super::over_time;
use super::{Form, model_error, refused};
use crate::error::ExportError;

/// Texts of a model.
pub(super) struct Source {
    pub(super) header: String,
    pub(super) source: String,
    /// Lines of the test that call the model.
    pub(super) test: String,
}

/// Writes a model.
///
/// # Errors
/// Those of [`c_files`](super::c_files).
pub(super) fn write(
    model: &Model,
    (network, quantized): (&Network, Option<&QuantizedNetwork>),
    form: Form,
    name: &str,
) -> Result<Source, ExportError> {
    let Input::Recordings(features) = &model.input else {
        return Err(refused("a model of frames", "it has no front end"));
    };
    let stages = features.stages().map_err(model_error)?;
    let stages =
        stages.ok_or_else(|| refused(features.front_end.name(), "the front end has no description"))?;
    let (mut code, mut memory) = (Code::default(), Memory::floats());
    let scaler = model.normalizer.as_ref().map(|scaler| [&*scaler.mean, &*scaler.scale]);
    let writer = FrontEndWriter::new(&mut code, &mut memory, (&stages, features.front_end.name(), name));
    let FrontEnd { functions, body, output } = writer.write(form, scaler)?;
    let graph = network.graph();
    let stream = form == Form::Stream;
    let (mut integers, graphs) = (Memory::integers(), (model, network, &graph));
    let mut input = output.clone();
    if let Some(quantized) = quantized {
        let frames = memory.address(output.value);
        input = quantized_input(&mut code, &mut integers, (quantized, name), (&output, &frames));
    }
    let values = if quantized.is_some() { &mut integers } else { &mut memory };
    let ctype = values.ctype();
    let scores = NetworkWriter::new(&mut code, values, graphs, quantized, input, stream).write()?;
    let classes = model.labels.len();
    let rows = scores.length.text.clone();
    let scale = quantized.map(QuantizedNetwork::score_scale);
    let decisions = Decisions::new(&mut code, graph.objective, classes, rows, scale)?;
    if stream {
        stream_fields(&mut code, &stages, &decisions);
    }
    let parameter = if output.length.text == "frames" { ", int frames" } else { "" };
    let network_function = format!(
        "{}/* The network: scores of the frames in the buffer{}. */\nstatic const {ctype} *network({name}_model *model{parameter})\n{{\n{}}}\n\n",
        code.input,
        if stream { ", or NULL if it waits for further frames" } else { "" },
        code.network
    );
    let api = match form {
        Form::Stream => stream_api(name, &stages, &decisions, &code.init),
        Form::Clip { max_samples } => {
            let limits = limits(features, &stages, max_samples)?;
            let argument = if parameter.is_empty() { "" } else { ", frames" };
            clip_api(name, (limits, stages.fixed_length_samples.is_some()), (&body, argument), &decisions)
        }
    };
    let over_time = over_time::write(model, features, decisions.frame_level, name)?;
    let parts = [
        labels(model, name),
        "/* Layers. */\n\n".to_owned(),
        code.functions(),
        code.layers.clone(),
        "\n".to_owned(),
        network_function,
        "/* Front end. */\n\n".to_owned(),
        functions,
        "/* Interface. */\n\n".to_owned(),
        api.source,
        over_time.source,
    ];
    let (source, arena) = memory.complete(&with_tables(model, name, &code, &parts.concat()));
    let (source, values) = integers.complete(&source);
    code.fields.insert_str(0, &format!("{arena}{values}"));
    if code.sums > 0 {
        code.field(format!("int32_t sums[{}]; /* of a layer */", code.sums));
    }
    let header = header(
        model,
        (name, features.sample_rate_hz),
        &code,
        &[&*api.header, &over_time.header].join("\n"),
        &decisions,
        form,
    );
    Ok(Source { header, source, test: api.test })
}

/// Returns the whole source: types and names of the tables, functions, and the tables.
fn with_tables(model: &Model, name: &str, code: &Code, functions: &str) -> String {
    format!(
        "/* {}, exported by stapes {}. {name}.h has the functions. */\n\
         #include \"{name}.h\"\n\n#include <math.h>\n#include <string.h>\n\n{}\
         /* Tables; their values are at the end. */\n{}\n{functions}\n/* Tables. */\n\n{}\n",
        title(model),
        env!("CARGO_PKG_VERSION"),
        code.types,
        code.declarations(),
        code.tables().trim_end()
    )
}

/// Returns the least and the largest number of samples of a recording.
fn limits(features: &FeatureConfig, stages: &Stages, max_samples: usize) -> Result<[usize; 2], ExportError> {
    let front_end = features.init().map_err(model_error)?;
    let min = min_samples(stages, |samples| front_end.frames_for(samples));
    if max_samples >= min {
        return Ok([min, max_samples]);
    }
    let rate = f64::from(features.sample_rate_hz);
    let rule = format!("must be enough for the frames of the model; use at least {}", min as f64 / rate);
    let value = (max_samples as f64 / rate).to_string();
    Err(ExportError::Option { key: "max_seconds", value, rule })
}

/// Adds the members that only a stream has.
fn stream_fields(code: &mut Code, stages: &Stages, decisions: &Decisions) {
    code.field(format!("float scores[{}];", decisions.classes));
    if decisions.is_vote {
        code.field(format!("float fractions[{}];", decisions.classes));
        code.field("int frames;");
    }
    if stages.fixed_length_samples.is_some() {
        code.field("int received;");
    }
    if matches!(stages.framing.edges, stapes_features::Edges::Padded { zeros: 1.., .. }) {
        code.field("int padded;");
    }
}

fn title(model: &Model) -> String {
    format!("Model of {} classes", model.labels.len())
}

/// Returns the array of the labels.
fn labels(model: &Model, name: &str) -> String {
    let labels: Vec<String> =
        model.labels.iter().map(|label| format!("    {},\n", c_string(label))).collect();
    format!(
        "const char *const {name}_labels[{}_CLASSES] = {{\n{}}};\n\n",
        name.to_uppercase(),
        labels.concat()
    )
}

/// Returns a string literal; bytes other than plain letters are octal, which no letter after them can extend.
fn c_string(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'?' | 0..=31 | 127.. => format!("\\{byte:03o}"),
        _ => char::from(byte).to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn header(
    model: &Model,
    (name, rate): (&str, u32),
    code: &Code,
    functions: &str,
    decisions: &Decisions,
    form: Form,
) -> String {
    let upper = name.to_uppercase();
    let title = title(model);
    let kind = match (form, decisions.frame_level) {
        (Form::Stream, true) => "It reads a stream of samples and returns the probabilities of each frame.",
        (Form::Stream, false) => {
            "It reads a stream of samples and returns the probabilities of the recording so far."
        }
        (_, true) => "It reads a recording and returns the probabilities of each frame.",
        (_, false) => "It reads a recording and returns its probabilities.",
    };
    let integers = match code.sums {
        0 => "",
        _ => "\n * Weights are int8, values between layers int16.",
    };
    // Integers of fixed size: for int8, and for decisions over time.
    let uses = |text: &str| text.contains("int16_t") || text.contains("uint");
    let include = if uses(&code.fields) || uses(functions) { "#include <stdint.h>\n" } else { "" };
    format!(
        "/* {title}, exported by stapes. {kind}{integers}\n *\n * Samples are in [-1, 1], at {upper}_RATE Hz. The model is a struct of the caller: \
         nothing is allocated, and several can run\n * at once. */\n#ifndef {upper}_H\n#define {upper}_H\n\n#include <stddef.h>\n{include}\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n#define {upper}_RATE {rate}    /* Hz */\n#define {upper}_CLASSES {}\n\n\
         /* Labels, in the order of the probabilities. */\nextern const char *const {name}_labels[{upper}_CLASSES];\n\n{}\
         /* State and working memory; the members are private. */\ntypedef struct {{\n{}}} {name}_model;\n\n{functions}\n\
         #ifdef __cplusplus\n}}\n#endif\n\n#endif\n",
        decisions.classes, code.structs, code.fields
    )
}
