//! What server and callers take, once a second.

use std::time::{Duration, Instant};

use crate::caller::rest::Rest;
use crate::installation::Installation;
use crate::installation::metrics::Metrics;
use crate::installation::process::{Process, Usage, machine_busy};

/// A moment.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: Instant,
    /// The server's process, where it is ours.
    pub server: Option<Usage>,
    /// Our own process.
    pub callers: Usage,
    /// CPU of the whole machine so far.
    pub machine: Option<Duration>,
    /// `/metrics`, where the server shows it.
    pub metrics: Option<Metrics>,
}

impl Moment {
    /// Now.
    pub async fn now(installation: &Installation, rest: &Rest) -> Self {
        let text = rest.text("/metrics").await.ok();
        Self {
            at: Instant::now(),
            server: installation.own.as_ref().and_then(|own| own.process()).and_then(|it| it.usage()),
            callers: Process::own().usage().unwrap_or_default(),
            machine: machine_busy(),
            metrics: text.map(|text| Metrics::parse(&text)),
        }
    }

    /// Without asking the server for anything.
    pub fn quick(installation: &Installation) -> Self {
        Self {
            at: Instant::now(),
            server: installation.own.as_ref().and_then(|own| own.process()).and_then(|it| it.usage()),
            callers: Process::own().usage().unwrap_or_default(),
            machine: machine_busy(),
            metrics: None,
        }
    }
}

/// What was taken between two moments.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Taken {
    /// How long.
    pub elapsed: Duration,
    /// CPU of the server.
    pub server: Option<Duration>,
    /// CPU of the callers.
    pub callers: Duration,
    /// CPU of everything on the callers' machine.
    pub machine: Option<Duration>,
    /// Packets the server sent to viewers, those sent again included.
    pub forwarded: Option<u64>,
}

impl Taken {
    /// Between a moment and a later one.
    pub fn between(from: &Moment, to: &Moment) -> Self {
        let cpu = |of: fn(&Moment) -> Option<Usage>| Some(of(to)?.cpu.saturating_sub(of(from)?.cpu));
        let forwarded = |moment: &Moment| {
            let metrics = moment.metrics.as_ref()?;
            let sum = metrics.sum("vitrine_sfu_forwarded_packets_total")
                + metrics.sum("vitrine_sfu_retransmitted_packets_total");
            Some(sum as u64)
        };
        Self {
            elapsed: to.at.saturating_duration_since(from.at),
            server: cpu(|it| it.server),
            callers: cpu(|it| Some(it.callers)).unwrap_or_default(),
            machine: to.machine.zip(from.machine).map(|(to, from)| to.saturating_sub(from)),
            forwarded: forwarded(to).zip(forwarded(from)).map(|(to, from)| to.saturating_sub(from)),
        }
    }

    /// Cores that the server kept busy.
    pub fn server_cores(&self) -> Option<f64> {
        Some(self.server?.as_secs_f64() / self.elapsed.as_secs_f64().max(1e-3))
    }

    /// Cores that others on the callers' machine kept busy, or that the machine did not get.
    pub fn other_cores(&self) -> Option<f64> {
        let ours = self.server.unwrap_or_default() + self.callers;
        Some(self.machine?.saturating_sub(ours).as_secs_f64() / self.elapsed.as_secs_f64().max(1e-3))
    }

    /// Cores that the callers kept busy.
    pub fn caller_cores(&self) -> f64 {
        self.callers.as_secs_f64() / self.elapsed.as_secs_f64().max(1e-3)
    }
}

/// A second of a run, for the report's plots.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample {
    /// Seconds since the run began.
    pub at_s: f64,
    /// Rooms whose people see each other.
    pub rooms: usize,
    /// People whose media is connected.
    pub connected: usize,
    /// Cores that the server keeps busy.
    pub server_cores: Option<f64>,
    /// The server's memory, bytes.
    pub server_rss: Option<u64>,
    /// Cores that the callers keep busy.
    pub caller_cores: f64,
    /// Cores that others keep busy.
    pub other_cores: Option<f64>,
}
