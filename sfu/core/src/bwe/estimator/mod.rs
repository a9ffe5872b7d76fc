//! The estimate of one leg, from everything the other side says.

mod sending;

use std::time::{Duration, Instant};

use super::bitrate::Bitrate;
use super::delay::Delays;
use super::feedback::{ReferenceClock, Twcc};
use super::groups::Grouping;
use super::history::{History, News};
use super::loss::LossBound;
use super::probe::Prober;
use super::rate_control::{FLOOR, RateControl};
use super::throughput::Throughput;
use super::trend::{Trend, Usage};

pub use self::sending::Doubt;

/// The estimate before anything is known; the first probe goes to three times this within the first moments.
pub const START: Bitrate = Bitrate::kbps(600);

/// What arrives is averaged over this long where the estimate rises …
const ARRIVED_RISING: Duration = Duration::from_millis(500);
/// … and over this long where it falls: what was before the link got full must not count.
const ARRIVED_FALLING: Duration = Duration::from_millis(250);

/// A collapse is one when what comes out of the queue is less than this part of the estimate.
const COLLAPSED: f64 = 0.75;
/// Part of the link that is used while its queue drains.
const DRAIN_USE: f64 = 0.9;
/// For this long after a collapse the draining queue tells the link's rate.
const DRAIN: Duration = Duration::from_millis(2000);

/// A queue that stands this long and high without growing is sent away …
const STANDING: Duration = Duration::from_millis(120);
const STANDING_FOR: Duration = Duration::from_millis(600);
/// … at most so often in a row: then it is somebody else's, or no queue.
const STANDING_TRIES: u32 = 5;

/// The rate of a queue that drains is believed up to this multiple of the estimate.
const PASSES_MORE: f64 = 1.2;

/// A peer that should report and has not for this long after the first packet does not.
const SILENT: Duration = Duration::from_millis(1000);

/// So long without a report, though packets were on their way, is an outage and no congestion; microseconds.
const OUTAGE_US: u64 = 700_000;

/// Reports further apart than this are no rhythm.
const INTERVAL_MAX_US: u64 = 300_000;

/// The estimate of a path nobody has tried, when the one before had more: a mobile network after a Wi-Fi.
const NEW_PATH: Bitrate = Bitrate::kbps(1000);

/// The receiver's clock may differ from ours by this much between two reports.
const CLOCK_STEP_US: i64 = 5_000_000;

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EstimatorStats {
    /// Reports taken in.
    pub reports: u64,
    /// Packets reported lost, less those that came late.
    pub lost: u64,
    /// Packets reported to have arrived.
    pub arrived: u64,
    /// Times the link collapsed.
    pub collapses: u64,
    /// Times the delay detector found overuse.
    pub overuses: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Estimator {
    epoch: Instant,
    history: History,
    clock: ReferenceClock,
    /// Reference time and our time of the last report.
    last_reference: Option<(i64, u64)>,
    groups: Grouping,
    trend: Trend,
    delays: Delays,
    arrived: Throughput,
    sent: Throughput,
    control: RateControl,
    loss: LossBound,
    prober: Prober,
    /// The peer said it takes no more (REMB).
    ceiling: Option<Bitrate>,
    wanted: Bitrate,
    estimate: Bitrate,
    decreased_us: Option<u64>,
    collapsed_us: Option<u64>,
    standing_since_us: Option<u64>,
    standing_tries: u32,
    /// Least time from departure to report, following slowly upwards; microseconds.
    latency_us: Option<u64>,
    /// Smoothed time between reports, microseconds.
    interval_us: u64,
    first_sent_us: Option<u64>,
    /// What left before was lost with everything else: the path was gone, not full.
    outage_until_us: Option<u64>,
    /// The path may have collapsed at this time, and a report will tell; so much may be sent until then.
    doubt: Option<Doubt>,
    doubted_us: Option<u64>,
    /// What left before took another path.
    path_since_us: u64,
    /// Nothing was reported for [`GIVE_UP`]: holding back helps nobody.
    gone_silent: bool,
    stats: EstimatorStats,
}

impl Estimator {
    /// An estimator for a leg that begins now.
    pub fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            history: History::default(),
            clock: ReferenceClock::default(),
            last_reference: None,
            groups: Grouping::default(),
            trend: Trend::default(),
            delays: Delays::default(),
            arrived: Throughput::default(),
            sent: Throughput::default(),
            control: RateControl::new(START),
            loss: LossBound::default(),
            prober: Prober::default(),
            ceiling: None,
            wanted: Bitrate::ZERO,
            estimate: START,
            decreased_us: None,
            collapsed_us: None,
            standing_since_us: None,
            standing_tries: 0,
            latency_us: None,
            interval_us: 100_000,
            first_sent_us: None,
            outage_until_us: None,
            doubt: None,
            doubted_us: None,
            path_since_us: 0,
            gone_silent: false,
            stats: EstimatorStats::default(),
        }
    }

    /// Microseconds of the clock that [`Pacer`](super::Pacer) is driven with too.
    pub fn micros(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.epoch).as_micros() as u64
    }

    /// The instant of such microseconds.
    pub fn instant(&self, micros: u64) -> Instant {
        self.epoch + Duration::from_micros(micros)
    }

    /// Whether the peer has reported anything, by TWCC, REMB or losses: before that nothing is held back.
    pub fn is_informed(&self) -> bool {
        self.stats.reports > 0 || self.ceiling.is_some() || self.loss.bound().is_some()
    }

    /// What the leg carries, everything included. [`Bitrate::MAX`] when the peer tells us nothing at all.
    pub fn estimate(&self, now: Instant) -> Bitrate {
        if self.is_blind(now) {
            let bounds = [self.ceiling, self.loss.bound()];
            return bounds.into_iter().flatten().min().unwrap_or(Bitrate::MAX).max(FLOOR);
        }
        self.estimate
    }

    /// The peer has sent no report for a second after the first packet: it does not speak TWCC, whatever it negotiated.
    pub fn is_blind(&self, now: Instant) -> bool {
        let silent = SILENT.as_micros() as u64;
        self.stats.reports == 0 && self.first_sent_us.is_some_and(|at| self.micros(now) >= at + silent)
    }

    /// Figures for logs and metrics.
    pub fn stats(&self) -> EstimatorStats {
        self.stats
    }

    /// Share of packets lost on this leg lately, 0–1.
    pub fn loss(&self) -> f64 {
        self.loss.loss()
    }

    /// Probes begun so far.
    pub fn probes(&self) -> u64 {
        self.prober.count()
    }

    /// What leaves on this leg, over the last half second.
    pub fn sending(&self) -> Bitrate {
        self.sent.rate(ARRIVED_RISING).unwrap_or_default()
    }

    /// What even the luckiest packet of the last report waited in queues.
    pub fn standing(&self) -> Duration {
        self.delays.standing()
    }

    /// This much would be used if the leg carried it; probing goes on until it does.
    pub fn set_wanted(&mut self, wanted: Bitrate) {
        self.wanted = wanted;
    }

    /// Numbers a packet that leaves at this time ([`micros`](Self::micros)) with `bytes` on the wire; its transport-wide sequence
    /// number.
    pub fn on_sent(&mut self, now_us: u64, bytes: usize) -> u16 {
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        self.first_sent_us.get_or_insert(now_us);
        self.sent.on_packet(now_us as i64, bytes);
        let number = self.history.sent(now_us, bytes, self.prober.cluster());
        self.prober.on_sent(now_us, bytes);
        number
    }

    /// A packet without a number left: the peer has not negotiated any.
    pub fn on_sent_unnumbered(&mut self, now_us: u64, bytes: usize) {
        self.first_sent_us.get_or_insert(now_us);
        self.sent.on_packet(now_us as i64, u16::try_from(bytes).unwrap_or(u16::MAX));
    }

    /// Takes in a report; `lost` hears of each packet it is about, in the order of sending, whether it was lost.
    pub fn on_feedback(&mut self, now: Instant, report: &Twcc<'_>, mut lost: impl FnMut(bool)) {
        let now_us = self.micros(now);
        let reference_us = self.reference(now_us, report);
        self.delays.begin_report();
        let Self {
            history,
            groups,
            trend,
            delays,
            arrived,
            prober,
            outage_until_us,
            path_since_us,
            loss,
            ..
        } = self;
        let mut over = false;
        let mut in_outage = 0;
        let outcome = history.on_feedback(report, reference_us, |news| {
            let ack = match news {
                News::Lost { sent_us } if outage_until_us.is_some_and(|until| sent_us < until) => {
                    return in_outage += 1;
                }
                News::Lost { .. } => {
                    loss.on_packet(true);
                    return lost(true);
                }
                News::Arrived(ack) => ack,
            };
            loss.on_packet(false);
            lost(false);
            if ack.sent_us < *path_since_us {
                return;
            }
            arrived.on_packet(ack.arrival_us, ack.bytes);
            delays.on_packet(&ack);
            prober.on_ack(&ack);
            // A probe makes a queue on purpose; it measures for itself.
            if ack.cluster == 0
                && let Some(delta) = groups.on_packet(ack.sent_us, ack.arrival_us)
            {
                over |= trend.on_delta(delta) == Usage::Over;
            }
        });
        if outcome.acked + outcome.recovered + outcome.lost == 0 {
            return;
        }
        self.note(now_us, outcome.newest_sent_us);
        self.stats.reports += 1;
        self.stats.arrived += u64::from(outcome.acked + outcome.recovered);
        self.stats.lost =
            (self.stats.lost + u64::from(outcome.lost)).saturating_sub(outcome.recovered.into());
        let usage = if over { Usage::Over } else { self.trend.usage() };
        self.stats.overuses += u64::from(usage == Usage::Over);
        self.follow_delay(now_us, usage);
        self.review_doubt(now, outcome.newest_sent_us);
        let lost = outcome.lost.saturating_sub(outcome.recovered + in_outage);
        let total = outcome.acked + outcome.lost - in_outage;
        let arrived = self.arrived.rate(ARRIVED_FALLING);
        self.loss.on_report(now_us, lost, total, self.estimate, arrived);
        if let Some(proved) = self.prober.result(now_us, outcome.newest_sent_us)
            && usage != Usage::Over
        {
            self.loss.on_probe(proved);
            if proved > self.control.rate() {
                self.control.set(now_us, proved);
            }
        }
        self.conclude(now_us);
    }

    /// The peer says how much it takes in all (draft-alvestrand-rmcat-remb-03).
    pub fn on_remb(&mut self, now: Instant, most: Bitrate) {
        self.ceiling = Some(most);
        self.conclude(self.micros(now));
    }

    /// A receiver report about `total` packets of ours, `lost` of which did not arrive. Only peers without TWCC are
    /// judged by it: a sequence number missing there may never have left.
    pub fn on_loss_report(&mut self, now: Instant, lost: u32, total: u32) {
        if self.stats.reports > 0 {
            return;
        }
        let sending = self.sending();
        let lost_share = f64::from(lost) / f64::from(total.max(1));
        let arrived = sending.scale(1.0 - lost_share.clamp(0.0, 1.0));
        self.loss.on_scattered(lost);
        self.loss.on_report(self.micros(now), lost, total, sending, Some(arrived));
        self.conclude(self.micros(now));
    }

    /// The path is another one (the address changed): what was measured means nothing, and what was estimated is too much
    /// to begin with. Probes find out at once.
    pub fn on_new_path(&mut self, now: Instant) {
        let now_us = self.micros(now);
        self.forget_timing();
        self.path_since_us = now_us;
        self.latency_us = None;
        self.trend = Trend::default();
        self.loss = LossBound::default();
        self.prober = Prober::continuing(&self.prober);
        let guess = self.control.rate().min(NEW_PATH);
        self.control = RateControl::new(guess);
        self.conclude(now_us);
        self.decreased_us = None;
    }

    fn forget_timing(&mut self) {
        self.groups.reset();
        self.trend.reset();
        self.delays.reset();
        self.arrived = Throughput::default();
        self.collapsed_us = None;
        self.standing_since_us = None;
    }

    /// The report's reference time in microseconds; a receiver whose clock jumped is measured anew.
    fn reference(&mut self, now_us: u64, report: &Twcc<'_>) -> i64 {
        let reference = self.clock.extend(report.reference());
        if let Some((last, at_us)) = self.last_reference {
            let gap_us = now_us.saturating_sub(at_us);
            self.interval_us = (7 * self.interval_us + gap_us.min(INTERVAL_MAX_US)) / 8;
            let drift = (reference - last) - gap_us as i64;
            let waited = self.history.oldest_in_flight_us().map_or(0, |sent| now_us.saturating_sub(sent));
            if gap_us > OUTAGE_US && waited > OUTAGE_US {
                // Nothing came for so long though something was on its way. What is left of it is known a round trip later.
                self.outage_until_us = Some(now_us.saturating_sub(self.latency_us.unwrap_or(0) / 2));
                self.forget_timing();
            }
            if drift.abs() > CLOCK_STEP_US {
                self.forget_timing();
            }
        }
        self.last_reference = Some((reference, now_us));
        reference
    }

    fn note(&mut self, now_us: u64, newest_sent_us: Option<u64>) {
        if let Some(sent) = newest_sent_us {
            let sample = now_us.saturating_sub(sent);
            let least = self.latency_us.map_or(sample, |least| least + (sample.max(least) - least) / 256);
            self.latency_us = Some(least.min(sample));
        }
    }

    fn follow_delay(&mut self, now_us: u64, usage: Usage) {
        let rtt = Duration::from_micros(self.latency_us.unwrap_or(100_000));
        let current = self.control.rate();
        if let Some(rate) = self.delays.surge().filter(|rate| *rate < current.scale(COLLAPSED)) {
            self.stats.collapses += u64::from(self.collapsed_us.is_none());
            self.collapsed_us = Some(now_us);
            return self.control.set(now_us, rate.scale(DRAIN_USE));
        }
        if let Some(at) = self.collapsed_us {
            let draining = self.delays.draining().filter(|_| now_us < at + DRAIN.as_micros() as u64);
            if let Some(rate) = draining {
                return self.control.set(now_us, rate.scale(DRAIN_USE));
            }
            self.collapsed_us = None;
            self.trend.reset();
        }
        if self.queue_stands(now_us) {
            self.standing_since_us = Some(now_us);
            self.standing_tries += 1;
            if self.standing_tries > STANDING_TRIES {
                self.standing_tries = 0;
                self.delays.accept();
            } else {
                return self.control.update(now_us, Usage::Over, self.passed(current), rtt);
            }
        }
        let arrived = match usage {
            // Where the link passes more than is allowed already, what queues now will go by itself.
            Usage::Over => self.passed(current.scale(PASSES_MORE)),
            Usage::Normal | Usage::Under => self.arrived.rate(ARRIVED_RISING),
        };
        self.control.update(now_us, usage, arrived, rtt);
    }

    /// What the link passes now that it is too much: what arrived, or what came out of its queue if that is more. Not far more
    /// than the estimate: packets that were held up and let go together come at any rate.
    fn passed(&self, most: Bitrate) -> Option<Bitrate> {
        let passing = self.delays.passing().map(|rate| rate.min(most));
        self.arrived.rate(ARRIVED_FALLING).max(passing)
    }

    /// A queue has stood for long enough to do something about it.
    fn queue_stands(&mut self, now_us: u64) -> bool {
        if self.delays.standing() < STANDING {
            self.standing_since_us = None;
            self.standing_tries = 0;
            return false;
        }
        let since = *self.standing_since_us.get_or_insert(now_us);
        now_us >= since + STANDING_FOR.as_micros() as u64
    }

    fn conclude(&mut self, now_us: u64) {
        let bounds = [Some(self.control.rate()), self.loss.bound(), self.ceiling];
        let estimate = bounds.into_iter().flatten().min().unwrap_or(START).max(FLOOR);
        if estimate < self.estimate.scale(0.95) {
            self.decreased_us = Some(now_us);
        }
        self.estimate = estimate;
    }
}
