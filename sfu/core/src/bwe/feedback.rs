//! Reading transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1) in place.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|  FMT=15 |    PT=205     |           length              |
//! |                     SSRC of packet sender                     |
//! |                      SSRC of media source                     |
//! |      base sequence number     |      packet status count      |
//! |                 reference time                | fb pkt. count |
//! |          packet chunk         |         packet chunk …        |
//! |         recv delta (1 or 2 bytes each) …                      |
//! ```
//!
//! The RTCP crate of the family allocates four lists a report; this reads the bytes where they are, several thousand
//! times a second on a busy worker.

/// Statuses one report may have. Our history is no longer; more is a lie that would cost time.
pub const STATUSES_MAX: u16 = 4096;

/// Length of everything before the chunks.
const FIXED: usize = 20;

/// Microseconds of one unit of the reference time.
const REFERENCE_US: i64 = 64_000;

/// Microseconds of one unit of a delta.
const DELTA_US: i64 = 250;

/// Why bytes are no feedback.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FeedbackError {
    /// Not version 2, payload type 205 and format 15.
    #[error("it is not a transport-wide feedback packet")]
    NotFeedback,
    /// It ends before its statuses or deltas do.
    #[error("the packet ends within its statuses")]
    Truncated,
    /// More than [`STATUSES_MAX`].
    #[error("it reports on {0} packets")]
    TooMany(u16),
}

/// One report; the statuses are read on demand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Twcc<'a> {
    base: u16,
    count: u16,
    /// 24 bits, in units of 64 ms on the receiver's clock.
    reference: u32,
    feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// What a report says of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The transport-wide sequence number.
    pub sequence: u16,
    /// Microseconds after the report's reference time (may be negative); `None` when it has not arrived.
    pub arrival: Option<i64>,
}

impl<'a> Twcc<'a> {
    /// Checks one packet of a compound: all its statuses and deltas are there. What comes behind them is padding.
    pub fn parse(packet: &'a [u8]) -> Result<Self, FeedbackError> {
        let head: &[u8; FIXED] = packet.first_chunk().ok_or(FeedbackError::Truncated)?;
        let [first, kind, .., b0, b1, c0, c1, r0, r1, r2, feedback_count] = *head;
        if first & 0xdf != 0x8f || kind != 205 {
            return Err(FeedbackError::NotFeedback);
        }
        let body = packet.get(FIXED..).unwrap_or_default();
        let count = u16::from_be_bytes([c0, c1]);
        if count > STATUSES_MAX {
            return Err(FeedbackError::TooMany(count));
        }
        let mut left = usize::from(count);
        let mut deltas = 0;
        let mut chunks = 0;
        while left > 0 {
            let chunk = Chunk::read(body, chunks).ok_or(FeedbackError::Truncated)?;
            chunks += 2;
            let taken = left.min(usize::from(chunk.len));
            deltas += chunk.delta_bytes(taken as u16);
            left -= taken;
        }
        let (chunks, rest) = body.split_at_checked(chunks).ok_or(FeedbackError::Truncated)?;
        Ok(Self {
            base: u16::from_be_bytes([b0, b1]),
            count,
            reference: u32::from_be_bytes([0, r0, r1, r2]),
            feedback_count,
            chunks,
            deltas: rest.get(..deltas).ok_or(FeedbackError::Truncated)?,
        })
    }

    /// Transport-wide sequence number of the first status.
    pub fn base(&self) -> u16 {
        self.base
    }

    /// How many statuses there are.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// The reference time as it stands: 24 bits, units of 64 ms.
    pub fn reference(&self) -> u32 {
        self.reference
    }

    /// Number of the report, modulo 256: a gap is a report that was lost.
    pub fn feedback_count(&self) -> u8 {
        self.feedback_count
    }

    /// All statuses by sequence number.
    pub fn statuses(&self) -> Statuses<'a> {
        Statuses {
            next: self.base,
            left: self.count,
            chunks: self.chunks,
            place: 0,
            chunk: Chunk { word: 0, len: 0 },
            at: 0,
            deltas: self.deltas,
            arrival: 0,
        }
    }
}

/// Turns the wrapping 24-bit reference time into microseconds that go on for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReferenceClock {
    last: Option<i64>,
}

impl ReferenceClock {
    /// Microseconds on the receiver's clock, since some moment of its own.
    pub fn extend(&mut self, reference: u32) -> i64 {
        const WRAP: i64 = 1 << 24;
        let reference = i64::from(reference);
        let extended = match self.last {
            None => reference,
            Some(last) => {
                let ahead = (reference - last).rem_euclid(WRAP);
                last + if ahead >= WRAP / 2 { ahead - WRAP } else { ahead }
            }
        };
        self.last = Some(extended);
        extended * REFERENCE_US
    }
}

/// A packet status chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Chunk {
    word: u16,
    /// Statuses it has room for.
    len: u16,
}

impl Chunk {
    fn read(body: &[u8], place: usize) -> Option<Self> {
        let word = u16::from_be_bytes(*body.get(place..)?.first_chunk()?);
        let len = match word >> 14 {
            // Run length (§3.1.3); one of no packets at all would let a liar make us read for nothing.
            0 | 1 => Some(word & 0x1fff).filter(|len| *len > 0)?,
            // One-bit and two-bit symbols (§3.1.4).
            2 => 14,
            _ => 7,
        };
        Some(Self { word, len })
    }

    /// Bytes of delta behind the status: 0 not received, 1 small, 2 large or negative.
    fn symbol(self, at: u16) -> u8 {
        let symbol = match self.word >> 14 {
            0 | 1 => self.word >> 13,
            2 => (self.word >> (13 - at.min(13))) & 1,
            _ => self.word >> (12 - 2 * at.min(6)),
        };
        // 3 is reserved: it has no delta, and tells nothing.
        match symbol & 3 {
            3 => 0,
            symbol => symbol as u8,
        }
    }

    fn delta_bytes(self, taken: u16) -> usize {
        if self.word >> 15 == 0 {
            return usize::from(self.symbol(0)) * usize::from(taken);
        }
        (0..taken).map(|at| usize::from(self.symbol(at))).sum()
    }
}

/// See [`Twcc::statuses`].
#[derive(Clone, Debug)]
pub struct Statuses<'a> {
    next: u16,
    left: u16,
    chunks: &'a [u8],
    place: usize,
    chunk: Chunk,
    /// Statuses of the chunk read so far.
    at: u16,
    deltas: &'a [u8],
    arrival: i64,
}

impl Iterator for Statuses<'_> {
    type Item = Status;

    fn next(&mut self) -> Option<Status> {
        self.left = self.left.checked_sub(1)?;
        if self.at == self.chunk.len {
            self.chunk = Chunk::read(self.chunks, self.place)?;
            self.place += 2;
            self.at = 0;
        }
        let symbol = self.chunk.symbol(self.at);
        self.at += 1;
        let sequence = self.next;
        self.next = sequence.wrapping_add(1);
        let (delta, rest) = self.deltas.split_at_checked(usize::from(symbol))?;
        self.deltas = rest;
        let delta = match *delta {
            [small] => Some(i64::from(small)),
            [high, low] => Some(i64::from(i16::from_be_bytes([high, low]))),
            _ => None,
        };
        let arrival = delta.map(|delta| {
            self.arrival += delta * DELTA_US;
            self.arrival
        });
        Some(Status { sequence, arrival })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use rtc_shared::marshal::Marshal;

    use super::*;
    use crate::ids::Ssrc;
    use crate::rtp::twcc::TwccReceiver;

    #[test]
    fn every_kind_of_chunk_is_read() {
        let mut packet = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 0, 14, 0, 0, 2, 9];
        // A run of three small deltas, one-bit symbols 1 0 1 (and eleven zeros, of which 4 count), two-bit 2 0 1 0…
        packet.extend_from_slice(&[0x20, 3, 0xa8, 0, 0xe4, 0]);
        packet[15] = 3 + 14 + 4;
        packet.extend_from_slice(&[4, 8, 0, 12, 40, 0xff, 0xff, 1]);
        packet.extend_from_slice(&[0, 0]);
        packet[3] = (packet.len() / 4 - 1) as u8;
        let report = Twcc::parse(&packet).unwrap();
        assert_eq!((report.base(), report.reference(), report.feedback_count()), (0xfffe, 2, 9));
        let arrived: Vec<_> =
            report.statuses().filter_map(|it| Some((it.sequence, it.arrival? / DELTA_US))).collect();
        assert_eq!(arrived, [(0xfffe, 4), (0xffff, 12), (0, 12), (1, 24), (3, 64), (15, 63), (16, 64)]);
        assert_eq!(report.statuses().count(), 21);
    }

    #[test]
    fn what_is_cut_off_or_exaggerated_is_refused() {
        let packet = [0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 2, 0, 0, 2, 9, 0x20, 2, 4, 4];
        assert!(Twcc::parse(&packet).is_ok());
        for length in 0..packet.len() {
            assert_eq!(Twcc::parse(&packet[..length]), Err(FeedbackError::Truncated));
        }
        let changed = |place: usize, value: u8| {
            let mut packet = packet;
            packet[place] = value;
            Twcc::parse(&packet).map(|it| it.count())
        };
        assert_eq!(changed(15, 3), Err(FeedbackError::Truncated), "no chunk for the third");
        assert_eq!(changed(21, 9), Ok(2), "the count cuts a run");
        assert_eq!(changed(14, 0xff), Err(FeedbackError::TooMany(0xff02)));
        assert_eq!(changed(0, 0x81), Err(FeedbackError::NotFeedback));
        assert_eq!(changed(1, 206), Err(FeedbackError::NotFeedback));
        assert_eq!(changed(21, 0), Err(FeedbackError::Truncated), "a run of nothing");
    }

    #[test]
    fn the_reference_clock_goes_on_over_the_wrap_and_back() {
        let mut clock = ReferenceClock::default();
        let start = clock.extend(0xff_ffff);
        assert_eq!(clock.extend(1) - start, 2 * REFERENCE_US);
        assert_eq!(clock.extend(0xff_ffff) - start, 0, "an earlier report came late");
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_read_or_refused(
            count in 0u16..5000,
            words in any::<u8>(),
            body in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let mut packet = vec![0x8f, 205, 0, words, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xf0];
            packet.extend_from_slice(&count.to_be_bytes());
            packet.extend_from_slice(&[0xff, 0xff, 0xff, 1]);
            packet.extend_from_slice(&body);
            let honest = (packet.len() / 4 - 1) as u8;
            for words in [words, honest] {
                packet[3] = words;
                if let Ok(report) = Twcc::parse(&packet) {
                    prop_assert_eq!(report.statuses().count(), usize::from(count), "what is accepted is whole");
                }
            }
        }

        #[test]
        fn what_our_own_receiver_reports_is_what_arrived(
            first in any::<u16>(),
            steps in prop::collection::vec((1u16..4, 0u64..30_000), 1..200),
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut sequence = first;
            let mut receiver = TwccReceiver::default();
            let mut truth = Vec::new();
            for (step, gap) in steps {
                sequence = sequence.wrapping_add(step);
                now += Duration::from_micros(gap);
                receiver.on_packet(sequence, now);
                truth.push((sequence, now.duration_since(start)));
            }
            let mut read = Vec::new();
            let mut clock = ReferenceClock::default();
            let end = now + Duration::from_secs(1);
            while let Some(report) = receiver.poll(end, Ssrc(1), Ssrc(2)) {
                let bytes = report.marshal().unwrap();
                let report = Twcc::parse(&bytes).unwrap();
                let base = clock.extend(report.reference());
                read.extend(report.statuses().filter_map(|it| Some((it.sequence, base + it.arrival?))));
            }
            prop_assert_eq!(read.len(), truth.len());
            let zero = read[0].1 - (truth[0].1 - truth[0].1).as_micros() as i64;
            for ((got, at), (sent, when)) in read.iter().zip(&truth) {
                prop_assert_eq!(got, sent);
                let when = (*when - truth[0].1).as_micros() as i64;
                prop_assert!((at - zero - when).abs() <= 2 * DELTA_US);
            }
        }
    }
}
