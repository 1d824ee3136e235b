//! `POST /v1/segments`: the speech of a recording.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use stapes_files::number::rounded_seconds;
use stapes_infer::{SpeechOptions, SpeechStream};

use crate::api_error::ApiError;
use crate::app::App;
use crate::clips::Source;
use crate::models::{LoadedModel, Need};
use crate::parameters::{Parameters, bad_option};
use crate::routes::json;
use crate::upload::Upload;

/// Answer: the row that `stapes vad --json` prints.
#[derive(Serialize)]
struct Speech {
    file: String,
    seconds: f64,
    segments: Vec<Segment>,
}

/// Part of a recording with speech, s.
#[derive(Serialize)]
struct Segment {
    start: f64,
    end: f64,
}

/// Names of the options of speech segments, those of silero-vad.
const OPTIONS: [&str; 7] = [
    "threshold",
    "neg_threshold",
    "min_speech_duration_ms",
    "max_speech_duration_s",
    "min_silence_duration_ms",
    "speech_pad_ms",
    "min_silence_at_max_speech",
];

/// Answers with the segments that `stapes vad` finds.
pub(crate) async fn segments(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let Upload { name, bytes, mut parameters, reserved } =
        Upload::read(request, &app.options.limits, &app.budget).await?;
    let model = app.models.find(parameters.text("model")?.as_deref(), Need::Segments)?;
    let options = speech_options(&mut parameters)?;
    let source = Source::take(&name, bytes, &mut parameters, &app)?;
    parameters.finish()?;
    let speech = app
        .run_clip(source.expected_seconds(&model), move || {
            let _reserved = reserved;
            let (segments, seconds) = find(source, &model, &options)?;
            Ok(Speech { file: name, seconds, segments })
        })
        .await?;
    app.metrics.audio("segments", speech.seconds);
    Ok(json(StatusCode::OK, &speech))
}

/// Takes the options of speech segments.
fn speech_options(parameters: &mut Parameters) -> Result<SpeechOptions, ApiError> {
    let mut options = match parameters.text("preset")? {
        None => SpeechOptions::default(),
        Some(name) => SpeechOptions::preset(&name).ok_or_else(|| {
            bad_option("preset", &format!("is not known; use {}", SpeechOptions::PRESETS.join(" or ")))
        })?,
    };
    for name in OPTIONS {
        if let Some(value) = parameters.value(name, "a number", |_| true)? {
            options.set(name, value);
        }
    }
    let fault = |(name, fault): (&str, String)| bad_option(name, &format!("is {fault}; correct it"));
    options.check().map_err(fault)?;
    Ok(options)
}

/// Returns the segments and the duration of the recording.
fn find(
    source: Source,
    model: &LoadedModel,
    options: &SpeechOptions,
) -> Result<(Vec<Segment>, f64), ApiError> {
    let stream = SpeechStream::new(&model.model, options)?;
    let found = source.classify(model)?;
    let segments = stream.segments(&found.values, found.seconds).into_iter();
    let segment =
        |[start, end]: [f64; 2]| Segment { start: rounded_seconds(start), end: rounded_seconds(end) };
    Ok((segments.map(segment).collect(), found.seconds))
}
