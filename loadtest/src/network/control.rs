//! Steering a running proxy by lines of text, and what it answers.
//!
//! | line | effect |
//! | --- | --- |
//! | `begin` | the trace begins now: its clock at 0, its packets counted from 0 |
//! | `set both.rate_kbps = 300` | TOML as in a trace's step: from now on this, whatever the trace says later |
//! | `rebind` | the client's address, as the server sees it, changes |
//! | `report` | nothing |
//!
//! Every line is answered by one: a [`Report`] as JSON, or `{"error": "…"}`.

use std::str::FromStr;

use anyhow::{Result, bail};
use serde::Serialize;

use super::link::Counts;
use super::trace::Change;

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// The trace begins now.
    Begin,
    /// Conditions change.
    Set(Set),
    /// The client's address changes.
    Rebind,
    /// Only tell.
    Report,
}

/// What a `set` line says.
#[derive(Clone, PartialEq, Debug)]
pub struct Set(pub(super) Change);

impl FromStr for Command {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let (verb, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        Ok(match (verb, rest) {
            ("begin", "") => Self::Begin,
            ("rebind", "") => Self::Rebind,
            ("report", "") => Self::Report,
            ("set", change) => Self::Set(Set(toml::from_str(change)?)),
            _ => bail!("no command: {line}"),
        })
    }
}

/// What has passed since `begin`.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Seconds since the trace began.
    pub at_s: f64,
    /// Client to server.
    pub up: DirectionReport,
    /// Server to client.
    pub down: DirectionReport,
    /// Addresses the server has seen so far.
    pub addresses: u64,
}

/// One direction.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct DirectionReport {
    /// Packets that came in.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Lost at the bottleneck's full queue.
    pub overflowed: u64,
    /// Lost in an outage or to a firewall.
    pub blocked: u64,
    /// What a packet would wait at the bottleneck now, milliseconds.
    pub backlog_ms: f64,
    /// The most that one waited, milliseconds, and at which second of the trace.
    pub longest_wait_ms: f64,
    /// See [`longest_wait_ms`](Self::longest_wait_ms).
    pub longest_wait_at_s: f64,
}

impl DirectionReport {
    pub(super) fn new(counts: Counts, backlog: std::time::Duration) -> Self {
        Self {
            packets: counts.packets,
            bytes: counts.bytes,
            lost: counts.lost,
            overflowed: counts.overflowed,
            blocked: counts.blocked,
            backlog_ms: backlog.as_secs_f64() * 1000.0,
            longest_wait_ms: counts.longest_wait.as_secs_f64() * 1000.0,
            longest_wait_at_s: counts.longest_wait_at.as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_refused() {
        assert_eq!("begin\n".parse::<Command>().expect("a command"), Command::Begin);
        assert_eq!(" rebind ".parse::<Command>().expect("a command"), Command::Rebind);
        assert!(matches!("set both.loss = 0.1".parse::<Command>(), Ok(Command::Set(_))));
        assert!(matches!(
            "set up = { rate_kbps = 300, delay_ms = 5 }".parse::<Command>(),
            Ok(Command::Set(_))
        ));
        for wrong in ["", "stop", "begin now", "set sideways.loss = 1", "set both.loss ="] {
            assert!(wrong.parse::<Command>().is_err(), "{wrong}");
        }
    }
}
