//! The figures at `/metrics`.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// The process's registry and what HTTP counts in it; clones share it.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl Metrics {
    /// A registry with the figures of HTTP in it.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("vitrine_http_requests_total", "HTTP requests answered."),
            &["method", "route", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("vitrine_http_request_seconds", "Time until the answer began, seconds."),
            &["route"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { registry, requests, seconds })
    }

    /// Where the other parts register theirs.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts a request. `route` is the pattern, never the path: paths are without number.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: std::time::Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// Everything in the text format of Prometheus.
    pub fn text(&self) -> prometheus::Result<String> {
        prometheus::TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
