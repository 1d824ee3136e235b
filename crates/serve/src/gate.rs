//! Who may call the server: the token, the host name and the origin of a page.
//!
//! A page of another site can call a server on the reader's machine. Without a token it is kept out in two ways. A request with an
//! `Origin` must come from the server's own pages or an allowed origin. On a loopback address the `Host` must be an address, `localhost`
//! or an allowed name: a name that another site has pointed at 127.0.0.1 (DNS rebinding) is neither.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api_error::ApiError;
use crate::app::App;
use crate::options::ServerOptions;
use crate::page;

/// Protocol of a stream that carries a token: browsers cannot set the header of a WebSocket.
pub(crate) const BEARER_PROTOCOL: &str = "bearer.";

const ANY: &str = "*";

/// Paths that need no token, beside the page: probes of a cluster, and the description of the interface.
const OPEN_PATHS: [&str; 3] = ["/healthz", "/readyz", "/openapi.json"];

/// Checks a request before its route, and adds the headers for pages of allowed origins.
pub(crate) async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let allowed = match check_host(headers, &app.options).and_then(|()| check_origin(headers, &app.options)) {
        Ok(allowed) => allowed,
        Err(error) => {
            app.metrics.refused("origin");
            return error.into_response();
        }
    };
    let is_preflight = request.method() == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && allowed.is_some();
    let mut response = if is_preflight {
        preflight()
    } else if let Err(error) = check_token(request.uri().path(), headers, &app.options) {
        app.metrics.refused("token");
        error.into_response()
    } else {
        next.run(request).await
    };
    if let Some(origin) = allowed {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        let exposed = HeaderValue::from_static("retry-after");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

fn preflight() -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Returns the host of `name:port`, without the port.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn check_host(headers: &HeaderMap, options: &ServerOptions) -> Result<(), ApiError> {
    if options.token.is_some() || !options.addr.ip().is_loopback() {
        return Ok(());
    }
    let host = without_port(text(headers, header::HOST).unwrap_or_default()).to_ascii_lowercase();
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_allowed = |name: &String| name == ANY || name.eq_ignore_ascii_case(&host);
    if is_address || host == "localhost" || options.allow_hosts.iter().any(is_allowed) {
        return Ok(());
    }
    let message = "the server was called under a host name that is not allowed; use an address or localhost, or start the server \
                   with --allow-host";
    Err(ApiError::new(StatusCode::FORBIDDEN, "host_not_allowed", message))
}

/// Returns the origin that the answer allows, if it is one of another site.
fn check_origin(headers: &HeaderMap, options: &ServerOptions) -> Result<Option<HeaderValue>, ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(None) };
    let name = origin.to_str().unwrap_or_default();
    if options.allow_origins.iter().any(|allowed| allowed == ANY || allowed.eq_ignore_ascii_case(name)) {
        return Ok(Some(origin.clone()));
    }
    let authority = name.split_once("://").map(|(_, authority)| authority);
    if authority.is_some() && authority == text(headers, header::HOST) {
        return Ok(None);
    }
    let message =
        "the request came from a page of another site; start the server with --allow-origin to allow it";
    Err(ApiError::new(StatusCode::FORBIDDEN, "origin_not_allowed", message))
}

fn check_token(path: &str, headers: &HeaderMap, options: &ServerOptions) -> Result<(), ApiError> {
    let Some(token) = &options.token else { return Ok(()) };
    if OPEN_PATHS.contains(&path) || page::has(path) {
        return Ok(());
    }
    let bearer = text(headers, header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let protocols = text(headers, header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default().split(',');
    let protocol = protocols.into_iter().find_map(|protocol| protocol.trim().strip_prefix(BEARER_PROTOCOL));
    match bearer.or(protocol) {
        Some(given) if token.is(given) => Ok(()),
        _ => {
            let message = "the token is missing or wrong; send the header `Authorization: Bearer TOKEN`";
            Err(ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn options(addr: [u8; 4]) -> ServerOptions {
        ServerOptions::new((addr, 8080).into())
    }

    #[test]
    fn a_name_that_points_at_loopback_is_not_allowed() {
        let mut options = options([127, 0, 0, 1]);
        let check = |host: &str, options: &ServerOptions| {
            check_host(&headers(&[(header::HOST, host)]), options).is_ok()
        };
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "192.168.1.2"] {
            assert!(check(host, &options), "{host}");
        }
        for host in ["evil.example:8080", "127.0.0.1.evil.example", "", "localhost.evil.example"] {
            assert!(!check(host, &options), "{host}");
        }
        options.allow_hosts = vec!["speech.example".into()];
        assert!(check("speech.example:8080", &options) && !check("evil.example", &options));
        options.token = Some(Token::new("0123456789abcdef").unwrap());
        assert!(check("evil.example", &options));
        assert!(check("speech.cluster.local", &self::options([0, 0, 0, 0])));
    }

    #[test]
    fn pages_of_other_sites_are_not_allowed() {
        let mut options = options([127, 0, 0, 1]);
        let check = |origin: &str, options: &ServerOptions| {
            let headers = headers(&[(header::HOST, "localhost:8080"), (header::ORIGIN, origin)]);
            check_origin(&headers, options)
        };
        assert_eq!(check("http://localhost:8080", &options), Ok(None));
        for origin in ["http://localhost:3000", "https://evil.example", "null", ""] {
            assert!(check(origin, &options).is_err(), "{origin}");
        }
        options.allow_origins = vec!["https://good.example".into()];
        assert_eq!(
            check("https://good.example", &options),
            Ok(Some("https://good.example".parse().unwrap()))
        );
        assert!(check("https://evil.example", &options).is_err());
        assert_eq!(check_origin(&HeaderMap::new(), &options), Ok(None));
    }

    #[test]
    fn the_token_is_in_the_header_or_in_the_protocol() {
        let mut options = options([0, 0, 0, 0]);
        assert!(check_token("/v1/models", &HeaderMap::new(), &options).is_ok());
        options.token = Some(Token::new("0123456789abcdef").unwrap());
        let check = |name: HeaderName, value: &str| {
            check_token("/v1/models", &headers(&[(name, value)]), &options).is_ok()
        };
        assert!(check(header::AUTHORIZATION, "Bearer 0123456789abcdef"));
        assert!(check(header::AUTHORIZATION, "bearer 0123456789abcdef"));
        assert!(check(header::SEC_WEBSOCKET_PROTOCOL, "stapes, bearer.0123456789abcdef"));
        for wrong in ["Bearer 0123456789abcdee", "0123456789abcdef", "Basic 0123456789abcdef", "Bearer "] {
            assert!(!check(header::AUTHORIZATION, wrong), "{wrong}");
        }
        assert!(check_token("/healthz", &HeaderMap::new(), &options).is_ok());
        assert!(check_token("/page.js", &HeaderMap::new(), &options).is_ok());
        assert!(check_token("/metrics", &HeaderMap::new(), &options).is_err());
    }
}
