//! The loss-based bound. A link with a short queue shows no delay before it drops.
//!
//! Loss is congestion only when it goes away by sending less. A radio that loses one packet in eight loses it at any rate; there
//! a controller that halves at every report ends at nothing. So when a reduction did not help, that much loss is taken to be the
//! path's own.

use super::bitrate::Bitrate;

/// A verdict needs this many packets …
const PACKETS: u32 = 20;
/// … and this long, in microseconds; or this many packets.
const WINDOW_US: u64 = 250_000;
const PACKETS_SURE: u32 = 200;
/// Less loss than this (beyond the path's own) is a reason to rise, more than that to fall (draft-ietf-rmcat-gcc-02 §6).
const LOW: f64 = 0.02;
const HIGH: f64 = 0.10;
/// So much loss is a link that passes no more than what arrives.
const PLAIN: f64 = 0.30;
/// Rise in a second.
const GROWTH: f64 = 0.08;
/// A reduction to this part should have shown.
const REDUCED: f64 = 0.85;
/// It did not when this part of the loss is still there.
const STILL: f64 = 0.7;
/// Loss of a path that still carries a call.
const OWN_MAX: f64 = 0.35;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct LossBound {
    bound: Option<Bitrate>,
    lost: u32,
    total: u32,
    since_us: Option<u64>,
    /// Share of packets the path loses at any rate.
    own: f64,
    /// Loss and rate of what arrived before the first of the current reductions.
    before: Option<(f64, Bitrate)>,
    last: f64,
}

impl LossBound {
    /// At most this; `None` when loss is no concern.
    pub fn bound(&self) -> Option<Bitrate> {
        self.bound
    }

    /// Share of packets lost in the last window, 0–1.
    pub fn loss(&self) -> f64 {
        self.last
    }

    /// A report says that `lost` of `total` packets are missing. `estimate` is the rate in force, `arrived` what arrives.
    pub fn on_report(
        &mut self,
        now_us: u64,
        lost: u32,
        total: u32,
        estimate: Bitrate,
        arrived: Option<Bitrate>,
    ) {
        self.lost = self.lost.saturating_add(lost);
        self.total = self.total.saturating_add(total);
        let since = *self.since_us.get_or_insert(now_us);
        let elapsed_us = now_us.saturating_sub(since);
        if self.total < PACKETS || (elapsed_us < WINDOW_US && self.total < PACKETS_SURE) {
            return;
        }
        let loss = f64::from(self.lost) / f64::from(self.total);
        (self.lost, self.total, self.since_us, self.last) = (0, 0, Some(now_us), loss);
        let excess = loss - self.own;
        if loss < self.own {
            self.own += 0.3 * (loss - self.own);
        }
        if excess > HIGH {
            self.fall(loss, estimate, arrived.unwrap_or(estimate));
        } else if excess < LOW {
            self.before = None;
            self.rise(elapsed_us as f64 / 1e6, estimate);
        }
    }

    /// A probe got through at this rate.
    pub fn on_probe(&mut self, rate: Bitrate) {
        self.bound = self.bound.map(|bound| bound.max(rate));
    }

    fn fall(&mut self, loss: f64, estimate: Bitrate, arrived: Bitrate) {
        let (loss_before, arrived_before) = *self.before.get_or_insert((loss, arrived));
        if arrived < arrived_before.scale(REDUCED) && loss > STILL * loss_before && loss < OWN_MAX {
            // We send less and lose as much: it is not our doing. Back to where it began.
            self.own = loss;
            self.before = None;
            self.bound = self.bound.map(|bound| bound.max(arrived_before));
            return;
        }
        let lowered =
            if loss > PLAIN { arrived } else { estimate.scale(1.0 - 0.5 * loss).max(arrived.scale(0.9)) };
        self.bound = Some(lowered.min(estimate));
    }

    fn rise(&mut self, seconds: f64, estimate: Bitrate) {
        let Some(bound) = self.bound else { return };
        let raised = bound.scale((1.0 + GROWTH).powf(seconds.min(1.0))).plus(Bitrate::kbps(1));
        // Another limit is far below: loss is no concern any more.
        self.bound = (raised < estimate.scale(1.5)).then_some(raised);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds over a path that passes at most `capacity` and loses `own` of the rest.
    fn ten_seconds(bound: &mut LossBound, now_us: &mut u64, capacity: f64, own: f64, start: f64) -> f64 {
        let mut rate = bound.bound().map_or(start, |it| it.as_bps() as f64);
        for _ in 0..100 {
            *now_us += 100_000;
            let passed = rate.min(capacity) * (1.0 - own);
            let total = (rate / 80_000.0).ceil() as u32 + 5;
            let lost = (f64::from(total) * (1.0 - passed / rate)).round() as u32;
            let estimate = Bitrate::bps(rate as u64);
            bound.on_report(*now_us, lost, total, estimate, Some(Bitrate::bps(passed as u64)));
            rate = bound.bound().map_or(start, |it| it.as_bps() as f64).min(start);
        }
        rate
    }

    #[test]
    fn a_link_with_no_queue_is_followed_down_by_its_loss_alone() {
        let (mut bound, mut now) = (LossBound::default(), 0);
        let rate = ten_seconds(&mut bound, &mut now, 300e3, 0.0, 3e6);
        assert!((200e3..400e3).contains(&rate), "{rate}");
    }

    #[test]
    fn five_percent_never_lowers_anything() {
        let (mut bound, mut now) = (LossBound::default(), 0);
        assert_eq!(ten_seconds(&mut bound, &mut now, 9e6, 0.05, 3e6), 3e6);
    }

    #[test]
    fn loss_that_does_not_go_away_by_sending_less_is_the_paths_own() {
        let (mut bound, mut now) = (LossBound::default(), 0);
        for _ in 0..3 {
            let rate = ten_seconds(&mut bound, &mut now, 9e6, 0.16, 3e6);
            assert!(rate > 2e6, "{rate}");
        }
        // And congestion on such a path is still seen.
        let rate = ten_seconds(&mut bound, &mut now, 500e3, 0.16, 3e6);
        assert!(rate < 1e6, "{rate}");
    }
}
