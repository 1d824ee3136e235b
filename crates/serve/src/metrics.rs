//! Counters for Prometheus.

use std::fmt::Write as _;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Labels of a family: name and value.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// All counters of a server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<[(&'static str, String); 2], Counter>,
    seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    refused: Family<Labels<1>, Counter>,
    events: Family<Labels<1>, Counter>,
    audio_milliseconds: Family<Labels<1>, Counter>,
    connections: Family<Labels<1>, Gauge>,
    queue: Family<Labels<1>, Gauge>,
    /// WebSocket streams that are open.
    pub(crate) streams: Gauge,
}

fn histogram() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("stapes"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            refused: Family::default(),
            events: Family::default(),
            audio_milliseconds: Family::default(),
            connections: Family::default(),
            queue: Family::default(),
            streams: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests by route and status", metrics.requests.clone());
        registry.register("request_seconds", "Time of requests by route", metrics.seconds.clone());
        registry.register("refused", "Connections and requests that were refused", metrics.refused.clone());
        registry.register("events", "Events of streams by kind", metrics.events.clone());
        registry.register(
            "audio_milliseconds",
            "Duration of the sound that was processed",
            metrics.audio_milliseconds.clone(),
        );
        registry.register("connections", "Open connections by protocol", metrics.connections.clone());
        registry.register("jobs", "Jobs that run or wait for a thread, by pool", metrics.queue.clone());
        registry.register("streams", "Open WebSocket streams", metrics.streams.clone());
        metrics
    }

    /// Counts a request.
    pub(crate) fn request(&self, route: &'static str, status: u16, seconds: f64) {
        self.requests.get_or_create(&[("route", route.to_owned()), ("status", status.to_string())]).inc();
        self.seconds.get_or_create(&[("route", route)]).observe(seconds);
    }

    /// Counts a connection or request that was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason)]).inc();
    }

    /// Counts an event of a stream.
    pub(crate) fn event(&self, kind: &'static str) {
        self.events.get_or_create(&[("kind", kind)]).inc();
    }

    /// Counts sound.
    pub(crate) fn audio(&self, source: &'static str, seconds: f64) {
        // The cast saturates.
        self.audio_milliseconds
            .get_or_create(&[("source", source)])
            .inc_by((seconds * 1000.0).round() as u64);
    }

    /// Returns the number of open connections of a protocol.
    pub(crate) fn connections(&self, protocol: &'static str) -> Gauge {
        self.connections.get_or_create_owned(&[("protocol", protocol)])
    }

    /// Returns the text for Prometheus; `jobs` are the numbers of jobs of the pools.
    pub(crate) fn text(&self, jobs: &[(&'static str, usize)]) -> String {
        for &(pool, jobs) in jobs {
            self.queue.get_or_create(&[("pool", pool)]).set(jobs as i64);
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            // A text grows without errors.
            let _ = writeln!(text, "# EOF");
        }
        text
    }
}
