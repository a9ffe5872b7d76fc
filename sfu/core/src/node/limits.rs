//! What one participant may cost us. A packet above a limit costs a look-up and a comparison, and no memory.
//!
//! Only what passed authentication counts, so that nobody who knows a participant's address can use its share up; whether
//! there is room is seen before anything is decrypted, so that a participant's own flood buys no cryptography. What is
//! forged costs a check of its tag, hardly more than to receive it. DTLS records cannot be told apart so cheaply: they
//! have a share of their own.

use std::time::{Duration, Instant};

/// Larger than any packet that fits into an Ethernet frame; a media packet has no reason to be fragmented.
pub const DATAGRAM_BYTES_MAX: usize = 1_500;

/// Limits of every participant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Media and control packets a second, and as many DTLS records, 100–100,000.
    pub packets_per_second: u32,
    /// Authenticated media, bit/s, 100,000–1,000,000,000.
    pub bits_per_second: u64,
    /// `m=` lines of an offer, 1–[`crate::sdp::MAX_LINES`].
    pub lines: usize,
}

impl Default for Limits {
    /// Three encodings of a 1080p camera (6 Mbit/s), a shared screen (4) and a voice, with their retransmissions, are half
    /// of it. Our own client has 11 lines.
    fn default() -> Self {
        Self { packets_per_second: 4_000, bits_per_second: 20_000_000, lines: 16 }
    }
}

/// This much of a second may come at once: a keyframe of three encodings, or what queued up behind a dead radio link.
const BURST: Duration = Duration::from_millis(500);

/// A token bucket as the time at which it is full again (generic cell rate algorithm, ITU-T I.371 Annex A).
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// When it would be full again after another `cost`, if it holds that much.
    fn room(&self, now: Instant, cost: Duration) -> Option<Instant> {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + cost;
        Some(full_at).filter(|full_at| *full_at <= now + BURST)
    }

    fn take(&mut self, now: Instant, cost: Duration) -> bool {
        let room = self.room(now, cost);
        self.full_at = room.or(self.full_at);
        room.is_some()
    }
}

/// What one participant has used of its [`Limits`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Limiter {
    packet_ns: u64,
    byte_ns: u64,
    packets: Bucket,
    records: Bucket,
    bytes: Bucket,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            packet_ns: 1_000_000_000 / u64::from(limits.packets_per_second.max(1)),
            byte_ns: 8_000_000_000 / limits.bits_per_second.max(1),
            packets: Bucket::default(),
            records: Bucket::default(),
            bytes: Bucket::default(),
        }
    }

    /// Whether a media or control packet may be decrypted.
    pub(super) fn has_room(&self, now: Instant) -> bool {
        self.packets.room(now, Duration::from_nanos(self.packet_ns)).is_some()
    }

    /// A packet that [had room](Self::has_room) is authentic.
    pub(super) fn count_packet(&mut self, now: Instant) {
        self.packets.take(now, Duration::from_nanos(self.packet_ns));
    }

    /// Whether a DTLS record may be looked at.
    pub(super) fn admits_record(&mut self, now: Instant) -> bool {
        self.records.take(now, Duration::from_nanos(self.packet_ns))
    }

    /// Whether an authentic packet may go on.
    pub(super) fn admits_bytes(&mut self, now: Instant, bytes: usize) -> bool {
        self.bytes.take(now, Duration::from_nanos(self.byte_ns.saturating_mul(bytes as u64)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits_packet(limiter: &mut Limiter, now: Instant) -> bool {
        let room = limiter.has_room(now);
        if room {
            limiter.count_packet(now);
        }
        room
    }

    fn limiter(packets_per_second: u32, bits_per_second: u64) -> Limiter {
        Limiter::new(Limits { packets_per_second, bits_per_second, lines: 16 })
    }

    #[test]
    fn a_steady_sender_within_the_limits_never_notices_them() {
        let start = Instant::now();
        let mut limiter = limiter(1_000, 8_000_000);
        for n in 0..10_000 {
            let now = start + Duration::from_millis(n);
            assert!(admits_packet(&mut limiter, now) && limiter.admits_bytes(now, 1_000), "packet {n}");
        }
    }

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let now = Instant::now();
        let mut limiter = limiter(1_000, 8_000_000);
        let admitted = (0..5_000).filter(|_| admits_packet(&mut limiter, now)).count();
        assert_eq!(admitted, 500, "half a second's worth at once");
        let later = now + Duration::from_millis(100);
        let admitted = (0..5_000).filter(|_| admits_packet(&mut limiter, later)).count();
        assert_eq!(admitted, 100, "and then as time goes by");
    }

    #[test]
    fn forgeries_and_records_use_nothing_of_the_share_of_media_up() {
        let now = Instant::now();
        let mut limiter = limiter(1_000, 8_000_000);
        assert!((0..5_000).all(|_| limiter.has_room(now)), "none of them was authentic");
        let records = (0..5_000).filter(|_| limiter.admits_record(now)).count();
        assert_eq!(records, 500);
        assert!(admits_packet(&mut limiter, now));
    }

    #[test]
    fn what_is_refused_costs_nothing_later() {
        let now = Instant::now();
        let mut limiter = limiter(1_000, 8_000_000);
        assert!(!limiter.admits_bytes(now, 1_000_000), "a megabyte at once");
        assert!(limiter.admits_bytes(now, 1_000));
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_the_rate_and_one_burst(
            gaps in prop::collection::vec((0u64..20_000, 1usize..1_500), 1..1_000),
        ) {
            let start = Instant::now();
            let (mut now, mut limiter) = (start, limiter(2_000, 1_000_000));
            let (mut packets, mut bytes) = (0u128, 0u128);
            for (gap_us, size) in gaps {
                now += Duration::from_micros(gap_us);
                if admits_packet(&mut limiter, now) && limiter.admits_bytes(now, size) {
                    packets += 1;
                    bytes += size as u128;
                }
            }
            let allowed_us = (now - start + BURST).as_micros();
            prop_assert!(packets * 1_000_000 <= allowed_us * 2_000);
            prop_assert!(bytes * 8_000_000 <= allowed_us * 1_000_000);
        }
    }
}
