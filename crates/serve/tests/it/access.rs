//! Tokens, host names and origins.

use stapes_serve::Token;

use super::support::Running;
use super::support::http::{get, send};
use super::support::websocket::Socket;

const TOKEN: &str = "8f2c0d9b4c6e4a51";

#[test]
fn a_token_guards_everything_but_the_probes_and_the_page() {
    let server = Running::start(|options| options.token = Some(Token::new(TOKEN).unwrap()));
    for path in ["/", "/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(get(server.addr, path).status, 200, "{path}");
    }
    for path in ["/v1/models", "/metrics"] {
        let answer = get(server.addr, path);
        assert_eq!(
            (answer.code().1, &*answer.headers["www-authenticate"]),
            ("unauthorized".into(), "Bearer")
        );
        let wrong = send(server.addr, "GET", path, &[("authorization", "Bearer 8f2c0d9b4c6e4a50")], b"");
        assert_eq!(wrong.status, 401, "{path}");
        let header = format!("Bearer {TOKEN}");
        assert_eq!(send(server.addr, "GET", path, &[("authorization", &header)], b"").status, 200);
    }
    assert_eq!(send(server.addr, "POST", "/v1/segments", &[], b"x").status, 401);
    let target = "/v1/stream?model=vad";
    let Err(answer) = Socket::open(server.addr, target, &[]) else { panic!("a stream without a token") };
    assert_eq!(answer.status, 401);
    let protocols = format!("stapes, bearer.{TOKEN}");
    assert!(Socket::open(server.addr, target, &[("sec-websocket-protocol", &protocols)]).is_ok());
}

#[test]
fn other_sites_are_refused_unless_they_are_allowed() {
    let server = Running::start(|options| options.allow_origins = vec!["https://good.example".into()]);
    let origin = |origin: &str| send(server.addr, "GET", "/v1/models", &[("origin", origin)], b"");
    assert_eq!(origin("https://evil.example").code(), (403, "origin_not_allowed".into()));
    let answer = origin("https://good.example");
    assert_eq!(answer.headers["access-control-allow-origin"], "https://good.example");
    let preflight = [("origin", "https://good.example"), ("access-control-request-method", "POST")];
    let answer = send(server.addr, "OPTIONS", "/v1/segments", &preflight, b"");
    assert_eq!((answer.status, &*answer.headers["access-control-allow-methods"]), (204, "GET, POST"));
    let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    assert_eq!(send(server.addr, "OPTIONS", "/v1/segments", &preflight, b"").status, 403);

    let target = "/v1/stream?model=vad";
    assert!(Socket::open(server.addr, target, &[("origin", "https://good.example")]).is_ok());
    assert!(Socket::open(server.addr, target, &[("origin", "http://localhost")]).is_ok());
    let Err(answer) = Socket::open(server.addr, target, &[("origin", "https://evil.example")]) else {
        panic!("a stream from another site")
    };
    assert_eq!(answer.code().1, "origin_not_allowed");
}

#[test]
fn a_name_that_points_at_this_machine_is_refused() {
    let server = Running::start(|_| {});
    let host = |host: &str| send(server.addr, "GET", "/v1/models", &[("host", host)], b"");
    assert_eq!(host("rebound.example").code(), (403, "host_not_allowed".into()));
    assert_eq!(host("127.0.0.1:1").status, 200);
}
