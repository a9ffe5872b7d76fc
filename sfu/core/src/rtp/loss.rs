//! How lossy one direction of a leg is: the share of packets lost lately, and whether losses come one by one or in bursts.

use std::time::{Duration, Instant};

/// Packets of a stretch of time, by what became of them. Sums add up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Packets sent.
    pub packets: u32,
    /// Of those, lost.
    pub lost: u32,
    /// Runs of consecutive losses.
    pub bursts: u32,
}

impl Tally {
    /// Both together.
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            packets: self.packets.saturating_add(other.packets),
            lost: self.lost.saturating_add(other.lost),
            bursts: self.bursts.saturating_add(other.bursts),
        }
    }
}

/// What a [`LossMeter`] has found.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Loss {
    /// Share of packets lost, 0 to 1.
    pub fraction: f32,
    /// Mean length of a run of losses, in packets; at least 1 where anything is lost, else 0.
    pub burst: f32,
}

/// One bucket of the window.
const STEP: Duration = Duration::from_secs(1);
/// Buckets: losses are judged over the last ten seconds, so that bursts that come seconds apart are still seen.
const STEPS: usize = 10;
/// With fewer packets than this a single loss would look like a bad network.
const PACKETS_MIN: u32 = 50;

/// Loss over a sliding window. It takes ten additions to ask and none of it is on the path of a packet.
#[derive(Clone, Debug, Default)]
pub struct LossMeter {
    steps: [Tally; STEPS],
    /// Index of the bucket that is being filled, and when it began.
    current: Option<(usize, Instant)>,
    /// The last outcome was a loss.
    in_burst: bool,
}

impl LossMeter {
    /// Takes note of what became of one packet; outcomes come in the order in which packets were sent.
    pub fn outcome(&mut self, now: Instant, lost: bool) {
        let begins = lost && !self.in_burst;
        self.in_burst = lost;
        self.add(now, Tally { packets: 1, lost: u32::from(lost), bursts: u32::from(begins) });
    }

    /// Takes note of many packets at once.
    pub fn add(&mut self, now: Instant, tally: Tally) {
        let step = self.advance(now);
        self.steps[step] = self.steps[step].plus(tally);
    }

    /// Loss within the window, nothing while too little was seen to tell.
    pub fn loss(&mut self, now: Instant) -> Loss {
        self.advance(now);
        let sum = self.steps.iter().copied().fold(Tally::default(), Tally::plus);
        if sum.packets < PACKETS_MIN || sum.lost == 0 {
            return Loss::default();
        }
        Loss {
            fraction: (sum.lost as f32 / sum.packets as f32).min(1.0),
            burst: (sum.lost as f32 / sum.bursts.max(1) as f32).max(1.0),
        }
    }

    /// Packets within the window.
    pub fn packets(&self) -> u32 {
        self.steps.iter().fold(0, |sum, step| sum.saturating_add(step.packets))
    }

    /// Moves on to the bucket of `now`, emptying those of a time long gone.
    fn advance(&mut self, now: Instant) -> usize {
        let (mut index, mut since) = self.current.unwrap_or((0, now));
        let mut passed = now.saturating_duration_since(since).as_secs();
        if passed > STEPS as u64 {
            since += STEP * u32::try_from(passed - STEPS as u64).unwrap_or(u32::MAX);
            passed = STEPS as u64;
        }
        for _ in 0..passed {
            index = (index + 1) % STEPS;
            since += STEP;
            self.steps[index] = Tally::default();
        }
        self.current = Some((index, since));
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_few_packets_prove_nothing() {
        let now = Instant::now();
        let mut meter = LossMeter::default();
        for packet in 0..49 {
            meter.outcome(now, packet % 2 == 0);
        }
        assert_eq!(meter.loss(now), Loss::default());
        meter.outcome(now, false);
        assert!(meter.loss(now).fraction > 0.4);
    }

    #[test]
    fn single_losses_and_bursts_are_told_apart() {
        let now = Instant::now();
        let (mut single, mut bursty) = (LossMeter::default(), LossMeter::default());
        for packet in 0..1000u32 {
            single.outcome(now, packet % 40 == 0);
            bursty.outcome(now, packet % 200 < 5);
        }
        assert_eq!(single.loss(now), Loss { fraction: 0.025, burst: 1.0 });
        assert_eq!(bursty.loss(now), Loss { fraction: 0.025, burst: 5.0 });
    }

    #[test]
    fn losses_are_forgotten_after_the_window() {
        let start = Instant::now();
        let mut meter = LossMeter::default();
        meter.add(start, Tally { packets: 100, lost: 10, bursts: 10 });
        for second in 1..10 {
            meter.add(start + secs(second), Tally { packets: 100, ..Tally::default() });
        }
        assert_eq!(meter.loss(start + secs(9)).fraction, 0.01);
        assert_eq!(meter.loss(start + secs(10)), Loss::default());
        assert_eq!(meter.packets(), 900);
        meter.loss(start + secs(5000));
        assert_eq!(meter.packets(), 0, "after a long silence nothing is left");
        meter.add(start + secs(5000), Tally { packets: 100, lost: 1, bursts: 1 });
        assert_eq!(meter.loss(start + secs(5005)).fraction, 0.01);
    }
}
