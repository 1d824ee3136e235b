//! Paths for operators: health, models, metrics, the description and the page.

use super::support::http::{get, post};
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
    let page = get(server.addr, "/");
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"));
    assert!(String::from_utf8(page.body).unwrap().contains("<title>stapes</title>"));
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
