//! Paths for operators: health, models, metrics, the description and the page.

use super::support::http::{get, post, send};
use super::support::websocket::Socket;
use super::support::{Running, clip, wav};

#[test]
fn health_models_description_and_page_are_served() {
    let server = Running::start(|_| {});
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(server.addr, path).json()["status"], "ok");
    }
    let models = get(server.addr, "/v1/models").json();
    let [vad, digits] = [&models["models"][0], &models["models"][1]];
    assert_eq!(
        (&vad["name"], &vad["predicts"], &vad["sample_rate"]),
        (&"vad".into(), &"frames".into(), &16_000.into())
    );
    assert_eq!(vad["endpoints"].as_array().unwrap().len(), 3);
    assert_eq!(digits["endpoints"], serde_json::json!(["/v1/classify", "/v1/stream"]));
    assert_eq!(get(server.addr, "/openapi.json").json(), *super::support::schema::description());
    assert!(
        vad["card"]["parameters"].as_u64().unwrap() > 40_000
            && vad["card"]["bytes"].as_u64().unwrap() > 170_000
    );
    assert!(
        vad["card"]["front_end"].as_str().unwrap().ends_with(", 32 values every 10 ms"),
        "{}",
        vad["card"]
    );
}

#[test]
fn the_page_and_its_files_are_served_and_cached_until_they_change() {
    let server = Running::start(|_| {});
    let page = get(server.addr, "/");
    assert!(String::from_utf8(page.body).unwrap().contains("<title>stapes</title>"));
    for (path, kind) in [
        ("/", "text/html"),
        ("/page.js", "text/javascript"),
        ("/engine.js", "text/javascript"),
        ("/base.css", "text/css"),
    ] {
        let file = get(server.addr, path);
        assert_eq!(file.status, 200, "{path}");
        assert!(file.headers["content-type"].starts_with(kind), "{path}");
        let policy = &file.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let tag = file.headers["etag"].as_str();
        let known = send(server.addr, "GET", path, &[("if-none-match", tag)], b"");
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        let other = send(server.addr, "GET", path, &[("if-none-match", "\"0\"")], b"");
        assert_eq!((other.status, other.body == file.body), (200, true), "{path}");
    }
    assert_eq!(get(server.addr, "/index.html").status, 404);
}

#[test]
fn metrics_count_requests_sound_streams_and_events() {
    let server = Running::start(|_| {});
    let bytes = wav(&clip(2.0, 16_000)).0;
    assert_eq!(post(server.addr, "/v1/segments", &bytes).status, 200);
    assert_eq!(post(server.addr, "/v1/segments?x=1", &bytes).status, 400);
    let mut socket = Socket::ready(server.addr, "/v1/stream?model=vad");
    socket.binary(&bytes[44..]);
    let text = || String::from_utf8(get(server.addr, "/metrics").body).unwrap();
    assert!(text().contains("stapes_streams 1\n"), "{}", text());
    let (events, _) = socket.finish();
    assert!(events.len() > 2, "{events:?}");
    let text = text();
    for line in [
        "stapes_requests_total{route=\"/v1/segments\",status=\"200\"} 1\n",
        "stapes_requests_total{route=\"/v1/segments\",status=\"400\"} 1\n",
        "stapes_audio_milliseconds_total{source=\"segments\"} 2000\n",
        "stapes_audio_milliseconds_total{source=\"stream\"} 2000\n",
        "stapes_events_total{kind=\"speech_started\"} 1\n",
        "stapes_jobs{pool=\"clips\"} 0\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
