//! Figures of the floor for `/metrics`.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, Result,
    core::Collector,
};
use protocol::call::{Availability, CallState, EndReason};

use super::journal::JournalMetrics;

/// See the fields.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Calls on the floor by state.
    pub calls: IntGaugeVec,
    /// Calls that ended, by reason.
    pub ended: IntCounterVec,
    /// Agents by availability.
    pub agents: IntGaugeVec,
    /// Buyers in line, not counting those whose agent's console rings.
    pub waiting: IntGauge,
    /// From "connected" to the first frame of the other side, as clients report it.
    pub first_frame: Histogram,
    /// Time from the request for help to accept.
    pub answered_after: Histogram,
    /// Rings that nobody answered.
    pub rona: IntCounter,
    /// Rings declined.
    pub declined: IntCounter,
    /// What became of recordings; `erasure_failed` needs an operator.
    pub recordings: IntCounterVec,
    /// WebSocket connections that are open.
    pub connections: IntGauge,
    /// Connections that took up a broken one, by whether that worked.
    pub resumes: IntCounterVec,
    /// Requests refused, by code.
    pub problems: IntCounterVec,
    /// Connections closed because the client read too slowly.
    pub too_slow: IntCounter,
    /// Facts on their way to the store.
    pub journal: JournalMetrics,
}

impl Metrics {
    /// New figures, all zero.
    pub fn new() -> Result<Self> {
        let name = |name: &str| format!("vitrine_{name}");
        let gauge = |n, help| IntGauge::new(name(n), help);
        let counter = |n, help| IntCounter::new(name(n), help);
        let counters = |n, help, label| IntCounterVec::new(Opts::new(name(n), help), &[label]);
        let gauges = |n, help, label| IntGaugeVec::new(Opts::new(name(n), help), &[label]);
        let seconds = |n, help, buckets: &[f64]| {
            Histogram::with_opts(HistogramOpts::new(name(n), help).buckets(buckets.to_vec()))
        };
        Ok(Self {
            calls: gauges("calls", "Calls on the floor by state.", "state")?,
            ended: counters("calls_ended_total", "Calls whose media is over, by reason.", "reason")?,
            agents: gauges("agents", "Agents known to the desk by availability.", "availability")?,
            waiting: gauge("buyers_waiting", "Buyers in line for whom no console rings.")?,
            first_frame: seconds(
                "first_frame_seconds",
                "From connected to the first frame of the other side, as clients report it.",
                &[0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.5, 2.5, 5.0, 10.0],
            )?,
            answered_after: seconds(
                "answered_after_seconds",
                "From the request for help to accept.",
                &[2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0],
            )?,
            rona: counter("rings_unanswered_total", "Rings that nobody answered (RONA).")?,
            declined: counter("rings_declined_total", "Rings that an agent declined or walked away from.")?,
            recordings: counters("call_recordings_total", "Recordings by what became of them.", "outcome")?,
            connections: gauge("websockets", "WebSocket connections that have said hello and are open.")?,
            resumes: counters(
                "websocket_resumes_total",
                "Attempts to take up a broken connection.",
                "resumed",
            )?,
            problems: counters("problems_total", "WebSocket requests refused, by code.", "code")?,
            too_slow: counter(
                "websockets_too_slow_total",
                "Connections closed because the client read too slowly.",
            )?,
            journal: JournalMetrics {
                waiting: gauge("journal_waiting", "Facts on their way to the store.")?,
                retries: counter(
                    "journal_retries_total",
                    "Attempts to write a fact that failed and were repeated.",
                )?,
                lost: counter("journal_lost_total", "Facts the store will never see.")?,
            },
        })
    }

    /// Adds all of them to a registry.
    pub fn register(&self, registry: &Registry) -> Result<()> {
        let all: [Box<dyn Collector>; 16] = [
            Box::new(self.recordings.clone()),
            Box::new(self.calls.clone()),
            Box::new(self.ended.clone()),
            Box::new(self.agents.clone()),
            Box::new(self.waiting.clone()),
            Box::new(self.first_frame.clone()),
            Box::new(self.answered_after.clone()),
            Box::new(self.rona.clone()),
            Box::new(self.declined.clone()),
            Box::new(self.connections.clone()),
            Box::new(self.resumes.clone()),
            Box::new(self.problems.clone()),
            Box::new(self.too_slow.clone()),
            Box::new(self.journal.waiting.clone()),
            Box::new(self.journal.retries.clone()),
            Box::new(self.journal.lost.clone()),
        ];
        all.into_iter().try_for_each(|collector| registry.register(collector))
    }
}

/// The word for a state in labels, the same as on the wire.
pub fn state_label(state: CallState) -> &'static str {
    match state {
        CallState::Waiting => "waiting",
        CallState::Ringing => "ringing",
        CallState::Connected => "connected",
        CallState::WrapUp => "wrap_up",
        CallState::Ended => "ended",
    }
}

/// The word for a reason in labels, the same as on the wire.
pub fn reason_label(reason: EndReason) -> &'static str {
    match reason {
        EndReason::BuyerHungUp => "buyer_hung_up",
        EndReason::AgentHungUp => "agent_hung_up",
        EndReason::Abandoned => "abandoned",
        EndReason::BuyerLost => "buyer_lost",
        EndReason::AgentLost => "agent_lost",
        EndReason::ServerStopped => "server_stopped",
    }
}

/// The word for an availability in labels, the same as on the wire.
pub fn availability_label(availability: Availability) -> &'static str {
    match availability {
        Availability::Available => "available",
        Availability::Away => "away",
        Availability::Busy => "busy",
    }
}
