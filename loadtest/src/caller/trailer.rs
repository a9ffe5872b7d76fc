//! What every media packet says of itself in its last bytes, so that a receiver needs to believe nobody: whose frame this is,
//! its number, when it was captured, and when the packet was handed to the network.
//!
//! ```text
//!  … payload … | 'V' 't' | person (2) | kind | layers | index (2) | count (2) | back (2) | tick (4) | captured µs (8) | sent ns (8) |
//! ```
//!
//! In sound it is Opus padding (RFC 6716 §3.2.5), which decoders skip; in pictures it stands at the end of what would be coded data.
//! Media servers do not look there. Clocks are the machine's (since 1970): all callers of a process share one.

/// Bytes of a trailer.
pub const LENGTH: usize = 32;

const MAGIC: [u8; 2] = *b"Vt";

/// What a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub enum Kind {
    /// Sound.
    #[default]
    Microphone,
    /// Picture.
    Camera,
}

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Trailer {
    /// Whose: a number that is unique among the callers of this process, modulo 2¹⁶.
    pub person: u16,
    /// Which source.
    pub kind: Kind,
    /// Needs no other frame.
    pub keyframe: bool,
    /// Simulcast encoding, the smallest is 0.
    pub encoding: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// Which packet of the frame, from 0.
    pub index: u16,
    /// How many packets the frame has.
    pub count: u16,
    /// How many captured frames ago the one was that this one needs; 0 for none.
    pub back: u16,
    /// Number of the captured frame (33 ms of picture, 20 ms of sound).
    pub tick: u32,
    /// When it was captured, µs since 1970.
    pub captured_us: u64,
    /// When the packet was handed to the socket, ns since 1970. Set last, see [`stamp`].
    pub sent_ns: u64,
}

impl Trailer {
    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.person.to_be_bytes());
        out.push(u8::from(self.kind == Kind::Camera) << 1 | u8::from(self.keyframe));
        out.push(self.encoding << 4 | self.temporal & 0x0f);
        out.extend_from_slice(&self.index.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.back.to_be_bytes());
        out.extend_from_slice(&self.tick.to_be_bytes());
        out.extend_from_slice(&self.captured_us.to_be_bytes());
        out.extend_from_slice(&self.sent_ns.to_be_bytes());
    }

    /// Reads the end of a payload; `None` when there is no trailer.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; LENGTH] = payload.last_chunk()?;
        if bytes[..2] != MAGIC {
            return None;
        }
        let half = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let word = |at: usize| u64::from(half(at)) << 16 | u64::from(half(at + 2));
        let long = |at: usize| word(at) << 32 | word(at + 4);
        Some(Self {
            person: half(2),
            kind: if bytes[4] & 2 == 0 { Kind::Microphone } else { Kind::Camera },
            keyframe: bytes[4] & 1 != 0,
            encoding: bytes[5] >> 4,
            temporal: bytes[5] & 0x0f,
            index: half(6),
            count: half(8),
            back: half(10),
            tick: word(12) as u32,
            captured_us: long(16),
            sent_ns: long(24),
        })
    }
}

/// Sets the time of sending in the plain packet that is about to be sealed; packets without a trailer stay as they are.
pub fn stamp(packet: &mut [u8], sent_ns: u64) {
    if let Some(bytes) = packet.last_chunk_mut::<LENGTH>()
        && bytes[..2] == MAGIC
    {
        bytes[LENGTH - 8..].copy_from_slice(&sent_ns.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_is_read_behind_any_payload_and_stamped_in_place() {
        let trailer = Trailer {
            person: 700,
            kind: Kind::Camera,
            keyframe: true,
            encoding: 2,
            temporal: 1,
            index: 3,
            count: 9,
            back: 2,
            tick: 70_000,
            captured_us: 1_800_000_000_000_000,
            sent_ns: 5,
        };
        let mut bytes = b"coded".to_vec();
        trailer.write(&mut bytes);
        assert_eq!(bytes.len(), 5 + LENGTH);
        assert_eq!(Trailer::read(&bytes), Some(trailer));
        stamp(&mut bytes, 1_800_000_000_000_000_123);
        assert_eq!(Trailer::read(&bytes), Some(Trailer { sent_ns: 1_800_000_000_000_000_123, ..trailer }));
        assert_eq!(Trailer::read(&bytes[..LENGTH]), None, "a payload that was cut has none");
        let mut plain = vec![0; 40];
        stamp(&mut plain, 1);
        assert_eq!(plain, vec![0; 40]);
    }
}
