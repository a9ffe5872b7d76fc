//! RTCP both ways: what subscribers and publishers tell us, and what we tell them.

use std::time::{Duration, Instant};

use rtcp::reception_report::ReceptionReport;

use crate::ids::Ssrc;
pub(super) use crate::rtp::rtcp::Sent;
use crate::rtp::rtcp::{self as wire, Item, NackPair};

/// Reports and requests of one compound packet that matter to us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Incoming {
    /// A publisher ties its RTP clock to its wall clock.
    SenderReport { ssrc: Ssrc, ntp: u64, rtp_timestamp: u32 },
    /// A subscriber's view of one of our streams.
    ReceptionReport { ssrc: Ssrc, reception: Reception },
    /// A subscriber lacks packets of one of our streams.
    Nack { ssrc: Ssrc, missing: NackPair },
    /// A subscriber's decoder is lost (PLI or FIR).
    KeyframeRequest { ssrc: Ssrc },
}

/// How a peer gets one of our streams (RFC 3550 §6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reception {
    /// Middle 32 bits of the NTP time in our last sender report it has seen.
    pub(super) last_sr: u32,
    /// How long ago it saw that.
    pub(super) delay: Duration,
    /// Share of packets lost since its last report, in 256ths.
    pub(super) fraction_lost: u8,
    /// Highest sequence number it has seen, extended by its count of cycles.
    pub(super) highest: u32,
}

/// At most this many reports and requests of one compound packet are looked at; a NACK of browsers names 253 packets.
const ITEMS_MAX: usize = 256;

/// At most this many packets are sent again for one: over a second of pictures. The rest will be asked for again.
const MISSING_MAX: usize = 512;

/// Longer round trips are taken for this: reports that were lost or lied about look so, and nothing is repaired in more.
const RTT_MAX: Duration = Duration::from_secs(3);

/// Reads a decrypted compound packet; what does not parse yields nothing.
pub(super) fn parse(compound: &[u8]) -> impl Iterator<Item = Incoming> {
    let mut missing_left = MISSING_MAX;
    let affordable = move |item: &Item| {
        let Item::Nack { missing, .. } = item else { return true };
        let rest = missing_left.checked_sub(missing.sequences().count());
        missing_left = rest.unwrap_or(missing_left);
        rest.is_some()
    };
    let items = wire::packets(compound).flat_map(wire::RtcpPacket::items).take(ITEMS_MAX);
    items.filter(affordable).map(|item| match item {
        Item::SenderReport { ssrc, ntp, rtp_timestamp } => {
            Incoming::SenderReport { ssrc, ntp, rtp_timestamp }
        }
        Item::Reception(report) => reception(&report),
        Item::Nack { ssrc, missing } => Incoming::Nack { ssrc, missing },
        Item::KeyframeRequest { ssrc } => Incoming::KeyframeRequest { ssrc },
    })
}

fn reception(report: &ReceptionReport) -> Incoming {
    Incoming::ReceptionReport {
        ssrc: Ssrc(report.ssrc),
        reception: Reception {
            last_sr: report.last_sender_report,
            // In units of 1/65536 s.
            delay: Duration::from_micros(u64::from(report.delay) * 1_000_000 / 65_536),
            fraction_lost: report.fraction_lost,
            highest: report.last_sequence_number,
        },
    }
}

/// What [`wire`] appends, as packets of their own for tests.
#[cfg(test)]
mod owned {
    use bytes::Bytes;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Option<Bytes> {
        let mut out = Vec::new();
        write(&mut out);
        Some(out.into())
    }

    pub(in super::super) fn pli(sender: Ssrc, media: Ssrc) -> Option<Bytes> {
        written(|out| wire::write_pli(sender, media, out))
    }

    pub(in super::super) fn nack(sender: Ssrc, media: Ssrc, sequences: &[u16]) -> Option<Bytes> {
        written(|out| wire::write_nack(sender, media, sequences, out))
    }

    pub(in super::super) fn receiver_report(sender: Ssrc, blocks: Vec<ReceptionReport>) -> Option<Bytes> {
        written(|out| {
            wire::write_receiver_report(sender, blocks.into_iter(), out);
        })
    }

    pub(in super::super) fn sender_report(sent: &Sent) -> Option<Bytes> {
        written(|out| wire::write_sender_report(sent, out))
    }
}
#[cfg(test)]
pub(super) use self::owned::{nack, pli, receiver_report, sender_report};

/// Remembers when sender reports went out, so that the reports about them give the round trip.
#[derive(Debug, Default)]
pub(super) struct SentReports {
    recent: [Option<(u32, Instant)>; 4],
    next: usize,
    /// The highest sequence number in the last report about us.
    highest: Option<u32>,
}

impl SentReports {
    /// A report with this NTP time went out.
    pub(super) fn sent(&mut self, now: Instant, ntp: u64) {
        let middle = (ntp >> 16) as u32;
        // Of a publisher's clock we only know that it says so: if it stands still, only the last report counts.
        for earlier in self.recent.iter_mut().filter(|it| it.is_some_and(|(known, _)| known == middle)) {
            *earlier = None;
        }
        self.recent[self.next] = Some((middle, now));
        self.next = (self.next + 1) % self.recent.len();
    }

    /// A report about us names the highest sequence number seen: how many packets it is about. Nothing where numbers
    /// go backwards or farther than any report interval, as lies and restarts do.
    pub(super) fn reported(&mut self, highest: u32) -> u32 {
        const PLAUSIBLE: u32 = 1 << 15;
        let before = self.highest.replace(highest).unwrap_or(highest);
        Some(highest.wrapping_sub(before)).filter(|packets| *packets < PLAUSIBLE).unwrap_or(0)
    }

    /// The round trip (RFC 3550 §6.4.1: A − LSR − DLSR), if the report is about one we remember.
    pub(super) fn round_trip(&self, now: Instant, last_sr: u32, delay: Duration) -> Option<Duration> {
        // Zero means that there was none.
        let mut known = self.recent.iter().flatten().filter(|_| last_sr != 0);
        let (_, sent) = known.find(|(middle, _)| *middle == last_sr)?;
        now.duration_since(*sent).checked_sub(delay).map(|rtt| rtt.min(RTT_MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_survive_the_wire() {
        let mut compound = Vec::new();
        compound.extend_from_slice(&nack(Ssrc(1), Ssrc(2), &[7, 8, 65535]).expect("nack"));
        compound.extend_from_slice(&pli(Ssrc(1), Ssrc(2)).expect("pli"));
        let pair =
            |first, following| Incoming::Nack { ssrc: Ssrc(2), missing: NackPair { first, following } };
        assert_eq!(
            parse(&compound).collect::<Vec<_>>(),
            [pair(7, 1), pair(65_535, 0), Incoming::KeyframeRequest { ssrc: Ssrc(2) }]
        );
    }

    #[test]
    fn nobody_asks_for_more_than_a_second_of_pictures_at_once() {
        let mut compound = nack(Ssrc(1), Ssrc(2), &(0..4_000).collect::<Vec<_>>()).expect("nack").to_vec();
        compound.extend_from_slice(&pli(Ssrc(1), Ssrc(2)).expect("pli"));
        let mut missing = Vec::new();
        for incoming in parse(&compound) {
            match incoming {
                Incoming::Nack { missing: pair, .. } => missing.extend(pair.sequences()),
                other => assert_eq!(other, Incoming::KeyframeRequest { ssrc: Ssrc(2) }),
            }
        }
        assert!(missing.iter().copied().eq(0..510), "whole pairs of the first: {}", missing.len());
    }

    /// One RTCP packet with a true header and anything behind it.
    fn packet() -> impl Strategy<Value = Vec<u8>> {
        let body = proptest::collection::vec(any::<u8>(), 0..160);
        (0u8..32, 192u8..=213, any::<bool>(), -1i32..=1, body).prop_map(
            |(count, kind, padded, lie, mut body)| {
                body.truncate(body.len() / 4 * 4);
                let words = (body.len() as i32 / 4 + lie).max(0) as u16;
                let first = 0x80 | u8::from(padded) << 5 | count;
                let mut packet = vec![first, kind];
                packet.extend_from_slice(&words.to_be_bytes());
                packet.append(&mut body);
                packet
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn whatever_a_peer_says_is_read_or_dropped(packets in proptest::collection::vec(packet(), 1..4)) {
            let compound = packets.concat();
            let length = compound.len();
            prop_assert!(parse(&compound).count() <= length);
        }
    }

    #[test]
    fn the_round_trip_is_what_is_left_after_the_peers_delay() {
        let start = Instant::now();
        let mut reports = SentReports::default();
        reports.sent(start, 0x1234_5678_9abc_def0);
        let later = start + Duration::from_millis(130);
        let delay = Duration::from_millis(100);
        assert_eq!(reports.round_trip(later, 0x5678_9abc, delay), Some(Duration::from_millis(30)));
        assert_eq!(reports.round_trip(later, 1, delay), None);
        assert_eq!(reports.round_trip(later, 0, delay), None);
        let late = start + Duration::from_secs(60);
        assert_eq!(reports.round_trip(late, 0x5678_9abc, delay), Some(RTT_MAX));
    }

    #[test]
    fn a_publishers_clock_that_stands_still_makes_nobodys_round_trip_long() {
        let mut now = Instant::now();
        let mut reports = SentReports::default();
        for _ in 0..6 {
            now += Duration::from_secs(1);
            reports.sent(now, 77 << 16);
        }
        let later = now + Duration::from_millis(40);
        assert_eq!(reports.round_trip(later, 77, Duration::ZERO), Some(Duration::from_millis(40)));
    }
}
