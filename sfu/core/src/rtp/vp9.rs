//! VP9 payload descriptors (RFC 9628 §4.2).
//!
//! ```text
//! |I|P|L|F|B|E|V|Z|
//! |M| PICTURE ID  |   if I; a second byte if M
//! | TID |U| SID |D|   if L
//! |   TL0PICIDX   |   if L and not F
//! |   P_DIFF    |N|   if F and P, 1 to 3 times
//! | N_S |Y|G|-|-|-|   if V: scalability structure
//! ```

use super::picture::{Field, PictureFields};

/// Largest group of pictures we follow in non-flexible mode; browsers use 1 to 8.
pub const MAX_GROUP: usize = 16;

/// Spatial layers whose sizes are kept.
pub const MAX_SIZES: usize = 4;

/// A descriptor, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    len: u8,
    /// Counters, and where they stand.
    pub fields: PictureFields,
    /// The picture refers to earlier pictures (P).
    pub inter_picture: bool,
    /// Layer ids are present (L).
    pub layered: bool,
    /// References are listed in each packet (F).
    pub flexible: bool,
    /// First packet of a layer's frame (B).
    pub starts_frame: bool,
    /// Last packet of a layer's frame (E).
    pub ends_frame: bool,
    /// No frame of a higher spatial layer needs this one (Z).
    pub not_for_upper_layers: bool,
    /// Temporal id, 0–7.
    pub temporal: u8,
    /// Later pictures of higher temporal layers need nothing of theirs from before this picture (U).
    pub switching_up: bool,
    /// Spatial id, 0–7.
    pub spatial: u8,
    /// The frame needs the next lower spatial layer of the same picture (D).
    pub inter_layer: bool,
    /// P_DIFF: how many picture ids back each reference is; 0 where there is none.
    pub references: [u8; 3],
    /// The scalability structure (V), on keyframes.
    pub structure: Option<Scalability>,
}

/// The scalability structure: what layers there are and, in non-flexible mode, how a group of pictures refers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scalability {
    /// How many spatial layers, 1–8.
    pub spatial_layers: u8,
    /// Their sizes in pixels; 0×0 where unknown.
    pub sizes: [(u16, u16); MAX_SIZES],
    /// The pictures of a group.
    pub group: [GroupPicture; MAX_GROUP],
    /// How many; 0 when none were listed, or more than we follow.
    pub group_len: u8,
}

/// One picture of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GroupPicture {
    /// Temporal id.
    pub temporal: u8,
    /// Switching up point.
    pub switching_up: bool,
    /// How many picture ids back each reference is; 0 where there is none.
    pub references: [u8; 3],
}

struct Cursor<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.place)?;
        self.place += 1;
        Some(byte)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }
}

impl Descriptor {
    /// Reads the descriptor; `None` if the payload ends within it or breaks its rules.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut cursor = Cursor { bytes: payload, place: 0 };
        let first = cursor.byte()?;
        let flag = |bit: u8| first & bit != 0;
        let mut it = Self {
            len: 0,
            fields: PictureFields::default(),
            inter_picture: flag(0x40),
            layered: flag(0x20),
            flexible: flag(0x10),
            starts_frame: flag(0x08),
            ends_frame: flag(0x04),
            not_for_upper_layers: flag(0x01),
            temporal: 0,
            switching_up: false,
            spatial: 0,
            inter_layer: false,
            references: [0; 3],
            structure: None,
        };
        if flag(0x80) {
            let place = cursor.place as u8;
            let high = cursor.byte()?;
            let long = high & 0x80 != 0;
            let value =
                if long { u16::from_be_bytes([high & 0x7f, cursor.byte()?]) } else { u16::from(high) };
            it.fields.picture_id = Some(Field { place, long, value });
        }
        if it.layered {
            let byte = cursor.byte()?;
            it.temporal = byte >> 5;
            it.switching_up = byte & 0x10 != 0;
            it.spatial = byte >> 1 & 0x07;
            it.inter_layer = byte & 0x01 != 0;
            if !it.flexible {
                let place = cursor.place as u8;
                it.fields.tl0 = Some(Field { place, long: false, value: cursor.byte()?.into() });
            }
        }
        if it.flexible && it.inter_picture {
            // RFC 9628 §4.2: at most three; a fourth is malformed.
            for place in 0.. {
                let byte = cursor.byte()?;
                *it.references.get_mut(place)? = byte >> 1;
                if byte & 1 == 0 {
                    break;
                }
            }
        }
        if flag(0x02) {
            it.structure = Some(Scalability::read(&mut cursor)?);
        }
        it.len = u8::try_from(cursor.place).ok()?;
        Some(it)
    }

    /// Length of the descriptor, in bytes.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Never; a descriptor has at least one byte.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Picture id, 7 or 15 bits.
    pub fn picture_id(&self) -> Option<Field> {
        self.fields.picture_id
    }

    /// A decoder can start with this packet.
    pub fn starts_keyframe(&self) -> bool {
        !self.inter_picture && self.starts_frame && self.spatial == 0
    }
}

impl Scalability {
    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let head = cursor.byte()?;
        let mut it = Self {
            spatial_layers: (head >> 5) + 1,
            sizes: [(0, 0); MAX_SIZES],
            group: [GroupPicture::default(); MAX_GROUP],
            group_len: 0,
        };
        if head & 0x10 != 0 {
            for layer in 0..usize::from(it.spatial_layers) {
                let size = (cursor.word()?, cursor.word()?);
                if let Some(known) = it.sizes.get_mut(layer) {
                    *known = size;
                }
            }
        }
        if head & 0x08 != 0 {
            let count = cursor.byte()?;
            for place in 0..usize::from(count) {
                let byte = cursor.byte()?;
                let mut picture =
                    GroupPicture { temporal: byte >> 5, switching_up: byte & 0x10 != 0, references: [0; 3] };
                for reference in 0..usize::from(byte >> 2 & 0x03) {
                    picture.references[reference] = cursor.byte()?;
                }
                if let Some(known) = it.group.get_mut(place) {
                    *known = picture;
                }
            }
            if usize::from(count) <= MAX_GROUP {
                it.group_len = count;
            }
        }
        Some(it)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn flexible_mode_lists_references() {
        let bytes = [0b1111_1000, 0x81, 0x02, 0b0101_0011, 0x03, 0x04, 0xaa];
        let read = Descriptor::parse(&bytes).unwrap();
        assert_eq!(read.picture_id().map(|it| it.value), Some(0x102));
        assert_eq!((read.temporal, read.spatial), (2, 1));
        assert!(read.switching_up && read.inter_layer && read.starts_frame && !read.ends_frame);
        assert_eq!(read.references, [1, 2, 0]);
        assert_eq!((read.len(), read.fields.tl0), (6, None));
        let four = [0b1111_1000, 0x01, 0, 0x03, 0x03, 0x03, 0x02];
        assert_eq!(Descriptor::parse(&four), None, "four references are one too many");
    }

    #[test]
    fn non_flexible_mode_has_a_base_layer_index_and_a_group() {
        let mut bytes = vec![0b1010_1010, 0x05, 0b0000_0000, 0x77];
        // Two layers with sizes, a group of two.
        bytes.extend([0b0011_1000, 1, 64, 0, 180, 2, 128, 1, 104]);
        bytes.extend([2, 0b0000_0100, 2, 0b0011_0100, 1]);
        let read = Descriptor::parse(&bytes).unwrap();
        assert!(read.starts_keyframe());
        assert_eq!(read.fields.tl0.map(|it| (it.place, it.value)), Some((3, 0x77)));
        let structure = read.structure.unwrap();
        assert_eq!(structure.spatial_layers, 2);
        assert_eq!(structure.sizes[..2], [(320, 180), (640, 360)]);
        assert_eq!(structure.group_len, 2);
        assert_eq!(
            structure.group[1],
            GroupPicture { temporal: 1, switching_up: true, references: [1, 0, 0] }
        );
        assert_eq!(read.len(), bytes.len());
        for cut in 0..bytes.len() {
            assert_eq!(Descriptor::parse(&bytes[..cut]), None, "cut to {cut}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_payloads_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
            if let Some(read) = Descriptor::parse(&bytes) {
                prop_assert!(read.len() <= bytes.len());
            }
        }
    }
}
