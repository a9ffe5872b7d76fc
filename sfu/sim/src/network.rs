//! One direction of one person's path: what happens to each datagram, decided by the seed.
//!
//! A datagram passes, in this order, an outage, random or bursty loss, a rate limit with a droptail queue, the propagation
//! delay with jitter, and now and then reordering or duplication. Jitter alone never reorders: real queues do not.

use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;

/// IPv4 and UDP headers, which a rate limit carries too.
const OVERHEAD: usize = 28;

/// How datagrams get lost before any queue.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Loss {
    /// None do.
    Never,
    /// Each with this probability, 0–1, whatever happened to the others.
    Random(f64),
    /// In bursts: the two-state model of Gilbert and Elliott.
    Bursty {
        /// Probability, a datagram, that a burst begins.
        begins: f64,
        /// Probability, a datagram, that it ends.
        ends: f64,
        /// Probability of loss within a burst.
        within: f64,
    },
}

impl Loss {
    /// Bursts of `length` datagrams on average, all of which are lost, that together make up `share` (0–1) of everything.
    pub fn bursts(share: f64, length: f64) -> Self {
        let ends = 1.0 / length;
        Loss::Bursty { begins: ends * share / (1.0 - share), ends, within: 1.0 }
    }
}

/// What a direction is like.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Conditions {
    /// Propagation delay.
    pub delay: Duration,
    /// Up to this much is added to the delay, evenly distributed.
    pub jitter: Duration,
    /// Losses on the way.
    pub loss: Loss,
    /// Bits a second that fit through, headers included.
    pub rate_bps: Option<u64>,
    /// Bytes that may wait for the rate limit; what does not fit is dropped.
    pub queue_bytes: usize,
    /// Share of datagrams, 0–1, that are overtaken.
    pub reordered: f64,
    /// By how much those are later.
    pub reordered_by: Duration,
    /// Share of datagrams, 0–1, that arrive twice.
    pub duplicated: f64,
    /// Nothing gets through.
    pub cut: bool,
}

impl Default for Conditions {
    /// A good connection: 20 ms, nothing else.
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(1),
            loss: Loss::Never,
            rate_bps: None,
            queue_bytes: 64_000,
            reordered: 0.0,
            reordered_by: Duration::ZERO,
            duplicated: 0.0,
            cut: false,
        }
    }
}

impl Conditions {
    /// Another propagation delay.
    pub fn delay_ms(self, delay: u64) -> Self {
        Self { delay: Duration::from_millis(delay), ..self }
    }

    /// Up to this much more delay.
    pub fn jitter_ms(self, jitter: u64) -> Self {
        Self { jitter: Duration::from_millis(jitter), ..self }
    }

    /// Losses.
    pub fn loss(self, loss: Loss) -> Self {
        Self { loss, ..self }
    }

    /// Independent losses, in per cent.
    pub fn lossy(self, percent: f64) -> Self {
        Self { loss: Loss::Random(percent / 100.0), ..self }
    }

    /// A rate limit in kbit/s whose queue holds this many milliseconds at that rate.
    pub fn rate(self, kbps: u64, queue_ms: u64) -> Self {
        Self { rate_bps: Some(kbps * 1000), queue_bytes: (kbps * queue_ms / 8) as usize, ..self }
    }

    /// Overtaking.
    pub fn reordering(self, percent: f64, by_ms: u64) -> Self {
        Self { reordered: percent / 100.0, reordered_by: Duration::from_millis(by_ms), ..self }
    }

    /// Copies.
    pub fn duplicating(self, percent: f64) -> Self {
        Self { duplicated: percent / 100.0, ..self }
    }

    /// Nothing gets through.
    pub fn cut(self) -> Self {
        Self { cut: true, ..self }
    }
}

/// What became of the datagrams of a direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Datagrams put in.
    pub sent: u64,
    /// Bytes put in, IP and UDP headers included.
    pub sent_bytes: u64,
    /// Lost by [`Conditions::loss`] or an outage.
    pub lost: u64,
    /// Did not fit the queue.
    pub overflowed: u64,
    /// Copies made.
    pub duplicated: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Link {
    conditions: Conditions,
    rng: StdRng,
    in_burst: bool,
    /// Bits waiting for the rate limit at `since`.
    backlog_bits: f64,
    since: Instant,
    /// Nothing arrives before this, so that jitter does not reorder.
    latest: Instant,
    tally: Tally,
}

impl Link {
    /// An idle direction with its own random numbers.
    pub fn new(now: Instant, conditions: Conditions, rng: StdRng) -> Self {
        Self {
            conditions,
            rng,
            in_burst: false,
            backlog_bits: 0.0,
            since: now,
            latest: now,
            tally: Tally::default(),
        }
    }

    /// The conditions now.
    pub fn conditions(&self) -> Conditions {
        self.conditions
    }

    /// Other conditions for whatever is sent from now on.
    pub fn set(&mut self, now: Instant, conditions: Conditions) {
        self.drain(now);
        self.conditions = conditions;
        // What lay in a queue before the change does not hold up what comes after it.
        self.latest = now;
    }

    /// What became of everything so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// When a datagram of `size` bytes sent now arrives: never, once, or twice.
    pub fn send(&mut self, now: Instant, size: usize) -> [Option<Instant>; 2] {
        let bytes = size + OVERHEAD;
        self.tally.sent += 1;
        self.tally.sent_bytes += bytes as u64;
        // The dice are thrown for every datagram alike, so that one change of conditions shifts nothing else.
        let [loss, burst, jitter, reorder, duplicate] = std::array::from_fn(|_| self.rng.random::<f64>());
        if self.conditions.cut || self.loses(loss, burst) {
            self.tally.lost += 1;
            return [None, None];
        }
        self.drain(now);
        let mut at = now;
        if let Some(rate) = self.conditions.rate_bps {
            let bits = bytes as f64 * 8.0;
            if self.backlog_bits + bits > self.conditions.queue_bytes as f64 * 8.0 + bits {
                self.tally.overflowed += 1;
                return [None, None];
            }
            self.backlog_bits += bits;
            at += Duration::from_secs_f64(self.backlog_bits / rate.max(1) as f64);
        }
        at += self.conditions.delay + self.conditions.jitter.mul_f64(jitter);
        if reorder < self.conditions.reordered {
            at += self.conditions.reordered_by;
        } else {
            at = at.max(self.latest);
            self.latest = at;
        }
        let again = (duplicate < self.conditions.duplicated).then(|| at + Duration::from_millis(1));
        self.tally.duplicated += u64::from(again.is_some());
        [Some(at), again]
    }

    fn loses(&mut self, loss: f64, burst: f64) -> bool {
        match self.conditions.loss {
            Loss::Never => false,
            Loss::Random(share) => loss < share,
            Loss::Bursty { begins, ends, within } => {
                self.in_burst = if self.in_burst { burst >= ends } else { burst < begins };
                self.in_burst && loss < within
            }
        }
    }

    /// Lets the rate limit work off what waits.
    fn drain(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        let rate = self.conditions.rate_bps.unwrap_or(u64::MAX) as f64;
        self.backlog_bits = (self.backlog_bits - elapsed * rate).max(0.0);
        self.since = now;
    }
}
