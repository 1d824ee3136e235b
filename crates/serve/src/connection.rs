//! Connections: their number, and sockets whose other end does not read.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::app::{App, is_true};

/// Time to read the rest of a request after the answer, so that the client reads the answer and not an error of the socket.
const LINGER: Duration = Duration::from_secs(1);

/// Refused connections that are closed with patience at a time; more are closed at once, and may miss the answer.
const MAX_REFUSALS: usize = 64;

/// Time between two attempts after the system refused a connection, for example because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection that is counted until it is dropped. A write ends with an error after a time without progress; closing reads what
/// the client still sends, for a short time.
pub(crate) struct Connection {
    stream: TcpStream,
    write_timeout: Duration,
    /// Runs while a write waits, and while the connection closes.
    timer: Pin<Box<Sleep>>,
    is_waiting: bool,
    is_closing: bool,
    gauge: Gauge,
    _permit: OwnedSemaphorePermit,
    _open: mpsc::Sender<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl Connection {
    /// Starts the timer of a write, and returns an error when it has ended.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if !self.is_waiting {
            self.is_waiting = true;
            let deadline = Instant::now() + self.write_timeout;
            self.timer.as_mut().reset(deadline);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client does not read"))
    }

    /// Returns the result of a write, or an error if it waits too long.
    fn check<T>(&mut self, write: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        match write {
            Poll::Ready(result) => {
                self.is_waiting = false;
                Poll::Ready(result)
            }
            Poll::Pending => self.poll_timer(context).map(Err),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check(write, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.check(write, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.stream).poll_flush(context);
        self.check(flush, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_closing {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.is_closing = true;
            self.timer.as_mut().reset(Instant::now() + LINGER);
        }
        let mut bytes = [0; 1 << 13];
        loop {
            if self.timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                // The client has closed its end, or is gone.
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Accepts connections of a protocol until the server stops, and starts a task for each.
pub(crate) struct Acceptor {
    pub(crate) app: Arc<App>,
    pub(crate) protocol: &'static str,
    /// One per connection of the server.
    pub(crate) permits: Arc<Semaphore>,
    /// Every connection holds a clone.
    pub(crate) open: mpsc::Sender<()>,
    /// Bytes that a connection is refused with.
    pub(crate) refusal: &'static [u8],
}

impl Acceptor {
    pub(crate) async fn run<F>(self, listener: TcpListener, serve: impl Fn(Connection, SocketAddr) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut stopping = self.app.stopping();
        let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = is_true(&mut stopping) => return,
            };
            let (stream, addr) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, protocol = self.protocol, "a connection cannot be accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            match Arc::clone(&self.permits).try_acquire_owned() {
                Ok(permit) => {
                    tokio::spawn(serve(self.connection(stream, permit), addr));
                }
                Err(_) => {
                    self.app.metrics.refused("connections");
                    match Arc::clone(&refusals).try_acquire_owned() {
                        Ok(permit) => {
                            tokio::spawn(refuse(self.connection(stream, permit), self.refusal));
                        }
                        Err(_) => refuse_at_once(stream, self.refusal),
                    }
                }
            }
        }
    }

    fn connection(&self, stream: TcpStream, permit: OwnedSemaphorePermit) -> Connection {
        // Without it small messages wait for more; an error means that the client has gone.
        let _ = stream.set_nodelay(true);
        let gauge = self.app.metrics.connections(self.protocol);
        gauge.inc();
        let write_timeout = self.app.options.limits.write_timeout;
        Connection {
            stream,
            write_timeout,
            timer: Box::pin(sleep(write_timeout)),
            is_waiting: false,
            is_closing: false,
            gauge,
            _permit: permit,
            _open: self.open.clone(),
        }
    }
}

/// Sends the refusal and closes the connection.
async fn refuse(mut connection: Connection, refusal: &[u8]) {
    let close = async {
        connection.write_all(refusal).await?;
        connection.shutdown().await
    };
    // The client may have gone.
    let _ = timeout(2 * LINGER, close).await;
}

/// Writes the refusal without waiting, and closes the connection.
fn refuse_at_once(stream: TcpStream, refusal: &[u8]) {
    if let Ok(mut stream) = stream.into_std() {
        // The client may have gone.
        let _ = io::Write::write(&mut stream, refusal);
    }
}
