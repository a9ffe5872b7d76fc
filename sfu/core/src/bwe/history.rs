//! What was sent under which transport-wide sequence number, until the other side says what became of it.

use std::time::Duration;

use crate::rtp::sequence::nearest_sequence;

use super::feedback::Twcc;

/// Packets remembered at first; enough for 2 Mbit/s over a round trip of 300 ms.
const FIRST_CAPACITY: usize = 128;

/// Packets remembered at most: 40 Mbit/s for a second. What is older is forgotten, and feedback about it ignored.
const CAPACITY_MAX: usize = 4096;

/// Nobody reports so late.
const FORGOTTEN_US: u64 = 2_000_000;

/// A packet that arrived, as a report says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ack {
    /// Extended transport-wide sequence number.
    pub sequence: u64,
    /// When it left, in microseconds of our clock.
    pub sent_us: u64,
    /// When it arrived, in microseconds of the receiver's clock: only differences mean anything.
    pub arrival_us: i64,
    /// Its size on the wire.
    pub bytes: u16,
    /// The probe cluster it belonged to, 0 for none.
    pub cluster: u8,
}

/// What a report says of a packet that was not known yet, in the order of their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// It arrived.
    Arrived(Ack),
    /// It did not; when it had left.
    Lost {
        /// In microseconds of our clock.
        sent_us: u64,
    },
}

/// What a report amounts to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Packets it says have arrived, and which we did not know of.
    pub acked: u32,
    /// Packets it says are missing, and which we did not know of.
    pub lost: u32,
    /// Packets that an earlier report said were missing.
    pub recovered: u32,
    /// When the newest acknowledged packet had left.
    pub newest_sent_us: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Fate {
    /// Nothing was sent under this number.
    #[default]
    Unused,
    InFlight,
    Lost,
    Arrived,
    /// No report mentioned it though a later one came.
    Unknown,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    sequence: u64,
    at_us: u64,
    bytes: u16,
    cluster: u8,
    fate: Fate,
}

/// See the module. Its memory grows to what the path needs and no further than [`CAPACITY_MAX`].
#[derive(Debug)]
pub struct History {
    /// By sequence number modulo the length, which is a power of two.
    ring: Vec<Sent>,
    /// Number of the next packet.
    next: u64,
    /// Everything below has been settled.
    settled: u64,
    in_flight: u64,
}

impl Default for History {
    fn default() -> Self {
        // The second cycle, so that feedback about numbers before the first packet has a place too.
        Self { ring: Vec::new(), next: 1 << 16, settled: 1 << 16, in_flight: 0 }
    }
}

impl History {
    /// Numbers a packet of `bytes` that leaves now.
    pub fn sent(&mut self, now_us: u64, bytes: u16, cluster: u8) -> u16 {
        self.make_room(now_us);
        let sequence = self.next;
        self.next += 1;
        self.in_flight += u64::from(bytes);
        let place = self.place(sequence);
        if let Some(slot) = self.ring.get_mut(place) {
            *slot = Sent { sequence, at_us: now_us, bytes, cluster, fate: Fate::InFlight };
        }
        sequence as u16
    }

    /// Bytes that left and of which nothing is known yet.
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// How many packets have been numbered.
    pub fn count(&self) -> u64 {
        self.next - (1 << 16)
    }

    /// When the oldest packet left of which nothing is known yet.
    pub fn oldest_in_flight_us(&mut self) -> Option<u64> {
        while self.settled < self.next {
            match self.get(self.settled) {
                Some(sent) if sent.fate == Fate::InFlight => return Some(sent.at_us),
                _ => self.settled += 1,
            }
        }
        None
    }

    /// Gives up on packets that left more than `age` ago: they block nothing any more.
    pub fn expire(&mut self, now_us: u64, age: Duration) {
        let age = age.as_micros() as u64;
        while let Some(at) = self.oldest_in_flight_us().filter(|at| at.saturating_add(age) <= now_us) {
            debug_assert!(at <= now_us);
            self.settle(self.settled, Fate::Unknown);
        }
    }

    /// Takes in a report whose reference time is `reference_us`; `tell` hears of every packet that is news.
    pub fn on_feedback(
        &mut self,
        report: &Twcc<'_>,
        reference_us: i64,
        mut tell: impl FnMut(News),
    ) -> Outcome {
        let mut outcome = Outcome::default();
        if self.count() == 0 {
            return outcome;
        }
        // A report in between was lost: of what it was about nothing will be known.
        let base = nearest_sequence(self.next - 1, report.base());
        while self.settled < base.min(self.next) {
            if self.get(self.settled).is_some_and(|sent| sent.fate == Fate::InFlight) {
                self.settle(self.settled, Fate::Unknown);
            }
            self.settled += 1;
        }
        for status in report.statuses() {
            let sequence = nearest_sequence(self.next - 1, status.sequence);
            let Some(sent) = self.get(sequence) else { continue };
            match status.arrival {
                None if matches!(sent.fate, Fate::InFlight | Fate::Unknown) => {
                    outcome.lost += 1;
                    self.settle(sequence, Fate::Lost);
                    tell(News::Lost { sent_us: sent.at_us });
                }
                Some(arrival) if sent.fate != Fate::Arrived => {
                    if sent.fate == Fate::Lost {
                        outcome.recovered += 1;
                    } else {
                        outcome.acked += 1;
                    }
                    self.settle(sequence, Fate::Arrived);
                    outcome.newest_sent_us = outcome.newest_sent_us.max(Some(sent.at_us));
                    tell(News::Arrived(Ack {
                        sequence,
                        sent_us: sent.at_us,
                        arrival_us: reference_us.saturating_add(arrival),
                        bytes: sent.bytes,
                        cluster: sent.cluster,
                    }));
                }
                _ => {}
            }
        }
        outcome
    }

    /// A packet that was really sent and is still remembered.
    fn get(&self, sequence: u64) -> Option<Sent> {
        let sent = *self.ring.get(self.place(sequence))?;
        (sent.sequence == sequence && sent.fate != Fate::Unused).then_some(sent)
    }

    fn settle(&mut self, sequence: u64, fate: Fate) {
        let place = self.place(sequence);
        let Some(slot) = self.ring.get_mut(place) else { return };
        if slot.fate == Fate::InFlight {
            self.in_flight -= u64::from(slot.bytes);
        }
        slot.fate = fate;
    }

    fn place(&self, sequence: u64) -> usize {
        sequence as usize & self.ring.len().wrapping_sub(1)
    }

    /// The place of the next number becomes free, by forgetting or by growing.
    fn make_room(&mut self, now_us: u64) {
        if self.ring.is_empty() {
            self.ring = vec![Sent::default(); FIRST_CAPACITY];
        }
        let Some(taken) = self.get(self.next - self.ring.len() as u64) else { return };
        let young = taken.at_us.saturating_add(FORGOTTEN_US) > now_us;
        if taken.fate == Fate::InFlight && young && self.ring.len() < CAPACITY_MAX {
            let mut larger = vec![Sent::default(); self.ring.len() * 2];
            for sent in &self.ring {
                let place = sent.sequence as usize & (larger.len() - 1);
                if let Some(slot) = larger.get_mut(place).filter(|_| sent.fate != Fate::Unused) {
                    *slot = *sent;
                }
            }
            self.ring = larger;
        } else {
            self.settle(taken.sequence, Fate::Unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A report of run-length-one chunks: `None` is missing, numbers are deltas in units of 250 µs.
    fn report(base: u16, statuses: &[Option<u8>]) -> Vec<u8> {
        let mut packet = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        packet.extend_from_slice(&base.to_be_bytes());
        packet.extend_from_slice(&(statuses.len() as u16).to_be_bytes());
        packet.extend_from_slice(&[0, 0, 1, 0]);
        for status in statuses {
            packet.extend_from_slice(&(u16::from(status.is_some()) << 13 | 1).to_be_bytes());
        }
        packet.extend(statuses.iter().flatten());
        packet.resize(packet.len().next_multiple_of(4), 0);
        packet[3] = (packet.len() / 4 - 1) as u8;
        packet
    }

    fn feed(history: &mut History, packet: &[u8]) -> (Outcome, Vec<Ack>) {
        let mut acks = Vec::new();
        let outcome = history.on_feedback(&Twcc::parse(packet).unwrap(), 64_000, |news| {
            if let News::Arrived(ack) = news {
                acks.push(ack);
            }
        });
        (outcome, acks)
    }

    #[test]
    fn a_packet_is_in_flight_until_its_fate_is_known_and_news_is_told_once() {
        let mut history = History::default();
        for step in 0..4 {
            assert_eq!(history.sent(1000 * step, 100, step as u8), step as u16);
        }
        assert_eq!(history.in_flight(), 400);
        let first = report(0, &[Some(4), None, Some(8)]);
        let (outcome, acks) = feed(&mut history, &first);
        let expected = Outcome { acked: 2, lost: 1, recovered: 0, newest_sent_us: Some(2000) };
        assert_eq!(outcome, expected);
        assert_eq!(acks[1].arrival_us, 64_000 + 12 * 250);
        assert_eq!((acks[1].sent_us, acks[1].cluster), (2000, 2));
        assert_eq!(history.in_flight(), 100);
        let (again, acks) = feed(&mut history, &first);
        assert_eq!((again, acks.len()), (Outcome::default(), 0), "a duplicate tells nothing");
        let (late, _) = feed(&mut history, &report(1, &[Some(90)]));
        assert_eq!((late.acked, late.recovered), (0, 1));
        assert_eq!(history.oldest_in_flight_us(), Some(3000));
    }

    #[test]
    fn a_lost_report_frees_what_it_was_about_without_calling_it_lost() {
        let mut history = History::default();
        for step in 0..10 {
            history.sent(step, 100, 0);
        }
        let (outcome, _) = feed(&mut history, &report(6, &[Some(1), Some(1)]));
        assert_eq!((outcome.acked, outcome.lost), (2, 0));
        assert_eq!(history.in_flight(), 200);
        let (outcome, _) = feed(&mut history, &report(4, &[None, Some(1)]));
        assert_eq!((outcome.acked, outcome.lost), (1, 1), "the report was only late");
    }

    #[test]
    fn silence_gives_packets_up_in_the_end() {
        let mut history = History::default();
        history.sent(0, 700, 0);
        history.sent(900_000, 800, 0);
        history.expire(1_000_000, Duration::from_secs(1));
        assert_eq!(history.in_flight(), 800);
        history.expire(1_900_000, Duration::from_secs(1));
        assert_eq!(history.in_flight(), 0);
        assert_eq!(history.oldest_in_flight_us(), None);
    }

    #[test]
    fn memory_grows_with_the_path_and_has_an_end() {
        let mut history = History::default();
        for step in 0..3 * CAPACITY_MAX as u64 {
            history.sent(step, 1, 0);
        }
        assert_eq!(history.ring.len(), CAPACITY_MAX);
        assert_eq!(history.in_flight(), CAPACITY_MAX as u64);
        let (outcome, _) = feed(&mut history, &report((3 * CAPACITY_MAX - 1) as u16, &[Some(1)]));
        assert_eq!(outcome.acked, 1);
        assert_eq!(history.in_flight(), 0);
    }

    proptest! {
        #[test]
        fn no_report_acknowledges_what_was_never_sent_or_upsets_the_count(
            steps in prop::collection::vec((0u16..40, any::<u16>(), prop::collection::vec(any::<Option<u8>>(), 0..60), any::<bool>()), 1..80),
        ) {
            let mut history = History::default();
            let mut total = 0u64;
            let mut acked = 0u64;
            for (step, (count, base, statuses, near)) in steps.into_iter().enumerate() {
                for _ in 0..count {
                    history.sent(step as u64 * 10_000, 10, 0);
                    total += 1;
                }
                let base = if near { (total as u16).wrapping_sub(base % 64) } else { base };
                let packet = report(base, &statuses);
                let (outcome, acks) = feed(&mut history, &packet);
                acked += u64::from(outcome.acked + outcome.recovered);
                prop_assert_eq!(acks.len() as u32, outcome.acked + outcome.recovered);
                prop_assert!(acks.iter().all(|ack| ack.sequence < 65_536 + total));
                prop_assert!(acked <= total);
                prop_assert!(history.in_flight() <= 10 * (total - acked));
            }
        }
    }
}
