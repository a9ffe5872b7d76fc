//! The loss-based bound. A link with a short queue shows no delay before it drops.
//!
//! Loss is congestion only when it goes away by sending less. A radio that loses one packet in eight loses it at any rate; there
//! a controller that halves at every report ends at nothing. So when a reduction did not help, that much loss is taken to be the
//! path's own.
//!
//! Nor is one burst congestion: a radio that fades for a tenth of a second takes everything with it, and what comes after it all
//! arrives. So a run of losses counts as its first few, until windows in a row show that it goes on.

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
/// A run of losses counts as so many at most, unless it goes on.
const RUN_MAX: u32 = 3;
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
    /// Of those, the first few of each run.
    scattered: u32,
    /// Losses in a row until now.
    run: u32,
    total: u32,
    since_us: Option<u64>,
    /// Share of packets the path loses at any rate.
    own: f64,
    /// Loss and rate of what arrived before the first of the current reductions.
    before: Option<(f64, Bitrate)>,
    /// Share lost in the last window, and what of it counted.
    last: f64,
    counted: f64,
}

impl LossBound {
    /// At most this; `None` when loss is no concern.
    pub fn bound(&self) -> Option<Bitrate> {
        self.bound
    }

    /// Share of packets lost in the last window, 0–1; of a single burst only its beginning.
    pub fn loss(&self) -> f64 {
        self.counted
    }

    /// What became of a packet, in the order of sending: to be told before the report that says so is taken in.
    pub fn on_packet(&mut self, lost: bool) {
        self.run = if lost { self.run.saturating_add(1) } else { 0 };
        self.scattered += u32::from(lost && self.run <= RUN_MAX);
    }

    /// Nothing is known of the order in which so many packets were lost.
    pub fn on_scattered(&mut self, lost: u32) {
        self.scattered = self.scattered.saturating_add(lost);
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
        let all = f64::from(self.lost) / f64::from(self.total);
        let scattered = f64::from(self.scattered.min(self.lost)) / f64::from(self.total);
        let goes_on = self.last > PLAIN || (self.last > HIGH && scattered > HIGH);
        let loss = if goes_on { all } else { scattered };
        (self.lost, self.scattered, self.total, self.since_us) = (0, 0, 0, Some(now_us));
        (self.last, self.counted) = (all, loss);
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
            // Every so many in turn.
            let share = f64::from(lost) / f64::from(total);
            for packet in 0..total {
                let before = (f64::from(packet) * share).floor();
                bound.on_packet((f64::from(packet + 1) * share).floor() > before);
            }
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
    fn a_burst_is_no_congestion_unless_it_goes_on() {
        let mut bound = LossBound::default();
        let estimate = Bitrate::kbps(1000);
        let mut window = |now_ms: u64, lost: u32| {
            for packet in 0..40 {
                bound.on_packet((10..10 + lost).contains(&packet));
            }
            let arrived = estimate.scale(1.0 - f64::from(lost) / 40.0);
            bound.on_report(1000 * now_ms, lost, 40, estimate, Some(arrived));
            (bound.bound(), bound.loss())
        };
        window(0, 0);
        assert_eq!(window(300, 24), (None, 0.0375), "three of eighty");
        assert_eq!(window(600, 0), (None, 0.0));
        assert_eq!(window(900, 24).0, None);
        let (fallen, loss) = window(1200, 24);
        assert_eq!((fallen, loss), (Some(Bitrate::kbps(400)), 0.6), "it goes on");
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
