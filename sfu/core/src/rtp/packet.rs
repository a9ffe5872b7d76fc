//! RTP packets: telling datagrams apart, reading a packet in place, writing a header.

use std::ops::Range;

use bytes::BufMut;

use super::extensions::MAX_ONE_BYTE_ID;
use crate::ids::{Pt, Ssrc};

/// What a datagram on the bundled transport is, by its first bytes (RFC 7983 §7, RFC 5761 §4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatagramKind {
    /// ICE connectivity checks.
    Stun,
    /// DTLS records: handshake, alerts, SCTP.
    Dtls,
    /// (S)RTP.
    Rtp,
    /// (S)RTCP.
    Rtcp,
    /// Nothing we speak.
    Other,
}

impl DatagramKind {
    /// Looks at the first two bytes.
    pub fn of(datagram: &[u8]) -> Self {
        match *datagram {
            [0..=3, ..] => DatagramKind::Stun,
            [20..=63, ..] => DatagramKind::Dtls,
            // RTCP packet types 192–223 are where an RTP packet has marker and payload type 64–95.
            [128..=191, 192..=223, ..] => DatagramKind::Rtcp,
            [128..=191, _, ..] => DatagramKind::Rtp,
            _ => DatagramKind::Other,
        }
    }
}

/// Why bytes are not an RTP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PacketError {
    /// Shorter than the fixed header, or than its CSRC list or header extension says.
    #[error("the packet ends within its header")]
    Truncated,
    /// Version is not 2.
    #[error("the packet has RTP version {0}, not 2")]
    Version(u8),
    /// The padding count is 0 or more than there is.
    #[error("the packet claims {0} bytes of padding")]
    Padding(u8),
}

/// A received RTP packet, read in place (RFC 3550 §5.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|X|  CC   |M|     PT      |        sequence number        |
/// |                           timestamp                           |
/// |                             SSRC                              |
/// |                        CSRCs (CC times)                       |
/// |  0xBEDE or 0x100 + appbits    |  extension length in words    |
/// |                      extension elements …                     |
/// |                           payload …                           |
/// |                           padding …           | padding count |
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtpPacket<'a> {
    bytes: &'a [u8],
    form: ExtensionForm,
    extension_start: u16,
    payload_start: u16,
    payload_end: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ExtensionForm {
    None,
    OneByte,
    TwoByte,
}

/// Length of the fixed header.
pub(crate) const FIXED_HEADER: usize = 12;
/// RFC 8285 §4.2.
const ONE_BYTE_PROFILE: u16 = 0xbede;
/// RFC 8285 §4.3; the low four bits are free.
const TWO_BYTE_PROFILE: u16 = 0x1000;

impl<'a> RtpPacket<'a> {
    /// Checks the lengths and finds the parts.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        // No datagram is longer, and offsets fit 16 bits.
        let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
        let first = *bytes.first().filter(|_| bytes.len() >= FIXED_HEADER).ok_or(PacketError::Truncated)?;
        if first >> 6 != 2 {
            return Err(PacketError::Version(first >> 6));
        }
        let mut start = FIXED_HEADER + 4 * usize::from(first & 0x0f);
        let mut form = ExtensionForm::None;
        let mut extension_start = start;
        if first & 0x10 != 0 {
            let head = bytes.get(start..start + 4).and_then(|head| head.first_chunk::<4>());
            let [p0, p1, l0, l1] = *head.ok_or(PacketError::Truncated)?;
            form = match u16::from_be_bytes([p0, p1]) {
                ONE_BYTE_PROFILE => ExtensionForm::OneByte,
                profile if profile & 0xfff0 == TWO_BYTE_PROFILE => ExtensionForm::TwoByte,
                _ => ExtensionForm::None,
            };
            extension_start = start + 4;
            start = extension_start + 4 * usize::from(u16::from_be_bytes([l0, l1]));
        }
        if start > bytes.len() {
            return Err(PacketError::Truncated);
        }
        let mut end = bytes.len();
        if first & 0x20 != 0 {
            let padding = bytes.last().copied().unwrap_or(0);
            if padding == 0 || usize::from(padding) > end - start {
                return Err(PacketError::Padding(padding));
            }
            end -= usize::from(padding);
        }
        Ok(Self {
            bytes,
            form,
            extension_start: extension_start as u16,
            payload_start: start as u16,
            payload_end: end as u16,
        })
    }

    /// Marker bit.
    pub fn marker(&self) -> bool {
        self.byte(1) & 0x80 != 0
    }

    /// Payload type.
    pub fn payload_type(&self) -> Pt {
        Pt(self.byte(1) & 0x7f)
    }

    /// Sequence number.
    pub fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.byte(2), self.byte(3)])
    }

    /// Timestamp, in the payload's clock rate.
    pub fn timestamp(&self) -> u32 {
        self.word(4)
    }

    /// Synchronisation source.
    pub fn ssrc(&self) -> Ssrc {
        Ssrc(self.word(8))
    }

    /// Contributing sources.
    pub fn csrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        let count = usize::from(self.byte(0) & 0x0f);
        let list = self.bytes.get(FIXED_HEADER..).unwrap_or_default().chunks_exact(4).take(count);
        list.map(|csrc| Ssrc(csrc.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))))
    }

    /// Payload without padding.
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(self.payload_range()).unwrap_or_default()
    }

    /// Where the payload stands in the bytes parsed.
    pub fn payload_range(&self) -> Range<usize> {
        usize::from(self.payload_start)..usize::from(self.payload_end)
    }

    /// The whole packet as parsed.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Value of a header extension.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions().find(|(found, _)| *found == id).map(|(_, value)| value)
    }

    /// All header extension elements; a malformed rest is left out.
    pub fn extensions(&self) -> Extensions<'a> {
        let block = match self.form {
            ExtensionForm::None => &[],
            _ => {
                let range = usize::from(self.extension_start)..usize::from(self.payload_start);
                self.bytes.get(range).unwrap_or_default()
            }
        };
        Extensions { block, form: self.form }
    }

    /// The header fields, to be changed and written again.
    pub fn header(&self) -> RtpHeader {
        RtpHeader {
            marker: self.marker(),
            payload_type: self.payload_type(),
            sequence: self.sequence(),
            timestamp: self.timestamp(),
            ssrc: self.ssrc(),
        }
    }

    /// Appends this packet under other numbers and with another payload. CSRCs and header extensions stay as they are,
    /// padding goes.
    pub fn write_as(&self, header: &RtpHeader, payload: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.bytes.get(..usize::from(self.payload_start)).unwrap_or_default());
        if let Some(fixed) = out.get_mut(start..start + FIXED_HEADER) {
            const PADDING: u8 = 0x20;
            fixed[0] &= !PADDING;
            fixed[1] = u8::from(header.marker) << 7 | (header.payload_type.0 & 0x7f);
            fixed[2..4].copy_from_slice(&header.sequence.to_be_bytes());
            fixed[4..8].copy_from_slice(&header.timestamp.to_be_bytes());
            fixed[8..12].copy_from_slice(&header.ssrc.0.to_be_bytes());
        }
        out.extend_from_slice(payload);
    }

    /// A byte of the fixed header, whose length `parse` has checked.
    fn byte(&self, place: usize) -> u8 {
        self.bytes.get(place).copied().unwrap_or(0)
    }

    fn word(&self, place: usize) -> u32 {
        u32::from_be_bytes([
            self.byte(place),
            self.byte(place + 1),
            self.byte(place + 2),
            self.byte(place + 3),
        ])
    }
}

/// Iterator over header extension elements: id and value.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    block: &'a [u8],
    form: ExtensionForm,
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&head, rest) = self.block.split_first()?;
            if head == 0 {
                // Padding between elements.
                self.block = rest;
                continue;
            }
            let (id, len, rest) = match self.form {
                ExtensionForm::None => return None,
                // Id 15 ends the list (RFC 8285 §4.2).
                ExtensionForm::OneByte if head >> 4 > MAX_ONE_BYTE_ID => return None,
                ExtensionForm::OneByte => (head >> 4, usize::from(head & 0x0f) + 1, rest),
                ExtensionForm::TwoByte => {
                    let (&len, rest) = rest.split_first()?;
                    (head, usize::from(len), rest)
                }
            };
            let Some((value, rest)) = rest.split_at_checked(len) else {
                self.block = &[];
                return None;
            };
            self.block = rest;
            // In the one-byte form id 0 with a length is padding too.
            if id != 0 {
                return Some((id, value));
            }
        }
    }
}

/// Room for a header that is written in one go.
const SHORT: usize = 80;

fn can_be_written((id, value): &&(u8, &[u8])) -> bool {
    (1..=MAX_ONE_BYTE_ID).contains(id) && (1..=255).contains(&value.len())
}

/// The fields of an outgoing RTP header. There are never CSRCs and never padding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtpHeader {
    /// Marker bit.
    pub marker: bool,
    /// Payload type.
    pub payload_type: Pt,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in the payload's clock rate.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: Ssrc,
}

impl RtpHeader {
    /// Appends the header with its extensions: in the one-byte form, or in the two-byte form if a value is longer than
    /// 16 bytes (RFC 8285 §4.2 and §4.3). The receiver must then have agreed to that (`a=extmap-allow-mixed`).
    ///
    /// An element with an id outside 1–14 or a value outside 1–255 bytes is left out: values come from other senders,
    /// and losing one beats losing the packet.
    pub fn write(&self, extensions: &[(u8, &[u8])], out: &mut impl BufMut) {
        let mut short = [0; SHORT];
        if let Some(len) = self.write_short(extensions, &mut short) {
            return out.put_slice(&short[..len]);
        }
        let written = || extensions.iter().filter(can_be_written);
        let long = written().any(|(_, value)| value.len() > 16);
        let len: usize = written().map(|(_, value)| value.len() + 1 + usize::from(long)).sum();
        let words = len.div_ceil(4);
        out.put_slice(&self.fixed(true));
        out.put_u16(if long { TWO_BYTE_PROFILE } else { ONE_BYTE_PROFILE });
        out.put_u16(words as u16);
        for (id, value) in written() {
            if long {
                out.put_u8(*id);
                out.put_u8(value.len() as u8);
            } else {
                out.put_u8(id << 4 | (value.len() as u8 - 1));
            }
            out.put_slice(value);
        }
        out.put_bytes(0, words * 4 - len);
    }

    fn fixed(&self, extended: bool) -> [u8; 12] {
        let mut fixed = [0x80 | u8::from(extended) << 4; 12];
        fixed[1] = u8::from(self.marker) << 7 | (self.payload_type.0 & 0x7f);
        fixed[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        fixed[8..].copy_from_slice(&self.ssrc.0.to_be_bytes());
        fixed
    }

    /// What nearly all headers are, in one go: few elements in the one-byte form. How many bytes of `head` (zeros) it takes;
    /// `None` where it is not one of those.
    fn write_short(&self, extensions: &[(u8, &[u8])], head: &mut [u8; SHORT]) -> Option<usize> {
        const BEGIN: usize = 16;
        let mut end = BEGIN;
        for element @ (id, value) in extensions {
            if !can_be_written(&element) {
                continue;
            }
            if value.len() > 16 {
                return None;
            }
            let place = head.get_mut(end..end + 1 + value.len())?;
            let (first, rest) = place.split_first_mut()?;
            *first = id << 4 | (value.len() as u8 - 1);
            rest.copy_from_slice(value);
            end += 1 + value.len();
        }
        let words = (end - BEGIN).div_ceil(4);
        head[..12].copy_from_slice(&self.fixed(words > 0));
        if words == 0 {
            return Some(12);
        }
        head[12..14].copy_from_slice(&ONE_BYTE_PROFILE.to_be_bytes());
        head[14..16].copy_from_slice(&(words as u16).to_be_bytes());
        Some(BEGIN + 4 * words).filter(|end| *end <= SHORT)
    }

    /// Appends a whole packet.
    pub fn write_packet(&self, extensions: &[(u8, &[u8])], payload: &[u8], out: &mut impl BufMut) {
        self.write(extensions, out);
        out.put_slice(payload);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> RtpHeader {
        RtpHeader {
            marker: true,
            payload_type: Pt(96),
            sequence: 0xfedc,
            timestamp: 0x0102_0304,
            ssrc: Ssrc(0xdead_beef),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Vec::new();
        header().write_packet(&[(4, b"1"), (3, &[0x12, 0x34]), (1, &[0x85])], b"payload", &mut out);
        let packet = RtpPacket::parse(&out).unwrap();
        assert_eq!(packet.header(), header());
        assert_eq!(packet.payload(), b"payload");
        assert_eq!(packet.extension(4), Some(&b"1"[..]));
        assert_eq!(packet.extension(3), Some(&[0x12, 0x34][..]));
        assert_eq!(packet.extension(2), None);
        assert_eq!(packet.extensions().count(), 3);
        assert_eq!(packet.payload_range().end, out.len());
    }

    #[test]
    fn without_extensions_the_header_is_twelve_bytes() {
        let mut out = Vec::new();
        header().write(&[], &mut out);
        assert_eq!(out.len(), 12);
        assert_eq!(RtpPacket::parse(&out).unwrap().payload(), b"");
    }

    #[test]
    fn a_long_value_brings_the_two_byte_form() {
        let mut out = Vec::new();
        header().write_packet(&[(3, &[1, 2]), (14, &[7; 255]), (5, &[8; 17])], b"p", &mut out);
        assert_eq!(out[12..14], [0x10, 0]);
        let packet = RtpPacket::parse(&out).unwrap();
        let expected = [(3, &[1, 2][..]), (14, &[7; 255][..]), (5, &[8; 17][..])];
        assert_eq!(packet.extensions().collect::<Vec<_>>(), expected);
        assert_eq!(packet.payload(), b"p");
    }

    #[test]
    fn an_element_that_cannot_be_written_is_left_out() {
        let mut out = Vec::new();
        header().write_packet(
            &[(15, b"x"), (0, b"x"), (5, &[0; 256]), (6, b""), (7, &[9; 16])],
            b"p",
            &mut out,
        );
        let packet = RtpPacket::parse(&out).unwrap();
        assert_eq!(packet.extensions().collect::<Vec<_>>(), [(7, &[9; 16][..])]);
        assert_eq!(packet.payload(), b"p");
    }

    #[test]
    fn csrcs_two_byte_extensions_and_padding_are_understood() {
        let mut bytes = vec![0xb2, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend([0, 0, 0, 7, 0, 0, 0, 8]);
        // Two-byte form: padding, id 200 with three bytes, id 2 without any.
        bytes.extend([0x10, 0x05, 0, 2, 0, 200, 3, b'a', b'b', b'c', 2, 0]);
        bytes.extend(b"data");
        bytes.extend([0, 0, 3]);
        let packet = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(packet.csrcs().collect::<Vec<_>>(), [Ssrc(7), Ssrc(8)]);
        assert_eq!(packet.extension(200), Some(&b"abc"[..]));
        assert_eq!(packet.extension(2), Some(&b""[..]));
        assert_eq!(packet.payload(), b"data");
    }

    #[test]
    fn a_packet_under_other_numbers_keeps_its_extensions_and_loses_its_padding() {
        let mut bytes = Vec::new();
        header().write_packet(&[(4, b"1"), (3, &[0x12, 0x34])], b"old", &mut bytes);
        bytes[0] |= 0x20;
        bytes.extend([0, 2]);
        let packet = RtpPacket::parse(&bytes).unwrap();
        let other =
            RtpHeader { marker: false, payload_type: Pt(111), sequence: 7, timestamp: 8, ssrc: Ssrc(9) };
        let mut out = vec![0xff];
        packet.write_as(&other, b"new payload", &mut out);
        let written = RtpPacket::parse(&out[1..]).unwrap();
        assert_eq!(written.header(), other);
        assert_eq!(written.payload(), b"new payload");
        assert!(written.extensions().eq(packet.extensions()));
    }

    #[test]
    fn a_broken_extension_element_hides_the_rest_but_not_the_payload() {
        let mut bytes = vec![0x90, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1];
        bytes.extend([0x10, 0xaa, 0x2f, 0xbb]);
        bytes.extend(b"data");
        let packet = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(packet.extension(1), Some(&[0xaa][..]));
        assert_eq!(packet.extension(2), None);
        assert_eq!(packet.payload(), b"data");
    }

    #[test]
    fn lies_about_lengths_are_refused() {
        let good = [0x80, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        assert!(RtpPacket::parse(&good).is_ok());
        assert_eq!(RtpPacket::parse(&good[..11]), Err(PacketError::Truncated));
        let with_first = |first| {
            let mut bytes = good;
            bytes[0] = first;
            bytes
        };
        assert_eq!(RtpPacket::parse(&with_first(0x41)), Err(PacketError::Version(1)));
        assert_eq!(RtpPacket::parse(&with_first(0x81)), Err(PacketError::Truncated));
        assert_eq!(RtpPacket::parse(&with_first(0x90)), Err(PacketError::Truncated));
        assert_eq!(RtpPacket::parse(&with_first(0xa0)), Err(PacketError::Padding(3)));
        let padded = [&with_first(0xa0)[..], &[0]].concat();
        assert_eq!(RtpPacket::parse(&padded), Err(PacketError::Padding(0)));
        let only_padding = [&with_first(0xa0)[..], &[0, 0, 3]].concat();
        assert_eq!(RtpPacket::parse(&only_padding).unwrap().payload(), b"");
    }

    #[test]
    fn datagrams_are_told_apart_by_their_first_bytes() {
        assert_eq!(DatagramKind::of(&[0x00, 0x01]), DatagramKind::Stun);
        assert_eq!(DatagramKind::of(&[22, 254]), DatagramKind::Dtls);
        assert_eq!(DatagramKind::of(&[0x80, 96]), DatagramKind::Rtp);
        assert_eq!(DatagramKind::of(&[0x80, 0x80 | 96]), DatagramKind::Rtp);
        assert_eq!(DatagramKind::of(&[0x81, 201]), DatagramKind::Rtcp);
        assert_eq!(DatagramKind::of(&[64]), DatagramKind::Other);
        assert_eq!(DatagramKind::of(&[128]), DatagramKind::Other);
        assert_eq!(DatagramKind::of(&[]), DatagramKind::Other);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..80), rtp in any::<bool>()) {
            // Half of the cases get past the version check.
            if let Some(first) = bytes.first_mut().filter(|_| rtp) {
                *first = *first & 0x3f | 0x80;
            }
            if let Ok(packet) = RtpPacket::parse(&bytes) {
                prop_assert!(packet.payload().len() <= bytes.len() - 12);
                prop_assert!(packet.extensions().count() <= bytes.len());
                prop_assert!(packet.csrcs().count() <= 15);
            }
        }

        #[test]
        fn every_header_survives_the_wire(
            marker in any::<bool>(), pt in 0..128u8, sequence in any::<u16>(), timestamp in any::<u32>(),
            ssrc in any::<u32>(),
            values in prop::collection::btree_map(1..15u8, prop::collection::vec(any::<u8>(), 1..24), 0..6),
            payload in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let header =
                RtpHeader { marker, payload_type: Pt(pt), sequence, timestamp, ssrc: Ssrc(ssrc) };
            let extensions: Vec<_> = values.iter().map(|(id, value)| (*id, &value[..])).collect();
            let mut out = Vec::new();
            header.write_packet(&extensions, &payload, &mut out);
            let packet = RtpPacket::parse(&out).unwrap();
            prop_assert_eq!(packet.header(), header);
            prop_assert_eq!(packet.payload(), &payload[..]);
            prop_assert_eq!(packet.extensions().collect::<Vec<_>>(), extensions);
        }
    }
}
