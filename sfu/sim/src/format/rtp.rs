//! RTP packets (RFC 3550 §5.1) with header extensions in either form (RFC 8285).

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

/// A packet as received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// The fixed header.
    pub header: Header,
    /// Ids and values.
    pub extensions: Vec<(u8, Vec<u8>)>,
    /// Without padding.
    pub payload: Vec<u8>,
}

impl Packet {
    /// The value of an extension.
    pub fn extension(&self, id: u8) -> Option<&[u8]> {
        self.extensions.iter().find(|(found, _)| *found == id).map(|(_, value)| &value[..])
    }
}

/// A packet's bytes. The two-byte form is used only where a value needs it.
pub fn write(header: &Header, extensions: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(12 + 64 + payload.len());
    out.push(if extensions.is_empty() { 0x80 } else { 0x90 });
    out.push(u8::from(header.marker) << 7 | header.payload_type);
    out.extend(header.sequence.to_be_bytes());
    out.extend(header.timestamp.to_be_bytes());
    out.extend(header.ssrc.to_be_bytes());
    if !extensions.is_empty() {
        let long = extensions.iter().any(|(id, value)| *id > 14 || value.is_empty() || value.len() > 16);
        let mut block = Vec::new();
        for (id, value) in extensions {
            if long {
                block.extend([*id, value.len() as u8]);
            } else {
                block.push(id << 4 | (value.len() as u8 - 1));
            }
            block.extend_from_slice(value);
        }
        block.resize(block.len().next_multiple_of(4), 0);
        out.extend(if long { [0x10, 0x00] } else { [0xbe, 0xde] });
        out.extend(((block.len() / 4) as u16).to_be_bytes());
        out.extend(block);
    }
    out.extend_from_slice(payload);
    out
}

/// Reads a packet. Anything a browser would refuse is `None`.
pub fn read(bytes: &[u8]) -> Option<Packet> {
    let byte = |at: usize| bytes.get(at).copied();
    let half = |at: usize| Some(u16::from_be_bytes([byte(at)?, byte(at + 1)?]));
    let word = |at: usize| Some(u32::from(half(at)?) << 16 | u32::from(half(at + 2)?));
    let first = byte(0)?;
    if first >> 6 != 2 {
        return None;
    }
    let header = Header {
        marker: byte(1)? & 0x80 != 0,
        payload_type: byte(1)? & 0x7f,
        sequence: half(2)?,
        timestamp: word(4)?,
        ssrc: word(8)?,
    };
    let mut at = 12 + 4 * usize::from(first & 0x0f);
    let mut extensions = Vec::new();
    if first & 0x10 != 0 {
        let (profile, len) = (half(at)?, 4 * usize::from(half(at + 2)?));
        let block = bytes.get(at + 4..at + 4 + len)?;
        extensions = read_extensions(profile, block)?;
        at += 4 + len;
    }
    let mut end = bytes.len();
    if first & 0x20 != 0 {
        end = end.checked_sub(usize::from(*bytes.last()?))?;
    }
    Some(Packet { header, extensions, payload: bytes.get(at..end)?.to_vec() })
}

fn read_extensions(profile: u16, mut block: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut out = Vec::new();
    while let Some((&head, rest)) = block.split_first() {
        if head == 0 {
            block = rest;
            continue;
        }
        let (id, len, rest) = match profile {
            0xbede if head >> 4 == 15 => break,
            0xbede => (head >> 4, usize::from(head & 0x0f) + 1, rest),
            0x1000..=0x100f => (head, usize::from(*rest.first()?), &rest[1..]),
            _ => return Some(out),
        };
        let (value, rest) = rest.split_at_checked(len)?;
        out.push((id, value.to_vec()));
        block = rest;
    }
    Some(out)
}
