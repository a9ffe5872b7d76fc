//! From the detector's verdict to a rate: additive or multiplicative increase, multiplicative decrease
//! (draft-ietf-rmcat-gcc-02 §5.5).

use std::time::Duration;

use super::bitrate::Bitrate;
use super::trend::Usage;

/// A decrease goes to this part of what arrived.
const BETA: f64 = 0.85;
/// Increase in a second while the link's capacity is unknown.
const GROWTH: f64 = 0.08;
/// No increase beyond this multiple of what arrives: what nobody has tried is not known to be there. Probes try.
const HEADROOM: f64 = 1.5;
const HEADROOM_MORE: Bitrate = Bitrate::kbps(10);
/// Between two decreases a round trip passes and this, at most [`DECREASE_GAP_MAX`]: the publisher has to hear of the first, and its
/// encoder to follow.
const DECREASE_GAP: Duration = Duration::from_millis(150);
const DECREASE_GAP_MAX: Duration = Duration::from_millis(400);
/// Weight of one overuse in the estimate of the link's capacity.
const CAPACITY_WEIGHT: f64 = 0.05;
/// No estimate falls below this: audio with redundancy.
pub const FLOOR: Bitrate = Bitrate::kbps(50);

/// Where the link was full, and how much that varied.
#[derive(Clone, Copy, Debug, Default)]
struct Capacity {
    mean_bps: Option<f64>,
    /// Variance divided by the mean.
    variance: f64,
}

impl Capacity {
    fn on_full(&mut self, rate: Bitrate) {
        let rate = rate.as_bps() as f64;
        let mean = *self.mean_bps.get_or_insert(rate);
        let mean = mean + CAPACITY_WEIGHT * (rate - mean);
        let error = (mean - rate).powi(2) / mean.max(1.0);
        self.variance += CAPACITY_WEIGHT * (error - self.variance);
        // Relative deviations between 2 and 5 % at 1 Mbit/s, wider for less and narrower for more.
        self.variance = self.variance.clamp(400.0, 2500.0);
        self.mean_bps = Some(mean);
    }

    fn deviation(&self) -> f64 {
        self.mean_bps.map_or(0.0, |mean| (self.variance * mean).sqrt())
    }

    fn upper(&self) -> f64 {
        self.mean_bps.map_or(f64::INFINITY, |mean| mean + 3.0 * self.deviation())
    }

    fn lower(&self) -> f64 {
        self.mean_bps.map_or(0.0, |mean| (mean - 3.0 * self.deviation()).max(0.0))
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct RateControl {
    current: Bitrate,
    capacity: Capacity,
    holding: bool,
    changed_us: Option<u64>,
    decreased_us: Option<u64>,
}

impl RateControl {
    /// Begins at a rate.
    pub fn new(start: Bitrate) -> Self {
        Self {
            current: start,
            capacity: Capacity::default(),
            holding: true,
            changed_us: None,
            decreased_us: None,
        }
    }

    /// The rate now.
    pub fn rate(&self) -> Bitrate {
        self.current
    }

    /// When it was last lowered.
    pub fn decreased_us(&self) -> Option<u64> {
        self.decreased_us
    }

    /// Takes the verdict of a report. `arrived` is what arrived lately, `rtt` the round trip.
    pub fn update(&mut self, now_us: u64, usage: Usage, arrived: Option<Bitrate>, rtt: Duration) {
        match usage {
            // The queue drains; what arrives now says nothing.
            Usage::Under => self.holding = true,
            Usage::Over => self.decrease(now_us, arrived, rtt),
            Usage::Normal if self.holding => self.holding = false,
            Usage::Normal => self.increase(now_us, arrived, rtt),
        }
        self.changed_us = Some(now_us);
    }

    /// The link has this rate: a probe says so, or a collapse.
    pub fn set(&mut self, now_us: u64, rate: Bitrate) {
        if rate < self.current {
            self.decreased_us = Some(now_us);
            self.holding = true;
        }
        if (rate.as_bps() as f64) > self.capacity.upper() || (rate.as_bps() as f64) < self.capacity.lower() {
            self.capacity = Capacity::default();
        }
        self.current = rate.max(FLOOR);
        self.changed_us = Some(now_us);
    }

    fn decrease(&mut self, now_us: u64, arrived: Option<Bitrate>, rtt: Duration) {
        self.holding = true;
        let arrived = arrived.unwrap_or(self.current);
        let gap = (rtt + DECREASE_GAP).min(DECREASE_GAP_MAX).as_micros() as u64;
        let too_soon = self.decreased_us.is_some_and(|at| now_us < at + gap);
        if too_soon && arrived > self.current.scale(0.5) {
            return;
        }
        let mut lower = arrived.scale(BETA);
        if lower > self.current
            && let Some(mean) = self.capacity.mean_bps
        {
            lower = Bitrate::bps(mean as u64).scale(BETA);
        }
        if (arrived.as_bps() as f64) < self.capacity.lower() {
            self.capacity = Capacity::default();
        }
        self.capacity.on_full(arrived);
        self.current = lower.min(self.current).max(FLOOR);
        self.decreased_us = Some(now_us);
    }

    fn increase(&mut self, now_us: u64, arrived: Option<Bitrate>, rtt: Duration) {
        let Some(arrived) = arrived else { return };
        if (arrived.as_bps() as f64) > self.capacity.upper() {
            self.capacity = Capacity::default();
        }
        let elapsed = self.changed_us.map_or(0, |at| now_us.saturating_sub(at)).min(1_000_000) as f64 / 1e6;
        let more = if self.capacity.mean_bps.is_some() {
            // About half a packet a response time: near the limit every step is a risk.
            let response = rtt.as_secs_f64() + 0.2;
            let packet_bits = (self.current.as_bps() as f64 / 60.0).clamp(1_600.0, 9_600.0);
            (packet_bits / response).max(4_000.0) * elapsed
        } else {
            self.current.as_bps() as f64 * ((1.0 + GROWTH).powf(elapsed) - 1.0)
        };
        let limit = arrived.scale(HEADROOM).plus(HEADROOM_MORE);
        let wished = self.current.plus(Bitrate::bps(more as u64));
        self.current = self.current.max(wished.min(limit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(50);

    #[test]
    fn it_grows_while_the_queue_is_quiet_but_not_beyond_what_is_used() {
        let mut control = RateControl::new(Bitrate::kbps(1000));
        let mut now = 0;
        for _ in 0..1000 {
            now += 50_000;
            control.update(now, Usage::Normal, Some(Bitrate::kbps(1000)), RTT);
        }
        assert_eq!(control.rate(), Bitrate::kbps(1510), "half as much again as what arrives");
        control.update(now, Usage::Normal, Some(Bitrate::kbps(500)), RTT);
        assert_eq!(control.rate(), Bitrate::kbps(1510), "sending less is no reason to believe in less");
    }

    #[test]
    fn overuse_takes_it_below_what_arrived_and_waits_for_that_to_show() {
        let mut control = RateControl::new(Bitrate::kbps(3000));
        control.update(1_000_000, Usage::Over, Some(Bitrate::kbps(2000)), RTT);
        assert_eq!(control.rate(), Bitrate::kbps(1700));
        control.update(1_020_000, Usage::Over, Some(Bitrate::kbps(1900)), RTT);
        assert_eq!(control.rate(), Bitrate::kbps(1700), "the last step has not shown yet");
        control.update(1_030_000, Usage::Over, Some(Bitrate::kbps(800)), RTT);
        assert_eq!(control.rate(), Bitrate::kbps(680), "unless it is plain that it was not enough");
        for step in 0..200 {
            control.update(2_000_000 + step * 100_000, Usage::Over, Some(Bitrate::ZERO), RTT);
        }
        assert_eq!(control.rate(), FLOOR);
    }

    #[test]
    fn near_the_known_capacity_it_goes_carefully() {
        let grown = |known: bool| {
            let mut control = RateControl::new(Bitrate::kbps(2000));
            if known {
                control.update(0, Usage::Over, Some(Bitrate::kbps(2350)), RTT);
                control.set(0, Bitrate::kbps(2300));
            }
            for step in 1..=100 {
                control.update(step * 50_000, Usage::Normal, Some(Bitrate::kbps(2200)), RTT);
            }
            control.rate()
        };
        assert!(grown(true) < Bitrate::kbps(2700), "{:?}", grown(true));
        assert!(grown(false) > Bitrate::kbps(2900), "{:?}", grown(false));
    }
}
