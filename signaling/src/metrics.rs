//! The figures at `/metrics`.

use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use recorder::Condition;

/// The process's registry, what HTTP counts in it, and how the recorder stands; clones share it.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    degraded: IntGaugeVec,
    disk_free: IntGauge,
    archive_waiting: IntGauge,
    archive_failing: IntGauge,
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
        let degraded = IntGaugeVec::new(
            Opts::new("vitrine_degraded", "1: does not work although calls do; see /readyz for what to do."),
            &["what"],
        )?;
        let disk_free = IntGauge::new("vitrine_data_free_bytes", "Bytes free in data.dir; -1: not known.")?;
        let archive_waiting =
            IntGauge::new("vitrine_archive_waiting", "Recordings that wait for the archive.")?;
        let archive_failing = IntGauge::new(
            "vitrine_archive_failing_seconds",
            "For how long the archive has taken nothing although something waits.",
        )?;
        let all: [Box<dyn Collector>; 6] = [
            Box::new(requests.clone()),
            Box::new(seconds.clone()),
            Box::new(degraded.clone()),
            Box::new(disk_free.clone()),
            Box::new(archive_waiting.clone()),
            Box::new(archive_failing.clone()),
        ];
        all.into_iter().try_for_each(|collector| registry.register(collector))?;
        Ok(Self { registry, requests, seconds, degraded, disk_free, archive_waiting, archive_failing })
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

    /// How the recorder stands, and what is degraded because of that.
    pub fn stands(&self, condition: &Condition, degraded: impl IntoIterator<Item = (&'static str, bool)>) {
        for (what, is_degraded) in degraded {
            self.degraded.with_label_values(&[what]).set(i64::from(is_degraded));
        }
        let bytes = condition.free.map_or(-1, |free| i64::try_from(free).unwrap_or(i64::MAX));
        self.disk_free.set(bytes);
        let archive = condition.archive.as_ref();
        self.archive_waiting.set(archive.map_or(0, |archive| archive.waiting.into()));
        let failing = archive.and_then(|archive| archive.failing_for).unwrap_or_default();
        self.archive_failing.set(i64::try_from(failing.as_secs()).unwrap_or(i64::MAX));
    }

    /// Everything in the text format of Prometheus.
    pub fn text(&self) -> prometheus::Result<String> {
        prometheus::TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
