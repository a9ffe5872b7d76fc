//! The few RTCP packets that only bandwidth and round trips need, read and written in place.

use std::time::Duration;

use super::bitrate::Bitrate;
use crate::ids::Ssrc;

/// Payload-specific feedback (RFC 4585 §6.3).
const PAYLOAD_FEEDBACK: u8 = 206;
/// Extended reports (RFC 3611 §2).
const EXTENDED: u8 = 207;
/// Format of application layer feedback.
const FORMAT_APPLICATION: u8 = 15;
/// Receiver reference time report block (RFC 3611 §4.4).
const REFERENCE_TIME: u8 = 4;
/// Delay since last receiver report block (RFC 3611 §4.5).
const DLRR: u8 = 5;

/// Reads a receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03 §2.2).
///
/// ```text
/// |V=2|P| FMT=15  |   PT=206      |             length            |
/// |                  SSRC of packet sender                        |
/// |                  SSRC of media source (0)                     |
/// |  'R' 'E' 'M' 'B'                                              |
/// |  Num SSRC     | BR Exp    |  BR Mantissa (18 bits)            |
/// |  SSRCs …                                                      |
/// ```
pub fn read_remb(packet: &[u8]) -> Option<Bitrate> {
    let [first, PAYLOAD_FEEDBACK, _, _, _, _, _, _, _, _, _, _, b'R', b'E', b'M', b'B', _, b0, b1, b2] =
        *packet.first_chunk::<20>()?
    else {
        return None;
    };
    if first & 0x1f != FORMAT_APPLICATION {
        return None;
    }
    let mantissa = u64::from(b0 & 3) << 16 | u64::from(b1) << 8 | u64::from(b2);
    Some(Bitrate::bps(mantissa.checked_shl(u32::from(b0 >> 2)).filter(|_| b0 >> 2 < 46).unwrap_or(u64::MAX)))
}

/// Appends a REMB about these streams.
pub fn write_remb(sender: Ssrc, most: Bitrate, streams: &[Ssrc], out: &mut Vec<u8>) {
    let streams = streams.get(..streams.len().min(255)).unwrap_or_default();
    out.extend_from_slice(&[0x80 | FORMAT_APPLICATION, PAYLOAD_FEEDBACK]);
    out.extend_from_slice(&(4 + streams.len() as u16).to_be_bytes());
    out.extend_from_slice(&sender.0.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(b"REMB");
    let exponent = (64 - most.as_bps().leading_zeros()).saturating_sub(18);
    let [_, m0, m1, m2] = ((most.as_bps() >> exponent) as u32).to_be_bytes();
    out.extend_from_slice(&[streams.len() as u8, (exponent as u8) << 2 | m0, m1, m2]);
    for stream in streams {
        out.extend_from_slice(&stream.0.to_be_bytes());
    }
}

/// Appends an extended report with our clock, so that a peer that only sends can answer with how long ago it heard us
/// (RFC 3611 §4.4). Browsers answer unasked.
pub fn write_reference_time(sender: Ssrc, ntp: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x80, EXTENDED, 0, 4]);
    out.extend_from_slice(&sender.0.to_be_bytes());
    out.extend_from_slice(&[REFERENCE_TIME, 0, 0, 2]);
    out.extend_from_slice(&ntp.to_be_bytes());
}

/// What a peer answers to that: the middle 32 bits of our time, and how long it took to answer (RFC 3611 §4.5).
pub fn read_dlrr(packet: &[u8], about: Ssrc) -> Option<(u32, Duration)> {
    let [_, EXTENDED, ..] = *packet else { return None };
    let mut blocks = packet.get(8..)?;
    while let Some([kind, _, l0, l1]) = blocks.first_chunk::<4>().copied() {
        let length = 4 * usize::from(u16::from_be_bytes([l0, l1]));
        let block = blocks.get(4..4 + length)?;
        blocks = blocks.get(4 + length..)?;
        if kind != DLRR {
            continue;
        }
        let word = |entry: &[u8], place: usize| {
            entry.get(place..).and_then(|rest| rest.first_chunk()).map(|bytes| u32::from_be_bytes(*bytes))
        };
        for entry in block.chunks_exact(12) {
            let (last, delay) = (word(entry, 4)?, word(entry, 8)?);
            if word(entry, 0) == Some(about.0) && last != 0 {
                // In units of 1/65536 s.
                return Some((last, Duration::from_micros(u64::from(delay) * 1_000_000 / 65_536)));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rtp::rtcp::packets;

    #[test]
    fn a_remb_survives_the_wire_to_within_its_18_bits() {
        for bps in [0, 1, 262_143, 262_144, 300_000, 2_500_000, 99_999_999_999] {
            let mut out = Vec::new();
            write_remb(Ssrc(1), Bitrate::bps(bps), &[Ssrc(2), Ssrc(3)], &mut out);
            assert_eq!(out.len(), 28);
            assert_eq!(packets(&out).count(), 1, "well-formed");
            let read = read_remb(&out).unwrap().as_bps();
            assert!(read <= bps && bps - read <= bps >> 17, "{bps} became {read}");
        }
        let mut huge = Vec::new();
        write_remb(Ssrc(1), Bitrate::bps(300_000), &[], &mut huge);
        huge[17] = 0xff;
        assert_eq!(read_remb(&huge), Some(Bitrate::MAX), "an exponent of 63");
    }

    #[test]
    fn an_answer_to_our_clock_is_found_among_others() {
        let mut asked = Vec::new();
        write_reference_time(Ssrc(7), 0x1122_3344_5566_7788, &mut asked);
        assert_eq!(asked.len(), 20);
        assert_eq!(read_dlrr(&asked, Ssrc(7)), None, "a question is no answer");
        let mut answer = vec![0x80, EXTENDED, 0, 0, 0, 0, 0, 9];
        answer.extend_from_slice(&[42, 0, 0, 1, 1, 2, 3, 4]);
        answer.extend_from_slice(&[DLRR, 0, 0, 6]);
        for (ssrc, last, delay) in [(8u32, 1u32, 1u32), (7, 0x3344_5566, 6554)] {
            for word in [ssrc, last, delay] {
                answer.extend_from_slice(&word.to_be_bytes());
            }
        }
        answer[3] = (answer.len() / 4 - 1) as u8;
        let (last, delay) = read_dlrr(&answer, Ssrc(7)).unwrap();
        assert_eq!((last, delay.as_millis()), (0x3344_5566, 100));
        assert_eq!(read_dlrr(&answer, Ssrc(6)), None);
    }

    proptest! {
        #[test]
        fn hostile_compounds_are_taken_apart_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 200u8..210) {
            let mut bytes = bytes;
            if let [first, second, high, ..] = bytes.as_mut_slice() {
                (*first, *second, *high) = (*first & 0x3f | 0x80, kind, 0);
            }
            for packet in packets(&bytes) {
                let packet = packet.bytes();
                if let Some(most) = read_remb(packet) {
                    prop_assert!(most <= Bitrate::MAX && packet.len() >= 20);
                }
                if let Some((last, _)) = read_dlrr(packet, Ssrc(1)) {
                    prop_assert!(last != 0);
                }
            }
        }
    }
}
