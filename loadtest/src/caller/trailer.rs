//! What every media packet says of itself in its last bytes, so that a receiver needs to believe nobody: whose frame this is,
//! its number, when it was captured, and when the packet was handed to the network.
//!
//! ```text
//!  … payload … | 'V' 't' | person (3) | about (1) | index (2) | count (2) | back (3) | tick (5) | captured µs (8) | sent ns (9) | 80 |
//! ```
//!
//! Numbers are big-endian in bytes of seven bits, the eighth of which is set; *about* is the kind (1 bit), keyframe (1), encoding (2) and
//! temporal layer (3). So no byte of a trailer is zero: within an H.264 unit it cannot look like a start code and needs no emulation
//! prevention (H.264 §7.4.1), and its last byte is the stop bit that such a unit ends with.
//!
//! In sound it is Opus padding (RFC 6716 §3.2.5), in pictures what decoders skip (see [`super::sender::vp8`] and
//! [`super::sender::h264`]). Media servers do not look there. Clocks are the machine's (since 1970): all callers of a process share one.

/// Bytes of a trailer.
pub const LENGTH: usize = 36;

const MAGIC: [u8; 2] = *b"Vt";
/// The stop bit of an H.264 unit, and the zeros behind it.
const STOP: u8 = 0x80;
/// Where the time of sending stands.
const SENT: std::ops::Range<usize> = LENGTH - 10..LENGTH - 1;

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
    /// Simulcast encoding, the smallest is 0; at most 3.
    pub encoding: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// Which packet of the frame, from 0; below 2¹⁴.
    pub index: u16,
    /// How many packets the frame has; below 2¹⁴.
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
        let mut bytes = [STOP; LENGTH];
        bytes[..2].copy_from_slice(&MAGIC);
        let about = u64::from(self.kind == Kind::Camera) << 6
            | u64::from(self.keyframe) << 5
            | u64::from(self.encoding & 3) << 3
            | u64::from(self.temporal & 7);
        put(&mut bytes[2..5], self.person.into());
        put(&mut bytes[5..6], about);
        put(&mut bytes[6..8], self.index.into());
        put(&mut bytes[8..10], self.count.into());
        put(&mut bytes[10..13], self.back.into());
        put(&mut bytes[13..18], self.tick.into());
        put(&mut bytes[18..26], self.captured_us);
        put(&mut bytes[SENT], self.sent_ns);
        out.extend_from_slice(&bytes);
    }

    /// Reads the end of a payload; `None` when there is no trailer.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; LENGTH] = payload.last_chunk()?;
        if bytes[..2] != MAGIC || bytes[LENGTH - 1] != STOP {
            return None;
        }
        let about = take(&bytes[5..6]);
        Some(Self {
            person: take(&bytes[2..5]) as u16,
            kind: if about & 0x40 == 0 { Kind::Microphone } else { Kind::Camera },
            keyframe: about & 0x20 != 0,
            encoding: (about >> 3 & 3) as u8,
            temporal: (about & 7) as u8,
            index: take(&bytes[6..8]) as u16,
            count: take(&bytes[8..10]) as u16,
            back: take(&bytes[10..13]) as u16,
            tick: take(&bytes[13..18]) as u32,
            captured_us: take(&bytes[18..26]),
            sent_ns: take(&bytes[SENT]),
        })
    }
}

/// Sets the time of sending in the plain packet that is about to be sealed; packets without a trailer stay as they are.
pub fn stamp(packet: &mut [u8], sent_ns: u64) {
    if let Some(bytes) = packet.last_chunk_mut::<LENGTH>()
        && bytes[..2] == MAGIC
        && bytes[LENGTH - 1] == STOP
    {
        put(&mut bytes[SENT], sent_ns);
    }
}

/// The lowest bits of a number, seven in each byte.
fn put(bytes: &mut [u8], mut number: u64) {
    for byte in bytes.iter_mut().rev() {
        *byte = 0x80 | number as u8;
        number >>= 7;
    }
}

fn take(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
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
        assert!(!bytes.contains(&0), "nothing that H.264 would have to escape: {bytes:x?}");
        assert_eq!(Trailer::read(&bytes), Some(trailer));
        stamp(&mut bytes, 1_800_000_000_000_000_123);
        assert_eq!(Trailer::read(&bytes), Some(Trailer { sent_ns: 1_800_000_000_000_000_123, ..trailer }));
        assert_eq!(Trailer::read(&bytes[..LENGTH]), None, "a payload that was cut has none");
        let mut plain = vec![0; 40];
        stamp(&mut plain, 1);
        assert_eq!(plain, vec![0; 40]);
        let most = Trailer { person: u16::MAX, back: u16::MAX, tick: u32::MAX, ..trailer };
        let mut bytes = Vec::new();
        most.write(&mut bytes);
        assert_eq!(Trailer::read(&bytes), Some(most));
    }
}
