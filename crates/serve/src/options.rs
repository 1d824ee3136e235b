//! Options of the server.

use std::net::SocketAddr;
use std::time::Duration;

use crate::token::Token;

/// Options of a [`Server`](crate::Server).
///
/// # Example
/// ```
/// use stapes_serve::ServerOptions;
///
/// let options = ServerOptions::new(([127, 0, 0, 1], 8080).into());
/// assert_eq!(options.limits.max_seconds, 600.0);
/// assert!(options.token.is_none() && options.wyoming.is_none());
/// ```
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Address of HTTP; port 0 for a free one.
    pub addr: SocketAddr,
    /// Address of the Wyoming protocol; `None` for no such service.
    pub wyoming: Option<SocketAddr>,
    /// Token that requests must carry; `None` for none.
    pub token: Option<Token>,
    /// Origins whose pages may call the server from a browser, such as `https://example.org`; `*` for all.
    pub allow_origins: Vec<String>,
    /// Host names under which the server may be called, beside addresses and `localhost`; `*` for all.
    pub allow_hosts: Vec<String>,
    /// Number of threads that read and do short work; of threads for long recordings; and of threads for long work of streams.
    pub threads: usize,
    /// Limits of requests and connections.
    pub limits: Limits,
}

impl ServerOptions {
    /// Returns the defaults for an address.
    pub fn new(addr: SocketAddr) -> ServerOptions {
        ServerOptions {
            addr,
            wyoming: None,
            token: None,
            allow_origins: Vec::new(),
            allow_hosts: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            limits: Limits::default(),
        }
    }
}

/// Limits of requests and connections.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Connections at a time, of both protocols together.
    pub max_connections: usize,
    /// WebSocket streams at a time.
    pub max_streams: usize,
    /// Requests that wait for a thread.
    pub max_waiting: usize,
    /// Bytes of the body of a request.
    pub max_body_bytes: usize,
    /// Bytes of all bodies in memory at a time.
    pub max_total_body_bytes: usize,
    /// Duration of a recording, s.
    pub max_seconds: f64,
    /// Bytes of a message of a stream.
    pub max_message_bytes: usize,
    /// Time for the header of a request, also between two requests of a connection.
    pub header_timeout: Duration,
    /// Time for the body of a request.
    pub body_timeout: Duration,
    /// Time in which a client must read something of an answer.
    pub write_timeout: Duration,
    /// Time without sound after which a stream is closed.
    pub idle_timeout: Duration,
    /// Time between two pings of a stream; two without an answer end it.
    pub ping_interval: Duration,
    /// Time for open requests and streams to end after a signal.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_connections: 2000,
            max_streams: 1000,
            max_waiting: 128,
            max_body_bytes: 64 << 20,
            max_total_body_bytes: 256 << 20,
            max_seconds: 600.0,
            max_message_bytes: 1 << 20,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            ping_interval: Duration::from_secs(20),
            stop_timeout: Duration::from_secs(10),
        }
    }
}
