//! Triton Inference Server: a model repository with an ONNX model.

use std::fmt::Write;

use stapes_infer::Model;

use crate::ExportFile;
use crate::error::ExportError;
use crate::onnx::{OnnxModel, OnnxOptions, onnx_model};

/// Idle time after which a stream is forgotten: 60 s.
const MAX_IDLE_MICROSECONDS: u64 = 60_000_000;

/// Returns the files of a model repository: `NAME/config.pbtxt`, `NAME/labels.txt` and `NAME/1/model.onnx`.
///
/// A streaming model has sequence batching with implicit state: each request has the next frame or hop of samples of a sequence,
/// and the server keeps the states.
///
/// # Errors
/// Those of [`onnx_model`].
pub fn triton_repository(
    model: &Model,
    name: &str,
    options: OnnxOptions,
) -> Result<Vec<ExportFile>, ExportError> {
    let onnx = onnx_model(model, options)?;
    let labels: String = model.labels.iter().map(|label| format!("{label}\n")).collect();
    Ok(vec![
        ExportFile::new(format!("{name}/config.pbtxt"), config(name, &onnx, options)),
        ExportFile::new(format!("{name}/labels.txt"), labels),
        ExportFile::new(format!("{name}/1/model.onnx"), onnx.bytes),
    ])
}

/// Returns the settings of the server for the model, in the text format of protocol buffers.
fn config(name: &str, onnx: &OnnxModel, options: OnnxOptions) -> String {
    let mut text = format!("name: {name:?}\nbackend: \"onnxruntime\"\nmax_batch_size: 64\n");
    let (input, axes) = &onnx.input;
    tensor(&mut text, "input", input, "TYPE_FP32", axes);
    if !options.streaming {
        number(&mut text, "input", "lengths", "TYPE_INT64");
    }
    tensor(&mut text, "output", "probabilities", "TYPE_FP32", &onnx.output);
    if onnx.output.len() > 1 {
        number(&mut text, "output", "output_lengths", "TYPE_INT64");
    }
    if onnx.may_have_no_output {
        number(&mut text, "output", "has_output", "TYPE_BOOL");
    }
    if options.streaming {
        let _ = write!(
            text,
            "sequence_batching {{\n  max_sequence_idle_microseconds: {MAX_IDLE_MICROSECONDS}\n  oldest {{\n    \
             max_candidate_sequences: 1024\n  }}\n"
        );
        for state in &onnx.states {
            let axes: Vec<String> = state.axes.iter().map(usize::to_string).collect();
            let axes = axes.join(", ");
            let _ = write!(
                text,
                "  state {{\n    input_name: {input:?}\n    output_name: {output:?}\n    data_type: TYPE_FP32\n    dims: [ {axes} ]\n    \
                 initial_state {{\n      name: \"zeros\"\n      data_type: TYPE_FP32\n      dims: [ {axes} ]\n      zero_data: true\n    \
                 }}\n  }}\n",
                input = state.input,
                output = state.output,
            );
        }
        text += "}\n";
    }
    text
}

/// Adds a tensor; an axis of `None` may have any size.
fn tensor(text: &mut String, kind: &str, name: &str, data_type: &str, axes: &[Option<usize>]) {
    let axes: Vec<String> =
        axes.iter().map(|size| size.map_or("-1".into(), |size| size.to_string())).collect();
    let label = if name == "probabilities" { "\n  label_filename: \"labels.txt\"" } else { "" };
    let _ = writeln!(
        text,
        "{kind} {{\n  name: {name:?}\n  data_type: {data_type}\n  dims: [ {} ]{label}\n}}",
        axes.join(", ")
    );
}

/// Adds a tensor of one number per example.
fn number(text: &mut String, kind: &str, name: &str, data_type: &str) {
    let _ = writeln!(
        text,
        "{kind} {{\n  name: {name:?}\n  data_type: {data_type}\n  dims: [ 1 ]\n  reshape {{ shape: [ ] }}\n}}"
    );
}
