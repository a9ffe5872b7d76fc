//! One continuous outgoing stream out of whatever sources stand behind a slot.

use std::time::Instant;

use super::closed::Closed;
use super::sequence::nearest_sequence;

/// Encodings of one picture do not arrive further apart than this.
const MISALIGNED_SECONDS: u32 = 2;

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
    /// Source's numbers of the current segment that were left out; they are closed up.
    closed: Closed,
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
    /// Where the clock of an aligned segment begins, if it was aligned.
    start: Option<AlignedStart>,
}

/// The first moment of a segment that goes on in the clock of the one before.
#[derive(Clone, Copy, Debug)]
struct AlignedStart {
    /// Highest timestamp sent before it.
    floor: u32,
    /// Its own first timestamp, aligned; it may be at or before the floor.
    first: u32,
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
            closed: Closed::default(),
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

    /// The next packet is the first of another encoding of the same picture, whose timestamps are `ahead` of the current
    /// one's by this much (modulo 2³²): the clock runs on without a jump.
    ///
    /// A picture that was already sent in the old encoding, or a later one, keeps the order: the new encoding's first
    /// pictures are then squeezed in right behind until its clock is ahead. A distance that cannot be true, seconds from
    /// where the clock is now, is not believed.
    pub fn switch_aligned(
        &mut self,
        sequence: u64,
        timestamp: u32,
        ahead: u32,
        clock_rate: u32,
        now: Instant,
    ) {
        let (Some(old), Some((floor, at))) = (&self.current, self.latest) else { return self.switch() };
        let offset = old.timestamp_offset.wrapping_sub(ahead);
        let expected = floor.wrapping_add(elapsed(now, at, clock_rate));
        let off = (timestamp.wrapping_add(offset).wrapping_sub(expected) as i32).unsigned_abs();
        if off > MISALIGNED_SECONDS * clock_rate {
            return self.switch();
        }
        self.closed.clear();
        self.current = Some(Segment {
            begin: sequence,
            end: sequence,
            offset: (self.highest + 1) as i64 - sequence as i64,
            timestamp_offset: offset,
            start: Some(AlignedStart { floor, first: timestamp.wrapping_add(offset) }),
        });
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
            self.closed.clear();
            self.current = Some(Segment {
                begin: sequence,
                end: sequence,
                offset: (self.highest + 1) as i64 - sequence as i64,
                timestamp_offset: next.wrapping_sub(timestamp),
                start: None,
            });
        }
        let segment = self.current.as_mut()?;
        if sequence < segment.begin {
            return None;
        }
        let closed = self.closed.before(sequence)? as i64;
        let mapped = sequence.checked_add_signed(segment.offset - closed)?;
        segment.end = segment.end.max(sequence);
        let timestamp = segment.timestamp(timestamp);
        self.highest = self.highest.max(mapped);
        if self.latest.is_none_or(|(last, _)| (timestamp.wrapping_sub(last) as i32) > 0) {
            self.latest = Some((timestamp, now));
        }
        Some(Rewritten { sequence: mapped as u16, timestamp })
    }

    /// Leaves a packet of the current source out (padding, a layer that is not wanted) without a gap.
    ///
    /// Only works before a later packet went out; after that the number stays a gap, and `false` says so: something has
    /// to be sent under it, if only an empty packet, or the subscriber will ask for it.
    pub fn skip(&mut self, sequence: u64) -> bool {
        let Some(segment) = &mut self.current else { return true };
        if sequence <= segment.end {
            return sequence < segment.begin || self.closed.before(sequence).is_none();
        }
        self.closed.close(sequence);
        segment.end = sequence;
        true
    }

    /// Which packet of the current source went out under a number, for answering a NACK.
    pub fn source_sequence(&self, sequence: u16) -> Option<u64> {
        let segment = self.current.as_ref()?;
        let sent = nearest_sequence(self.highest, sequence);
        let source = self.closed.reopen(sent.checked_add_signed(-segment.offset)?)?;
        (sent <= self.highest && (segment.begin..=segment.end).contains(&source)).then_some(source)
    }

    /// Whether a packet of the current source is one that was, or would have been, sent.
    pub fn has_mapped(&self, sequence: u64) -> bool {
        let segment = self.current.as_ref();
        segment.is_some_and(|segment| {
            (segment.begin..=segment.end).contains(&sequence) && self.closed.before(sequence).is_some()
        })
    }

    /// What a timestamp of the current source is on the outgoing stream, for sender reports.
    pub fn timestamp(&self, source: u32) -> Option<u32> {
        self.current.as_ref().map(|segment| source.wrapping_add(segment.timestamp_offset))
    }

    /// The highest outgoing timestamp so far, or the one it will begin with.
    pub fn latest_timestamp(&self) -> u32 {
        self.latest.map_or(self.first_timestamp, |(timestamp, _)| timestamp)
    }

    /// An outgoing sequence number near the highest, extended.
    pub fn extend(&self, sequence: u16) -> u64 {
        nearest_sequence(self.highest, sequence)
    }

    /// The highest outgoing sequence number so far, and `None` before the first packet.
    pub fn highest_sequence(&self) -> Option<u16> {
        self.latest.map(|_| self.highest as u16)
    }
}

impl Segment {
    fn timestamp(&self, source: u32) -> u32 {
        let aligned = source.wrapping_add(self.timestamp_offset);
        let Some(start) = self.start else { return aligned };
        // Pictures behind the floor follow it in their order, 64 times faster than the clock.
        let behind = (aligned.wrapping_sub(start.first) as i32).max(0) as u32;
        let squeezed = start.floor.wrapping_add(1 + behind / 64);
        if (aligned.wrapping_sub(squeezed) as i32) > 0 { aligned } else { squeezed }
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
        assert!(!slot.skip(103), "too late to close a gap");
        assert!(slot.skip(101), "this one is closed");
        assert_eq!(slot.rewrite(105, 0, 90_000, start), out(13, 0));
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
        assert_eq!(slot.source_sequence(499), Some(1998));
        assert_eq!(slot.source_sequence(400), Some(1800));
        assert_eq!(slot.source_sequence(100), None, "too long ago");
        assert_eq!(slot.rewrite(1200, 0, 90_000, start), None, "too long ago");
    }

    #[test]
    fn a_switch_between_encodings_of_one_picture_keeps_its_clock() {
        let start = Instant::now();
        let mut slot = StreamRewriter::new(10, 1000);
        slot.rewrite(100, 50_000, 90_000, start);
        assert_eq!(slot.rewrite(101, 53_000, 90_000, start + ms(33)), out(11, 4000));
        // The other encoding's clock is ahead by 700,000; its keyframe is the next picture.
        slot.switch_aligned(9000, 756_000, 700_000, 90_000, start + ms(90));
        assert_eq!(
            slot.rewrite(9000, 756_000, 90_000, start + ms(90)),
            out(12, 7000),
            "arrival does not matter"
        );
        assert_eq!(slot.timestamp(756_000), Some(7000));
        // Back, to a picture one frame older than what was sent last.
        slot.switch_aligned(500, 53_000, (0u32).wrapping_sub(700_000), 90_000, start + ms(100));
        assert_eq!(slot.rewrite(500, 53_000, 90_000, start + ms(100)), out(13, 7001));
        assert_eq!(slot.rewrite(501, 56_000, 90_000, start + ms(133)), out(14, 7001 + 3000 / 64));
        assert_eq!(slot.rewrite(502, 59_000, 90_000, start + ms(166)), out(15, 10_000), "and on in step");
        assert_eq!(slot.rewrite(500, 53_000, 90_000, start + ms(170)), out(13, 7001), "again, the same");
        // A lie about the distance of the clocks.
        slot.switch_aligned(9100, 800_000, 5, 90_000, start + ms(200));
        assert_eq!(slot.rewrite(9100, 800_000, 90_000, start + ms(200)), out(16, 10_000 + 34 * 90));
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
                    0 => {
                        slot.skip(sequence);
                    }
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
