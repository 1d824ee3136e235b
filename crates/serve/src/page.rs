//! The page at `/`, and its files.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use stapes_web::{PAGE, SECURITY_POLICY, SERVER_ENGINE, WebFile};

/// File of the page that has the path `/`.
const INDEX: &str = "index.html";

/// Returns all files.
fn files() -> impl Iterator<Item = &'static WebFile> {
    PAGE.iter().chain([&SERVER_ENGINE])
}

/// Returns the path of a file on the server.
fn path(file: &WebFile) -> String {
    format!("/{}", if file.path == INDEX { "" } else { file.path })
}

/// Returns true for the path of a file, which needs no token.
pub(crate) fn has(path: &str) -> bool {
    path == "/" || files().any(|file| path.strip_prefix('/') == Some(file.path) && file.path != INDEX)
}

/// Returns the routes of the files.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    files().fold(Router::new(), |router, file| {
        let tag = tag(file.bytes);
        router.route(
            &path(file),
            get(move |headers: HeaderMap| {
                let tag = tag.clone();
                async move { answer(file, &tag, &headers) }
            }),
        )
    })
}

/// Returns the entity tag of content: a browser asks with it if a file has changed.
fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Returns a file, or that the browser has it.
fn answer(file: &WebFile, tag: &str, headers: &HeaderMap) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|value| value.split(',')).any(|known| known.trim() == tag);
    let common = [
        (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::ETAG, tag),
    ];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, common).into_response(),
        false => (common, [(header::CONTENT_TYPE, file.content_type)], file.bytes).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_page_need_no_token_and_others_do() {
        for path in ["/", "/page.js", "/engine.js", "/base.css"] {
            assert!(has(path), "{path}");
        }
        for path in ["", "/index.html", "page.js", "//page.js", "/v1/models", "/engine-server.js"] {
            assert!(!has(path), "{path}");
        }
    }

    #[test]
    fn files_have_different_tags() {
        let tags: std::collections::BTreeSet<String> = files().map(|file| tag(file.bytes)).collect();
        assert_eq!(tags.len(), files().count());
    }
}
