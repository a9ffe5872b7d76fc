//! How fast a browser sends: a small model of its congestion controller.
//!
//! It answers to the same signs as the real one (queues that grow, losses, what arrived) with the same kind of steps, on
//! the sender's own clock: multiplicative decrease to below what arrives, increase while the path is quiet, and quick
//! ramps where probes would have found room.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::clock::ms;

/// Where it starts, as in libwebrtc.
const START_BPS: u64 = 300_000;
const MIN_BPS: u64 = 50_000;
/// Queues longer than this are congestion.
const QUEUE_HIGH: f64 = 60.0;
const QUEUE_LOW: f64 = 20.0;

/// So long after congestion Chromium's periodic probes find out that there is more again.
const PROBES_AFTER: Duration = ms(4000);

/// What TWCC says of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// When it was sent.
    pub sent: Instant,
    /// Bytes.
    pub size: usize,
    /// When it arrived, µs on the receiver's clock; `None` for lost.
    pub arrived_us: Option<i64>,
}

/// See the module.
#[derive(Debug)]
pub struct RateController {
    start: Instant,
    target_bps: u64,
    max_bps: u64,
    remb_bps: Option<u64>,
    /// One-way delays of the last seconds (with an unknown offset) and when they were.
    delays: VecDeque<(Instant, f64)>,
    arrived: VecDeque<(Instant, usize)>,
    recent: VecDeque<(Instant, bool)>,
    last_decrease: Option<Instant>,
    last_increase: Instant,
    queue_ms: f64,
}

impl RateController {
    /// Starts at 300 kbit/s.
    pub fn new(now: Instant, max_bps: u64) -> Self {
        Self {
            start: now,
            target_bps: START_BPS,
            max_bps,
            remb_bps: None,
            delays: VecDeque::new(),
            arrived: VecDeque::new(),
            recent: VecDeque::new(),
            last_decrease: None,
            last_increase: now,
            queue_ms: 0.0,
        }
    }

    /// Bits a second for everything together.
    pub fn target_bps(&self) -> u64 {
        self.target_bps.min(self.remb_bps.unwrap_or(u64::MAX)).max(MIN_BPS)
    }

    /// REMB: never faster than this.
    pub fn on_remb(&mut self, bps: u64) {
        self.remb_bps = Some(bps);
    }

    /// Feedback about packets, in the order they were sent.
    pub fn on_feedback(&mut self, now: Instant, rtt: Duration, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.recent.push_back((now, outcome.arrived_us.is_none()));
            if let Some(arrived) = outcome.arrived_us {
                let sent = outcome.sent.duration_since(self.start).as_micros() as f64;
                self.delays.push_back((now, (arrived as f64 - sent) / 1000.0));
                self.arrived.push_back((now, outcome.size));
                let base = self.delays.iter().map(|(_, delay)| *delay).fold(f64::MAX, f64::min);
                let queue = (arrived as f64 - sent) / 1000.0 - base;
                self.queue_ms = self.queue_ms * 0.9 + queue * 0.1;
            }
        }
        let keep = |at: Instant, for_: Duration| now.duration_since(at) < for_;
        while self.delays.front().is_some_and(|(at, _)| !keep(*at, ms(8000))) {
            self.delays.pop_front();
        }
        while self.arrived.front().is_some_and(|(at, _)| !keep(*at, ms(500))) {
            self.arrived.pop_front();
        }
        while self.recent.front().is_some_and(|(at, _)| !keep(*at, ms(1000))) {
            self.recent.pop_front();
        }
        self.react(now, rtt);
    }

    fn react(&mut self, now: Instant, rtt: Duration) {
        let arrived_bps = self.arrived.iter().map(|(_, size)| *size as u64 * 8).sum::<u64>() * 2;
        let lost = self.recent.iter().filter(|(_, lost)| *lost).count() as f64;
        let loss = if self.recent.len() < 10 { 0.0 } else { lost / self.recent.len() as f64 };
        let quiet = |since: Option<Instant>, for_| since.is_none_or(|at| now.duration_since(at) >= for_);
        let may_decrease = quiet(self.last_decrease, ms(200) + rtt);
        if self.queue_ms > QUEUE_HIGH || loss > 0.10 {
            if may_decrease {
                let by_delay = (arrived_bps as f64 * 0.85) as u64;
                let by_loss = (self.target_bps as f64 * (1.0 - 0.5 * loss)) as u64;
                let next = if self.queue_ms > QUEUE_HIGH { by_delay } else { by_loss };
                self.target_bps = next.clamp(MIN_BPS, self.target_bps);
                self.last_decrease = Some(now);
                self.last_increase = now;
            }
        } else if self.queue_ms < QUEUE_LOW && loss < 0.02 {
            let step = now.duration_since(self.last_increase).as_secs_f64().min(1.0);
            // Before any congestion, and again after a while without: probes find room quickly.
            let quickly = quiet(self.last_decrease, PROBES_AFTER);
            let factor = if quickly { 1.0 + step } else { 1.0 + 0.08 * step };
            // Nobody learns that a path carries more than was ever put on it.
            let ceiling = (arrived_bps * 2 + 100_000).max(START_BPS);
            let next = (self.target_bps as f64 * factor) as u64;
            self.target_bps = next.min(ceiling.max(self.target_bps)).min(self.max_bps);
            self.last_increase = now;
        } else {
            self.last_increase = now;
        }
    }
}
