//! What may leave on a leg, and when: pacing, the bound on what is in flight, probes, and caution while the path is doubted.

use std::time::{Duration, Instant};

use super::Estimator;
use crate::bwe::bitrate::Bitrate;
use crate::bwe::probe::ProbeContext;
use crate::bwe::rate_control::FLOOR;
use crate::bwe::trend::Usage;

/// Pacing is this much faster than the estimate: what is sent is the allocation's matter, pacing only takes off peaks.
const PACING: f64 = 2.0;
/// Where the leg has shown its limit lately peaks are lower, and while a queue stands there are none: what waits here harms
/// nobody, what waits in the link's queue delays the sound.
const PACING_FULL: f64 = 1.5;
const PACING_QUEUED: f64 = 1.0;
const FULL_LATELY: Duration = Duration::from_secs(6);
/// Bytes in flight may be the estimate's for the round trip, the time between reports and this.
const IN_FLIGHT_EXTRA: Duration = Duration::from_millis(80);
/// Some packets may always be in flight.
const IN_FLIGHT_MIN: u64 = 4_000;
/// What nobody reported on for this long is forgotten.
const EXPIRE: Duration = Duration::from_millis(1000);
/// A probe disturbs only where less than this is queued.
const QUIET: Duration = Duration::from_millis(30);
/// A peer that stops reporting altogether though it is still there is not held back for ever.
const GIVE_UP: Duration = Duration::from_secs(3);
/// A doubt lasts this long at most: reports may stand in a queue themselves. It comes no more often than …
const DOUBT_US: u64 = 500_000;
const DOUBT_EVERY_US: u64 = 3_000_000;
/// A report about what was sent this long before the doubt began says whether it was right.
const DOUBT_BEFORE_US: u64 = 20_000;
/// Part of what is being sent that may be sent meanwhile.
const DOUBT_USE: f64 = 0.35;
/// More than this is a queue, and no jitter.
const QUEUED: Duration = Duration::from_millis(40);

/// The path may have collapsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doubt {
    since_us: u64,
    /// So much may be sent until a report tells.
    pub rate: Bitrate,
    /// Somebody has measured that, on another way of the same peer.
    pub known: bool,
}

impl Estimator {
    /// Something says that the path may just have collapsed, to a rate if that is known. Until a report tells, less should be
    /// sent: what is sent into a collapse stands in front of the sound. A path that has shown its limit lately is watched closely
    /// anyway.
    pub fn doubt(&mut self, now: Instant, to: Option<Bitrate>) {
        let now_us = self.micros(now);
        let full_lately = self.decreased_us.is_some_and(|at| now_us < at + FULL_LATELY.as_micros() as u64);
        let rested = self.doubt.is_some() || self.doubted_us.is_none_or(|at| now_us >= at + DOUBT_EVERY_US);
        if self.stats.reports > 0 && !full_lately && rested {
            let rate = self.sending().scale(DOUBT_USE).max(FLOOR);
            self.doubt =
                Some(Doubt { since_us: now_us, rate: to.unwrap_or(rate).min(rate), known: to.is_some() });
            self.doubted_us = Some(now_us);
        }
    }

    pub(super) fn review_doubt(&mut self, now: Instant, newest_sent_us: Option<u64>) {
        let told = |doubt: Doubt| newest_sent_us.is_some_and(|sent| sent + DOUBT_BEFORE_US >= doubt.since_us);
        let quiet = self.delays.standing() < QUIET;
        if self.collapsed_us.is_some() || (quiet && self.doubt.is_some_and(told)) {
            self.doubt = None;
        } else if self.doubt.is_none() && self.delays.slows() {
            self.doubt(now, None);
        }
    }

    /// What should be sent at most while the path is doubted.
    pub fn doubted(&self) -> Option<Doubt> {
        self.doubt
    }

    /// Does what is due: forgets what nobody reported on, begins probes.
    pub fn poll(&mut self, now: Instant) {
        let now_us = self.micros(now);
        self.doubt = self.doubt.filter(|doubt| now_us < doubt.since_us + DOUBT_US);
        let patience = Duration::from_micros(4 * self.latency_us.unwrap_or(0)).max(EXPIRE);
        self.history.expire(now_us, patience);
        let silence = self.last_reference.map_or(0, |(_, at)| now_us.saturating_sub(at));
        self.gone_silent = silence > GIVE_UP.as_micros() as u64;
        // Where nobody reports a probe tells nothing.
        if self.stats.reports == 0 {
            return;
        }
        let quiet = self.trend.usage() != Usage::Over && self.delays.standing() < QUIET && self.has_room();
        let context = ProbeContext {
            estimate: self.estimate,
            wanted: self.ceiling.map_or(self.wanted, |most| self.wanted.min(most)),
            quiet,
            decreased_us: self.decreased_us,
        };
        self.prober.poll(now_us, &context);
    }

    /// Bytes of padding that should leave now to keep a probe going.
    pub fn padding(&self, now: Instant) -> u64 {
        self.prober.padding(self.micros(now))
    }

    /// The rate of a running probe, which pacing must not hold up.
    pub fn probe_rate(&self) -> Option<Bitrate> {
        self.prober.rate()
    }

    /// The rate to pace at: enough for a frame to leave well before the next one, and for probes.
    pub fn pacing(&self, now: Instant) -> Bitrate {
        let probe = self.prober.rate().unwrap_or_default();
        let now_us = self.micros(now);
        if let Some(doubt) = self.doubt {
            return doubt.rate.min(self.estimate(now));
        }
        let full = self.decreased_us.is_some_and(|at| now_us < at + FULL_LATELY.as_micros() as u64);
        let factor = match full {
            true if self.delays.standing() > QUEUED => PACING_QUEUED,
            true => PACING_FULL,
            false => PACING,
        };
        self.estimate(now).scale(factor).max(probe.scale(1.2))
    }

    /// Whether video may leave: not while more is on its way than the link passes in a round trip and a little queue.
    pub fn has_room(&self) -> bool {
        let Some(latency) = self.latency_us else { return true };
        if self.gone_silent {
            return true;
        }
        let time = Duration::from_micros(latency + self.interval_us * 5 / 4) + IN_FLIGHT_EXTRA;
        self.history.in_flight() <= self.estimate.bytes_in(time).max(IN_FLIGHT_MIN)
    }

    /// Whether video may leave within about this time, if nothing but sound leaves until then.
    pub fn has_room_within(&self, ahead: Duration) -> bool {
        self.has_room() || {
            let latency = self.latency_us.unwrap_or(0);
            let time = Duration::from_micros(latency + self.interval_us * 5 / 4) + IN_FLIGHT_EXTRA + ahead;
            self.history.in_flight() <= self.estimate.bytes_in(time)
        }
    }

    /// When [`poll`](Self::poll) or [`padding`](Self::padding) want to be called, besides after every report.
    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let now_us = self.micros(now);
        let stuck = (!self.has_room()).then(|| self.history.oldest_in_flight_us()).flatten();
        let patience = Duration::from_micros(4 * self.latency_us.unwrap_or(0)).max(EXPIRE);
        let expiry = stuck.map(|at| at + patience.as_micros() as u64);
        let doubt = self.doubt.map(|doubt| doubt.since_us + DOUBT_US);
        let at = [self.prober.deadline_us(now_us), expiry, doubt].into_iter().flatten().min()?;
        Some(self.instant(at))
    }
}
