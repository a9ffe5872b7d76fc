//! VP8 payload descriptors.

use super::picture::{Field, PictureFields};

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
    /// Counters, and where they stand.
    pub fields: PictureFields,
    /// Temporal id, 0–3 (T); `None` when the stream says nothing of layers.
    pub temporal: Option<u8>,
    /// Layer sync (Y): the frame needs nothing but the last base layer frame.
    pub syncs: bool,
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
        let mut fields = PictureFields::default();
        if flags & 0x80 != 0 {
            let high = byte(place)?;
            let long = high & 0x80 != 0;
            let value =
                if long { u16::from_be_bytes([high & 0x7f, byte(place + 1)?]) } else { u16::from(high) };
            fields.picture_id = Some(Field { place, long, value });
            place += 1 + u8::from(long);
        }
        if flags & 0x40 != 0 {
            fields.tl0 = Some(Field { place, long: false, value: byte(place)?.into() });
            place += 1;
        }
        let mut layers = 0;
        if flags & 0x30 != 0 {
            layers = byte(place)?;
            place += 1;
        }
        let layered = flags & 0x20 != 0;
        Some(Self {
            len: place,
            first,
            fields,
            temporal: layered.then_some(layers >> 6),
            syncs: layered && layers & 0x20 != 0,
        })
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

    /// No other frame needs this one (N).
    pub fn is_discardable(&self) -> bool {
        self.first & 0x20 != 0
    }

    /// Picture id, 7 or 15 bits.
    pub fn picture_id(&self) -> Option<u16> {
        self.fields.picture_id.map(|it| it.value)
    }

    /// Running index of base layer frames.
    pub fn tl0_picture_index(&self) -> Option<u8> {
        self.fields.tl0.map(|it| it.value as u8)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rtp::picture::PictureRewriter;

    /// A payload with 15-bit picture id and TL0PICIDX.
    fn payload(picture_id: u16, tl0: u8) -> Vec<u8> {
        let [high, low] = (picture_id | 0x8000).to_be_bytes();
        vec![0x90, 0xe0, high, low, tl0, 0x20, 0x00, 0xaa]
    }

    fn rewrite(rewriter: &mut PictureRewriter, payload: &mut [u8]) {
        if let Some(descriptor) = Descriptor::parse(payload) {
            rewriter.rewrite(&descriptor.fields, payload);
        }
    }

    fn rewritten(rewriter: &mut PictureRewriter, picture_id: u16, tl0: u8) -> (u16, u8) {
        let mut bytes = payload(picture_id, tl0);
        rewrite(rewriter, &mut bytes);
        assert_eq!(bytes.len(), 8);
        assert_eq!(bytes[5..], [0x20, 0x00, 0xaa], "nothing else changes");
        let descriptor = Descriptor::parse(&bytes).unwrap();
        (descriptor.picture_id().unwrap(), descriptor.tl0_picture_index().unwrap())
    }

    #[test]
    fn layer_ids_are_read_when_the_stream_has_them() {
        let read = Descriptor::parse(&[0xb0, 0xe0, 0x81, 0x02, 7, 0b1010_0000, 1]).unwrap();
        assert_eq!((read.temporal, read.syncs, read.is_discardable()), (Some(2), true, true));
        assert_eq!((read.picture_id(), read.tl0_picture_index(), read.len()), (Some(0x102), Some(7), 6));
        let read = Descriptor::parse(&[0x90, 0x10, 0b1010_0000, 1]).unwrap();
        assert_eq!((read.temporal, read.syncs), (None, false), "a key index is no layer id");
    }

    #[test]
    fn the_first_source_keeps_its_numbers_and_the_next_one_continues_them() {
        let mut rewriter = PictureRewriter::default();
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
        let mut rewriter = PictureRewriter::default();
        rewritten(&mut rewriter, 300, 7);
        rewriter.switch();
        let mut bytes = [0x90, 0x80, 0x05, 0x00];
        rewrite(&mut rewriter, &mut bytes);
        assert_eq!(bytes, [0x90, 0x80, (301 % 128) as u8, 0x00]);
    }

    #[test]
    fn payloads_without_counters_are_left_alone() {
        let mut rewriter = PictureRewriter::default();
        rewriter.switch();
        let mut bytes = [0x10, 0x00, 1, 2];
        rewrite(&mut rewriter, &mut bytes);
        assert_eq!(bytes, [0x10, 0x00, 1, 2]);
        rewrite(&mut rewriter, &mut []);
    }

    proptest! {
        #[test]
        fn over_any_switches_pictures_count_up_by_one(
            sources in prop::collection::vec((any::<u16>(), any::<u8>(), 1..40u16), 1..12),
        ) {
            let mut rewriter = PictureRewriter::default();
            let mut expected: Option<(u16, u8)> = None;
            for (first_id, first_tl0, pictures) in sources {
                rewriter.switch();
                for picture in 0..pictures {
                    let got = rewritten(
                        &mut rewriter,
                        first_id.wrapping_add(picture) & 0x7fff,
                        first_tl0.wrapping_add(picture as u8),
                    );
                    if let Some(expected) = expected {
                        prop_assert_eq!(got, expected);
                    }
                    expected = Some(((got.0 + 1) & 0x7fff, got.1.wrapping_add(1)));
                }
            }
        }

        #[test]
        fn arbitrary_payloads_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..10), switch in any::<bool>()) {
            let mut rewriter = PictureRewriter::default();
            rewritten(&mut rewriter, 7, 7);
            if switch {
                rewriter.switch();
            }
            rewrite(&mut rewriter, &mut bytes);
        }
    }
}
