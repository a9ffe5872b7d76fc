//! The media plane's figures for `/metrics`. `README.md` in this folder says what each means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::local::LocalHistogram;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};
use sfu_core::node::{Counters, DropReason};

use crate::placement::Load;
use crate::tcp::TcpMetrics;

/// What a node counts: name (after [`PREFIX`]), what it is, where it stands.
type Counted = (&'static str, &'static str, fn(&Counters) -> u64);

/// Beginning of every name.
const PREFIX: &str = "vitrine_sfu_";

/// Every counter of a node.
const COUNTED: &[Counted] = &[
    ("received_packets_total", "Authenticated media packets received", |it| it.received),
    ("forwarded_packets_total", "Media packets sent to subscribers", |it| it.forwarded),
    ("retransmitted_packets_total", "Packets sent to subscribers again (RTX)", |it| it.retransmitted),
    ("red_recovered_packets_total", "Lost audio packets found in later ones (RED)", |it| it.red_recovered),
    ("tapped_packets_total", "Media packets handed to taps", |it| it.tapped),
    ("relayed_packets_total", "Media packets handed from one worker to another", |it| it.relayed),
    ("nacked_packets_total", "Lost packets asked of publishers again (NACK)", |it| it.nacks),
    ("keyframe_requests_total", "Keyframes asked of publishers (PLI)", |it| it.plis),
    ("padding_packets_total", "Packets of padding sent to find out what a link carries", |it| it.padding),
    ("probes_total", "Probes of what a link carries", |it| it.probes),
    ("layer_switches_total", "Times a slot got more or less than before, by what its link carries", |it| {
        it.layer_switches
    }),
    ("estimate_collapses_total", "Times a link's rate collapsed from one report to the next", |it| {
        it.collapses
    }),
    ("uplink_collapses_total", "Times a publisher's way to us collapsed from one packet to the next", |it| {
        it.uplink_collapses
    }),
    ("twcc_feedback_total", "TWCC feedback packets sent to publishers", |it| it.twcc),
];

/// Upper bounds of the added delay, seconds. The goals are 0.3 ms and 1 ms.
const DELAY_BUCKETS: [f64; 11] = [5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2];

/// Upper bounds of the estimates of subscribers' links, bit/s.
const ESTIMATE_BUCKETS: [f64; 10] = [1e5, 2e5, 3e5, 5e5, 1e6, 2e6, 3e6, 5e6, 1e7, 2e7];

/// Estimates are looked at this often.
const ESTIMATES_EVERY: Duration = Duration::from_secs(1);

/// Metrics of the whole media plane.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// As in [`COUNTED`].
    counted: Vec<IntCounter>,
    dropped: IntCounterVec,
    delay: Histogram,
    estimates: Histogram,
    participants: IntGaugeVec,
    mirrors: IntGaugeVec,
    busy: GaugeVec,
    packets: IntCounterVec,
    tcp_connections: IntGauge,
    tcp_closed: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let name = |name: &str| format!("{PREFIX}{name}");
        let opts = |what: &str, help: &str| Opts::new(name(what), help);
        let counted = COUNTED.iter().map(|(what, help, _)| IntCounter::with_opts(opts(what, help)));
        let delay = "Longest time that a packet of a batch can have spent in a worker, from socket to socket";
        Ok(Self {
            counted: counted.collect::<prometheus::Result<_>>()?,
            dropped: IntCounterVec::new(
                opts("dropped_packets_total", "Datagrams and packets dropped, by reason"),
                &["reason"],
            )?,
            delay: Histogram::with_opts(
                HistogramOpts::new(name("added_delay_seconds"), delay).buckets(DELAY_BUCKETS.to_vec()),
            )?,
            estimates: Histogram::with_opts(
                HistogramOpts::new(name("estimate_bps"), "What subscribers' links carry, once a second each")
                    .buckets(ESTIMATE_BUCKETS.to_vec()),
            )?,
            participants: IntGaugeVec::new(opts("participants", "Transports on each worker"), &["worker"])?,
            mirrors: IntGaugeVec::new(
                opts("mirrors", "Feeds of other workers that a worker has subscribers for"),
                &["worker"],
            )?,
            busy: GaugeVec::new(
                opts("worker_busy_ratio", "Share of time in which a worker was not waiting"),
                &["worker"],
            )?,
            packets: IntCounterVec::new(
                opts("worker_packets_total", "Media packets received or sent by a worker"),
                &["worker"],
            )?,
            tcp_connections: IntGauge::with_opts(opts("tcp_connections", "ICE-TCP connections now"))?,
            tcp_closed: IntCounterVec::new(
                opts("tcp_closed_total", "ICE-TCP connections closed, by reason"),
                &["reason"],
            )?,
        })
    }

    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        for counter in &self.counted {
            registry.register(Box::new(counter.clone()))?;
        }
        registry.register(Box::new(self.dropped.clone()))?;
        registry.register(Box::new(self.delay.clone()))?;
        registry.register(Box::new(self.estimates.clone()))?;
        registry.register(Box::new(self.participants.clone()))?;
        registry.register(Box::new(self.mirrors.clone()))?;
        registry.register(Box::new(self.busy.clone()))?;
        registry.register(Box::new(self.packets.clone()))?;
        registry.register(Box::new(self.tcp_connections.clone()))?;
        registry.register(Box::new(self.tcp_closed.clone()))
    }

    pub(crate) fn tcp(&self) -> TcpMetrics {
        TcpMetrics {
            connections: self.tcp_connections.clone(),
            closed: self.tcp_closed.clone(),
            slow: self.dropped.with_label_values(&["tcp_slow"]),
            full: self.dropped.with_label_values(&["tcp_full"]),
        }
    }

    pub(crate) fn worker(&self, index: usize, load: Arc<Load>) -> WorkerMetrics {
        let worker = [index.to_string()];
        WorkerMetrics {
            counted: self.counted.clone(),
            dropped: DropReason::ALL.map(|reason| self.dropped.with_label_values(&[reason.as_str()])),
            refused: self.dropped.with_label_values(&["kernel"]),
            delay: self.delay.local(),
            estimates: self.estimates.local(),
            estimated: None,
            participants: self.participants.with_label_values(&worker),
            mirrors: self.mirrors.with_label_values(&worker),
            busy: self.busy.with_label_values(&worker),
            packets: self.packets.with_label_values(&worker),
            load,
            seen: Counters::default(),
            seen_refused: 0,
        }
    }
}

/// One worker's share: the node counts without locks, this adds the differences. Labels are looked up once: they cost a
/// hash each time, and this runs on every wake-up.
pub(crate) struct WorkerMetrics {
    counted: Vec<IntCounter>,
    dropped: [IntCounter; DropReason::ALL.len()],
    refused: IntCounter,
    delay: LocalHistogram,
    estimates: LocalHistogram,
    /// When estimates were looked at last.
    estimated: Option<Instant>,
    participants: IntGauge,
    mirrors: IntGauge,
    busy: Gauge,
    packets: IntCounter,
    load: Arc<Load>,
    seen: Counters,
    seen_refused: u64,
}

/// What a worker tells of itself besides the counters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauges {
    /// Datagrams the kernel did not take, since the beginning.
    pub(crate) refused: u64,
    /// People here.
    pub(crate) participants: usize,
    /// Feeds of other workers.
    pub(crate) mirrors: usize,
}

impl WorkerMetrics {
    /// A batch has been sent; its oldest packet can have been here for so long.
    pub(crate) fn delayed(&self, longest: Duration) {
        self.delay.observe(longest.as_secs_f64());
    }

    /// Once a second, looks at the estimates of subscribers' links, bit/s.
    pub(crate) fn sample(&mut self, now: Instant, estimates: impl Iterator<Item = u64>) {
        if self.estimated.is_none_or(|at| now.saturating_duration_since(at) >= ESTIMATES_EVERY) {
            self.estimated = Some(now);
            estimates.for_each(|estimate| self.estimates.observe(estimate as f64));
            self.estimates.flush();
        }
    }

    pub(crate) fn update(&mut self, counters: &Counters, gauges: Gauges) {
        let (now, before) = (counters, &self.seen);
        if now != before {
            for (counter, (_, _, value)) in self.counted.iter().zip(COUNTED) {
                add(counter, value(now), value(before));
            }
            for (counter, (reason, count)) in self.dropped.iter().zip(now.dropped.iter()) {
                add(counter, count, before.dropped.of(reason));
            }
            let moved = |it: &Counters| it.received + it.forwarded + it.retransmitted;
            add(&self.packets, moved(now), moved(before));
            self.seen = counters.clone();
        }
        add(&self.refused, gauges.refused, self.seen_refused);
        self.seen_refused = gauges.refused;
        self.participants.set(gauges.participants as i64);
        self.mirrors.set(gauges.mirrors as i64);
        self.busy.set(f64::from(self.load.permille()) / 1000.0);
        self.delay.flush();
    }
}

fn add(counter: &IntCounter, now: u64, before: u64) {
    if now > before {
        counter.inc_by(now - before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_workers_count_is_added_up_and_every_figure_is_in_the_table() {
        let (metrics, registry) = (Metrics::new().expect("metrics"), Registry::new());
        metrics.register(&registry).expect("registered");
        let gauges = Gauges { refused: 2, participants: 3, mirrors: 1 };
        for index in 0..2 {
            let mut worker = metrics.worker(index, Arc::default());
            let mut counters = Counters { received: 10, forwarded: 20, ..Counters::default() };
            counters.dropped.count(DropReason::Relay);
            worker.delayed(Duration::from_micros(150));
            worker.update(&counters, gauges);
            let now = Instant::now();
            worker.sample(now, [300_000, 2_500_000].into_iter());
            worker.sample(now + ESTIMATES_EVERY / 2, [300_000].into_iter());
            counters.received = 15;
            worker.update(&counters, gauges);
        }
        let value = |name: &str, label: Option<&str>| {
            let families = registry.gather();
            let family =
                families.iter().find(|it| it.name() == format!("{PREFIX}{name}")).expect("registered");
            let found = family.get_metric().iter().find(|metric| {
                label.is_none_or(|label| metric.get_label().iter().any(|pair| pair.value() == label))
            });
            let metric = found.expect("counted");
            (
                metric.get_counter().get_value() + metric.get_gauge().get_value(),
                metric.get_histogram().get_sample_count(),
            )
        };
        assert_eq!(value("received_packets_total", None).0, 30.0);
        assert_eq!(value("forwarded_packets_total", None).0, 40.0);
        assert_eq!(value("dropped_packets_total", Some("relay")).0, 2.0);
        assert_eq!(value("dropped_packets_total", Some("kernel")).0, 4.0);
        assert_eq!(value("participants", Some("1")).0, 3.0);
        assert_eq!(value("worker_packets_total", Some("0")).0, 35.0);
        assert_eq!(value("added_delay_seconds", None).1, 2);
        assert_eq!(value("estimate_bps", None).1, 4);

        let table = include_str!("../README.md");
        metrics.tcp().closed.with_label_values(&["idle"]).inc();
        for family in registry.gather() {
            let named = format!("`{}`", family.name());
            assert!(table.contains(&named), "{named} is missing in sfu/README.md");
        }
        for reason in DropReason::ALL {
            let named = format!("`{}`", reason.as_str());
            assert!(table.contains(&named), "the reason {named} is missing in sfu/README.md");
        }
    }
}
