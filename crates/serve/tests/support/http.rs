//! A client of HTTP that writes bytes; every answer is compared with the description of the interface.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::schema;

/// Time after which a test fails because the server does not answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Answer of a server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {:?}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    /// Returns the status and the code of the error.
    pub(crate) fn code(&self) -> (u16, String) {
        (self.status, self.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Returns the answer that a connection has.
pub(crate) fn read(stream: &TcpStream) -> io::Result<Answer> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("not an answer: {line:?}")))?;
    let mut headers = HashMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Answer { status, headers, body })
}

/// Sends a request and returns its answer, which must be one that the description has.
pub(crate) fn send(
    addr: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let stream = connect(addr);
    write(&stream, method, target, headers, body).unwrap();
    let answer = read(&stream).unwrap();
    schema::check(method, target, &answer);
    answer
}

/// Writes a request.
pub(crate) fn write(
    mut stream: &TcpStream,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        text += "host: localhost\r\n";
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("content-length: {}\r\n\r\n", body.len());
    stream.write_all(&[text.as_bytes(), body].concat())
}

pub(crate) fn get(addr: SocketAddr, target: &str) -> Answer {
    send(addr, "GET", target, &[], b"")
}

pub(crate) fn post(addr: SocketAddr, target: &str, body: &[u8]) -> Answer {
    send(addr, "POST", target, &[], body)
}

/// Sends a form with a file and further fields.
pub(crate) fn post_form(
    addr: SocketAddr,
    target: &str,
    file: Option<&[u8]>,
    fields: &[(&str, &str)],
) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--border\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    if let Some(file) = file {
        let header = "--border\r\ncontent-disposition: form-data; name=\"file\"; filename=\"one.wav\"\r\n\
                      content-type: audio/wav\r\n\r\n";
        body.extend(header.bytes());
        body.extend(file);
        body.extend(b"\r\n");
    }
    body.extend(b"--border--\r\n");
    send(addr, "POST", target, &[("content-type", "multipart/form-data; boundary=border")], &body)
}
