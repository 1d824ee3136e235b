//! Events of the protocol: a line of JSON, further JSON, and a payload.

use std::io;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of the line of an event, and of its further JSON.
const MAX_JSON: usize = 64 << 10;

/// An event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) data: Map<String, Value>,
    pub(crate) payload: Vec<u8>,
}

/// Line of an event.
#[derive(Deserialize)]
struct Header {
    r#type: String,
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    data_length: Option<u64>,
    #[serde(default)]
    payload_length: Option<u64>,
}

/// An event cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the {part} of the event has more than {max} bytes; send shorter events")]
    TooLong { part: &'static str, max: usize },
    #[error("the {part} of the event is not valid: {reason}; send events of the Wyoming protocol")]
    Invalid { part: &'static str, reason: String },
}

impl Event {
    /// Creates an event without a payload; `data` is an object.
    pub(crate) fn new(kind: &str, data: Value) -> Event {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Event { kind: kind.to_owned(), data, payload: Vec::new() }
    }

    /// Reads an event; `None` at the end of the connection. Memory is bounded by [`MAX_JSON`] and `max_payload`.
    ///
    /// # Errors
    /// [`EventError`]
    pub(crate) async fn read(
        reader: &mut (impl AsyncBufRead + Unpin),
        max_payload: usize,
    ) -> Result<Option<Event>, EventError> {
        let mut line = Vec::new();
        reader.take(MAX_JSON as u64).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(match line.len() == MAX_JSON {
                true => EventError::TooLong { part: "line", max: MAX_JSON },
                false => io::Error::from(io::ErrorKind::UnexpectedEof).into(),
            });
        }
        let header: Header = parse("line", &line)?;
        let mut data = header.data.unwrap_or_default();
        let further = read_exact(reader, "data", header.data_length, MAX_JSON).await?;
        if !further.is_empty() {
            data.extend(parse::<Map<String, Value>>("data", &further)?);
        }
        let payload = read_exact(reader, "payload", header.payload_length, max_payload).await?;
        Ok(Some(Event { kind: header.r#type, data, payload }))
    }

    /// Writes the event.
    ///
    /// # Errors
    /// Errors of the connection.
    pub(crate) async fn write(&self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut line = json!({ "type": self.kind, "data": self.data });
        if !self.payload.is_empty() {
            line["payload_length"] = self.payload.len().into();
        }
        let mut bytes = line.to_string().into_bytes();
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.payload);
        writer.write_all(&bytes).await?;
        writer.flush().await
    }

    /// Returns a number of the data that is not negative.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let value = self.data.get(name)?;
        // Some clients send whole numbers as 16000.0. The cast saturates.
        value.as_u64().or_else(|| value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64))
    }
}

fn parse<'b, T: Deserialize<'b>>(part: &'static str, bytes: &'b [u8]) -> Result<T, EventError> {
    serde_json::from_slice(bytes).map_err(|error| EventError::Invalid { part, reason: error.to_string() })
}

async fn read_exact(
    reader: &mut (impl AsyncRead + Unpin),
    part: &'static str,
    length: Option<u64>,
    max: usize,
) -> Result<Vec<u8>, EventError> {
    let length = length.unwrap_or(0);
    if length > max as u64 {
        return Err(EventError::TooLong { part, max });
    }
    let mut bytes = Vec::new();
    if reader.take(length).read_to_end(&mut bytes).await? as u64 != length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Event>, EventError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Event::read(&mut &bytes[..], 8))
    }

    #[test]
    fn an_event_has_data_in_the_line_and_after_it() {
        let bytes = b"{\"type\":\"audio-chunk\",\"data\":{\"rate\":8000,\"width\":1},\"data_length\":11,\"payload_length\":3}\n\
                      {\"width\":2}abc{\"type\"";
        let event = read(bytes).unwrap().unwrap();
        assert_eq!((&*event.kind, &*event.payload), ("audio-chunk", &b"abc"[..]));
        assert_eq!(
            (event.number("rate"), event.number("width"), event.number("x")),
            (Some(8000), Some(2), None)
        );
        assert!(read(b"").unwrap().is_none());
    }

    #[test]
    fn a_written_event_is_read_as_it_was() {
        let mut event = Event::new("audio-chunk", json!({ "rate": 16_000 }));
        event.payload = vec![10, 13, 0];
        let mut bytes = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(event.write(&mut bytes)).unwrap();
        assert_eq!(read(&bytes).unwrap().unwrap(), event);
    }

    #[test]
    fn garbage_is_an_error_in_bounded_memory() {
        for bytes in [&b"GET / HTTP/1.1\r\n"[..], b"\xff\xfe\n", b"\n", b"[]\n", b"{\"type\":1}\n", b"{}\n"] {
            assert!(matches!(read(bytes), Err(EventError::Invalid { part: "line", .. })), "{bytes:?}");
        }
        let long = vec![b'x'; MAX_JSON + 1];
        assert!(matches!(read(&long), Err(EventError::TooLong { part: "line", .. })));
        for (header, part) in [
            ("{\"type\":\"a\",\"data_length\":18446744073709551615}\n", "data"),
            ("{\"type\":\"a\",\"payload_length\":9}\n", "payload"),
        ] {
            let Err(EventError::TooLong { part: found, .. }) = read(header.as_bytes()) else {
                panic!("{header}")
            };
            assert_eq!(found, part);
        }
        let error = read(b"{\"type\":\"a\",\"data_length\":3}\nabc").unwrap_err();
        assert!(matches!(error, EventError::Invalid { part: "data", .. }), "{error}");
        for truncated in [&b"{\"type\":\"a\""[..], b"{\"type\":\"a\",\"payload_length\":3}\nab"] {
            assert!(matches!(read(truncated), Err(EventError::Io(_))));
        }
    }
}
