//! Errors of requests: a status and a JSON body.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use stapes_audio::AudioError;
use stapes_infer::InferError;

/// Error of a request. Its body is `{"error": {"code": …, "message": …}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    /// Name for programs.
    pub(crate) code: &'static str,
    /// A fact and advice, for people.
    pub(crate) message: String,
}

/// Seconds after which a refused request may be tried again.
const RETRY_AFTER_SECONDS: u16 = 1;

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError { status, code, message: message.into() }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn unprocessable(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// Error of a server that has enough to do.
    pub(crate) fn busy(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    /// Error of the server itself; `reason` is logged and not sent.
    pub(crate) fn internal(reason: &str) -> ApiError {
        tracing::error!(reason, "request failed");
        let message = "the server failed to process the request; report it with the log of the server";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// Returns the body.
    pub(crate) fn json(&self) -> Value {
        json!({ "error": { "code": self.code, "message": self.message } })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = crate::routes::json(self.status, &self.json());
        let headers = response.headers_mut();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<InferError> for ApiError {
    fn from(error: InferError) -> ApiError {
        match error {
            InferError::Audio(error) => error.into(),
            InferError::NoFrames { .. }
            | InferError::TooLarge { .. }
            | InferError::WrongInput { .. }
            | InferError::NotFinite
            | InferError::Features(_) => ApiError::unprocessable("unusable_recording", error.to_string()),
            InferError::SpeechOptions { .. } | InferError::Keywords(_) => {
                ApiError::bad_request("bad_option", error.to_string())
            }
            error => ApiError::internal(&error.to_string()),
        }
    }
}

impl From<AudioError> for ApiError {
    fn from(error: AudioError) -> ApiError {
        match error {
            AudioError::TooManySamples { .. } => ApiError::too_large(error.to_string()),
            AudioError::NoChannel { .. } => ApiError::bad_request("bad_option", error.to_string()),
            error => ApiError::unprocessable("unreadable_recording", error.to_string()),
        }
    }
}
