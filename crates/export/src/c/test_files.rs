//! Test of the C code: a recording, the scores of this program, a program that compares, and a Makefile.

use std::fmt::Write;

use stapes_audio::Clip;
use stapes_infer::{Classifier, Input, Model, StreamClassifier};
use stapes_quantize::{QuantizedClassifier, QuantizedNetwork};

use super::{Form, model_error};
use crate::ExportFile;
use crate::error::ExportError;

/// Returns names and texts of the files.
pub(super) fn write(
    (model, quantized): (&Model, Option<&QuantizedNetwork>),
    form: Form,
    name: &str,
    calls: &str,
) -> Result<Vec<ExportFile>, ExportError> {
    let Input::Recordings(features) = &model.input else { return Ok(Vec::new()) };
    let rate = features.sample_rate_hz;
    let length = match form {
        Form::Stream => rate as usize,
        Form::Clip { max_samples } => max_samples.min(rate as usize),
    };
    let samples = sound(length, rate);
    let scores = scores((model, quantized), form, &samples, rate)?;
    let rows = scores.len() / model.labels.len();
    let mut data = format!(
        "/* A second of sound, and the scores of stapes. */\n#define TEST_SAMPLES {length}\n#define TEST_ROWS {rows}\n"
    );
    array(&mut data, "short", "test_samples", samples.iter().map(i16::to_string));
    array(&mut data, "float", "test_scores", scores.iter().map(|score| format!("{score:e}f")));
    // A value of the front end at the border between two integers can become either.
    let tolerance = if quantized.is_some() { "1e-3" } else { "1e-5" };
    let text = |template: &str| {
        template
            .replace("NAME", name)
            .replace("TEST_TOLERANCE TOLERANCE", &format!("TEST_TOLERANCE {tolerance}"))
            .replace("UPPER", &name.to_uppercase())
            .replace("    /* calls */\n", calls)
    };
    Ok(vec![
        ExportFile::new("test_data.h", data),
        ExportFile::new("test.c", text(include_str!("pieces/test.c"))),
        ExportFile::new("Makefile", text(include_str!("pieces/Makefile"))),
    ])
}

/// Returns the scores of this program, row by row.
fn scores(
    (model, quantized): (&Model, Option<&QuantizedNetwork>),
    form: Form,
    samples: &[i16],
    rate: u32,
) -> Result<Vec<f32>, ExportError> {
    let samples: Vec<f32> = samples.iter().map(|&sample| f32::from(sample) / 32768.0).collect();
    if let Some(network) = quantized {
        let clip = Clip { samples, sample_rate_hz: rate };
        let mut classifier = QuantizedClassifier::new(model, network).map_err(model_error)?;
        return match form {
            Form::Clip { .. } => classifier.classify(&clip),
            Form::Stream => classifier.classify_stream(&clip),
        }
        .map_err(model_error);
    }
    if let Form::Clip { .. } = form {
        let clip = Clip { samples, sample_rate_hz: rate };
        return Classifier::new(model)
            .and_then(|mut classifier| classifier.classify(&clip))
            .map_err(model_error);
    }
    let mut scores = Vec::new();
    let mut stream = StreamClassifier::new(model).map_err(model_error)?;
    stream.push(&samples, |row| scores.extend_from_slice(row)).map_err(model_error)?;
    stream.finish(|row| scores.extend_from_slice(row)).map_err(model_error)?;
    Ok(scores)
}

/// Returns a sound with tones that rise, noise and a pause.
fn sound(length: usize, rate: u32) -> Vec<i16> {
    let mut noise = 12_345u32;
    let sample = |at: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let seconds = at as f64 / f64::from(rate);
        let place = at as f64 / length as f64;
        let tone = (seconds * (700.0 + 900.0 * place) * 6.3).sin() + 0.5 * (seconds * 190.0 * 6.3).sin();
        let loudness = if (0.55..0.7).contains(&place) { 0.0 } else { (place * 9.4).sin().abs() };
        let hiss = f64::from(noise >> 16) / 65536.0 - 0.5;
        (8000.0 * loudness * tone + 300.0 * hiss) as i16
    };
    (0..length).map(sample).collect()
}

fn array(text: &mut String, ctype: &str, name: &str, values: impl ExactSizeIterator<Item = String>) {
    let _ = write!(text, "static const {ctype} {name}[{}] = {{", values.len());
    for (at, value) in values.enumerate() {
        let _ = write!(text, "{}{value},", if at % 12 == 0 { "\n    " } else { " " });
    }
    let _ = writeln!(text, "\n}};");
}
