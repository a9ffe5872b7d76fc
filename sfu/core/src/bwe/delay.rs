//! One-way delays: is a queue standing, and did the link just collapse?
//!
//! The delay-gradient detector needs some twenty groups to be sure, and then asks how much arrived in the last half
//! second, most of which was before the collapse. When a link of 3 Mbit/s becomes one of 0.3, every 100 ms of that put most
//! of a second into its queue, so what is obvious is acted on here at once.

use std::time::Duration;

use super::bitrate::Bitrate;
use super::history::Ack;

/// Packets looked back at.
const RECENT: usize = 128;
/// The base delay is the least of this and the last period; a new route is believed after two.
const PERIOD_US: i64 = 5_000_000;
/// Weight of one packet in the usual delay and its deviation: some 300 ms of video.
const WEIGHT: f64 = 1.0 / 64.0;
/// The same while delays are unusual: so that in the end a new route is usual.
const WEIGHT_UNUSUAL: f64 = 1.0 / 512.0;
/// A collapse adds at least this much to the usual delay, in microseconds …
const SURGE_US: f64 = 40_000.0;
/// … and this many deviations of it.
const SURGE_DEVIATIONS: f64 = 4.0;
/// The last packets that must all be late; two suffice if they are later still: at 0.3 Mbit/s a third takes another report.
const SURGE_PACKETS: usize = 3;
const PLAIN_PACKETS: usize = 2;
const PLAIN_US: f64 = 48_000.0;
/// Two packets that are so late, and so far apart, may be the beginning of one.
const SLOWS_US: f64 = 20_000.0;
/// The receiving rate is measured over at least and at most this long, in microseconds.
const SPAN_MIN_US: i64 = 20_000;
const SPAN_MAX_US: i64 = 250_000;
/// What arrives must have become this much slower than what was sent.
const SLOWER: f64 = 0.75;
/// The rate of a busy link is looked for in this much time of arrivals, and told from at least so much of it, in microseconds.
const BUSY_WINDOW_US: i64 = 500_000;
const BUSY_MIN_US: i64 = 40_000;

#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    sent_us: i64,
    arrival_us: i64,
    bytes: u16,
}

impl Passed {
    fn delay(&self) -> i64 {
        self.arrival_us - self.sent_us
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Delays {
    recent: [Passed; RECENT],
    count: usize,
    usual: Option<f64>,
    deviation: f64,
    /// Least delay of this period and of the last one, and when this one began.
    least: [i64; 2],
    period_began_us: i64,
    /// Least delay since [`Self::begin_report`].
    report_least: Option<i64>,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            recent: [Passed::default(); RECENT],
            count: 0,
            usual: None,
            deviation: 0.0,
            least: [i64::MAX; 2],
            period_began_us: 0,
            report_least: None,
        }
    }
}

impl Delays {
    /// A report begins.
    pub fn begin_report(&mut self) {
        self.report_least = None;
    }

    /// A packet arrived.
    pub fn on_packet(&mut self, ack: &Ack) {
        let passed = Passed { sent_us: ack.sent_us as i64, arrival_us: ack.arrival_us, bytes: ack.bytes };
        let delay = passed.delay();
        self.recent[self.count % RECENT] = passed;
        self.count += 1;
        if self.least[0] == i64::MAX || passed.arrival_us < self.period_began_us - PERIOD_US {
            self.least = [delay; 2];
            self.period_began_us = passed.arrival_us;
        } else if passed.arrival_us - self.period_began_us > PERIOD_US {
            self.least = [delay, self.least[0]];
            self.period_began_us = passed.arrival_us;
        }
        self.least[0] = self.least[0].min(delay);
        self.report_least = Some(self.report_least.map_or(delay, |least| least.min(delay)));
        let usual = *self.usual.get_or_insert(delay as f64);
        let distance = delay as f64 - usual;
        let weight = if distance > self.unusual() { WEIGHT_UNUSUAL } else { WEIGHT };
        self.usual = Some(usual + weight * distance);
        self.deviation += weight * (distance.abs() - self.deviation);
    }

    /// Delay of a packet that found nobody before it, by clocks that need not agree: the least of some seconds, microseconds.
    pub fn base_us(&self) -> i64 {
        self.least[0].min(self.least[1])
    }

    /// What even the quickest packet of the last report waited beyond the base delay.
    pub fn standing(&self) -> Duration {
        let base = self.base_us();
        let waited = self.report_least.map_or(0, |least| least.saturating_sub(base));
        Duration::from_micros(u64::try_from(waited).unwrap_or(0))
    }

    /// The standing queue is taken to be the path: it did not go away when we sent less.
    pub fn accept(&mut self) {
        if let Some(least) = self.report_least {
            self.least = [least; 2];
            self.usual = Some(least as f64);
        }
    }

    /// Forgets everything (a new path, or another clock).
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The rate at which packets come out of a queue that has suddenly begun to grow; `None` when there is none such.
    pub fn surge(&self) -> Option<Bitrate> {
        let (bytes, first, last) = self.late_run()?;
        let arrival_us = last.arrival_us - first.arrival_us;
        let sent_us = (last.sent_us - first.sent_us).max(0);
        if (sent_us as f64) > SLOWER * arrival_us as f64 {
            return None;
        }
        Bitrate::of(bytes, Duration::from_micros(arrival_us as u64))
    }

    /// The last two packets came later and later: not yet enough to tell a collapse from a hiccup.
    pub fn slows(&self) -> bool {
        let (Some(usual), true) = (self.usual, self.count >= SURGE_PACKETS) else { return false };
        let back = |steps: usize| self.recent[(self.count + RECENT - 1 - steps) % RECENT];
        let late = |packet: &Passed| packet.delay() as f64 - usual;
        let (last, before) = (back(0), back(1));
        let least = SLOWS_US.max(1.5 * SURGE_DEVIATIONS * self.deviation);
        late(&before) >= least
            && last.delay() > before.delay()
            && last.arrival_us - before.arrival_us >= SPAN_MIN_US
    }

    /// The rate at which packets come out of a queue that is still there.
    pub fn draining(&self) -> Option<Bitrate> {
        let (bytes, first, last) = self.late_run()?;
        Bitrate::of(bytes, Duration::from_micros((last.arrival_us - first.arrival_us) as u64))
    }

    /// The rate at which the link passes packets while it has some to pass: of all lately that found others before them in
    /// its queue. A viewer that is sent less than the link carries makes queues too, with every keyframe; what arrived in
    /// all would then be far less than the link's rate.
    pub fn passing(&self) -> Option<Bitrate> {
        let base = self.least[0].min(self.least[1]);
        let filled = self.count.min(RECENT);
        let back = |steps: usize| self.recent[(self.count + RECENT - 1 - steps) % RECENT];
        let newest = back(0).arrival_us;
        let (mut bytes, mut busy_us) = (0, 0);
        for steps in 0..filled.saturating_sub(1) {
            let (packet, before) = (back(steps), back(steps + 1));
            if newest - before.arrival_us > BUSY_WINDOW_US {
                break;
            }
            let apart = packet.arrival_us - before.arrival_us;
            // It was at the queue before the one ahead of it had left.
            if apart >= 0 && packet.sent_us.saturating_add(base) < before.arrival_us {
                bytes += u64::from(packet.bytes);
                busy_us += apart;
            }
        }
        let long_enough = filled > 1 && busy_us >= BUSY_MIN_US;
        long_enough.then(|| Bitrate::of(bytes, Duration::from_micros(busy_us as u64))).flatten()
    }

    fn unusual(&self) -> f64 {
        SURGE_US.max(SURGE_DEVIATIONS * self.deviation)
    }

    /// The packets at the end that all came late, at most [`SPAN_MAX_US`] of them: bytes behind the first of them, the
    /// first and the last.
    fn late_run(&self) -> Option<(u64, Passed, Passed)> {
        let usual = self.usual?;
        let filled = self.count.min(RECENT);
        let back = |steps: usize| self.recent[(self.count + RECENT - 1 - steps) % RECENT];
        let late_by = |packets: usize, at_least: f64| {
            let least = (0..packets).map(|steps| back(steps).delay()).min();
            filled >= packets && least.is_some_and(|delay| delay as f64 >= usual + at_least)
        };
        let plain = PLAIN_US.max(1.2 * self.unusual());
        if !late_by(SURGE_PACKETS, self.unusual()) && !late_by(PLAIN_PACKETS, plain) {
            return None;
        }
        let last = back(0);
        let late = usual + self.deviation + 5_000.0;
        let mut first = last;
        let mut bytes = 0;
        for steps in 1..filled {
            let earlier = back(steps);
            let span = last.arrival_us - earlier.arrival_us;
            if (earlier.delay() as f64) < late || !(0..=SPAN_MAX_US).contains(&span) {
                break;
            }
            bytes += u64::from(first.bytes);
            first = earlier;
        }
        (last.arrival_us - first.arrival_us >= SPAN_MIN_US).then_some((bytes, first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(sent_us: i64, arrival_us: i64) -> Ack {
        Ack { sequence: 0, sent_us: sent_us as u64, arrival_us, bytes: 1200, cluster: 0 }
    }

    /// Four packets every 33 ms over a link of this time a packet, with a queue.
    fn frames(delays: &mut Delays, from: i64, count: i64, packet_us: i64, free_us: &mut i64) {
        for frame in from..from + count {
            for packet in 0..4 {
                let sent = frame * 33_000 + packet * 500;
                *free_us = (*free_us).max(sent + 20_000) + packet_us;
                delays.on_packet(&ack(sent, *free_us));
            }
        }
    }

    #[test]
    fn a_link_that_collapses_is_seen_from_a_few_packets_with_its_new_rate() {
        let mut delays = Delays::default();
        let mut free = 0;
        frames(&mut delays, 0, 60, 3_200, &mut free);
        assert_eq!(delays.surge(), None);
        // 0.3 Mbit/s: 32 ms a packet. The first frame after it takes 128 ms.
        frames(&mut delays, 60, 1, 32_000, &mut free);
        let rate = delays.surge().expect("seen").as_bps();
        assert!((290_000..310_000).contains(&rate), "{rate}");
    }

    #[test]
    fn a_link_that_is_busy_now_and_then_shows_its_rate_whatever_is_sent_over_it() {
        let mut delays = Delays::default();
        // 0.6 Mbit/s: 16 ms a packet. Four of them every 133 ms are 288 kbit/s.
        let mut free = 0;
        for frame in 0..20 {
            for packet in 0..4 {
                let sent = frame * 133_000 + packet * 500;
                free = free.max(sent + 20_000) + 16_000;
                delays.on_packet(&ack(sent, free));
            }
        }
        let rate = delays.passing().expect("busy for half of the time").as_bps();
        assert!((590_000..610_000).contains(&rate), "{rate}");
        let mut idle = Delays::default();
        (0..60).for_each(|packet| idle.on_packet(&ack(packet * 33_000, packet * 33_000 + 25_000)));
        assert_eq!(idle.passing(), None);
    }

    #[test]
    fn a_radio_that_slept_is_no_collapse() {
        let mut delays = Delays::default();
        let mut free = 0;
        frames(&mut delays, 0, 60, 3_200, &mut free);
        // Nothing for 120 ms, then everything within a few milliseconds.
        let woken = 64 * 33_000;
        for frame in 60..64 {
            for packet in 0..4 {
                let arrival = woken + (frame - 60) * 2000 + packet * 500;
                delays.on_packet(&ack(frame * 33_000 + packet * 500, arrival));
                assert_eq!(delays.surge(), None);
            }
        }
    }

    #[test]
    fn a_longer_route_is_no_collapse_and_becomes_the_base_in_the_end() {
        let mut delays = Delays::default();
        let mut free = 0;
        frames(&mut delays, 0, 60, 3_200, &mut free);
        for frame in 60..400 {
            delays.begin_report();
            for packet in 0..4 {
                let sent = frame * 33_000 + packet * 500;
                delays.on_packet(&ack(sent, sent + 120_000 + packet * 3_200));
                assert_eq!(delays.surge(), None, "frame {frame}");
            }
        }
        assert_eq!(delays.standing(), Duration::ZERO);
    }
}
