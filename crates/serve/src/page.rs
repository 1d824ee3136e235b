//! Static files that are part of the program: the page at `/`.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// A static file.
struct StaticFile {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

/// All static files, from the folder `page`.
const FILES: &[StaticFile] = &[StaticFile {
    path: "/",
    content_type: "text/html; charset=utf-8",
    bytes: include_bytes!("page/index.html"),
}];

/// A page loads nothing from other hosts, and no other page shows it in a frame.
const SECURITY_POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; connect-src 'self'; base-uri 'none'; \
                               form-action 'none'; frame-ancestors 'none'";

/// Returns the routes of the files.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| {
        let headers = [
            (header::CONTENT_TYPE, file.content_type),
            (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        router.route(file.path, get(move || async move { (headers, file.bytes).into_response() }))
    })
}
