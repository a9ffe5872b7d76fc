//! What arrives from a publisher, by the times its packets say they left at (abs-send-time): does its uplink collapse?
//!
//! The publisher finds out by our feedback, a round trip and more later; and where both directions are the same thin wire, the
//! feedback stands in the queue that its viewers' media made. We see it in the packets themselves. Told at once to send what
//! comes through, it fills its queue with a third of what it would fill it with.
//!
//! What the uplink carries afterwards nobody tells us, and a publisher who is asked for a small picture does not try. But large
//! packets take longer than small ones, by how wide it is ([`Width`]); and browsers probe, and what arrives in a burst was passed.

use std::time::Duration;

use super::bitrate::Bitrate;
use super::delay::Delays;
use super::history::Ack;
use super::throughput::Throughput;
use super::width::Width;

/// A collapse is one when what comes through is less than this part of what came before.
const COLLAPSED: f64 = 0.75;
/// What came before is measured over this.
const BEFORE: Duration = Duration::from_millis(1000);
/// Part of the uplink that may be used while its queue drains.
const USE: f64 = 0.85;
/// Its queue is busy for this long with what was sent before.
const DRAIN_US: u64 = 500_000;
/// A new limit is news when it is less than this part of the one before.
const NEWS: f64 = 0.85;
/// Two packets that come later and later are a reason to hold back to this part for a moment, until it is clear.
const DOUBT_USE: f64 = 0.4;
const DOUBT_US: u64 = 150_000;
/// Not more often than this.
const DOUBT_EVERY_US: u64 = 3_000_000;
/// The limit holds this long: then the publisher has found its own …
const HOLD_US: u64 = 1_500_000;
/// … and is let go in steps of this, one every …
const RELEASE: f64 = 1.5;
const RELEASE_EVERY_US: u64 = 400_000;
/// … until nobody needs a limit.
const RELEASED: Bitrate = Bitrate::kbps(2500);
/// A narrow uplink is believed to have become wider when this much arrived at such a rate, in a burst of so long, microseconds.
const BURST_US: u64 = 40_000;
const BURST_USE: f64 = 0.9;
/// The browser believes its probe a little later than we see it; asked for a large picture before, it begins with a small one.
const WIDER_AFTER_US: u64 = 1_000_000;
/// It is also believed to carry more when so much of it is used and passes: this much more, not more often than …
const FULL: f64 = 0.95;
const FULL_MORE: f64 = 1.25;
const FULL_EVERY_US: u64 = 500_000;
/// A wire that is this much wider than believed, twice in a row and not before this long, microseconds …
const WIDE: f64 = 1.6;
const WIDE_AFTER_US: u64 = 1_000_000;
/// … is believed to carry so much of its width, but each time at most so much more.
const WIDE_USE: f64 = 0.8;
const WIDE_MORE: f64 = 3.0;
/// Where nothing is known of it, it is tried again after this long …
const RETRY: Duration = Duration::from_secs(8);
/// … with this much more …
const RETRY_MORE: f64 = 1.3;
/// … and after a failure later, up to this.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// A failure is a collapse this soon after.
const RETRY_FAILED: Duration = Duration::from_secs(6);
/// The clock of abs-send-time: 24 bits, of which 18 are a fraction of a second.
const WRAP: u32 = 1 << 24;
const FRACTION: u32 = 18;
/// A step of it that is a jump and not time, microseconds.
const JUMP_US: i64 = 2_000_000;

/// What a packet says about the uplink it came by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing new.
    Fine,
    /// It may just have collapsed.
    Doubtful,
    /// It has.
    Collapsed,
}

/// See the module. One a participant.
#[derive(Debug, Default)]
pub struct Inflow {
    delays: Delays,
    arrived: Throughput,
    /// The last abs-send-time, and what it is in microseconds since the first.
    clock: Option<(u32, i64)>,
    limit: Option<Bitrate>,
    /// The limit holds until then.
    until_us: u64,
    /// The limit of a doubt, which is not known to be right, and since when.
    doubt: Option<Bitrate>,
    doubted_us: Option<u64>,
    /// When it collapsed last.
    collapsed_us: Option<u64>,
    /// What the uplink is known to carry since it collapsed.
    narrow: Option<Bitrate>,
    /// When that last changed, and how long until it is believed to be more without a reason.
    narrow_since_us: u64,
    retry: Option<Duration>,
    /// How wide its wire seems to be.
    width: Width,
    /// When that was told last; that it was far more than was believed; that it was believed since the last collapse, and that this
    /// was wrong before.
    told_us: u64,
    wide: bool,
    trusted: bool,
    deceived: bool,
    /// A burst has shown this, at that time; it is acted on when the publisher's browser has seen it too.
    wider: Option<(u64, Bitrate)>,
    /// When the first packet of the burst being looked at came, and the bytes since.
    burst: (u64, u32),
}

impl Inflow {
    /// A packet of `bytes` on the wire arrived, which left at `sent` (24 bits of abs-send-time). When it shows that the uplink has
    /// collapsed, or may have, there is a new [`limit`](Self::limit).
    pub fn on_packet(&mut self, now_us: u64, sent: u32, bytes: usize) -> Verdict {
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        let arrival_us = now_us as i64;
        self.arrived.on_packet(arrival_us, bytes);
        let sent_us = self.extend(sent);
        self.delays.on_packet(&Ack { sequence: 0, sent_us, arrival_us, bytes, cluster: 0 });
        if self.narrow.is_some() {
            let (delay, base) = (arrival_us - sent_us as i64, self.delays.base_us());
            if let Some(told) = self.width.on_packet(now_us, delay, base, bytes) {
                self.on_width(now_us, told);
            }
            self.widen(now_us, bytes);
        }
        let (surge, slows) = (self.delays.surge(), self.delays.slows());
        if surge.is_none() && !slows {
            return Verdict::Fine;
        }
        let Some(before) = self.arrived.rate(BEFORE) else { return Verdict::Fine };
        // Once it was narrow, passing less than it is believed to carry is enough.
        let least = self.narrow.map_or(before.scale(COLLAPSED), |narrow| narrow.max(before.scale(COLLAPSED)));
        let Some(rate) = surge.filter(|rate| *rate < least) else {
            let rested = self.doubted_us.is_none_or(|at| now_us >= at + DOUBT_EVERY_US);
            if self.limit.is_some() || !rested || !slows {
                return Verdict::Fine;
            }
            (self.doubt, self.doubted_us) = (Some(before.scale(DOUBT_USE)), Some(now_us));
            return Verdict::Doubtful;
        };
        self.doubt = None;
        self.collapsed_us = Some(now_us);
        let limit = rate.scale(USE);
        if self.narrow.is_none_or(|narrow| limit < narrow) {
            let soon = now_us < self.narrow_since_us + RETRY_FAILED.as_micros() as u64;
            self.retry = self.retry.map(|retry| if soon { (retry * 2).min(RETRY_MAX) } else { RETRY });
            self.deceived = std::mem::take(&mut self.trusted) && soon;
            (self.narrow, self.narrow_since_us, self.wider) = (Some(limit), now_us, None);
            self.width.reset(now_us);
        }
        self.until_us = now_us + HOLD_US;
        if self.limit.is_some_and(|told| limit >= told.scale(NEWS)) {
            return Verdict::Fine;
        }
        self.limit = Some(limit);
        Verdict::Collapsed
    }

    /// Since its collapse the uplink is busy with what was sent before it: what is asked for again would be late and in the way.
    pub fn is_draining(&self, now_us: u64) -> bool {
        self.collapsed_us.is_some_and(|at| now_us < at + DRAIN_US)
    }

    /// What the publisher may send in all; `None` for what it finds right.
    pub fn limit(&self) -> Option<Bitrate> {
        self.limit.or(self.doubt)
    }

    /// What the publisher can send in all since its uplink collapsed; `None` where nothing speaks against anything.
    pub fn narrow(&self) -> Option<Bitrate> {
        self.narrow
    }

    /// Large packets say what the wire carries.
    fn on_width(&mut self, now_us: u64, told: Bitrate) {
        let Some(narrow) = self.narrow else { return };
        let again = std::mem::replace(&mut self.wide, told > narrow.scale(WIDE));
        self.told_us = now_us;
        let wait = if self.deceived { self.retry.unwrap_or(RETRY).as_micros() as u64 } else { WIDE_AFTER_US };
        if !(again && self.wide) || now_us < self.narrow_since_us + wait {
            return;
        }
        let wider = told.scale(WIDE_USE).min(narrow.scale(WIDE_MORE));
        tracing::debug!(?narrow, ?wider, "the wire is wide again");
        self.believe(now_us, wider);
        (self.wide, self.trusted, self.deceived) = (false, true, false);
    }

    /// The uplink passes more than was thought: a burst shows it, all of it is used and passes, or time has passed.
    fn widen(&mut self, now_us: u64, bytes: u16) {
        let (began_us, so_far) = self.burst;
        let elapsed = now_us.saturating_sub(began_us);
        // The first packet of a burst took its time before: what came after it counts.
        let so_far = so_far.saturating_add(bytes.into());
        if elapsed < BURST_US {
            self.burst.1 = so_far;
            return;
        }
        self.burst = (now_us, 0);
        let Some(narrow) = self.narrow else { return };
        let burst = Bitrate::of(so_far.into(), Duration::from_micros(elapsed)).unwrap_or_default();
        let retry = *self.retry.get_or_insert(RETRY);
        let passed = burst.scale(BURST_USE);
        if passed > self.wider.map_or(narrow, |(_, rate)| rate) {
            self.wider = Some((self.wider.map_or(now_us, |(at, _)| at), passed));
        }
        let rested = now_us >= self.narrow_since_us + FULL_EVERY_US && self.limit().is_none();
        let is_full = rested && self.arrived.rate(BEFORE).is_some_and(|rate| rate > narrow.scale(FULL));
        let wider = match self.wider {
            Some((at, rate)) if now_us >= at + WIDER_AFTER_US => rate,
            _ if is_full => narrow.scale(FULL_MORE),
            None if now_us >= self.retry_us(retry) => narrow.scale(RETRY_MORE),
            _ => return,
        };
        self.believe(now_us, wider);
    }

    /// When more is tried without a reason: while its wire is told to be thin, seldom, for jitter makes wires look thinner than
    /// they are.
    fn retry_us(&self, retry: Duration) -> u64 {
        let untold = self.narrow_since_us.max(self.told_us) + retry.as_micros() as u64;
        untold.min(self.narrow_since_us + RETRY_MAX.as_micros() as u64)
    }

    /// It carries at least this much.
    fn believe(&mut self, now_us: u64, wider: Bitrate) {
        // What a burst has shown beyond that counts when its time comes.
        self.wider = self.wider.filter(|(_, rate)| *rate > wider);
        self.narrow = Some(wider).filter(|wider| *wider < RELEASED);
        self.narrow_since_us = now_us;
    }

    /// When to [`release`](Self::release), microseconds.
    pub fn deadline_us(&self) -> Option<u64> {
        let doubt = self.doubt.and(self.doubted_us).map(|at| at + DOUBT_US);
        [self.limit.map(|_| self.until_us), doubt].into_iter().flatten().min()
    }

    /// Lets go of a limit that has served its purpose, step by step.
    pub fn release(&mut self, now_us: u64) {
        self.doubt = self.doubt.filter(|_| self.doubted_us.is_none_or(|at| now_us < at + DOUBT_US));
        let Some(limit) = self.limit.filter(|_| now_us >= self.until_us) else { return };
        self.limit = Some(limit.scale(RELEASE)).filter(|limit| *limit < RELEASED);
        self.until_us = now_us + RELEASE_EVERY_US;
    }

    /// The publisher's clock without wraps, in microseconds.
    fn extend(&mut self, sent: u32) -> u64 {
        /// Room for packets from before the first one.
        const ORIGIN_US: i64 = 1 << 40;
        let Some((last, last_us)) = self.clock else {
            self.clock = Some((sent, ORIGIN_US));
            return ORIGIN_US as u64;
        };
        let ahead = sent.wrapping_sub(last) & (WRAP - 1);
        let ahead = if ahead < WRAP / 2 { i64::from(ahead) } else { i64::from(ahead) - i64::from(WRAP) };
        let ahead_us = (ahead * 1_000_000) >> FRACTION;
        if ahead_us.abs() > JUMP_US {
            // A silence so long that the clock may have gone round, or another clock.
            self.delays.reset();
        }
        let sent_us = last_us + ahead_us;
        if ahead > 0 {
            self.clock = Some((sent, sent_us));
        }
        sent_us.max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A camera of 30 frames a second of four packets over an uplink with a queue, from one second to another; when (in
    /// milliseconds after the beginning) a new limit was said, and which.
    struct Uplink {
        inflow: Inflow,
        free_us: u64,
        said: Vec<(u64, u64)>,
    }

    impl Uplink {
        fn run(&mut self, frames: std::ops::Range<u64>, bps: u64, offset_us: u64) {
            let begin = frames.start * 33_333;
            for packet in frames.start * 4..frames.end * 4 {
                let left = packet / 4 * 33_333 + packet % 4 * 2_000;
                self.free_us = self.free_us.max(left) + 1_000 * 8_000_000 / bps;
                let clock = (((left + offset_us) << 18) / 1_000_000) as u32 & 0x00ff_ffff;
                let arrival = self.free_us + 20_000;
                if self.inflow.on_packet(arrival, clock, 1_000) != Verdict::Fine {
                    let limit = self.inflow.limit().expect("said").as_bps() / 1000;
                    self.said.push(((arrival - begin) / 1000, limit));
                }
            }
        }
    }

    #[test]
    fn an_uplink_that_collapses_is_seen_within_a_tenth_of_a_second_and_let_go_later() {
        // The clock goes round every 64 s: here and there in the course of the call.
        for offset_us in [0, 62_500_000, 63_900_000] {
            let mut uplink = Uplink { inflow: Inflow::default(), free_us: 0, said: Vec::new() };
            uplink.run(0..60, 3_000_000, offset_us);
            assert_eq!(uplink.said, []);
            uplink.run(60..66, 300_000, offset_us);
            let (after, limit) = uplink.said[0];
            assert!(after <= 80 && (300..450).contains(&limit), "in doubt {limit} kbit/s after {after} ms");
            let (after, limit) = uplink.said[1];
            assert!(after <= 140 && (240..270).contains(&limit), "{limit} kbit/s after {after} ms");
            let inflow = &mut uplink.inflow;
            let mut at = inflow.deadline_us().expect("for a while");
            let mut steps = 0;
            while inflow.limit().is_some() {
                inflow.release(at);
                steps += 1;
                at = inflow.deadline_us().unwrap_or(at);
            }
            assert!((5..8).contains(&steps), "{steps}");
        }
    }

    #[test]
    fn a_wire_that_is_wide_again_is_believed_without_filling_it_and_one_that_only_looks_so_is_not_tried_twice()
     {
        let mut inflow = Inflow::default();
        let mut free_us = 0;
        // A voice and a small picture, and for how long a thin wire was taken for one, in tenths of a second.
        let mut run = |inflow: &mut Inflow, from_ms: u64, to_ms: u64, bps: u64, picture: u64| {
            let mut narrow = 0;
            for ms in (from_ms..to_ms).step_by(5) {
                let voice = (ms % 20 == 0).then_some(150);
                let picture = (ms % 35 == 5).then_some(picture);
                for bytes in voice.into_iter().chain(picture) {
                    free_us = free_us.max(ms * 1000) + bytes * 8_000_000 / bps;
                    let clock = (((ms * 1000) << 18) / 1_000_000) as u32 & 0x00ff_ffff;
                    inflow.on_packet(free_us + 20_000, clock, bytes as usize);
                }
                inflow.release(ms * 1000);
                let thin = inflow.narrow().is_some_and(|narrow| narrow < Bitrate::kbps(1_000));
                narrow += u64::from(ms % 100 == 0 && thin);
            }
            narrow
        };
        assert_eq!(run(&mut inflow, 0, 4_000, 3_000_000, 2_400), 0);
        run(&mut inflow, 4_000, 4_500, 300_000, 2_400);
        run(&mut inflow, 5_000, 20_000, 300_000, 600);
        let narrow = inflow.narrow().expect("narrow").as_bps();
        assert!((180_000..320_000).contains(&narrow), "never tried in vain: {narrow}");
        let tenths = run(&mut inflow, 20_000, 30_000, 3_000_000, 600);
        assert!((5..40).contains(&tenths), "narrow for {tenths} tenths of a second more");
        // Short bursts pass, what is sent all the time does not.
        run(&mut inflow, 30_000, 30_500, 300_000, 2_400);
        assert!(inflow.narrow().is_some());
        (inflow.deceived, inflow.retry) = (true, Some(RETRY));
        let tenths = run(&mut inflow, 31_000, 45_000, 3_000_000, 600);
        assert!((75..115).contains(&tenths), "believed after {tenths} tenths of a second");
    }

    #[test]
    fn a_wire_that_is_told_to_be_thin_is_tried_seldom_but_it_is() {
        let retry = RETRY.as_micros() as u64;
        let inflow = Inflow { narrow_since_us: 1_000_000, told_us: 50_000_000, ..Inflow::default() };
        assert_eq!(inflow.retry_us(RETRY), 50_000_000 + retry, "a while after it was told last");
        let inflow = Inflow { told_us: 61_000_000, ..inflow };
        assert_eq!(
            inflow.retry_us(RETRY),
            1_000_000 + RETRY_MAX.as_micros() as u64,
            "however often it is told"
        );
    }

    #[test]
    fn a_clock_that_jumps_is_no_collapse() {
        let mut uplink = Uplink { inflow: Inflow::default(), free_us: 0, said: Vec::new() };
        uplink.run(0..60, 3_000_000, 0);
        uplink.run(60..120, 3_000_000, 30_000_000);
        uplink.run(120..180, 3_000_000, 7_000_000);
        assert_eq!(uplink.said, []);
    }
}
