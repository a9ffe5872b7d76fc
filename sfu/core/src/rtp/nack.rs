//! Finding lost packets of an incoming stream and asking for them (RFC 4585 §6.2.1).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::loss::Tally;

/// A packet is presumed lost when this many later ones have arrived …
const REORDERED_PACKETS: u64 = 3;
/// … or when this long has passed since the gap was seen: reordering on the Internet is rarely slower.
const REORDERED_TIME: Duration = Duration::from_millis(10);
/// The shortest time between two requests for one packet.
const MIN_RETRY: Duration = Duration::from_millis(20);
/// Timers of both ends and jitter, on top of a round trip.
const RETRY_MARGIN: Duration = Duration::from_millis(5);
/// Round trip before one was measured.
const DEFAULT_RTT: Duration = Duration::from_millis(100);
/// Requests for one packet; libwebrtc stops after ten too.
const MAX_TRIES: u8 = 10;
/// After this long a packet is of no use: the picture has frozen and needs a keyframe.
const MAX_AGE: Duration = Duration::from_secs(1);
/// A stream whose sender was not agreed to be asked: packets are waited for this long, in case they come by themselves.
const SILENT_AGE: Duration = Duration::from_millis(500);
/// A packet carried along by another one may be this much newer than anything so far.
const MAX_AHEAD: u64 = 64;
/// Packets waited for at once.
const MAX_MISSING: usize = 512;
/// The same of a voice, half a second: what is older comes too late for any playout, and is in the way of what is not.
const MAX_MISSING_VOICE: usize = 25;
/// A jump wider than this is a new start, not a loss.
const MAX_GAP: u64 = 1000;
/// Packets asked for in one poll: a few RTCP packets' worth.
const MAX_PER_POLL: usize = 128;

/// What an arriving packet is to its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// The first packet, or a higher number than ever.
    New,
    /// It was missing.
    Recovered,
    /// It has been here already, or it was given up.
    Stale,
    /// The numbers jumped: what was missing is forgotten, a keyframe is needed.
    Restart,
}

/// Watches one incoming stream for losses.
#[derive(Debug, Default)]
pub struct NackGenerator {
    highest: Option<u64>,
    /// Ascending by sequence.
    missing: VecDeque<Missing>,
    /// Number after the last far-too-old packet: if it arrives next, the sender has started anew (RFC 3550 §A.1).
    restart_at: Option<u64>,
    given_up: u64,
    /// Time between requests, by the round trip at the last poll.
    retry: Option<Duration>,
    /// Nothing is asked for.
    silent: bool,
    /// [`MAX_MISSING_VOICE`] holds.
    voice: bool,
    tally: Tally,
    /// The last packet found lost, to tell runs of losses apart.
    last_lost: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u64,
    since: Instant,
    asked: Option<Instant>,
    tries: u8,
}

impl NackGenerator {
    /// Knows what is missing but never asks, for a sender that was not agreed to answer.
    pub fn silent() -> Self {
        Self { silent: true, ..Self::default() }
    }

    /// For a voice.
    pub fn of_voice() -> Self {
        Self { voice: true, ..Self::default() }
    }

    /// Takes note of a packet, original or repaired, by its extended sequence number.
    pub fn on_packet(&mut self, sequence: u64, now: Instant) -> Arrival {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            return Arrival::New;
        };
        if sequence > highest {
            self.restart_at = None;
            if sequence - highest > MAX_GAP {
                self.restart(sequence);
                return Arrival::Restart;
            }
            self.tally.packets += 1;
            let most = if self.voice { MAX_MISSING_VOICE } else { MAX_MISSING };
            for lost in highest + 1..sequence {
                self.count_lost(lost);
                if self.missing.len() == most {
                    self.missing.pop_front();
                    self.given_up += 1;
                }
                self.missing.push_back(Missing { sequence: lost, since: now, asked: None, tries: 0 });
            }
            self.highest = Some(sequence);
            return Arrival::New;
        }
        if let Ok(place) = self.missing.binary_search_by_key(&sequence, |it| it.sequence) {
            if self.missing.remove(place).is_some_and(|it| it.tries == 0) {
                // It was only late.
                self.tally.lost = self.tally.lost.saturating_sub(1);
            }
            return Arrival::Recovered;
        }
        if highest - sequence > MAX_GAP {
            // One stray is ignored; two in a row are a sender that began again below.
            if self.restart_at == Some(sequence) {
                self.restart(sequence);
                return Arrival::Restart;
            }
            self.restart_at = Some(sequence + 1);
        }
        Arrival::Stale
    }

    /// Takes note of a packet that another one carried along (RED); whether it was still missing.
    pub fn recover(&mut self, sequence: u64, now: Instant) -> bool {
        let Some(highest) = self.highest else { return false };
        if sequence > highest {
            if sequence - highest > MAX_AHEAD {
                return false;
            }
            self.on_packet(sequence, now);
            // It arrived in another packet: itself it is lost.
            self.tally.packets -= 1;
            self.count_lost(sequence);
            return true;
        }
        let found = self.missing.binary_search_by_key(&sequence, |it| it.sequence);
        found.is_ok_and(|place| self.missing.remove(place).is_some())
    }

    /// What arrived and what was found lost since the last call. Packets that only came late are not lost.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    fn count_lost(&mut self, sequence: u64) {
        let goes_on = self.last_lost.is_some_and(|last| last + 1 == sequence);
        self.tally.packets += 1;
        self.tally.lost += 1;
        self.tally.bursts += u32::from(!goes_on);
        self.last_lost = Some(sequence);
    }

    /// Appends the sequence numbers to ask for now, ascending, cut to 16 bits.
    ///
    /// `rtt` is the round trip to the sender, when known.
    pub fn poll(&mut self, now: Instant, rtt: Option<Duration>, ask: &mut Vec<u16>) {
        let retry = retry_after(rtt.unwrap_or(DEFAULT_RTT));
        self.retry = Some(retry);
        let Some(highest) = self.highest else { return };
        let before = self.missing.len();
        let mut room = MAX_PER_POLL;
        let silent = self.silent;
        self.missing.retain_mut(|it| {
            if silent {
                return it.since + SILENT_AGE > now;
            }
            if it.due(highest, retry) > now {
                return true;
            }
            if it.tries >= MAX_TRIES || now.saturating_duration_since(it.since) >= MAX_AGE {
                return false;
            }
            if room > 0 {
                room -= 1;
                it.tries += 1;
                it.asked = Some(now);
                ask.push(it.sequence as u16);
            }
            true
        });
        self.given_up += (before - self.missing.len()) as u64;
    }

    /// When to [`poll`](Self::poll) next; in the past when something is due.
    pub fn deadline(&self) -> Option<Instant> {
        let highest = self.highest?;
        if self.silent {
            return self.missing.front().map(|it| it.since + SILENT_AGE);
        }
        let retry = self.retry.unwrap_or_else(|| retry_after(DEFAULT_RTT));
        self.missing.iter().map(|it| it.due(highest, retry)).min()
    }

    /// Packets given up since the last call. If any, video needs a keyframe.
    pub fn take_given_up(&mut self) -> u64 {
        std::mem::take(&mut self.given_up)
    }

    /// Nothing that is missing is asked for any more.
    pub fn give_up(&mut self) {
        self.given_up += self.missing.len() as u64;
        self.missing.clear();
    }

    /// How many packets are waited for.
    pub fn missing(&self) -> usize {
        self.missing.len()
    }

    fn restart(&mut self, sequence: u64) {
        self.given_up += self.missing.len() as u64 + 1;
        self.missing.clear();
        self.restart_at = None;
        self.highest = Some(sequence);
    }
}

/// A little more than a round trip: senders refuse a second request within theirs (libwebrtc does), and a request that
/// comes a moment too early would cost a whole round.
fn retry_after(rtt: Duration) -> Duration {
    rtt.max(MIN_RETRY) + rtt / 16 + RETRY_MARGIN
}

impl Missing {
    fn due(&self, highest: u64, retry: Duration) -> Instant {
        match self.asked {
            Some(asked) => asked + retry,
            None if highest - self.sequence >= REORDERED_PACKETS => self.since,
            None => self.since + REORDERED_TIME,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn poll(nack: &mut NackGenerator, now: Instant, rtt: Option<Duration>) -> Vec<u16> {
        let mut ask = Vec::new();
        nack.poll(now, rtt, &mut ask);
        ask
    }

    #[test]
    fn of_a_voice_only_what_can_still_be_played_is_asked_for() {
        let start = Instant::now();
        let mut nack = NackGenerator::of_voice();
        nack.on_packet(65_536, start);
        nack.on_packet(65_536 + 500, start + ms(10_000));
        let asked = poll(&mut nack, start + ms(10_020), Some(ms(40)));
        assert_eq!(asked, (475..500).collect::<Vec<u16>>());
    }

    #[test]
    fn a_gap_is_asked_for_after_a_moment_and_again_after_each_round_trip() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        assert_eq!(nack.on_packet(70_000, start), Arrival::New);
        assert_eq!(nack.deadline(), None);
        assert_eq!(nack.on_packet(70_003, start), Arrival::New);
        assert_eq!(nack.deadline(), Some(start + ms(10)));
        assert_eq!(poll(&mut nack, start + ms(9), Some(ms(40))), []);
        let lost = [70_001u64 as u16, 70_002u64 as u16];
        assert_eq!(poll(&mut nack, start + ms(10), Some(ms(40))), lost);
        let again = ms(10) + retry_after(ms(40));
        assert!((ms(55)..ms(60)).contains(&again), "a little more than a round trip: {again:?}");
        assert_eq!(nack.deadline(), Some(start + again));
        assert_eq!(nack.on_packet(70_001, start + ms(50)), Arrival::Recovered);
        assert_eq!(nack.on_packet(70_001, start + ms(51)), Arrival::Stale);
        assert_eq!(poll(&mut nack, start + again, Some(ms(40))), lost[1..]);
        assert_eq!(nack.on_packet(70_002, start + ms(98)), Arrival::Recovered);
        assert_eq!(nack.deadline(), None);
        assert_eq!(nack.take_given_up(), 0);
    }

    #[test]
    fn three_later_packets_make_a_loss_certain() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        for sequence in [100, 102, 103] {
            nack.on_packet(sequence, start);
        }
        assert_eq!(poll(&mut nack, start, None), []);
        nack.on_packet(104, start);
        assert_eq!(poll(&mut nack, start, None), [101]);
    }

    #[test]
    fn a_reordered_packet_is_never_asked_for() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        nack.on_packet(100, start);
        nack.on_packet(102, start);
        assert_eq!(nack.on_packet(101, start + ms(5)), Arrival::Recovered);
        assert_eq!(poll(&mut nack, start + ms(100), None), []);
    }

    #[test]
    fn what_never_comes_is_given_up_and_reported_once() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        nack.on_packet(100, start);
        nack.on_packet(102, start);
        let mut asked = 0;
        for at in 0..2000 {
            asked += poll(&mut nack, start + ms(at), Some(ms(30))).len();
        }
        assert_eq!(asked, usize::from(MAX_TRIES));
        assert_eq!(nack.take_given_up(), 1);
        assert_eq!(nack.take_given_up(), 0);
        assert_eq!(nack.deadline(), None);
        assert_eq!(nack.on_packet(101, start + ms(2000)), Arrival::Stale, "too late");
    }

    #[test]
    fn a_long_round_trip_gives_up_by_age() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        nack.on_packet(100, start);
        nack.on_packet(102, start);
        let asked: usize = (0..3000).map(|at| poll(&mut nack, start + ms(at), Some(ms(600))).len()).sum();
        assert_eq!(asked, 2);
        assert_eq!(nack.take_given_up(), 1);
    }

    #[test]
    fn a_silent_stream_waits_for_late_packets_and_asks_for_none() {
        let start = Instant::now();
        let mut nack = NackGenerator::silent();
        for sequence in [100, 103] {
            nack.on_packet(sequence, start);
        }
        assert_eq!(nack.deadline(), Some(start + SILENT_AGE));
        assert_eq!(nack.on_packet(101, start + ms(40)), Arrival::Recovered);
        assert_eq!(nack.on_packet(101, start + ms(41)), Arrival::Stale, "each number once");
        assert!((0..2000).all(|at| poll(&mut nack, start + ms(at), Some(ms(30))).is_empty()));
        assert_eq!(nack.take_given_up(), 1);
        assert_eq!(nack.deadline(), None);
        assert_eq!(nack.on_packet(102, start + ms(2001)), Arrival::Stale);
    }

    #[test]
    fn what_another_packet_carried_along_is_taken_once() {
        let start = Instant::now();
        let mut nack = NackGenerator::silent();
        assert!(!nack.recover(99, start), "nothing came yet");
        nack.on_packet(100, start);
        assert!(!nack.recover(100, start), "it came itself");
        assert!(
            !nack.recover(100 + MAX_AHEAD + 1, start),
            "too far ahead to be an earlier packet of the next"
        );
        assert!(nack.recover(102, start), "newer than anything so far");
        assert!(nack.recover(101, start), "missing");
        assert!(!nack.recover(101, start), "once");
        assert_eq!(nack.on_packet(102, start), Arrival::Stale, "the original comes too late");
        assert_eq!(nack.on_packet(103, start), Arrival::New);
        assert_eq!(nack.missing(), 0);
        assert_eq!(nack.take_tally(), Tally { packets: 3, lost: 2, bursts: 1 });
    }

    #[test]
    fn losses_are_counted_once_and_late_packets_are_not_lost() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        for sequence in [100, 101, 104, 105, 107] {
            nack.on_packet(sequence, start);
        }
        assert_eq!(nack.on_packet(106, start + ms(2)), Arrival::Recovered);
        assert_eq!(poll(&mut nack, start + ms(10), Some(ms(30))), [102, 103]);
        nack.on_packet(102, start + ms(45));
        assert_eq!(nack.take_tally(), Tally { packets: 7, lost: 2, bursts: 2 });
        assert_eq!(nack.take_tally(), Tally::default());
    }

    #[test]
    fn a_wide_jump_forgets_the_past_and_asks_for_a_keyframe() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        nack.on_packet(100, start);
        nack.on_packet(102, start);
        assert_eq!(nack.on_packet(5000, start), Arrival::Restart);
        assert_eq!(nack.missing(), 0);
        assert!(nack.take_given_up() > 0);
        assert_eq!(poll(&mut nack, start + ms(500), None), []);
        assert_eq!(nack.on_packet(5001, start), Arrival::New);
    }

    #[test]
    fn one_ancient_packet_is_a_stray_and_two_in_a_row_a_new_start() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        nack.on_packet(90_000, start);
        assert_eq!(nack.on_packet(80_000, start), Arrival::Stale);
        assert_eq!(nack.on_packet(90_001, start), Arrival::New);
        assert_eq!(nack.on_packet(80_001, start), Arrival::Stale);
        assert_eq!(nack.on_packet(80_002, start), Arrival::Restart);
        assert_eq!(nack.on_packet(80_004, start), Arrival::New);
        assert_eq!(nack.missing(), 1);
    }

    #[test]
    fn memory_and_requests_are_bounded_in_a_storm() {
        let start = Instant::now();
        let mut nack = NackGenerator::default();
        for step in 0..100 {
            nack.on_packet(70_000 + step * 900, start);
            assert!(nack.missing() <= MAX_MISSING);
        }
        assert!(poll(&mut nack, start, None).len() <= MAX_PER_POLL);
        assert!(nack.take_given_up() > 0);
    }

    proptest! {
        /// Each number is sent once; some are lost, the others arrive in a slightly shuffled order.
        #[test]
        fn every_missing_packet_is_asked_for_until_it_comes_and_nothing_else_is(
            first in 65_536..140_000u64,
            fates in prop::collection::vec((0..6u8, 0..12u64), 2..300),
            repaired_after in 1..8u8,
        ) {
            let start = Instant::now();
            let rtt = Some(ms(25));
            let mut arrivals: Vec<(u64, u64)> = Vec::new();
            for (index, (fate, delay)) in fates.iter().enumerate() {
                // One in six is lost; the first arrives, so that the stream has a start.
                if *fate != 0 || index == 0 {
                    let delay = if index == 0 { 0 } else { *delay };
                    arrivals.push((index as u64 * 2 + delay, first + index as u64));
                }
            }
            arrivals.sort_unstable();
            let last_arrived = arrivals.iter().map(|it| it.1).max().unwrap();
            let mut received: HashSet<u64> = HashSet::new();
            let mut asked: HashMap<u64, u8> = HashMap::new();
            let mut nack = NackGenerator::default();
            let mut arrivals = arrivals.into_iter().peekable();
            for at in 0..fates.len() as u64 * 2 + 2500 {
                let now = start + ms(at);
                while let Some((_, sequence)) = arrivals.next_if(|(when, _)| *when <= at) {
                    nack.on_packet(sequence, now);
                    received.insert(sequence);
                }
                for low in poll(&mut nack, now, rtt) {
                    let sequence = crate::rtp::sequence::nearest_sequence(last_arrived, low);
                    prop_assert!(!received.contains(&sequence), "{} was here", sequence);
                    prop_assert!(sequence > first && sequence < last_arrived);
                    let count = asked.entry(sequence).or_default();
                    *count += 1;
                    prop_assert!(*count <= MAX_TRIES);
                    // The sender repairs it after some requests.
                    if *count == repaired_after {
                        nack.on_packet(sequence, now);
                        received.insert(sequence);
                    }
                }
            }
            prop_assert_eq!(nack.take_given_up(), 0);
            for sequence in first..=last_arrived {
                prop_assert!(received.contains(&sequence), "{} was never repaired", sequence);
            }
        }

        #[test]
        fn any_sequence_of_numbers_keeps_the_list_ascending_and_bounded(
            numbers in prop::collection::vec(65_536..200_000u64, 1..300),
        ) {
            let start = Instant::now();
            let mut nack = NackGenerator::default();
            for (at, number) in numbers.into_iter().enumerate() {
                nack.on_packet(number, start + ms(at as u64));
                let mut ask = poll(&mut nack, start + ms(at as u64), None);
                prop_assert!(ask.len() <= MAX_PER_POLL);
                ask.dedup();
                let sequences: Vec<_> = nack.missing.iter().map(|it| it.sequence).collect();
                prop_assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(sequences.len() <= MAX_MISSING);
                prop_assert!(sequences.last().is_none_or(|last| Some(*last) < nack.highest));
            }
        }
    }
}
