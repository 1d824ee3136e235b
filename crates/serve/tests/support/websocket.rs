//! A client of WebSockets that writes frames.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::http::{self, Answer};

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A WebSocket.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    /// Answer pings.
    pub(crate) answers: bool,
}

/// Message of the server.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    Event(Value),
    /// Code of the end.
    Close(u16),
    /// The connection ended without a code.
    Gone,
}

impl Socket {
    /// Connects; the answer is the error otherwise.
    pub(crate) fn open(addr: SocketAddr, target: &str, headers: &[(&str, &str)]) -> Result<Socket, Answer> {
        let stream = http::connect(addr);
        let mut all = vec![
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        all.extend_from_slice(headers);
        http::write(&stream, "GET", target, &all, b"").unwrap();
        let answer = read_header(&stream);
        super::schema::check("GET", target, &answer);
        match answer.status {
            101 => Ok(Socket { stream, answers: true }),
            _ => Err(answer),
        }
    }

    /// Connects and reads the first event.
    pub(crate) fn ready(addr: SocketAddr, target: &str) -> Socket {
        let mut socket = Socket::open(addr, target, &[]).unwrap();
        let Message::Event(ready) = socket.next() else { panic!("no event") };
        assert_eq!(ready["type"], "ready");
        socket
    }

    /// Writes a frame.
    pub(crate) fn frame(&mut self, is_last: bool, code: u8, bytes: &[u8]) -> io::Result<()> {
        let mut frame = vec![u8::from(is_last) << 7 | code];
        match bytes.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length @ 126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(bytes.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.stream.write_all(&frame)
    }

    pub(crate) fn binary(&mut self, bytes: &[u8]) {
        self.frame(true, BINARY, bytes).unwrap();
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.frame(true, TEXT, text.as_bytes()).unwrap();
    }

    /// Returns the next message.
    pub(crate) fn next(&mut self) -> Message {
        loop {
            let Ok((code, bytes)) = self.read_frame() else { return Message::Gone };
            match code {
                TEXT => return Message::Event(serde_json::from_slice(&bytes).unwrap()),
                PING if self.answers => self.frame(true, PONG, &bytes).unwrap(),
                PING | PONG => {}
                CLOSE => {
                    let code = bytes.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                    // The server may have closed the connection.
                    let _ = self.frame(true, CLOSE, &bytes);
                    return Message::Close(code);
                }
                other => panic!("frame {other}"),
            }
        }
    }

    /// Ends the sound, and returns all events that are left and the code of the end.
    pub(crate) fn finish(&mut self) -> (Vec<Value>, Message) {
        self.text("{\"type\":\"finish\"}");
        self.rest()
    }

    /// Returns all events that are left and the end.
    pub(crate) fn rest(&mut self) -> (Vec<Value>, Message) {
        let mut events = Vec::new();
        loop {
            match self.next() {
                Message::Event(event) => events.push(event),
                end => return (events, end),
            }
        }
    }

    fn read_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let mut length = usize::from(head[1] & 0x7f);
        if length == 126 {
            let mut bytes = [0; 2];
            self.stream.read_exact(&mut bytes)?;
            length = u16::from_be_bytes(bytes).into();
        } else if length == 127 {
            let mut bytes = [0; 8];
            self.stream.read_exact(&mut bytes)?;
            length = u64::from_be_bytes(bytes) as usize;
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok((head[0] & 0x0f, bytes))
    }
}

/// Reads an answer without reading what follows it.
fn read_header(mut stream: &TcpStream) -> Answer {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).unwrap();
    let mut lines = text.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers: std::collections::HashMap<_, _> = headers.collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; if status == 101 { 0 } else { length }];
    stream.read_exact(&mut body).unwrap();
    Answer { status, headers, body }
}
