//! RTP packets (RFC 3550 §5.1) with one-byte header extensions (RFC 8285 §4.2).

/// The fixed header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// Last packet of a picture; first one of a talkspurt.
    pub marker: bool,
    /// 0–127.
    pub payload_type: u8,
    /// Wraps at 2¹⁶.
    pub sequence: u16,
    /// In the payload's clock rate; wraps at 2³².
    pub timestamp: u32,
    /// The stream.
    pub ssrc: u32,
}

/// A packet as received; borrows the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// The fixed header.
    pub header: Header,
    profile: u16,
    extensions: &'a [u8],
    /// Without padding; empty where a packet is nothing but padding.
    pub payload: &'a [u8],
}

/// Appends a packet's header with its extensions: ids 1–14, values of 1–16 bytes, ascending or not. The payload follows.
pub fn write(header: &Header, extensions: &[(u8, &[u8])], out: &mut Vec<u8>) {
    out.push(if extensions.is_empty() { 0x80 } else { 0x90 });
    out.push(u8::from(header.marker) << 7 | header.payload_type);
    out.extend_from_slice(&header.sequence.to_be_bytes());
    out.extend_from_slice(&header.timestamp.to_be_bytes());
    out.extend_from_slice(&header.ssrc.to_be_bytes());
    if extensions.is_empty() {
        return;
    }
    let length: usize = extensions.iter().map(|(_, value)| 1 + value.len()).sum();
    let words = length.div_ceil(4);
    out.extend_from_slice(&[0xbe, 0xde]);
    out.extend_from_slice(&(words as u16).to_be_bytes());
    let end = out.len() + 4 * words;
    for (id, value) in extensions {
        out.push(id << 4 | (value.len().saturating_sub(1) as u8 & 0x0f));
        out.extend_from_slice(value);
    }
    out.resize(end, 0);
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` for what is none.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (fixed, _) = bytes.split_first_chunk::<12>()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let word = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let header = Header {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: word(4),
            ssrc: word(8),
        };
        let mut at = 12 + 4 * usize::from(fixed[0] & 0x0f);
        let (mut profile, mut extensions) = (0, &[][..]);
        if fixed[0] & 0x10 != 0 {
            let head = bytes.get(at..at + 4)?;
            profile = u16::from_be_bytes([head[0], head[1]]);
            let length = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
            extensions = bytes.get(at + 4..at + 4 + length)?;
            at += 4 + length;
        }
        let mut end = bytes.len();
        if fixed[0] & 0x20 != 0 {
            end = end.checked_sub(usize::from(*bytes.last()?))?;
        }
        Some(Self { header, profile, extensions, payload: bytes.get(at..end)? })
    }

    /// The value of an extension, in either form.
    pub fn extension(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut block = self.extensions;
        loop {
            let (&head, rest) = block.split_first()?;
            if head == 0 {
                block = rest;
                continue;
            }
            let (id, length, rest) = match self.profile {
                0xbede if head >> 4 == 15 => return None,
                0xbede => (head >> 4, usize::from(head & 0x0f) + 1, rest),
                0x1000..=0x100f => {
                    let (&length, rest) = rest.split_first()?;
                    (head, usize::from(length), rest)
                }
                _ => return None,
            };
            let (value, rest) = rest.split_at_checked(length)?;
            if id == wanted {
                return Some(value);
            }
            block = rest;
        }
    }
}

/// The number nearest to a known one that has these low 16 bits.
pub fn extend(known: u64, sequence: u16) -> u64 {
    known.wrapping_add_signed(i64::from(sequence.wrapping_sub(known as u16) as i16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let header =
            Header { marker: true, payload_type: 96, sequence: 7, timestamp: 70_000, ssrc: 0x1234_5678 };
        let mut bytes = Vec::new();
        write(&header, &[(1, b"4"), (4, &[1, 2])], &mut bytes);
        bytes.extend_from_slice(b"payload");
        let packet = Packet::read(&bytes).expect("a packet");
        assert_eq!(packet.header, header);
        assert_eq!(packet.extension(1), Some(&b"4"[..]));
        assert_eq!(packet.extension(4), Some(&[1, 2][..]));
        assert_eq!(packet.extension(2), None);
        assert_eq!(packet.payload, b"payload");
    }

    #[test]
    fn padding_is_no_payload_and_cut_off_packets_are_none() {
        let mut bytes = Vec::new();
        write(&Header::default(), &[(3, b"x")], &mut bytes);
        bytes[0] |= 0x20;
        bytes.extend_from_slice(&[0, 0, 3]);
        assert_eq!(Packet::read(&bytes).expect("a packet").payload, b"");
        for length in 0..bytes.len() - 3 {
            let _ = Packet::read(&bytes[..length]);
        }
        assert_eq!(Packet::read(&[0; 12]), None);
    }

    #[test]
    fn numbers_are_extended_over_their_wrap() {
        assert_eq!(extend(0x1_fffe, 3), 0x2_0003);
        assert_eq!(extend(0x2_0003, 0xfffe), 0x1_fffe);
    }
}
