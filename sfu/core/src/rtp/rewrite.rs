//! One continuous outgoing stream out of whatever sources stand behind a slot.

use std::collections::VecDeque;
use std::time::Instant;

use super::sequence::nearest_sequence;

/// Closed gaps remembered; older ones can no longer be looked up.
const MAX_CLOSED: usize = 128;

/// Gives packets of changing sources the sequence numbers and timestamps of one stream.
///
/// Within a source the distance between sequence numbers is kept: what was lost on the way here stays a gap, so that the
/// subscriber asks for it and RTX repairs it. What is left out on purpose is closed up ([`skip`](Self::skip)).
#[derive(Clone, Debug)]
pub struct StreamRewriter {
    /// Highest sequence number sent, extended; the number before the first at the start.
    highest: u64,
    /// Highest timestamp sent and when; `None` before the first packet.
    latest: Option<(u32, Instant)>,
    first_timestamp: u32,
    current: Option<Segment>,
}

/// How the packets of the current source are mapped.
#[derive(Clone, Debug)]
struct Segment {
    /// The source's number of the first packet that can be mapped.
    begin: u64,
    /// The source's highest number seen, forwarded or skipped.
    end: u64,
    /// Added to a source's number, before closed gaps are taken off.
    offset: i64,
    /// Added to a source's timestamp, modulo 2³².
    timestamp_offset: u32,
    /// Source's numbers that were left out, ascending; they are closed up.
    closed: VecDeque<u64>,
}

/// The outgoing numbers of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rewritten {
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
}

impl StreamRewriter {
    /// A stream that begins with these numbers (RFC 3550 §5.1: random).
    pub fn new(first_sequence: u16, first_timestamp: u32) -> Self {
        Self {
            // In the second cycle, so that the one before the first has a number as well.
            highest: (1 << 16) + u64::from(first_sequence) - 1,
            latest: None,
            first_timestamp,
            current: None,
        }
    }

    /// The next packet is the first of another source (or of the same source after a pause or a restart).
    pub fn switch(&mut self) {
        self.current = None;
    }

    /// Whether a source is being mapped; if not, the next packet to [`rewrite`](Self::rewrite) begins one.
    pub fn is_running(&self) -> bool {
        self.current.is_some()
    }

    /// Maps a packet of the current source by its extended sequence number.
    ///
    /// The first after a switch gets the next sequence number and a timestamp advanced by the time since the last packet.
    /// `None` if the packet is from before the switch, or was skipped: it is not to be sent. A retransmission of an
    /// earlier packet gets the same numbers again.
    pub fn rewrite(
        &mut self,
        sequence: u64,
        timestamp: u32,
        clock_rate: u32,
        now: Instant,
    ) -> Option<Rewritten> {
        if self.current.is_none() {
            let next = match self.latest {
                None => self.first_timestamp,
                Some((last, at)) => last.wrapping_add(elapsed(now, at, clock_rate)),
            };
            self.current = Some(Segment {
                begin: sequence,
                end: sequence,
                offset: (self.highest + 1) as i64 - sequence as i64,
                timestamp_offset: next.wrapping_sub(timestamp),
                closed: VecDeque::new(),
            });
        }
        let segment = self.current.as_mut()?;
        let mapped = segment.map(sequence)?;
        segment.end = segment.end.max(sequence);
        let timestamp = timestamp.wrapping_add(segment.timestamp_offset);
        self.highest = self.highest.max(mapped);
        if self.latest.is_none_or(|(last, _)| (timestamp.wrapping_sub(last) as i32) > 0) {
            self.latest = Some((timestamp, now));
        }
        Some(Rewritten { sequence: mapped as u16, timestamp })
    }

    /// Leaves a packet of the current source out (padding, a layer that is not wanted) without a gap.
    ///
    /// Only works before a later packet went out; after that the number stays a gap that nobody fills.
    pub fn skip(&mut self, sequence: u64) {
        let Some(segment) = &mut self.current else { return };
        if sequence <= segment.end {
            return;
        }
        if segment.closed.len() == MAX_CLOSED
            && let Some(oldest) = segment.closed.pop_front()
        {
            segment.offset -= 1;
            segment.begin = oldest + 1;
        }
        segment.closed.push_back(sequence);
        segment.end = sequence;
    }

    /// Which packet of the current source went out under a number, for answering a NACK.
    pub fn source_sequence(&self, sequence: u16) -> Option<u64> {
        let segment = self.current.as_ref()?;
        let sent = nearest_sequence(self.highest, sequence);
        let mut source = sent.checked_add_signed(-segment.offset)?;
        for closed in &segment.closed {
            if *closed <= source {
                source += 1;
            }
        }
        (sent <= self.highest && (segment.begin..=segment.end).contains(&source)).then_some(source)
    }

    /// Whether a packet of the current source is one that was, or would have been, sent.
    pub fn has_mapped(&self, sequence: u64) -> bool {
        let segment = self.current.as_ref();
        segment.is_some_and(|segment| sequence <= segment.end && segment.map(sequence).is_some())
    }

    /// What a timestamp of the current source is on the outgoing stream, for sender reports.
    pub fn timestamp(&self, source: u32) -> Option<u32> {
        self.current.as_ref().map(|segment| source.wrapping_add(segment.timestamp_offset))
    }

    /// The highest outgoing sequence number so far, and `None` before the first packet.
    pub fn highest_sequence(&self) -> Option<u16> {
        self.latest.map(|_| self.highest as u16)
    }
}

impl Segment {
    fn map(&self, sequence: u64) -> Option<u64> {
        if sequence < self.begin || self.closed.binary_search(&sequence).is_ok() {
            return None;
        }
        let closed = self.closed.partition_point(|it| *it < sequence) as i64;
        sequence.checked_add_signed(self.offset - closed)
    }
}

/// Time in timestamp units, at least one millisecond's: two pictures never share a timestamp.
fn elapsed(now: Instant, since: Instant, clock_rate: u32) -> u32 {
    let micros = now.saturating_duration_since(since).as_micros().max(1000);
    // Modulo 2³², as timestamps are: after half a day of silence their order means nothing anyway.
    (micros.saturating_mul(u128::from(clock_rate)) / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn out(sequence: u16, timestamp: u32) -> Option<Rewritten> {
        Some(Rewritten { sequence, timestamp })
    }

    #[test]
    fn a_new_source_continues_the_numbers_of_the_last() {
        let start = Instant::now();
        let mut slot = StreamRewriter::new(65_534, 1000);
        assert_eq!(slot.highest_sequence(), None);
        assert_eq!(slot.rewrite(70_000, 5_000_000, 90_000, start), out(65_534, 1000));
        assert_eq!(slot.rewrite(70_001, 5_003_000, 90_000, start + ms(33)), out(65_535, 4000));
        slot.switch();
        assert!(!slot.is_running());
        assert_eq!(slot.rewrite(99_999, 7, 90_000, start + ms(133)), out(0, 4000 + 9000));
        assert!(slot.is_running());
        assert_eq!(slot.rewrite(100_000, 3007, 90_000, start + ms(166)), out(1, 16_000));
        assert_eq!(slot.timestamp(3007), Some(16_000));
        assert_eq!(slot.highest_sequence(), Some(1));
    }

    #[test]
    fn losses_stay_gaps_and_late_packets_fill_them() {
        let start = Instant::now();
        let mut slot = StreamRewriter::new(10, 0);
        assert_eq!(slot.rewrite(500, 0, 48_000, start), out(10, 0));
        assert_eq!(slot.rewrite(503, 2880, 48_000, start), out(13, 2880));
        assert_eq!(slot.source_sequence(12), Some(502), "the subscriber may ask for what we are waiting for");
        assert_eq!(slot.rewrite(502, 1920, 48_000, start), out(12, 1920));
        assert_eq!(slot.rewrite(499, 0, 48_000, start), None, "from before the switch");
        assert_eq!(slot.rewrite(504, 3840, 48_000, start), out(14, 3840));
        assert_eq!(
            slot.rewrite(502, 1920, 48_000, start),
            out(12, 1920),
            "a retransmission is the same again"
        );
    }

    #[test]
    fn skipped_packets_leave_no_gap() {
        let start = Instant::now();
        let mut slot = StreamRewriter::new(10, 0);
        slot.skip(1);
        assert_eq!(slot.rewrite(100, 0, 90_000, start), out(10, 0));
        slot.skip(101);
        slot.skip(102);
        assert_eq!(slot.rewrite(104, 0, 90_000, start), out(12, 0), "103 is lost, 101 and 102 are closed");
        assert_eq!(slot.source_sequence(10), Some(100));
        assert_eq!(slot.source_sequence(11), Some(103));
        assert_eq!(slot.source_sequence(12), Some(104));
        assert_eq!(slot.source_sequence(13), None, "not sent yet");
        assert_eq!(slot.source_sequence(9), None, "before the beginning");
        assert_eq!(slot.rewrite(103, 0, 90_000, start), out(11, 0));
        assert_eq!(slot.rewrite(101, 0, 90_000, start), None, "skipped is skipped");
        slot.skip(103);
        assert_eq!(slot.rewrite(105, 0, 90_000, start), out(13, 0), "too late to close a gap");
    }

    #[test]
    fn endless_padding_is_closed_up_within_bounded_memory() {
        let start = Instant::now();
        let mut slot = StreamRewriter::new(0, 0);
        assert_eq!(slot.rewrite(1000, 0, 90_000, start), out(0, 0));
        for step in 1..500u16 {
            slot.skip(1000 + u64::from(step) * 2 - 1);
            assert_eq!(slot.rewrite(1000 + u64::from(step) * 2, 0, 90_000, start), out(step, 0));
        }
        assert!(slot.current.as_ref().is_some_and(|it| it.closed.len() <= MAX_CLOSED));
        assert_eq!(slot.source_sequence(499), Some(1998));
        assert_eq!(slot.source_sequence(400), Some(1800));
        assert_eq!(slot.source_sequence(100), None, "too long ago");
        assert_eq!(slot.rewrite(1200, 0, 90_000, start), None, "too long ago");
    }

    #[test]
    fn numbers_from_before_a_switch_belong_to_nobody() {
        let start = Instant::now();
        let mut slot = StreamRewriter::new(10, 0);
        for sequence in 100..105 {
            slot.rewrite(sequence, 0, 90_000, start);
        }
        slot.switch();
        assert_eq!(slot.source_sequence(12), None);
        slot.rewrite(900, 0, 90_000, start);
        assert_eq!(slot.source_sequence(12), None);
        assert_eq!(slot.source_sequence(15), Some(900));
    }

    /// What happens to a source's packet on its way.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Fate {
        Sent,
        Skipped,
        Lost,
        Late,
    }

    fn fate() -> impl Strategy<Value = Fate> {
        prop_oneof![6 => Just(Fate::Sent), 1 => Just(Fate::Skipped), 1 => Just(Fate::Lost), 1 => Just(Fate::Late)]
    }

    proptest! {
        #[test]
        fn over_any_switches_the_output_is_one_stream(
            first in any::<u16>(),
            first_timestamp in any::<u32>(),
            sources in prop::collection::vec(
                (65_536..200_000u64, any::<u32>(), prop::collection::vec(fate(), 1..60), 0..5000u64), 1..10),
        ) {
            let mut now = Instant::now();
            let mut slot = StreamRewriter::new(first, first_timestamp);
            // The next number a strictly continuous stream gives to a packet that is not skipped.
            let mut expected = first;
            let mut last_timestamp: Option<u32> = None;
            for (begin, timestamp, fates, pause) in sources {
                slot.switch();
                now += ms(pause);
                let mut late = None;
                let mut sent = Vec::new();
                let mut anything = false;
                // Lost packets at the end of a source leave no trace: their numbers are given to the next source.
                let mut after_last_sent = expected;
                for (index, fate) in fates.into_iter().enumerate() {
                    let fate = if index == 0 { Fate::Sent } else { fate };
                    let source = begin + index as u64;
                    let source_timestamp = timestamp.wrapping_add(index as u32 * 3000);
                    if fate == Fate::Skipped {
                        slot.skip(source);
                        continue;
                    }
                    let number = expected;
                    expected = expected.wrapping_add(1);
                    match fate {
                        Fate::Late if late.is_none() => late = Some((source, source_timestamp, number)),
                        Fate::Sent => {
                            let got = slot.rewrite(source, source_timestamp, 90_000, now);
                            prop_assert_eq!(got.map(|it| it.sequence), Some(number));
                            let got = got.unwrap();
                            if let Some(last) = last_timestamp {
                                prop_assert!((got.timestamp.wrapping_sub(last) as i32) > 0, "time runs forward");
                            }
                            last_timestamp = Some(got.timestamp);
                            sent.push((number, source));
                            after_last_sent = expected;
                            anything = true;
                            if let Some((source, timestamp, number)) = late.take() {
                                let got = slot.rewrite(source, timestamp, 90_000, now);
                                prop_assert_eq!(got.map(|it| it.sequence), Some(number));
                                sent.push((number, source));
                            }
                        }
                        _ => {}
                    }
                    now += ms(33);
                }
                prop_assert!(anything);
                for (number, source) in sent {
                    prop_assert_eq!(slot.source_sequence(number), Some(source));
                }
                expected = after_last_sent;
            }
        }

        #[test]
        fn hostile_numbers_never_panic(
            steps in prop::collection::vec((any::<u16>(), any::<u32>(), 0..4u8), 1..300),
        ) {
            let now = Instant::now();
            let mut extender = crate::rtp::sequence::SequenceExtender::default();
            let mut slot = StreamRewriter::new(0, 0);
            for (sequence, timestamp, what) in steps {
                let sequence = extender.extend(sequence);
                match what {
                    0 => slot.skip(sequence),
                    1 => slot.switch(),
                    _ => {
                        slot.rewrite(sequence, timestamp, 90_000, now);
                    }
                }
                slot.source_sequence(timestamp as u16);
            }
        }
    }
}
