//! Retransmission payloads (RFC 4588): the original sequence number, then the original payload.
//!
//! ```text
//! +-------------------------------+
//! | original sequence number (OSN)|  2 bytes
//! |      original payload …       |
//! ```

use bytes::BufMut;

use super::packet::RtpHeader;

/// Splits the payload of an RTX packet; `None` for one that repairs nothing (bandwidth probes are padding only).
pub fn unwrap(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (osn, original) = payload.split_first_chunk()?;
    Some((u16::from_be_bytes(*osn), original))
}

/// Appends an RTX packet: `header` is that of the RTX stream (its SSRC, payload type and sequence number) with the
/// original's marker and timestamp (RFC 4588 §4).
pub fn write(
    header: &RtpHeader,
    extensions: &[(u8, &[u8])],
    original_sequence: u16,
    payload: &[u8],
    out: &mut impl BufMut,
) {
    header.write(extensions, out);
    out.put_u16(original_sequence);
    out.put_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Pt, Ssrc};
    use crate::rtp::packet::RtpPacket;

    #[test]
    fn a_wrapped_packet_unwraps_to_the_original() {
        let header =
            RtpHeader { marker: true, payload_type: Pt(97), sequence: 5, timestamp: 90, ssrc: Ssrc(2) };
        let mut out = Vec::new();
        write(&header, &[(4, b"1")], 0xabcd, b"media", &mut out);
        let packet = RtpPacket::parse(&out).unwrap();
        assert_eq!(packet.header(), header);
        assert_eq!(unwrap(packet.payload()), Some((0xabcd, &b"media"[..])));
    }

    #[test]
    fn probes_repair_nothing() {
        assert_eq!(unwrap(&[]), None);
        assert_eq!(unwrap(&[1]), None);
        assert_eq!(unwrap(&[1, 2]), Some((0x0102, &[][..])), "an empty original is still an original");
    }
}
