//! The routes of HTTP.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use crate::api_error::ApiError;
use crate::app::App;
use crate::{classify, gate, page, segments, stream};

/// Description of the interface, as OpenAPI 3.1. `crates/serve/tests/it/openapi.rs` compares it with the routes and answers.
const OPENAPI: &str = include_str!("openapi.json");

/// All paths with their method.
pub(crate) const ROUTES: [(&str, Method); 9] = [
    ("/", Method::GET),
    ("/healthz", Method::GET),
    ("/readyz", Method::GET),
    ("/metrics", Method::GET),
    ("/openapi.json", Method::GET),
    ("/v1/models", Method::GET),
    ("/v1/classify", Method::POST),
    ("/v1/segments", Method::POST),
    ("/v1/stream", Method::GET),
];

/// Name of the files of the page in metrics and the log.
const PAGE_FILES: &str = "/page";

/// Bytes of a form beside the recording.
const FORM_OVERHEAD: usize = 1 << 17;

/// Returns the service of all routes.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let max_body = app.options.limits.max_body_bytes + FORM_OVERHEAD;
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .route("/v1/models", get(models))
        .route("/v1/classify", post(classify::classify))
        .route("/v1/segments", post(segments::segments))
        .route("/v1/stream", get(stream::stream))
        .merge(page::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(max_body))
        .layer(from_fn_with_state(Arc::clone(app), gate::check))
        .layer(from_fn_with_state(Arc::clone(app), observe))
        .with_state(Arc::clone(app))
}

/// Returns JSON as a response.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            (status, [(header::CONTENT_TYPE, "application/json")], Body::from(bytes)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Counts and logs a request, without its query and contents.
async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = request.uri().path();
    let route = match ROUTES.iter().find(|(known, _)| *known == path) {
        Some((known, _)) => known,
        None if page::has(path) => PAGE_FILES,
        None => "other",
    };
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let nosniff = (HeaderName::from_static("x-content-type-options"), "nosniff");
    response.headers_mut().insert(nosniff.0, axum::http::HeaderValue::from_static(nosniff.1));
    let (status, seconds) = (response.status().as_u16(), started.elapsed().as_secs_f64());
    app.metrics.request(route, status, seconds);
    let milliseconds = (seconds * 1e6).round() / 1e3;
    match route.starts_with("/v1/") {
        true => tracing::info!(%method, route, status, milliseconds, "request"),
        false => tracing::debug!(%method, route, status, milliseconds, "request"),
    }
    response
}

async fn healthz() -> Response {
    json(StatusCode::OK, &serde_json::json!({ "status": "ok" }))
}

async fn readyz(State(app): State<Arc<App>>) -> Response {
    match app.is_stopping() {
        false => json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
        true => ApiError::busy("the server stops; use another one").into_response(),
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics_text()).into_response()
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn models(State(app): State<Arc<App>>) -> Response {
    json(StatusCode::OK, &app.models.list())
}

async fn not_found() -> ApiError {
    let message = "the server has no such path; /openapi.json lists the paths";
    ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
}

async fn wrong_method() -> ApiError {
    let message = "the path does not have this method; /openapi.json lists the methods";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_all_routes_and_no_other() {
        let description: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let mut described = Vec::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                described.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        let mut routes: Vec<String> =
            ROUTES.iter().map(|(path, method)| format!("{method} {path}")).collect();
        routes.sort();
        described.sort();
        assert_eq!(described, routes);
    }
}
