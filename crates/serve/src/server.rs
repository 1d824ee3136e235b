//! The server: its threads and sockets, from start to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::app::App;
use crate::connection::Acceptor;
use crate::error::ServeError;
use crate::models::Models;
use crate::options::ServerOptions;
use crate::served_model::ServedModel;
use crate::{http, routes, wyoming};

/// Number of tasks of a thread between two checks for events of sockets: a task may compute for some milliseconds.
const EVENT_INTERVAL: u32 = 4;

/// A server that runs until it is stopped or dropped.
///
/// # Example
/// ```no_run
/// use stapes_infer::Model;
/// use stapes_serve::{ServedModel, Server, ServerOptions};
///
/// let model = Model::load("runs/vad/model.safetensors".as_ref())?;
/// let options = ServerOptions::new(([127, 0, 0, 1], 0).into());
/// let server = Server::start(vec![ServedModel::new("vad", model)], options)?;
/// println!("http://{}", server.addr());
/// server.run_until_signal()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server {
    runtime: Runtime,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    acceptors: Vec<JoinHandle<()>>,
    /// Ends when the last connection has ended.
    open: mpsc::Receiver<()>,
    addr: SocketAddr,
    wyoming_addr: Option<SocketAddr>,
}

impl Server {
    /// Loads the models, binds the addresses and accepts connections.
    ///
    /// # Errors
    /// [`ServeError`] for models that cannot be served, or an address that cannot be used.
    pub fn start(models: Vec<ServedModel>, options: ServerOptions) -> Result<Server, ServeError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .event_interval(EVENT_INTERVAL)
            .thread_name("stapes-io")
            .enable_all()
            .build()?;
        let (stop, stopping) = watch::channel(false);
        let (sender, open) = mpsc::channel(1);
        let (http_addr, wyoming_addr) = (options.addr, options.wyoming);
        let permits = Arc::new(Semaphore::new(options.limits.max_connections.min(Semaphore::MAX_PERMITS)));
        let app = Arc::new(App::new(Models::new(models)?, options, stopping)?);
        let acceptor = |protocol, refusal| Acceptor {
            app: Arc::clone(&app),
            protocol,
            permits: Arc::clone(&permits),
            open: sender.clone(),
            refusal,
        };
        let listener = bind(&runtime, http_addr)?;
        let addr = listener.local_addr()?;
        let mut acceptors = Vec::new();
        let (router, state) = (routes::router(&app), Arc::clone(&app));
        let serve = move |connection, _| http::serve(connection, Arc::clone(&state), router.clone());
        acceptors.push(runtime.spawn(acceptor("http", http::REFUSAL).run(listener, serve)));
        let mut bound = None;
        if let Some(wyoming_addr) = wyoming_addr {
            let listener = bind(&runtime, wyoming_addr)?;
            bound = Some(listener.local_addr()?);
            let service = Arc::new(wyoming::Service::new(Arc::clone(&app)));
            let serve = move |connection, _| wyoming::serve(connection, Arc::clone(&service));
            acceptors.push(runtime.spawn(acceptor("wyoming", wyoming::REFUSAL).run(listener, serve)));
        }
        Ok(Server { runtime, app, stop, acceptors, open, addr, wyoming_addr: bound })
    }

    /// Address of HTTP.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Address of the Wyoming protocol, if it is served.
    pub fn wyoming_addr(&self) -> Option<SocketAddr> {
        self.wyoming_addr
    }

    /// Runs until the process receives an interrupt (Ctrl-C) or a request to terminate, and stops; a second signal ends the waiting.
    ///
    /// # Errors
    /// [`ServeError::System`] if the system does not deliver signals.
    pub fn run_until_signal(self) -> Result<(), ServeError> {
        let stop = self.stop.clone();
        self.runtime.block_on(async {
            let mut signals = Signals::new()?;
            signals.next().await;
            tracing::info!("stopping; a second signal ends immediately");
            Ok::<_, ServeError>(tokio::spawn(async move {
                signals.next().await;
                drop(signals);
                tracing::warn!("stopped with open connections");
                // Both signals were requests to end; nothing has to be saved.
                std::process::exit(130);
            }))
        })?;
        drop(stop);
        self.stop();
        Ok(())
    }

    /// Stops: no new connections, requests are answered, streams are closed with code 1001. Connections that are open after
    /// [`Limits::stop_timeout`](crate::Limits::stop_timeout) are closed.
    pub fn stop(mut self) {
        // An error means that nothing waits for it.
        let _ = self.stop.send(true);
        let limit = self.app.options.limits.stop_timeout;
        self.runtime.block_on(async {
            for acceptor in &mut self.acceptors {
                // A task that panicked has ended too.
                let _ = acceptor.await;
            }
            if timeout(limit, async { while self.open.recv().await.is_some() {} }).await.is_err() {
                tracing::warn!("closing connections that did not end in time");
            }
        });
        tracing::info!("stopped");
        self.runtime.shutdown_background();
    }
}

fn bind(runtime: &Runtime, addr: SocketAddr) -> Result<TcpListener, ServeError> {
    runtime.block_on(TcpListener::bind(addr)).map_err(|source| ServeError::Bind { addr, source })
}

/// Signals that end the program.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        // An error means that there are no signals, and the program runs until it is ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
