//! `POST /v1/classify`: the label of a recording, or the frames of a frame-level model.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use stapes_infer::{FrameLevelRow, InferError, Input, TopLabels};

use crate::api_error::ApiError;
use crate::app::App;
use crate::clips::{Probabilities, Source};
use crate::models::{LoadedModel, Need};
use crate::parameters::{Parameters, bad_option};
use crate::upload::Upload;

/// Answers with the row that `stapes predict --json` prints.
pub(crate) async fn classify(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let Upload { name, bytes, mut parameters, reserved } =
        Upload::read(request, &app.options.limits, &app.budget).await?;
    let model = app.models.find(parameters.text("model")?.as_deref(), Need::Classify)?;
    let labels = labels(&mut parameters, &model)?;
    let source = Source::take(&name, bytes, &mut parameters, &app)?;
    parameters.finish()?;
    let (row, seconds) = app
        .run_clip(source.expected_seconds(&model), move || {
            let _reserved = reserved;
            let probabilities = source.classify(&model)?;
            Ok((row(&model, &name, labels, &probabilities)?, probabilities.seconds))
        })
        .await?;
    app.metrics.audio("classify", seconds);
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from(row)).into_response())
}

/// Takes the options of the labels, which only a model of recordings has.
fn labels(parameters: &mut Parameters, model: &LoadedModel) -> Result<TopLabels, ApiError> {
    let top = parameters.value("top", "a whole number from 1", |&top: &usize| top > 0)?;
    let threshold = parameters.number("threshold", 0.0, 1.0)?.map(|threshold| threshold as f32);
    if model.is_frame_level && (top.is_some() || threshold.is_some()) {
        let fault = "are for models with one label per recording; use /v1/segments for thresholds";
        return Err(bad_option("top and threshold", fault));
    }
    Ok(TopLabels { top: top.unwrap_or(1), threshold })
}

/// Returns the row as JSON; it is written on the thread that classifies, because it may have an hour of frames.
fn row(
    model: &LoadedModel,
    name: &str,
    labels: TopLabels,
    Probabilities { values, seconds }: &Probabilities,
) -> Result<Vec<u8>, ApiError> {
    let written = match (&model.model.input, model.is_frame_level) {
        (Input::Recordings(features), true) => {
            let times = features.frame_times().map_err(InferError::from)?;
            let row = FrameLevelRow::new(name, *seconds, &model.model.labels, &times, values);
            serde_json::to_vec(&row)
        }
        _ => serde_json::to_vec(&labels.row(&model.model, json!({ "file": name }), values)),
    };
    written.map_err(|error| ApiError::internal(&error.to_string()))
}
