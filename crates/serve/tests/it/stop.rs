//! A graceful stop.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::support::http::{self, connect, get};
use super::support::websocket::{Message, Socket};
use super::support::{Running, clip, wav};

#[test]
fn requests_are_answered_streams_are_closed_and_new_connections_are_not_accepted() {
    let server = Running::start(|_| {});
    let addr = server.addr;
    let mut stream = Socket::ready(addr, "/v1/stream?model=vad");
    stream.binary(&[0; 3200]);
    let idle = connect(addr);
    // The header and a part of the body are there; the rest follows after the signal.
    let bytes = wav(&clip(1.0, 16_000)).0;
    let request = connect(addr);
    let (first, rest) = bytes.split_at(1000);
    let header = format!(
        "POST /v1/segments HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        bytes.len()
    );
    write(&request, header.as_bytes());
    // The server reads the body.
    assert_eq!(http::read(&request).unwrap().status, 100);
    write(&request, first);
    assert_eq!(get(addr, "/readyz").status, 200);
    let started = Instant::now();
    let stopped = std::thread::spawn(move || server.into_server().stop());
    assert_eq!(stream.next(), Message::Close(1001));
    write(&request, rest);
    assert_eq!(http::read(&request).unwrap().status, 200);
    stopped.join().unwrap();
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(TcpStream::connect(addr).is_err());
    drop(idle);
}

#[test]
fn a_client_that_does_not_end_is_waited_for_only_a_limited_time() {
    let server = Running::start(|options| options.limits.stop_timeout = Duration::from_millis(200));
    let request = connect(server.addr);
    write(&request, b"POST /v1/segments HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n");
    std::thread::sleep(Duration::from_millis(50));
    let started = Instant::now();
    server.into_server().stop();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

fn write(mut stream: &TcpStream, bytes: &[u8]) {
    use std::io::Write;
    stream.write_all(bytes).unwrap();
}
