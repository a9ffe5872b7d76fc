//! How a network behaves over time, and the files that say so.
//!
//! ```toml
//! about = "What this is, in a line."
//! repeat_s = 60                     # optional: the steps begin again
//!
//! [both]                            # from the start, in both directions
//! delay_ms = 25
//! loss = 0.05
//!
//! [[step]]                          # from here on, until a later step says otherwise
//! at_s = 20
//! up = { rate_kbps = 300 }
//! rebind = true                     # the client's address, as the server sees it, changes
//! ```

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use toml::{Table, Value};

/// What one direction of a network does to packets.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Time on the way, milliseconds.
    pub delay_ms: f64,
    /// A packet takes up to this much longer, evenly distributed, without overtaking another. Milliseconds.
    pub jitter_ms: f64,
    /// Share of packets lost, 0–1.
    pub loss: f64,
    /// Mean length of a run of losses in packets, at least 1. 1: every packet for itself; more: the two-state model of Gilbert
    /// ("Capacity of a burst-noise channel", 1960), which keeps the share of losses at `loss`.
    pub burst: f64,
    /// Share of packets that are held back by `reorder_ms`, so that later ones overtake them, 0–1.
    pub reorder: f64,
    /// See `reorder`. Milliseconds.
    pub reorder_ms: f64,
    /// Share of packets that arrive twice, 0–1.
    pub duplicate: f64,
    /// Bottleneck, kilobits per second of UDP payload and 28 bytes of headers a packet. 0: none.
    pub rate_kbps: f64,
    /// A packet that would wait longer than this at the bottleneck is dropped (drop-tail). Milliseconds.
    pub queue_ms: f64,
    /// Nothing gets through.
    pub outage: bool,
    /// No UDP gets through, as behind a strict firewall.
    pub udp_blocked: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            delay_ms: 0.0,
            jitter_ms: 0.0,
            loss: 0.0,
            burst: 1.0,
            reorder: 0.0,
            reorder_ms: 10.0,
            duplicate: 0.0,
            rate_kbps: 0.0,
            // A home router's buffer under load: long enough to be felt, short enough that a call survives it.
            queue_ms: 300.0,
            outage: false,
            udp_blocked: false,
        }
    }
}

impl Conditions {
    fn check(&self) -> Result<()> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let minute = |value: f64| (0.0..=60_000.0).contains(&value);
        ensure!(share(self.loss) && share(self.reorder) && share(self.duplicate), "shares are 0 to 1");
        ensure!((1.0..=10_000.0).contains(&self.burst), "burst is 1 to 10,000 packets");
        ensure!(
            minute(self.delay_ms)
                && minute(self.jitter_ms)
                && minute(self.reorder_ms)
                && minute(self.queue_ms),
            "times are 0 to 60,000 ms"
        );
        ensure!((0.0..=1e8).contains(&self.rate_kbps), "rate_kbps is 0 to 100,000,000");
        Ok(())
    }
}

/// Conditions of one direction over time. Piecewise constant, never empty, begins at 0.
#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    pieces: Vec<(Duration, Conditions)>,
    repeat: Option<Duration>,
}

impl Schedule {
    /// The same for ever.
    pub fn constant(conditions: Conditions) -> Self {
        Self { pieces: vec![(Duration::ZERO, conditions)], repeat: None }
    }

    /// What holds at `at`, and until when (`None`: for ever).
    pub fn at(&self, at: Duration) -> (&Conditions, Option<Duration>) {
        let (lap, within) = match self.repeat {
            Some(repeat) => {
                let laps = (at.as_nanos() / repeat.as_nanos()) as u32;
                (repeat * laps, at - repeat * laps)
            }
            None => (Duration::ZERO, at),
        };
        let next = self.pieces.partition_point(|(from, _)| *from <= within);
        let end = self.pieces.get(next).map(|(from, _)| *from).or(self.repeat);
        // The first piece begins at 0, so there is always one before `next`.
        (&self.pieces[next.max(1) - 1].1, end.map(|end| lap + end))
    }
}

/// A network that has a name: the files in `loadtest/traces/`, compiled in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// Name of the file without its ending.
    pub name: &'static str,
    text: &'static str,
}

macro_rules! named {
    ($($name:literal),* $(,)?) => {
        &[$(Named { name: $name, text: include_str!(concat!("../../traces/", $name, ".toml")) }),*]
    };
}

/// Every trace that comes with the program.
const NAMED: &[Named] = named![
    "cn-eu-200ms",
    "lan",
    "loss-5-rtt-50",
    "lte-good",
    "lte-train",
    "outage-5s",
    "rtt-200-burst",
    "step-3-0.3-3",
    "udp-blocked",
    "wifi-lossy",
    "wifi-to-mobile",
];

impl Named {
    /// All of them, by name.
    pub fn all() -> &'static [Named] {
        NAMED
    }

    /// The trace itself.
    pub fn trace(self) -> Trace {
        Trace::parse(self.text).expect("a test parses every trace that is compiled in")
    }
}

/// A network: both directions over time.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// What it stands for.
    pub about: String,
    /// Client to server.
    pub up: Schedule,
    /// Server to client.
    pub down: Schedule,
    /// When the client's address changes.
    pub rebinds: Vec<Duration>,
    /// What the file says of its first moment, so that a change by hand can be partial.
    pub(super) start: Tables,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    repeat_s: Option<f64>,
    #[serde(flatten)]
    start: Change,
    #[serde(default)]
    step: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    at_s: f64,
    #[serde(default)]
    rebind: bool,
    #[serde(flatten)]
    change: Change,
}

/// What is different from now on; what is not named stays.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Change {
    both: Table,
    up: Table,
    down: Table,
}

/// The conditions of both directions as the tables they are written as, so that a change can be partial.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Tables {
    up: Table,
    down: Table,
}

impl Tables {
    pub(super) fn apply(&mut self, change: &Change) -> Result<(Conditions, Conditions)> {
        self.up.extend(change.both.clone().into_iter().chain(change.up.clone()));
        self.down.extend(change.both.clone().into_iter().chain(change.down.clone()));
        let read = |table: &Table| -> Result<Conditions> {
            let conditions: Conditions = Value::Table(table.clone()).try_into()?;
            conditions.check()?;
            Ok(conditions)
        };
        Ok((read(&self.up)?, read(&self.down)?))
    }
}

impl Trace {
    /// A network by name, or else from a file.
    pub fn load(name: &str) -> Result<Self> {
        if let Some(named) = NAMED.iter().find(|named| named.name == name) {
            return Ok(named.trace());
        }
        let names: Vec<_> = NAMED.iter().map(|named| named.name).collect();
        let text = std::fs::read_to_string(name)
            .with_context(|| format!("{name} is no file and none of {}", names.join(", ")))?;
        Self::parse(&text).with_context(|| name.to_owned())
    }

    /// Reads the text of a trace file.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let mut tables = Tables::default();
        let (up, down) = tables.apply(&file.start)?;
        let start = tables.clone();
        let mut up = vec![(Duration::ZERO, up)];
        let mut down = vec![(Duration::ZERO, down)];
        let mut rebinds = Vec::new();
        for step in &file.step {
            let at = seconds(step.at_s)?;
            ensure!(at > up[up.len() - 1].0, "step at {} s is not later than the one before", step.at_s);
            let (next_up, next_down) =
                tables.apply(&step.change).with_context(|| format!("step at {} s", step.at_s))?;
            up.push((at, next_up));
            down.push((at, next_down));
            if step.rebind {
                rebinds.push(at);
            }
        }
        let repeat = file.repeat_s.map(seconds).transpose()?;
        if let Some(repeat) = repeat {
            ensure!(repeat > up[up.len() - 1].0, "repeat_s is not later than the last step");
            if !rebinds.is_empty() {
                bail!("a trace that repeats cannot change addresses");
            }
        }
        Ok(Self {
            about: file.about,
            up: Schedule { pieces: up, repeat },
            down: Schedule { pieces: down, repeat },
            rebinds,
            start,
        })
    }
}

fn seconds(value: f64) -> Result<Duration> {
    let duration = Duration::try_from_secs_f64(value).context("a time in seconds")?;
    ensure!(duration <= Duration::from_secs(86_400), "at most a day");
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trace_of_the_folder_is_compiled_in_and_readable() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/traces");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder of traces")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().replace(".toml", ""))
            .collect();
        files.sort();
        assert_eq!(files, Named::all().iter().map(|named| named.name).collect::<Vec<_>>());
        for named in Named::all() {
            let trace = Trace::parse(named.text).unwrap_or_else(|error| panic!("{}: {error:#}", named.name));
            assert!(!trace.about.is_empty());
        }
    }

    #[test]
    fn a_step_changes_what_it_names_and_nothing_else() {
        let trace = Trace::parse(
            "about = 'x'\n[both]\ndelay_ms = 20\nrate_kbps = 3000\n[down]\nloss = 0.01\n\
             [[step]]\nat_s = 10\nup = { rate_kbps = 300 }\n[[step]]\nat_s = 20.5\nboth = { outage = true }\nrebind = true",
        )
        .expect("a trace");
        let (up, until) = trace.up.at(Duration::from_secs(9));
        assert_eq!((up.delay_ms, up.rate_kbps, up.loss), (20.0, 3000.0, 0.0));
        assert_eq!(until, Some(Duration::from_secs(10)));
        let (up, _) = trace.up.at(Duration::from_secs(10));
        assert_eq!((up.delay_ms, up.rate_kbps), (20.0, 300.0));
        assert_eq!(trace.down.at(Duration::from_secs(10)).0.rate_kbps, 3000.0);
        let (down, until) = trace.down.at(Duration::from_secs(30));
        assert!(down.outage && down.loss == 0.01 && until.is_none());
        assert_eq!(trace.rebinds, [Duration::from_millis(20_500)]);
    }

    #[test]
    fn a_trace_that_repeats_begins_again() {
        let trace = Trace::parse(
            "about = 'x'\nrepeat_s = 10\n[both]\nrate_kbps = 100\n[[step]]\nat_s = 4\nboth.rate_kbps = 50",
        )
        .expect("a trace");
        let rate = |at| trace.up.at(Duration::from_secs(at)).0.rate_kbps;
        assert_eq!(
            [rate(0), rate(5), rate(10), rate(13), rate(14), rate(29)],
            [100.0, 50.0, 100.0, 100.0, 50.0, 50.0]
        );
        assert_eq!(trace.up.at(Duration::from_secs(15)).1, Some(Duration::from_secs(20)));
    }

    #[test]
    fn nonsense_is_refused() {
        for wrong in [
            "",
            "about = 'x'\n[both]\nlos = 0.1",
            "about = 'x'\n[both]\nloss = 1.5",
            "about = 'x'\n[both]\nburst = 0",
            "about = 'x'\n[both]\ndelay_ms = -1",
            "about = 'x'\n[both]\ndelay_ms = nan",
            "about = 'x'\n[[step]]\nat_s = 0",
            "about = 'x'\n[[step]]\nat_s = 5\n[[step]]\nat_s = 4",
            "about = 'x'\nrepeat_s = 3\n[[step]]\nat_s = 5",
            "about = 'x'\n[[step]]\nat_s = -1",
        ] {
            assert!(Trace::parse(wrong).is_err(), "{wrong}");
        }
    }
}
