//! One direction of a network as a state machine: a packet and a time in, its fate out.

use std::time::Duration;

use super::random::{Draw, uniform};
use super::trace::{Conditions, Schedule};

/// IPv4 and UDP headers, which take their share of a bottleneck too. Bytes.
const HEADERS: usize = 28;

/// What a TCP sender needs at least to notice a lost segment (Linux's smallest retransmission timeout).
const RETRANSMISSION_MIN: Duration = Duration::from_millis(200);

/// What happens to a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It never arrives.
    Lost(Loss),
    /// It arrives then, and once more at `again`.
    Arrives {
        /// When.
        at: Duration,
        /// The second copy of a packet that was duplicated.
        again: Option<Duration>,
    },
}

/// Why a packet was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// By chance.
    Random,
    /// The queue at the bottleneck was full.
    Queue,
    /// Nothing got through at that time.
    Outage,
    /// It is UDP, and UDP is blocked.
    Blocked,
}

/// What has happened so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Packets that came in.
    pub packets: u64,
    /// Their bytes, without headers.
    pub bytes: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Lost at the full queue.
    pub overflowed: u64,
    /// Lost in an outage or because UDP is blocked.
    pub blocked: u64,
    /// The most a packet waited at the bottleneck, and when that was.
    pub longest_wait: Duration,
    /// See [`longest_wait`](Self::longest_wait).
    pub longest_wait_at: Duration,
}

/// See the module. Times are since the beginning of the trace; they do not run backwards.
#[derive(Clone, Debug)]
pub struct Link {
    schedule: Schedule,
    seed: u64,
    /// Number of the next packet.
    next: u64,
    in_burst: bool,
    /// When the bottleneck has sent everything it has accepted.
    free_at: Duration,
    /// Arrival of the last packet that was not held back on purpose: nobody overtakes it.
    last: Duration,
    counts: Counts,
}

impl Link {
    /// A link that follows `schedule`. Links of one seed and one schedule are the same link.
    pub fn new(schedule: Schedule, seed: u64) -> Self {
        Self {
            schedule,
            seed,
            next: 0,
            in_burst: false,
            free_at: Duration::ZERO,
            last: Duration::ZERO,
            counts: Counts::default(),
        }
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// From `now` on these conditions hold, whatever the schedule said.
    pub fn set(&mut self, conditions: Conditions) {
        self.schedule = Schedule::constant(conditions);
    }

    /// A datagram of `length` bytes of payload enters the link.
    pub fn packet(&mut self, now: Duration, length: usize) -> Fate {
        let n = self.count(length);
        let conditions = *self.schedule.at(now).0;
        // Decided for every packet, so that an outage or a full queue does not shift the losses after it.
        let lost = self.is_lost(&conditions, n);
        if conditions.outage || conditions.udp_blocked {
            self.counts.blocked += 1;
            return Fate::Lost(if conditions.outage { Loss::Outage } else { Loss::Blocked });
        }
        // A full queue comes before the air: what it drops was never sent.
        if self.free_at.saturating_sub(now) > milliseconds(conditions.queue_ms) {
            self.counts.overflowed += 1;
            return Fate::Lost(Loss::Queue);
        }
        let waits = self.backlog(now);
        if waits > self.counts.longest_wait {
            (self.counts.longest_wait, self.counts.longest_wait_at) = (waits, now);
        }
        let sent = self.serve(now, length);
        if lost {
            self.counts.lost += 1;
            return Fate::Lost(Loss::Random);
        }
        let at = if self.chance(Draw::Reorder, n) < conditions.reorder {
            sent + milliseconds(conditions.delay_ms + conditions.reorder_ms)
        } else {
            self.arrival(&conditions, sent, n)
        };
        let again = (self.chance(Draw::Duplicate, n) < conditions.duplicate).then_some(at);
        Fate::Arrives { at, again }
    }

    /// A segment of a byte stream enters the link: it is late where a datagram would be lost. `None`: nothing gets through now,
    /// ask again later.
    pub fn segment(&mut self, now: Duration, length: usize) -> Option<Duration> {
        let conditions = *self.schedule.at(now).0;
        if conditions.outage {
            return None;
        }
        let n = self.count(length);
        let lost = self.is_lost(&conditions, n);
        let mut sent = self.serve(now, length);
        if lost {
            self.counts.lost += 1;
            // Noticed after a round trip (the way back is taken to be as long), then sent again.
            sent += RETRANSMISSION_MIN.max(2 * milliseconds(conditions.delay_ms));
        }
        Some(self.arrival(&conditions, sent, n))
    }

    /// How long a packet that came now would wait at the bottleneck.
    pub fn backlog(&self, now: Duration) -> Duration {
        self.free_at.saturating_sub(now)
    }

    fn count(&mut self, length: usize) -> u64 {
        let n = self.next;
        self.next += 1;
        self.counts.packets += 1;
        self.counts.bytes += length as u64;
        n
    }

    fn chance(&self, draw: Draw, n: u64) -> f64 {
        uniform(self.seed, draw, n)
    }

    fn is_lost(&mut self, conditions: &Conditions, n: u64) -> bool {
        if conditions.burst <= 1.0 {
            self.in_burst = false;
            return self.chance(Draw::Loss, n) < conditions.loss;
        }
        // Two states, everything lost in the bad one. Leaving it with 1/burst makes runs of that mean length; entering it
        // with `enter` makes the share of time in it, enter / (enter + leave), the wanted share of losses.
        let leave = 1.0 / conditions.burst;
        let enter = if conditions.loss >= 1.0 {
            1.0
        } else {
            (leave * conditions.loss / (1.0 - conditions.loss)).min(1.0)
        };
        let draw = self.chance(Draw::Burst, n);
        self.in_burst = if self.in_burst { conditions.loss >= 1.0 || draw >= leave } else { draw < enter };
        self.in_burst
    }

    /// When the bottleneck has sent this packet; rates that change meanwhile count from when they change.
    fn serve(&mut self, now: Duration, length: usize) -> Duration {
        let mut at = now.max(self.free_at);
        let mut bits = ((length + HEADERS) * 8) as f64;
        loop {
            let (conditions, until) = self.schedule.at(at);
            if conditions.rate_kbps <= 0.0 {
                break;
            }
            let needed = Duration::from_secs_f64(bits / (conditions.rate_kbps * 1000.0));
            match until {
                Some(until) if at + needed > until => {
                    bits -= (until - at).as_secs_f64() * conditions.rate_kbps * 1000.0;
                    at = until;
                }
                _ => {
                    at += needed;
                    break;
                }
            }
        }
        self.free_at = at;
        at
    }

    fn arrival(&mut self, conditions: &Conditions, sent: Duration, n: u64) -> Duration {
        let jitter = conditions.jitter_ms * self.chance(Draw::Jitter, n);
        self.last = self.last.max(sent + milliseconds(conditions.delay_ms + jitter));
        self.last
    }
}

fn milliseconds(value: f64) -> Duration {
    Duration::from_secs_f64(value / 1000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::trace::Trace;
    use super::*;

    fn link(conditions: Conditions) -> Link {
        Link::new(Schedule::constant(conditions), 1)
    }

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    /// Sends `count` packets of `length` bytes, one every `every`; what became of each.
    fn run(link: &mut Link, count: u64, length: usize, every: Duration) -> Vec<(Duration, Fate)> {
        (0..count).map(|n| (every * n as u32, link.packet(every * n as u32, length))).collect()
    }

    fn lost(fates: &[(Duration, Fate)]) -> Vec<bool> {
        fates.iter().map(|(_, fate)| matches!(fate, Fate::Lost(_))).collect()
    }

    #[test]
    fn a_perfect_link_delivers_at_once() {
        assert_eq!(link(Conditions::default()).packet(ms(5), 1200), Fate::Arrives { at: ms(5), again: None });
    }

    #[test]
    fn losses_by_chance_are_as_many_as_asked_for_and_come_alone() {
        let fates = run(&mut link(Conditions { loss: 0.05, ..Default::default() }), 40_000, 100, ms(1));
        let lost = lost(&fates);
        let share = lost.iter().filter(|lost| **lost).count() as f64 / 40_000.0;
        assert!((0.046..0.054).contains(&share), "{share}");
        let pairs = lost.windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert!((70..135).contains(&pairs), "{pairs} pairs, 100 expected");
    }

    #[test]
    fn bursts_have_the_mean_length_asked_for_and_the_same_share_of_losses() {
        let conditions = Conditions { loss: 0.025, burst: 5.0, ..Default::default() };
        let lost = lost(&run(&mut link(conditions), 200_000, 100, ms(1)));
        let share = lost.iter().filter(|lost| **lost).count() as f64 / 200_000.0;
        let runs = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        let mean = share * 200_000.0 / runs;
        assert!((0.021..0.029).contains(&share), "{share}");
        assert!((4.5..5.5).contains(&mean), "{mean}");
    }

    #[test]
    fn the_same_seed_loses_the_same_packets_whenever_they_come() {
        let conditions = Conditions { loss: 0.1, burst: 3.0, jitter_ms: 10.0, ..Default::default() };
        let slow = lost(&run(&mut link(conditions), 1000, 100, ms(20)));
        let fast = lost(&run(&mut link(conditions), 1000, 1200, ms(1)));
        assert_eq!(slow, fast);
        let other = lost(&run(&mut Link::new(Schedule::constant(conditions), 2), 1000, 100, ms(20)));
        assert_ne!(slow, other);
    }

    #[test]
    fn a_bottleneck_lets_through_its_rate_and_drops_what_would_wait_too_long() {
        let conditions = Conditions { rate_kbps: 1000.0, queue_ms: 200.0, ..Default::default() };
        let mut link = link(conditions);
        // 1222 + 28 bytes are 10 ms at 1 Mbit/s: twice that comes in.
        let fates = run(&mut link, 2000, 1222, ms(5));
        let waits: Vec<_> = fates
            .iter()
            .filter_map(|(sent, fate)| match fate {
                Fate::Arrives { at, .. } => Some(*at - *sent),
                Fate::Lost(loss) => {
                    assert_eq!(*loss, Loss::Queue);
                    None
                }
            })
            .collect();
        assert!((1000..=1025).contains(&waits.len()), "{} of 1000 in 10 s", waits.len());
        assert!(waits.iter().all(|wait| *wait <= ms(210)));
        assert_eq!(link.counts().overflowed as usize, 2000 - waits.len());
        assert!(link.backlog(ms(10_000)) > ms(180));
    }

    #[test]
    fn a_packet_on_the_wire_when_the_rate_falls_takes_as_long_as_both_rates_need() {
        let trace =
            Trace::parse("about = 'x'\n[both]\nrate_kbps = 1000\n[[step]]\nat_s = 1\nboth.rate_kbps = 100")
                .expect("a trace");
        let mut link = Link::new(trace.up, 1);
        // 10 ms at the first rate: 5 of them before the step, the other half at a tenth of the rate after it.
        assert_eq!(link.packet(ms(995), 1222), Fate::Arrives { at: ms(1050), again: None });
    }

    #[test]
    fn packets_held_back_are_overtaken_and_others_are_not() {
        let mut calm = link(Conditions { delay_ms: 20.0, jitter_ms: 15.0, ..Default::default() });
        let arrivals = |link: &mut Link| -> Vec<Duration> {
            run(link, 1000, 100, ms(2))
                .into_iter()
                .filter_map(|(_, fate)| match fate {
                    Fate::Arrives { at, .. } => Some(at),
                    Fate::Lost(_) => None,
                })
                .collect()
        };
        let times = arrivals(&mut calm);
        assert!(times.is_sorted());
        let late = times.iter().zip(0u32..).map(|(at, n)| *at - ms(2) * n);
        let spread = late.clone().max().expect("packets") - late.min().expect("packets");
        assert!(spread > ms(12) && spread <= ms(15), "{spread:?}");
        let mut wild = link(Conditions { reorder: 0.1, reorder_ms: 9.0, ..Default::default() });
        let overtaken = arrivals(&mut wild).windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert!((60..140).contains(&overtaken), "{overtaken} of 1000, 100 expected");
    }

    #[test]
    fn an_outage_and_a_firewall_stop_datagrams_and_say_why() {
        let mut outage = link(Conditions { outage: true, ..Default::default() });
        assert_eq!(outage.packet(ms(1), 100), Fate::Lost(Loss::Outage));
        assert_eq!(outage.segment(ms(1), 100), None);
        let mut firewall = link(Conditions { udp_blocked: true, ..Default::default() });
        assert_eq!(firewall.packet(ms(1), 100), Fate::Lost(Loss::Blocked));
        assert_eq!(firewall.segment(ms(1), 100), Some(ms(1)));
    }

    #[test]
    fn a_stream_is_late_where_datagrams_are_lost_and_stays_in_order() {
        let conditions = Conditions { delay_ms: 50.0, loss: 0.2, ..Default::default() };
        let mut stream = link(conditions);
        let lost = lost(&run(&mut link(conditions), 200, 1000, ms(10)));
        let mut last = Duration::ZERO;
        for (n, lost) in lost.into_iter().enumerate() {
            let sent = ms(10 * n as u64);
            let at = stream.segment(sent, 1000).expect("no outage");
            assert!(at >= last && at >= sent + ms(50));
            assert!(!lost || at >= sent + ms(250));
            last = at;
        }
    }

    #[test]
    fn changing_conditions_by_hand_holds_from_then_on() {
        let mut link = link(Conditions::default());
        link.set(Conditions { delay_ms: 70.0, ..Default::default() });
        assert_eq!(link.packet(ms(5), 10), Fate::Arrives { at: ms(75), again: None });
    }

    proptest! {
        #[test]
        fn no_conditions_make_a_packet_arrive_before_it_was_sent(
            delay_ms in 0.0..500.0, jitter_ms in 0.0..200.0, loss in 0.0..=1.0, burst in 1.0..50.0,
            reorder in 0.0..=1.0, duplicate in 0.0..=1.0, rate_kbps in 0.0..5_000.0, queue_ms in 0.0..1000.0,
            seed: u64, gaps in proptest::collection::vec((0u64..50_000, 0usize..1500), 1..200),
        ) {
            let conditions = Conditions {
                delay_ms, jitter_ms, loss, burst, reorder, duplicate, rate_kbps, queue_ms, ..Default::default()
            };
            let mut link = Link::new(Schedule::constant(conditions), seed);
            let mut now = Duration::ZERO;
            for (gap, length) in gaps {
                now += Duration::from_micros(gap);
                if let Fate::Arrives { at, again } = link.packet(now, length) {
                    prop_assert!(at >= now);
                    prop_assert!(again.is_none_or(|again| again >= at));
                }
            }
        }
    }
}
