//! Connections of HTTP.

use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tower::ServiceExt;

use crate::app::{App, is_true};
use crate::connection::Connection;

/// Bytes of the header of a request.
const MAX_HEADER_BYTES: usize = 32 << 10;

/// Number of lines of the header of a request.
const MAX_HEADERS: usize = 64;

/// Answer to a connection beyond the limit.
pub(crate) const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
    content-length: 106\r\nconnection: close\r\n\r\n\
    {\"error\":{\"code\":\"busy\",\"message\":\"the server has as many connections as it takes; try again later\"}}    \n";

/// Serves the requests of a connection until it is closed, or the server stops.
pub(crate) async fn serve(connection: Connection, app: Arc<App>, router: Router) {
    let service = service_fn(move |request: hyper::Request<Incoming>| router.clone().oneshot(request));
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.options.limits.header_timeout)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    let mut http = pin!(http);
    let mut stopping = app.stopping();
    let result = tokio::select! {
        result = http.as_mut() => result,
        () = is_true(&mut stopping) => {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_complete() {
        let text = std::str::from_utf8(REFUSAL).unwrap();
        let (header, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(header.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "busy");
    }
}
