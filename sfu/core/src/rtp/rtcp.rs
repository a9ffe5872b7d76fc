//! RTCP packets, read in place and written where they are sent from: a compound packet costs no allocation.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P| count   |     type      |     length in words − 1       |
//! |                     SSRC of packet sender                     |
//! |                     body, by type …                           |
//! ```

use bytes::BufMut;
use rtcp::reception_report::ReceptionReport;

use crate::ids::Ssrc;

/// Types (RFC 3550 §12.1, RFC 4585 §9).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Feedback formats (RFC 4585 §6, RFC 5104 §4.3.1).
const NACK: u8 = 1;
const PLI: u8 = 1;
const FIR: u8 = 4;

/// Common header and sender SSRC.
const HEADER: usize = 8;

/// One packet of a compound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtcpPacket<'a> {
    kind: u8,
    /// Number of report blocks, or format of feedback.
    count: u8,
    /// The whole packet without padding; at least [`HEADER`] bytes.
    bytes: &'a [u8],
}

/// The packets of a compound, up to the first that is none.
pub fn packets(compound: &[u8]) -> impl Iterator<Item = RtcpPacket<'_>> {
    let mut rest = compound;
    std::iter::from_fn(move || {
        loop {
            let [first, kind, l0, l1] = *rest.first_chunk::<4>()?;
            let length = 4 * (usize::from(u16::from_be_bytes([l0, l1])) + 1);
            let (bytes, others) = rest.split_at_checked(length).filter(|_| first >> 6 == 2)?;
            rest = others;
            let padding = if first & 0x20 != 0 { usize::from(*bytes.last()?) } else { 0 };
            let bytes = bytes.get(..length.checked_sub(padding)?)?;
            // A BYE may name nobody; it says nothing to us either.
            if bytes.len() >= HEADER {
                return Some(RtcpPacket { kind, count: first & 0x1f, bytes });
            }
        }
    })
}

/// What a report or a request of a packet says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// The sender ties its RTP clock to its wall clock (RFC 3550 §6.4.1).
    SenderReport {
        /// Whose.
        ssrc: Ssrc,
        /// 32.32 fixed-point seconds since 1900.
        ntp: u64,
        /// The same instant on the RTP clock.
        rtp_timestamp: u32,
    },
    /// A report block.
    Reception(ReceptionReport),
    /// Packets of a stream that are missing (RFC 4585 §6.2.1).
    Nack {
        /// Which stream.
        ssrc: Ssrc,
        /// Up to 17 packets.
        missing: NackPair,
    },
    /// A decoder is lost: PLI (RFC 4585 §6.3.1) or FIR (RFC 5104 §4.3.1).
    KeyframeRequest {
        /// Which stream.
        ssrc: Ssrc,
    },
}

/// A packet id and the bitmask of those after it (RFC 4585 §6.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NackPair {
    /// The first missing packet.
    pub first: u16,
    /// Bit `i`: packet `first + i + 1` is missing, too.
    pub following: u16,
}

impl NackPair {
    /// The sequence numbers, ascending.
    pub fn sequences(self) -> impl Iterator<Item = u16> {
        let others = (0..16).filter(move |bit| self.following >> bit & 1 == 1);
        std::iter::once(self.first).chain(others.map(move |bit| self.first.wrapping_add(bit + 1)))
    }
}

impl<'a> RtcpPacket<'a> {
    /// The packet's bytes from its header on, without padding.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether this is transport feedback of a format.
    pub fn is_transport_feedback(&self, format: u8) -> bool {
        (self.kind, self.count) == (TRANSPORT_FEEDBACK, format)
    }

    /// Everything in the packet that matters to us. A broken rest is left out.
    pub fn items(self) -> impl Iterator<Item = Item> + use<'a> {
        let Self { kind, count, bytes } = self;
        let (head, entries, size) = match (kind, count) {
            (SENDER_REPORT, _) => (self.sender_report(), bytes.get(28..), 24),
            (RECEIVER_REPORT, _) => (None, bytes.get(HEADER..), 24),
            (TRANSPORT_FEEDBACK, NACK) => (None, bytes.get(12..), 4),
            (PAYLOAD_FEEDBACK, PLI) => {
                (word(bytes, 8).map(|ssrc| Item::KeyframeRequest { ssrc: Ssrc(ssrc) }), None, 4)
            }
            (PAYLOAD_FEEDBACK, FIR) => (None, bytes.get(12..), 8),
            _ => (None, None, 4),
        };
        let media = word(bytes, 8).map_or(Ssrc(0), Ssrc);
        let most =
            if kind == SENDER_REPORT || kind == RECEIVER_REPORT { usize::from(count) } else { usize::MAX };
        let entries = entries.unwrap_or_default().chunks_exact(size).take(most);
        head.into_iter().chain(entries.filter_map(move |entry| match (kind, count) {
            (SENDER_REPORT | RECEIVER_REPORT, _) => reception(entry).map(Item::Reception),
            (TRANSPORT_FEEDBACK, _) => word(entry, 0).map(|pair| Item::Nack {
                ssrc: media,
                missing: NackPair { first: (pair >> 16) as u16, following: pair as u16 },
            }),
            _ => word(entry, 0).map(|ssrc| Item::KeyframeRequest { ssrc: Ssrc(ssrc) }),
        }))
    }

    fn sender_report(&self) -> Option<Item> {
        Some(Item::SenderReport {
            ssrc: Ssrc(word(self.bytes, 4)?),
            ntp: u64::from(word(self.bytes, 8)?) << 32 | u64::from(word(self.bytes, 12)?),
            rtp_timestamp: word(self.bytes, 16)?,
        })
    }
}

fn reception(block: &[u8]) -> Option<ReceptionReport> {
    let lost = word(block, 4)?;
    Some(ReceptionReport {
        ssrc: word(block, 0)?,
        fraction_lost: (lost >> 24) as u8,
        total_lost: lost & 0x00ff_ffff,
        last_sequence_number: word(block, 8)?,
        jitter: word(block, 12)?,
        last_sender_report: word(block, 16)?,
        delay: word(block, 20)?,
    })
}

fn word(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

/// Appends a packet whose body `write` appends; the length is filled in, and the body padded to whole words with zeros.
fn write(kind: u8, count: u8, sender: Ssrc, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.put_slice(&[0x80 | count, kind, 0, 0]);
    out.put_u32(sender.0);
    write(out);
    let padding = (start.wrapping_sub(out.len())) % 4;
    if padding > 0 {
        // The last byte counts the padding (RFC 3550 §6.4.1).
        out.put_bytes(0, padding - 1);
        out.put_u8(padding as u8);
    }
    let words = ((out.len() - start) / 4 - 1) as u16;
    if let Some(head) = out.get_mut(start..).and_then(|packet| packet.first_chunk_mut::<4>()) {
        head[0] |= if padding > 0 { 0x20 } else { 0 };
        head[2..].copy_from_slice(&words.to_be_bytes());
    }
}

/// Appends a PLI (RFC 4585 §6.3.1).
pub fn write_pli(sender: Ssrc, media: Ssrc, out: &mut Vec<u8>) {
    write(PAYLOAD_FEEDBACK, PLI, sender, out, |out| out.put_u32(media.0));
}

/// Appends a generic NACK (RFC 4585 §6.2.1) for numbers in ascending order (modulo 2¹⁶).
pub fn write_nack(sender: Ssrc, media: Ssrc, sequences: &[u16], out: &mut Vec<u8>) {
    write(TRANSPORT_FEEDBACK, NACK, sender, out, |out| {
        out.put_u32(media.0);
        let mut rest = sequences;
        while let Some((first, others)) = rest.split_first() {
            rest = others;
            let mut following = 0u16;
            while let Some((next, others)) = rest.split_first() {
                let distance = next.wrapping_sub(*first);
                if !(1..=16).contains(&distance) {
                    break;
                }
                following |= 1 << (distance - 1);
                rest = others;
            }
            out.put_u16(*first);
            out.put_u16(following);
        }
    });
}

/// Appends transport-wide feedback (format 15); `write_body` appends everything after the media SSRC.
pub(super) fn write_transport_cc(
    sender: Ssrc,
    media: Ssrc,
    out: &mut Vec<u8>,
    write_body: impl FnOnce(&mut Vec<u8>),
) {
    write(TRANSPORT_FEEDBACK, 15, sender, out, |out| {
        out.put_u32(media.0);
        write_body(out);
    });
}

/// Appends a receiver report with at most 31 blocks (RFC 3550 §6.4.2); how many there are.
pub fn write_receiver_report(
    sender: Ssrc,
    blocks: impl Iterator<Item = ReceptionReport>,
    out: &mut Vec<u8>,
) -> usize {
    let start = out.len();
    let mut count = 0;
    write(RECEIVER_REPORT, 0, sender, out, |out| {
        for block in blocks.take(31) {
            count += 1;
            out.put_u32(block.ssrc);
            out.put_u32(u32::from(block.fraction_lost) << 24 | (block.total_lost & 0x00ff_ffff));
            out.put_u32(block.last_sequence_number);
            out.put_u32(block.jitter);
            out.put_u32(block.last_sender_report);
            out.put_u32(block.delay);
        }
    });
    if let Some(first) = out.get_mut(start) {
        *first |= count;
    }
    usize::from(count)
}

/// What we say of one stream we send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// The stream.
    pub ssrc: Ssrc,
    /// The sender's wall clock, 32.32 fixed-point seconds since 1900.
    pub ntp: u64,
    /// The same instant on the stream's RTP clock.
    pub rtp_timestamp: u32,
    /// Packets so far.
    pub packets: u32,
    /// Payload bytes so far.
    pub octets: u32,
}

/// Appends a sender report without blocks (RFC 3550 §6.4.1).
pub fn write_sender_report(sent: &Sent, out: &mut Vec<u8>) {
    write(SENDER_REPORT, 0, sent.ssrc, out, |out| {
        out.put_u64(sent.ntp);
        out.put_u32(sent.rtp_timestamp);
        out.put_u32(sent.packets);
        out.put_u32(sent.octets);
    });
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use rtc_shared::marshal::Marshal;
    use rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
    use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
    use rtcp::receiver_report::ReceiverReport;
    use rtcp::sender_report::SenderReport;
    use rtcp::transport_feedbacks::transport_layer_nack::{
        TransportLayerNack, nack_pairs_from_sequence_numbers,
    };

    use super::*;

    fn items(compound: &[u8]) -> Vec<Item> {
        packets(compound).flat_map(RtcpPacket::items).collect()
    }

    fn block(ssrc: u32) -> ReceptionReport {
        ReceptionReport {
            ssrc,
            fraction_lost: 7,
            total_lost: 0x12_3456,
            last_sequence_number: 0x1_0002,
            jitter: 9,
            last_sender_report: 0xdead_beef,
            delay: 65_536,
        }
    }

    #[test]
    fn what_we_write_the_family_of_crates_writes_too() {
        let mut out = Vec::new();
        write_pli(Ssrc(1), Ssrc(2), &mut out);
        assert_eq!(out, PictureLossIndication { sender_ssrc: 1, media_ssrc: 2 }.marshal().unwrap());
        out.clear();
        let numbers = [5, 6, 21, 22, 23, 65_535];
        write_nack(Ssrc(1), Ssrc(2), &numbers, &mut out);
        let nacks = nack_pairs_from_sequence_numbers(&numbers);
        assert_eq!(out, TransportLayerNack { sender_ssrc: 1, media_ssrc: 2, nacks }.marshal().unwrap());
        out.clear();
        write_receiver_report(Ssrc(1), [block(3), block(4)].into_iter(), &mut out);
        let reports = vec![block(3), block(4)];
        let theirs = ReceiverReport { ssrc: 1, reports, profile_extensions: Bytes::new() };
        assert_eq!(out, theirs.marshal().unwrap());
        out.clear();
        write_sender_report(
            &Sent { ssrc: Ssrc(1), ntp: 2 << 33, rtp_timestamp: 3, packets: 4, octets: 5 },
            &mut out,
        );
        let theirs = SenderReport {
            ssrc: 1,
            ntp_time: 2 << 33,
            rtp_time: 3,
            packet_count: 4,
            octet_count: 5,
            ..SenderReport::default()
        };
        assert_eq!(out, theirs.marshal().unwrap());
    }

    #[test]
    fn what_they_write_we_read() {
        let mut compound = Vec::new();
        let report = SenderReport {
            ssrc: 1,
            ntp_time: 2 << 33,
            rtp_time: 3,
            reports: vec![block(8)],
            ..SenderReport::default()
        };
        compound.extend_from_slice(&report.marshal().unwrap());
        let fir = vec![FirEntry { ssrc: 10, sequence_number: 1 }, FirEntry { ssrc: 11, sequence_number: 1 }];
        compound
            .extend_from_slice(&FullIntraRequest { sender_ssrc: 1, media_ssrc: 0, fir }.marshal().unwrap());
        write_pli(Ssrc(1), Ssrc(12), &mut compound);
        write_nack(Ssrc(1), Ssrc(13), &[7, 8, 100], &mut compound);
        let pair = |first, following| Item::Nack { ssrc: Ssrc(13), missing: NackPair { first, following } };
        assert_eq!(
            items(&compound),
            [
                Item::SenderReport { ssrc: Ssrc(1), ntp: 2 << 33, rtp_timestamp: 3 },
                Item::Reception(block(8)),
                Item::KeyframeRequest { ssrc: Ssrc(10) },
                Item::KeyframeRequest { ssrc: Ssrc(11) },
                Item::KeyframeRequest { ssrc: Ssrc(12) },
                pair(7, 1),
                pair(100, 0),
            ]
        );
        assert_eq!(
            NackPair { first: 65_535, following: 0x8001 }.sequences().collect::<Vec<_>>(),
            [65_535, 0, 15]
        );
    }

    #[test]
    fn a_body_of_odd_length_is_padded_and_the_padding_is_not_read() {
        let mut out = Vec::new();
        write_transport_cc(Ssrc(1), Ssrc(2), &mut out, |out| out.extend_from_slice(&[9; 9]));
        write_pli(Ssrc(1), Ssrc(2), &mut out);
        let all: Vec<_> = packets(&out).collect();
        assert_eq!(all.len(), 2);
        assert!(all[0].is_transport_feedback(15));
        assert_eq!(all[0].bytes().len(), 12 + 9);
    }

    proptest! {
        #[test]
        fn nacks_name_what_was_asked_for(
            start in any::<u16>(),
            gaps in prop::collection::vec(1u16..40, 1..100),
        ) {
            let mut at = start;
            let numbers: Vec<_> = gaps.into_iter().map(|gap| { at = at.wrapping_add(gap); at }).collect();
            let mut out = Vec::new();
            write_nack(Ssrc(1), Ssrc(2), &numbers, &mut out);
            let mut named = Vec::new();
            for item in items(&out) {
                if let Item::Nack { missing, .. } = item {
                    named.extend(missing.sequences());
                }
            }
            prop_assert_eq!(named, numbers);
        }

        #[test]
        fn hostile_bytes_are_read_or_dropped(
            mut bytes in prop::collection::vec(any::<u8>(), 0..400),
            first in 0x80u8..=0xbf,
            kind in 198u8..210,
            words in 0u8..30,
        ) {
            if let Some(head) = bytes.first_chunk_mut::<4>() {
                *head = [first, kind, 0, words];
            }
            prop_assert!(items(&bytes).len() <= bytes.len() / 4);
        }
    }
}
