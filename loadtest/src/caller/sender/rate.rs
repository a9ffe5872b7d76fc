//! How fast a caller sends: a small congestion controller that answers to the signs browsers answer to (queues that grow,
//! losses, what arrived, REMB) with steps like theirs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Where it starts, bits a second: libwebrtc's figure.
const START_BPS: u64 = 300_000;
const MIN_BPS: u64 = 50_000;
/// Queues longer than this are congestion.
const QUEUE_HIGH_MS: f64 = 60.0;
const QUEUE_LOW_MS: f64 = 20.0;
/// Loss above this is congestion, below [`LOSS_LOW`] none.
const LOSS_HIGH: f64 = 0.10;
const LOSS_LOW: f64 = 0.02;
/// What arrived is counted over this time.
const ARRIVED_OVER: Duration = Duration::from_millis(500);
/// The shortest delay of this time is that of an empty queue.
const BASE_OVER: Duration = Duration::from_secs(8);

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
    remb_bps: Option<u64>,
    /// Shortest delays of the last seconds, increasing (a sliding minimum), ms with an unknown offset.
    base: VecDeque<(Instant, f64)>,
    arrived: VecDeque<(Instant, usize)>,
    arrived_bytes: usize,
    /// Packets and losses of the last second, by report.
    recent: VecDeque<(Instant, u32, u32)>,
    last_decrease: Option<Instant>,
    last_increase: Instant,
    queue_ms: f64,
}

impl RateController {
    /// Starts at 300 kbit/s.
    pub fn new(now: Instant) -> Self {
        Self {
            start: now,
            target_bps: START_BPS,
            remb_bps: None,
            base: VecDeque::new(),
            arrived: VecDeque::new(),
            arrived_bytes: 0,
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

    /// Feedback about packets, in the order they were sent. Never grows beyond half more than `ceiling_bps`.
    pub fn on_feedback(&mut self, now: Instant, rtt: Duration, ceiling_bps: u64, outcomes: &[Outcome]) {
        let mut lost = 0;
        for outcome in outcomes {
            let Some(arrived) = outcome.arrived_us else {
                lost += 1;
                continue;
            };
            let sent = outcome.sent.duration_since(self.start).as_micros() as f64;
            let delay = (arrived as f64 - sent) / 1000.0;
            while self.base.back().is_some_and(|(_, least)| *least >= delay) {
                self.base.pop_back();
            }
            self.base.push_back((now, delay));
            let least = self.base.front().map_or(delay, |(_, least)| *least);
            self.queue_ms = self.queue_ms * 0.9 + (delay - least) * 0.1;
            self.arrived.push_back((now, outcome.size));
            self.arrived_bytes += outcome.size;
        }
        self.recent.push_back((now, outcomes.len() as u32, lost));
        let old = |at: Instant, after: Duration| now.duration_since(at) >= after;
        while self.base.len() > 1 && self.base.front().is_some_and(|(at, _)| old(*at, BASE_OVER)) {
            self.base.pop_front();
        }
        while let Some((_, size)) = self.arrived.pop_front_if(|(at, _)| old(*at, ARRIVED_OVER)) {
            self.arrived_bytes -= size;
        }
        while self.recent.front().is_some_and(|(at, ..)| old(*at, Duration::from_secs(1))) {
            self.recent.pop_front();
        }
        self.react(now, rtt, ceiling_bps);
    }

    fn react(&mut self, now: Instant, rtt: Duration, ceiling_bps: u64) {
        let arrived_bps = (self.arrived_bytes as f64 * 8.0 / ARRIVED_OVER.as_secs_f64()) as u64;
        let (count, lost) = self.recent.iter().fold((0, 0), |sum, it| (sum.0 + it.1, sum.1 + it.2));
        let loss = if count < 10 { 0.0 } else { f64::from(lost) / f64::from(count) };
        let quiet = |since: Option<Instant>, after| since.is_none_or(|at| now.duration_since(at) >= after);
        let congested = self.queue_ms > QUEUE_HIGH_MS;
        if congested || loss > LOSS_HIGH {
            if quiet(self.last_decrease, Duration::from_millis(200) + rtt) {
                let next = if congested {
                    (arrived_bps as f64 * 0.85) as u64
                } else {
                    (self.target_bps as f64 * (1.0 - 0.5 * loss)) as u64
                };
                self.target_bps = next.clamp(MIN_BPS, self.target_bps.max(MIN_BPS));
                self.last_decrease = Some(now);
            }
        } else if self.queue_ms < QUEUE_LOW_MS && loss < LOSS_LOW {
            let step = now.duration_since(self.last_increase).as_secs_f64().min(1.0);
            // Before any congestion, and again after a while without: probes find room quickly.
            let quickly = quiet(self.last_decrease, Duration::from_millis(1500));
            let factor = if quickly { 1.0 + step } else { 1.0 + 0.08 * step };
            let next = (self.target_bps as f64 * factor) as u64;
            // Nobody learns that a path carries more than was ever put on it.
            let known = (arrived_bps * 2 + 100_000).max(START_BPS).max(self.target_bps);
            self.target_bps = next.min(known).min((ceiling_bps * 3 / 2).max(START_BPS));
        }
        self.last_increase = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends at the target over a link of this rate for so long, feedback every 50 ms; the target at the end.
    fn run(link_bps: f64, loss_every: usize, seconds: u64) -> u64 {
        let start = Instant::now();
        let mut rate = RateController::new(start);
        let (mut free_at, mut number) = (0.0f64, 0);
        for step in 0..seconds * 20 {
            let now = start + Duration::from_millis(50 * step);
            let packets = (rate.target_bps() as f64 * 0.05 / 8.0 / 1000.0).ceil() as usize;
            let outcomes: Vec<_> = (0..packets)
                .map(|it| {
                    number += 1;
                    let sent = 50.0 * step as f64 + 50.0 * it as f64 / packets as f64;
                    free_at = free_at.max(sent) + 8000.0 / link_bps * 1000.0;
                    let lost = loss_every > 0 && number % loss_every == 0;
                    Outcome {
                        sent: start + Duration::from_secs_f64(sent / 1000.0),
                        size: 1000,
                        arrived_us: (!lost).then_some((free_at * 1000.0) as i64 + 20_000),
                    }
                })
                .collect();
            rate.on_feedback(now, Duration::from_millis(40), 2_000_000, &outcomes);
        }
        rate.target_bps()
    }

    #[test]
    fn it_finds_room_stays_below_a_bottleneck_and_bears_little_loss() {
        assert!(run(50e6, 0, 10) >= 2_500_000, "nothing is in the way");
        let narrow = run(600e3, 0, 20);
        assert!((250_000..900_000).contains(&narrow), "{narrow} over 600 kbit/s");
        assert!(run(50e6, 100, 10) >= 2_500_000, "one in a hundred is no congestion");
        assert!(run(50e6, 4, 10) < 300_000, "one in four is");
    }

    #[test]
    fn remb_is_a_ceiling() {
        let mut rate = RateController::new(Instant::now());
        rate.on_remb(100_000);
        assert_eq!(rate.target_bps(), 100_000);
    }
}
