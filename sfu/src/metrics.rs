//! The media plane's figures for `/metrics`.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use sfu_core::node::{Counters, DropReason};

use crate::tcp::TcpMetrics;

/// Metrics of the whole media plane.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    received: IntCounter,
    forwarded: IntCounter,
    retransmitted: IntCounter,
    tapped: IntCounter,
    dropped: IntCounterVec,
    nacks: IntCounter,
    plis: IntCounter,
    twcc: IntCounter,
    relayed: IntCounter,
    participants: IntGaugeVec,
    tcp_connections: IntGauge,
    tcp_closed: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        Ok(Self {
            received: IntCounter::new(
                "vitrine_sfu_received_packets_total",
                "Authenticated media packets received",
            )?,
            forwarded: IntCounter::new(
                "vitrine_sfu_forwarded_packets_total",
                "Media packets sent to subscribers",
            )?,
            retransmitted: IntCounter::new(
                "vitrine_sfu_retransmitted_packets_total",
                "Packets repaired by RTX",
            )?,
            tapped: IntCounter::new("vitrine_sfu_tapped_packets_total", "Media packets handed to taps")?,
            dropped: IntCounterVec::new(
                Opts::new("vitrine_sfu_dropped_packets_total", "Datagrams and packets dropped, by reason"),
                &["reason"],
            )?,
            nacks: IntCounter::new(
                "vitrine_sfu_nacked_packets_total",
                "Lost packets asked of publishers again",
            )?,
            plis: IntCounter::new("vitrine_sfu_keyframe_requests_total", "PLI sent to publishers")?,
            twcc: IntCounter::new(
                "vitrine_sfu_twcc_feedback_total",
                "TWCC feedback packets sent to publishers",
            )?,
            relayed: IntCounter::new(
                "vitrine_sfu_relayed_packets_total",
                "Media packets handed from one worker to another",
            )?,
            tcp_connections: IntGauge::new("vitrine_sfu_tcp_connections", "ICE-TCP connections now")?,
            tcp_closed: IntCounterVec::new(
                Opts::new("vitrine_sfu_tcp_closed_total", "ICE-TCP connections closed, by reason"),
                &["reason"],
            )?,
            participants: IntGaugeVec::new(
                Opts::new("vitrine_sfu_participants", "Transports on each worker"),
                &["worker"],
            )?,
        })
    }

    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.received.clone()))?;
        registry.register(Box::new(self.forwarded.clone()))?;
        registry.register(Box::new(self.retransmitted.clone()))?;
        registry.register(Box::new(self.tapped.clone()))?;
        registry.register(Box::new(self.dropped.clone()))?;
        registry.register(Box::new(self.nacks.clone()))?;
        registry.register(Box::new(self.plis.clone()))?;
        registry.register(Box::new(self.twcc.clone()))?;
        registry.register(Box::new(self.relayed.clone()))?;
        registry.register(Box::new(self.tcp_connections.clone()))?;
        registry.register(Box::new(self.tcp_closed.clone()))?;
        registry.register(Box::new(self.participants.clone()))
    }

    pub(crate) fn tcp(&self) -> TcpMetrics {
        TcpMetrics {
            connections: self.tcp_connections.clone(),
            closed: self.tcp_closed.clone(),
            slow: self.dropped.with_label_values(&["tcp_slow"]),
            full: self.dropped.with_label_values(&["tcp_full"]),
        }
    }

    pub(crate) fn worker(&self, index: usize) -> WorkerMetrics {
        WorkerMetrics {
            metrics: self.clone(),
            dropped: DropReason::ALL.map(|reason| self.dropped.with_label_values(&[reason.as_str()])),
            refused: self.dropped.with_label_values(&["kernel"]),
            participants: self.participants.with_label_values(&[&index.to_string()]),
            seen: Counters::default(),
            seen_refused: 0,
        }
    }
}

/// One worker's share: the node counts without locks, this adds the differences.
pub(crate) struct WorkerMetrics {
    metrics: Metrics,
    /// Looked up once: labels cost a hash each time, and this runs on every wake-up.
    dropped: [IntCounter; DropReason::ALL.len()],
    refused: IntCounter,
    participants: IntGauge,
    seen: Counters,
    seen_refused: u64,
}

impl WorkerMetrics {
    pub(crate) fn update(&mut self, counters: &Counters, refused: u64, participants: usize) {
        let (now, before) = (counters, &self.seen);
        self.metrics.received.inc_by(now.received - before.received);
        self.metrics.forwarded.inc_by(now.forwarded - before.forwarded);
        self.metrics.retransmitted.inc_by(now.retransmitted - before.retransmitted);
        self.metrics.tapped.inc_by(now.tapped - before.tapped);
        self.metrics.nacks.inc_by(now.nacks - before.nacks);
        self.metrics.plis.inc_by(now.plis - before.plis);
        self.metrics.relayed.inc_by(now.relayed - before.relayed);
        self.metrics.twcc.inc_by(now.twcc - before.twcc);
        for (metric, (reason, count)) in self.dropped.iter().zip(now.dropped.iter()) {
            metric.inc_by(count - before.dropped.of(reason));
        }
        self.refused.inc_by(refused - self.seen_refused);
        self.seen_refused = refused;
        self.participants.set(participants as i64);
        self.seen = counters.clone();
    }
}
