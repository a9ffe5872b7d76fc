//! What each decode target of an encoding costs: bytes over a sliding window.

use std::time::{Duration, Instant};

use crate::rtp::dependency::MAX_TARGETS;

/// Length of one part of the window.
const PART: Duration = Duration::from_millis(250);

/// Parts of the window: two seconds, so that a keyframe does not look like a change of rate for long.
const PARTS: usize = 8;

/// An encoding that has not sent for this long is not being sent. Shared screens slow down to a frame a second.
const SILENCE: Duration = Duration::from_millis(2500);

/// See the module.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Bytes by part and target.
    parts: [[u32; MAX_TARGETS]; PARTS],
    /// Where the parts are counted from.
    start: Option<Instant>,
    /// Number of the newest part.
    newest: u64,
    last: Option<Instant>,
    /// Packets counted came from these targets.
    seen: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { parts: [[0; MAX_TARGETS]; PARTS], start: None, newest: 0, last: None, seen: 0 }
    }
}

impl Rates {
    /// A packet of `bytes` that is part of these targets.
    pub fn add(&mut self, now: Instant, bytes: usize, mut targets: u32) {
        if !self.is_active(now) {
            // After a silence the window fills anew.
            *self = Self { start: Some(now), ..Self::default() };
        }
        self.last = Some(now);
        self.seen |= targets;
        let part = self.advance(now);
        while targets != 0 {
            let target = targets.trailing_zeros() as usize;
            targets &= targets - 1;
            part[target] = part[target].saturating_add(bytes as u32);
        }
    }

    fn number(&self, now: Instant) -> u64 {
        let since = self.start.map_or(Duration::ZERO, |start| now.saturating_duration_since(start));
        since.as_millis() as u64 / PART.as_millis() as u64
    }

    fn advance(&mut self, now: Instant) -> &mut [u32; MAX_TARGETS] {
        let number = self.number(now).max(self.newest);
        let stale = (number - self.newest).min(PARTS as u64);
        for back in 0..stale {
            self.parts[(number - back) as usize % PARTS] = [0; MAX_TARGETS];
        }
        self.newest = number;
        &mut self.parts[number as usize % PARTS]
    }

    /// It is being sent now.
    pub fn is_active(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.saturating_duration_since(last) < SILENCE)
    }

    /// When the last packet came.
    pub fn last(&self) -> Option<Instant> {
        self.last
    }

    /// Targets that had packets.
    pub fn seen(&self) -> u32 {
        self.seen
    }

    /// Bit/s of a target over the window, of what was sent last when nothing is sent now.
    pub fn bitrate(&self, now: Instant, target: usize) -> u64 {
        let Some(start) = self.start else { return 0 };
        let now = if self.is_active(now) { now } else { self.last.unwrap_or(now) };
        let number = self.number(now);
        let oldest = number.saturating_sub(PARTS as u64 - 1);
        let bytes: u64 = (oldest..=number.min(self.newest))
            .filter_map(|part| self.parts[part as usize % PARTS].get(target))
            .map(|bytes| u64::from(*bytes))
            .sum();
        let begin = start + PART * u32::try_from(oldest).unwrap_or(u32::MAX);
        // The first packets of all say little about a second.
        let window = now.saturating_duration_since(begin).max(PART * 2);
        bytes * 8_000_000 / (window.as_micros() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured_and_a_stopped_one_remembered() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut rates = Rates::default();
        assert!(!rates.is_active(start));
        // 1000 bytes every 10 ms: 800 kbit/s, of which every second packet is of target 0 too.
        for step in 0..400 {
            rates.add(ms(step * 10), 1000, if step % 2 == 0 { 0b11 } else { 0b10 });
        }
        let near =
            |value: u64, truth: u64| assert!(value.abs_diff(truth) < truth / 20, "{value} not {truth}");
        near(rates.bitrate(ms(4000), 1), 800_000);
        near(rates.bitrate(ms(4000), 0), 400_000);
        assert_eq!(rates.bitrate(ms(4000), 2), 0);
        near(rates.bitrate(ms(9000), 1), 800_000);
        assert!(!rates.is_active(ms(9000)) && rates.is_active(ms(5000)));
        // Half the rate from 10 s on: what was before does not count.
        for step in 0..100 {
            rates.add(ms(10_000 + step * 20), 1000, 0b10);
        }
        near(rates.bitrate(ms(12_000), 1), 400_000);
    }
}
