//! Limits of bodies, headers, time and connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::support::http::{self, connect, get, post, post_form};
use super::support::websocket::Socket;
use super::support::{Running, clip, wav};

fn write(mut stream: &TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).unwrap();
}

/// Returns true if the server has closed the connection, perhaps after an answer.
fn is_closed(mut stream: &TcpStream) -> bool {
    let mut rest = Vec::new();
    let end = stream.read_to_end(&mut rest);
    end.is_ok() || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

#[test]
fn large_bodies_are_refused_by_their_length_and_by_their_bytes() {
    let server = Running::start(|options| options.limits.max_body_bytes = 100_000);
    let large = vec![0; 400_000];
    assert_eq!(post(server.addr, "/v1/segments", &large).code(), (413, "too_large".into()));
    assert_eq!(post_form(server.addr, "/v1/segments", Some(&large), &[]).code(), (413, "too_large".into()));
    let slightly = vec![0; 100_001];
    assert_eq!(post(server.addr, "/v1/segments", &slightly).code(), (413, "too_large".into()));
    assert_eq!(
        post_form(server.addr, "/v1/segments", Some(&slightly), &[]).code(),
        (413, "too_large".into())
    );
    // Without a length.
    let stream = connect(server.addr);
    write(&stream, "POST /v1/segments HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    for _ in 0..11 {
        write(&stream, &format!("2710\r\n{}\r\n", "x".repeat(10_000)));
    }
    assert_eq!(http::read(&stream).unwrap().code(), (413, "too_large".into()));
}

#[test]
fn long_recordings_are_refused() {
    let server = Running::start(|options| options.limits.max_seconds = 2.0);
    assert_eq!(post(server.addr, "/v1/segments", &wav(&clip(2.0, 16_000)).0).status, 200);
    let answer = post(server.addr, "/v1/segments", &wav(&clip(2.1, 16_000)).0);
    assert_eq!(answer.code(), (413, "too_long".into()));
}

#[test]
fn a_slow_body_ends_with_an_error() {
    let server = Running::start(|options| options.limits.body_timeout = Duration::from_millis(300));
    let stream = connect(server.addr);
    write(&stream, "POST /v1/segments HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\nRIFF");
    assert_eq!(http::read(&stream).unwrap().code(), (408, "too_slow".into()));
    assert!(is_closed(&stream));
}

#[test]
fn slow_headers_and_idle_connections_are_closed() {
    let server = Running::start(|options| options.limits.header_timeout = Duration::from_millis(300));
    let silent = connect(server.addr);
    let slow = connect(server.addr);
    let reused = connect(server.addr);
    http::write(&reused, "GET", "/healthz", &[], b"").unwrap();
    assert_eq!(http::read(&reused).unwrap().status, 200);
    let started = Instant::now();
    write(&slow, "GET /healthz HT");
    assert!(is_closed(&silent) && is_closed(&slow) && is_closed(&reused));
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(get(server.addr, "/healthz").status, 200);
}

#[test]
fn header_bombs_are_refused() {
    let server = Running::start(|_| {});
    let many: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(100_000));
    for header in [many, long] {
        let stream = connect(server.addr);
        // The server may close the connection before the end.
        let _ = (&stream)
            .write_all(format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{header}\r\n").as_bytes());
        match http::read(&stream) {
            Ok(answer) => assert_eq!(answer.status, 431),
            Err(error) => panic!("{error}"),
        }
        assert!(is_closed(&stream));
    }
    let stream = connect(server.addr);
    write(&stream, "\x00\x01 nonsense\r\n\r\n");
    assert_eq!(http::read(&stream).unwrap().status, 400);
    assert_eq!(get(server.addr, "/healthz").status, 200);
}

#[test]
fn a_client_that_does_not_read_is_closed() {
    let server = Running::start(|options| options.limits.write_timeout = Duration::from_millis(500));
    let mut socket = Socket::ready(server.addr, "/v1/stream?model=vad&scores=true");
    let started = Instant::now();
    let sound = vec![0; 640_000];
    // The events fill the buffers of the sockets; then the server does not read any more, and ends the stream.
    while socket.frame(true, 2, &sound).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(120), "the server reads on");
    }
    assert_eq!(get(server.addr, "/healthz").status, 200);
}

#[test]
fn a_full_queue_refuses_with_the_time_to_try_again() {
    let server = Running::start(|options| {
        options.threads = 1;
        options.limits.max_waiting = 1;
    });
    let bytes = wav(&clip(60.0, 16_000)).0;
    let addr = server.addr;
    let answers: Vec<_> = std::thread::scope(|scope| {
        let requests: Vec<_> =
            (0..8).map(|_| scope.spawn(|| post(addr, "/v1/classify?model=vad", &bytes))).collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    });
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!((1..=7).contains(&refused.len()), "{} refused", refused.len());
    for answer in refused {
        assert_eq!((answer.code(), &*answer.headers["retry-after"]), ((503, "busy".into()), "1"));
    }
    assert_eq!(post(addr, "/v1/classify?model=vad", &bytes).status, 200);
}

#[test]
fn bodies_of_all_requests_have_a_common_limit() {
    let server = Running::start(|options| options.limits.max_total_body_bytes = 200_000);
    let held = connect(server.addr);
    write(&held, "POST /v1/segments HTTP/1.1\r\nhost: localhost\r\ncontent-length: 180000\r\n\r\n");
    write(&held, &"x".repeat(170_000));
    let bytes = wav(&clip(3.0, 16_000)).0;
    let refused = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let answer = post(server.addr, "/v1/segments", &bytes);
        answer.status == 503 && answer.code().1 == "busy"
    });
    assert!(refused);
    drop(held);
    let accepted = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        post(server.addr, "/v1/segments", &bytes).status == 200
    });
    assert!(accepted);
}

#[test]
fn connections_beyond_the_limit_are_refused_with_an_answer() {
    let server = Running::start(|options| options.limits.max_connections = 3);
    let held: Vec<TcpStream> = (0..3)
        .map(|_| {
            let stream = connect(server.addr);
            http::write(&stream, "GET", "/healthz", &[], b"").unwrap();
            assert_eq!(http::read(&stream).unwrap().status, 200);
            stream
        })
        .collect();
    let answer = get(server.addr, "/healthz");
    drop(held);
    assert_eq!((answer.code(), &*answer.headers["retry-after"]), ((503, "busy".into()), "1"));
    let accepted = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        get(server.addr, "/readyz").status == 200
    });
    assert!(accepted);
}

#[test]
fn a_header_that_hides_a_long_recording_does_not_stop_the_others() {
    let server = Running::start(|options| options.threads = 1);
    // The first format claims 4 GHz; the second one, which counts, 100 Hz: 600 s.
    let format = |rate_hz: u32, bits: u16| {
        let bytes = bits / 8;
        let parts: [&[u8]; 5] = [
            b"fmt \x10\0\0\0\x01\0\x01\0",
            &rate_hz.to_le_bytes(),
            &rate_hz.to_le_bytes(),
            &bytes.to_le_bytes(),
            &bits.to_le_bytes(),
        ];
        parts.concat()
    };
    let (first, second) = (format(u32::MAX, 16), format(100, 8));
    let size = (4 + first.len() + second.len() + 8 + 60_000) as u32;
    let parts: [&[u8]; 7] =
        [b"RIFF", &size.to_le_bytes(), b"WAVE", &first, &second, b"data\x60\xea\0\0", &[128; 60_000]];
    let (bytes, addr) = (parts.concat(), server.addr);
    let answered = std::thread::scope(|scope| {
        let request = scope.spawn(|| post(addr, "/v1/segments", &bytes));
        std::thread::sleep(Duration::from_millis(50));
        let mut answered = 0;
        while !request.is_finished() {
            assert_eq!(get(addr, "/healthz").status, 200);
            answered += usize::from(!request.is_finished());
        }
        assert_eq!(request.join().unwrap().status, 200);
        answered
    });
    assert!(answered >= 5, "{answered} answers while the recording was processed");
}

#[test]
fn resamplers_of_unusual_rates_have_bounded_memory() {
    let server = Running::start(|_| {});
    let stream = |rate_hz: u32| format!("/v1/stream?model=vad&sample_rate={rate_hz}");
    // A prime rate needs 270 MB.
    let refusal =
        |rate_hz| Socket::open(server.addr, &stream(rate_hz), &[]).err().map(|answer| answer.code());
    assert_eq!(refusal(767_957), Some((400, "bad_option".into())));
    let mut recording = wav(&clip(0.1, 8000)).0;
    recording[24..28].copy_from_slice(&999_983u32.to_le_bytes());
    assert_eq!(post(server.addr, "/v1/segments", &recording).code(), (422, "unreadable_recording".into()));
    // 91 MB each, of 256 MiB.
    let mut open: Vec<_> = (0..2).map(|_| Socket::ready(server.addr, &stream(259_993))).collect();
    assert_eq!(refusal(259_993), Some((503, "busy".into())));
    Socket::ready(server.addr, &stream(44_100));
    drop(open.pop());
    let is_free = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        refusal(259_993).is_none()
    });
    assert!(is_free);
}
