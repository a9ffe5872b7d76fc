//! What stands in the model's pictures and sounds: the truth about each, so that a judge who reads it at the other end
//! needs to believe nobody.
//!
//! ```text
//! | 'V' 'm' | person | source | encoding | spatial | temporal | flags |
//! | tick (4) | captured µs (8) | packet (2) | packets (2) | references (1) | 3 × (ticks back (2), spatial) |
//! | CRC-32 of the rest (4) | filling …
//! ```

/// Bytes of a marker.
pub const MARKER_LEN: usize = 38;

const MAGIC: [u8; 2] = *b"Vm";
const CRC_AT: usize = 34;

/// A picture this one was predicted from, in the same stream of the same source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Reference {
    /// So many captured pictures ago; 0 is the same picture in a lower spatial layer.
    pub ticks_back: u16,
    /// Its spatial layer.
    pub spatial: u8,
}

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marker {
    /// Whose.
    pub person: u8,
    /// 0 microphone, 1 camera, 2 screen.
    pub source: u8,
    /// Simulcast encoding, and in the high nibble how often the publisher began anew.
    pub encoding: u8,
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// Needs no other picture.
    pub keyframe: bool,
    /// Running number of the captured picture or 20 ms of sound.
    pub tick: u32,
    /// When it was captured, µs on the publisher's clock.
    pub captured_us: u64,
    /// Which packet of the frame this is.
    pub packet: u16,
    /// How many it has.
    pub packets: u16,
    /// How many of `references` are meant.
    pub reference_count: u8,
    /// What it was predicted from.
    pub references: [Reference; 3],
}

impl Marker {
    /// The meant references.
    pub fn references(&self) -> &[Reference] {
        &self.references[..usize::from(self.reference_count.min(3))]
    }

    /// Appends the marker and filling up to `len` bytes in all (at least the marker's).
    pub fn write(&self, len: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend(MAGIC);
        out.extend([self.person, self.source, self.encoding, self.spatial, self.temporal]);
        out.push(u8::from(self.keyframe));
        out.extend(self.tick.to_be_bytes());
        out.extend(self.captured_us.to_be_bytes());
        out.extend(self.packet.to_be_bytes());
        out.extend(self.packets.to_be_bytes());
        out.push(self.reference_count);
        for reference in self.references {
            out.extend(reference.ticks_back.to_be_bytes());
            out.push(reference.spatial);
        }
        out.extend([0; 4]);
        out.resize(start + len.max(MARKER_LEN), self.tick as u8);
        let crc = crc(&out[start..]);
        out[start + CRC_AT..start + MARKER_LEN].copy_from_slice(&crc.to_be_bytes());
    }

    /// Reads a marker; `None` when a single bit of it or of its filling is not as it was written.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let written = u32::from_be_bytes(*bytes.get(CRC_AT..MARKER_LEN)?.first_chunk()?);
        if bytes[..2] != MAGIC || crc(bytes) != written {
            return None;
        }
        let half = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let word = |at: usize| u32::from(half(at)) << 16 | u32::from(half(at + 2));
        let reference = |at: usize| Reference { ticks_back: half(at), spatial: bytes[at + 2] };
        Some(Self {
            person: bytes[2],
            source: bytes[3],
            encoding: bytes[4],
            spatial: bytes[5],
            temporal: bytes[6],
            keyframe: bytes[7] != 0,
            tick: word(8),
            captured_us: u64::from(word(12)) << 32 | u64::from(word(16)),
            packet: half(20),
            packets: half(22),
            reference_count: bytes[24],
            references: [reference(25), reference(28), reference(31)],
        })
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..CRC_AT]);
    hasher.update(&bytes[MARKER_LEN..]);
    hasher.finalize()
}
