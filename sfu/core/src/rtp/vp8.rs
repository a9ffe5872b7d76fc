//! VP8 payload descriptors, and keeping their counters continuous over a change of source.

/// Where the counters of a VP8 payload descriptor stand (RFC 7741 §4.2).
///
/// ```text
/// |X|R|N|S|R| PID |
/// |I|L|T|K| RSV   |  if X
/// |M| PICTURE ID  |  if I; a second byte if M
/// |   TL0PICIDX   |  if L
/// |TID|Y| KEYIDX  |  if T or K
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    len: u8,
    first: u8,
    picture_id: Option<PictureId>,
    tl0: Option<Tl0>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct PictureId {
    place: u8,
    long: bool,
    value: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Tl0 {
    place: u8,
    value: u8,
}

impl Descriptor {
    /// Reads the descriptor; `None` if the payload ends within it.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let byte = |place: u8| payload.get(usize::from(place)).copied();
        let first = byte(0)?;
        let mut place = 1;
        let flags = if first & 0x80 != 0 {
            place += 1;
            byte(1)?
        } else {
            0
        };
        let mut picture_id = None;
        if flags & 0x80 != 0 {
            let high = byte(place)?;
            let long = high & 0x80 != 0;
            let value =
                if long { u16::from_be_bytes([high & 0x7f, byte(place + 1)?]) } else { u16::from(high) };
            picture_id = Some(PictureId { place, long, value });
            place += 1 + u8::from(long);
        }
        let mut tl0 = None;
        if flags & 0x40 != 0 {
            tl0 = Some(Tl0 { place, value: byte(place)? });
            place += 1;
        }
        if flags & 0x30 != 0 {
            byte(place)?;
            place += 1;
        }
        Some(Self { len: place, first, picture_id, tl0 })
    }

    /// Length of the descriptor, in bytes: 1 to 6.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Never; a descriptor has at least one byte.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The payload is the start of a frame: S is set and the partition index is 0.
    pub fn starts_frame(&self) -> bool {
        self.first & 0x10 != 0 && self.first & 0x07 == 0
    }

    /// Picture id, 7 or 15 bits.
    pub fn picture_id(&self) -> Option<u16> {
        self.picture_id.map(|it| it.value)
    }

    /// Running index of base layer frames.
    pub fn tl0_picture_index(&self) -> Option<u8> {
        self.tl0.map(|it| it.value)
    }
}

/// Keeps picture id and TL0PICIDX of one slot continuous while sources change behind it.
///
/// Decoders take a step back in either for old or lost frames and stop showing pictures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vp8Rewriter {
    /// Added to the source's numbers, modulo 2¹⁵ and 2⁸.
    picture_id_offset: u16,
    tl0_offset: u8,
    /// Highest numbers sent.
    last_picture_id: Option<u16>,
    last_tl0: Option<u8>,
    /// The next packet sets the offsets anew.
    switching: bool,
}

/// Picture ids have 15 bits.
const PICTURE_ID_MASK: u16 = 0x7fff;

impl Vp8Rewriter {
    /// The next packet is the first of another source.
    pub fn switch(&mut self) {
        self.switching = true;
    }

    /// Rewrites the counters in the payload, in place. Payloads without them, or too short, stay as they are.
    pub fn rewrite(&mut self, payload: &mut [u8]) {
        let Some(descriptor) = Descriptor::parse(payload) else { return };
        if std::mem::take(&mut self.switching) {
            // The first picture of the new source follows the last one of the old.
            if let (Some(id), Some(last)) = (descriptor.picture_id, self.last_picture_id) {
                self.picture_id_offset = last.wrapping_add(1).wrapping_sub(id.value) & PICTURE_ID_MASK;
            }
            if let (Some(tl0), Some(last)) = (descriptor.tl0, self.last_tl0) {
                self.tl0_offset = last.wrapping_add(1).wrapping_sub(tl0.value);
            }
        }
        if let Some(id) = descriptor.picture_id {
            let value = id.value.wrapping_add(self.picture_id_offset) & PICTURE_ID_MASK;
            let newer = |last: u16| (value.wrapping_sub(last) & PICTURE_ID_MASK) < 0x4000;
            if self.last_picture_id.is_none_or(newer) {
                self.last_picture_id = Some(value);
            }
            let place = usize::from(id.place);
            if id.long {
                if let Some(bytes) = payload.get_mut(place..place + 2) {
                    bytes.copy_from_slice(&(value | 0x8000).to_be_bytes());
                }
            } else if let Some(byte) = payload.get_mut(place) {
                // A 7-bit field shows the low bits; its source wraps there too.
                *byte = (value & 0x7f) as u8;
            }
        }
        if let Some(tl0) = descriptor.tl0 {
            let value = tl0.value.wrapping_add(self.tl0_offset);
            if self.last_tl0.is_none_or(|last| value.wrapping_sub(last) < 0x80) {
                self.last_tl0 = Some(value);
            }
            if let Some(byte) = payload.get_mut(usize::from(tl0.place)) {
                *byte = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A payload with 15-bit picture id and TL0PICIDX.
    fn payload(picture_id: u16, tl0: u8) -> Vec<u8> {
        let [high, low] = (picture_id | 0x8000).to_be_bytes();
        vec![0x90, 0xe0, high, low, tl0, 0x20, 0x00, 0xaa]
    }

    fn rewritten(rewriter: &mut Vp8Rewriter, picture_id: u16, tl0: u8) -> (u16, u8) {
        let mut bytes = payload(picture_id, tl0);
        rewriter.rewrite(&mut bytes);
        assert_eq!(bytes.len(), 8);
        assert_eq!(bytes[5..], [0x20, 0x00, 0xaa], "nothing else changes");
        let descriptor = Descriptor::parse(&bytes).unwrap();
        (descriptor.picture_id().unwrap(), descriptor.tl0_picture_index().unwrap())
    }

    #[test]
    fn the_first_source_keeps_its_numbers_and_the_next_one_continues_them() {
        let mut rewriter = Vp8Rewriter::default();
        assert_eq!(rewritten(&mut rewriter, 0x7ffe, 254), (0x7ffe, 254));
        assert_eq!(rewritten(&mut rewriter, 0x7fff, 255), (0x7fff, 255));
        rewriter.switch();
        assert_eq!(rewritten(&mut rewriter, 500, 9), (0, 0));
        assert_eq!(rewritten(&mut rewriter, 500, 9), (0, 0), "second packet of the same picture");
        assert_eq!(rewritten(&mut rewriter, 501, 9), (1, 0));
        assert_eq!(rewritten(&mut rewriter, 499, 8), (0x7fff, 255), "a late packet does not set the pace");
        rewriter.switch();
        assert_eq!(rewritten(&mut rewriter, 3, 3), (2, 1));
    }

    #[test]
    fn a_short_picture_id_stays_short() {
        let mut rewriter = Vp8Rewriter::default();
        rewritten(&mut rewriter, 300, 7);
        rewriter.switch();
        let mut bytes = [0x90, 0x80, 0x05, 0x00];
        rewriter.rewrite(&mut bytes);
        assert_eq!(bytes, [0x90, 0x80, (301 % 128) as u8, 0x00]);
    }

    #[test]
    fn payloads_without_counters_are_left_alone() {
        let mut rewriter = Vp8Rewriter::default();
        rewriter.switch();
        let mut bytes = [0x10, 0x00, 1, 2];
        rewriter.rewrite(&mut bytes);
        assert_eq!(bytes, [0x10, 0x00, 1, 2]);
        rewriter.rewrite(&mut []);
    }

    proptest! {
        #[test]
        fn over_any_switches_pictures_count_up_by_one(
            sources in prop::collection::vec((any::<u16>(), any::<u8>(), 1..40u16), 1..12),
        ) {
            let mut rewriter = Vp8Rewriter::default();
            let mut expected: Option<(u16, u8)> = None;
            for (first_id, first_tl0, pictures) in sources {
                rewriter.switch();
                for picture in 0..pictures {
                    let got = rewritten(
                        &mut rewriter,
                        first_id.wrapping_add(picture) & PICTURE_ID_MASK,
                        first_tl0.wrapping_add(picture as u8),
                    );
                    if let Some(expected) = expected {
                        prop_assert_eq!(got, expected);
                    }
                    expected = Some(((got.0 + 1) & PICTURE_ID_MASK, got.1.wrapping_add(1)));
                }
            }
        }

        #[test]
        fn arbitrary_payloads_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..10), switch in any::<bool>()) {
            let mut rewriter = Vp8Rewriter::default();
            rewritten(&mut rewriter, 7, 7);
            if switch {
                rewriter.switch();
            }
            rewriter.rewrite(&mut bytes);
        }
    }
}
