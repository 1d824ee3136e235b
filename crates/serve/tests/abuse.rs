//! Clients that misbehave: the server's memory is bounded, and good clients are served meanwhile.
//!
//! One test, because it measures the memory of the process.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::http::{self, connect, post};
use support::websocket::{BINARY, Socket};
use support::{Running, clip, fixture, resident_bytes, wav};

/// Memory that all clients together may add, server and clients in one process.
const MAX_GROWTH: usize = 200 << 20;

/// Connections of the test; the limit of open files may allow fewer.
const CONNECTIONS: usize = 5000;

/// Raises the limit of open files, and returns the number of connections of the test: both ends are in this process.
fn connections() -> usize {
    let possible = stapes_serve::allow_connections(2 * CONNECTIONS);
    possible.map_or(CONNECTIONS, |files| CONNECTIONS.min(files as usize / 2))
}

/// Writes a body of 1 GB, until the server closes the connection; returns the answer's status, if there is one.
fn huge_body(server: &Running, header: &str) -> Option<u16> {
    let stream = connect(server.addr);
    let mut writer = &stream;
    writer
        .write_all(format!("POST /v1/segments HTTP/1.1\r\nhost: localhost\r\n{header}\r\n\r\n").as_bytes())
        .unwrap();
    let block = vec![b'x'; 1 << 20];
    for _ in 0..1024 {
        let chunk = [b"100000\r\n", &block[..], b"\r\n"].concat();
        if writer.write_all(if header.contains("chunked") { &chunk } else { &block }).is_err() {
            break;
        }
    }
    http::read(&stream).ok().map(|answer| answer.status)
}

/// Clients that misbehave in one way each.
fn misbehave(server: &Running) {
    let bytes = wav(&clip(1.0, 16_000)).0;
    for header in ["content-length: 1073741824", "transfer-encoding: chunked"] {
        // The status is lost if the client writes on after the server has closed the connection.
        assert!([None, Some(413)].contains(&huge_body(server, header)), "{header}");
    }
    for name in ["mono_8k.flac", "lame_mono_16k.mp3", "mu_law.wav"] {
        let recording = std::fs::read(fixture(name)).unwrap();
        let answer = post(server.addr, "/v1/segments", &recording[..recording.len() / 3]);
        assert!([200, 422].contains(&answer.status), "{name}");
    }
    // A header that claims 1 GHz, and one that claims a rate of 1 Hz.
    for rate in [1_000_000_000u32, 1] {
        let mut wrong = bytes.clone();
        wrong[24..28].copy_from_slice(&rate.to_le_bytes());
        let status = post(server.addr, "/v1/segments", &wrong).status;
        assert!([413, 422].contains(&status), "{rate}: {status}");
    }
    let mut socket = Socket::ready(server.addr, "/v1/stream?model=vad");
    for at in 0..2000 {
        // The server ends the connection when the message is too long.
        if socket.frame(false, if at == 0 { BINARY } else { 0 }, &[0; 4096]).is_err() {
            break;
        }
    }
    for _ in 0..20 {
        let mut socket = Socket::ready(server.addr, "/v1/stream?model=vad");
        socket.binary(&[0; 320]);
        // The client goes without a word.
    }
}

/// Opens connections that send a part of a header, or nothing.
fn half_open(server: &Running, connections: usize) -> Vec<TcpStream> {
    let open = |number: usize| {
        let stream = TcpStream::connect(server.addr).ok()?;
        if number.is_multiple_of(2) {
            (&stream).write_all(b"GET /healthz HTTP/1.1\r\nx: ").ok()?;
        }
        Some(stream)
    };
    (0..connections).filter_map(open).collect()
}

/// Returns the status of `/healthz`; `None` if the connection was closed without an answer.
fn status(server: &Running) -> Option<u16> {
    let stream = connect(server.addr);
    http::write(&stream, "GET", "/healthz", &[], b"").ok()?;
    http::read(&stream).ok().map(|answer| answer.status)
}

#[test]
fn good_clients_are_served_beside_bad_ones_in_bounded_memory() {
    let connections = connections();
    assert!(connections >= 400, "the limit of open files allows only {connections} connections");
    let server = Running::start(|options| {
        options.limits.max_connections = connections / 2;
        options.limits.header_timeout = Duration::from_secs(1);
        options.limits.body_timeout = Duration::from_secs(5);
    });
    let bytes = wav(&clip(1.0, 16_000)).0;
    for _ in 0..20 {
        assert_eq!(post(server.addr, "/v1/segments", &bytes).status, 200);
    }
    let (before, is_done, served) = (resident_bytes(), AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let bad: Vec<_> = (0..3).map(|_| scope.spawn(|| misbehave(&server))).collect();
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                assert_eq!(post(server.addr, "/v1/segments", &bytes).status, 200);
                served.fetch_add(1, Ordering::Relaxed);
            }
        });
        let results: Vec<_> = bad.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
    assert!(served.into_inner() > 10);
    let growth = resident_bytes().saturating_sub(before);
    assert!(growth < MAX_GROWTH, "{growth} bytes");

    // More connections than the server takes: it refuses them, and serves again after their time.
    let held = half_open(&server, connections);
    assert!(held.len() > connections / 2, "only {} connections", held.len());
    println!("{} connections held, growth {} bytes", held.len(), resident_bytes().saturating_sub(before));
    let started = Instant::now();
    while status(&server) != Some(200) {
        assert!(started.elapsed() < Duration::from_secs(30), "the connections are not closed");
        thread::sleep(Duration::from_millis(50));
    }
    drop(held);
    let growth = resident_bytes().saturating_sub(before);
    assert!(growth < MAX_GROWTH, "{growth} bytes");
}
