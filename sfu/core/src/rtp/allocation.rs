//! The video layers allocation (`…/rtp-hdrext/video-layers-allocation00`): what a publisher means to send of each layer.
//!
//! ```text
//! |RID| NS| sl_bm |   stream index, streams − 1, spatial layers active in every stream, or 0 and then:
//! |sl0_bm |sl1_bm |   … 4 bits a stream, to a whole byte
//! |#tl|#tl|#tl|#tl|   temporal layers − 1 of each active spatial layer, 2 bits each, to a whole byte
//! | kbit/s, leb128 |  of each temporal layer and those below it
//! | width − 1 (16) | height − 1 (16) | frames a second (8) |   of each active spatial layer, if there is room
//! ```

/// Most streams, spatial and temporal layers: each count has two bits, spatial layers a mask of four.
pub const MAX: usize = 4;

/// A spatial layer as announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SpatialLayer {
    /// Target of each temporal layer with those below it, kbit/s. Only the first `temporal_layers` count.
    pub kilobits: [u32; MAX],
    /// How many temporal layers, 1–4; 0 when the spatial layer is not active.
    pub temporal_layers: u8,
    /// Width and height in pixels, when told.
    pub size: Option<(u16, u16)>,
}

/// What a publisher means to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Allocation {
    /// By simulcast stream, then by spatial layer.
    pub streams: [[SpatialLayer; MAX]; MAX],
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.next()?, self.next()?]))
    }

    fn leb128(&mut self) -> Option<u32> {
        let mut value = 0u64;
        for place in 0..5 {
            let byte = self.next()?;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return u32::try_from(value).ok();
            }
        }
        None
    }
}

impl Allocation {
    /// Reads the value of the header extension; `None` if it ends early.
    pub fn read(value: &[u8]) -> Option<Self> {
        let mut it = Self::default();
        let mut bytes = Bytes(value);
        let head = bytes.next()?;
        if head == 0 && bytes.0.is_empty() {
            // Nothing is sent at all.
            return Some(it);
        }
        let count = usize::from(head >> 4 & 0x03) + 1;
        let mut masks = [head & 0x0f; MAX];
        if head & 0x0f == 0 {
            for pair in masks[..count].chunks_mut(2) {
                let byte = bytes.next()?;
                pair[0] = byte >> 4;
                if let Some(second) = pair.get_mut(1) {
                    *second = byte & 0x0f;
                }
            }
        }
        let active = |masks: &[u8; MAX], place: usize| {
            place / MAX < count && masks[place / MAX] >> (place % MAX) & 1 == 1
        };
        let mut counted = 0;
        let mut byte = 0;
        for place in (0..MAX * MAX).filter(|place| active(&masks, *place)) {
            if counted % 4 == 0 {
                byte = bytes.next()?;
            }
            it.streams[place / MAX][place % MAX].temporal_layers = (byte >> (6 - counted % 4 * 2) & 0x03) + 1;
            counted += 1;
        }
        for layer in it.active_mut() {
            for temporal in 0..usize::from(layer.temporal_layers) {
                layer.kilobits[temporal] = bytes.leb128()?;
            }
        }
        // All sizes or none.
        if bytes.0.len() >= counted * 5 {
            for layer in it.active_mut() {
                let mut side = || bytes.word().map(|it| it.saturating_add(1));
                layer.size = Some((side()?, side()?));
                bytes.next()?;
            }
        }
        Some(it)
    }

    fn active_mut(&mut self) -> impl Iterator<Item = &mut SpatialLayer> {
        self.streams.as_flattened_mut().iter_mut().filter(|layer| layer.temporal_layers > 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_simulcast_streams_are_announced_with_their_sizes() {
        let mut value = vec![0b0010_0001, 0b01_01_01_00];
        // 50, 100; 150, 300; 600, 1200 kbit/s.
        value.extend([50, 100, 0x96, 0x01, 0xac, 0x02, 0xd8, 0x04, 0xb0, 0x09]);
        for (width, height) in [(320u16, 180u16), (640, 360), (1280, 720)] {
            value.extend((width - 1).to_be_bytes());
            value.extend((height - 1).to_be_bytes());
            value.push(30);
        }
        let read = Allocation::read(&value).unwrap();
        let top = read.streams[2][0];
        assert_eq!((top.kilobits, top.temporal_layers, top.size), ([600, 1200, 0, 0], 2, Some((1280, 720))));
        assert_eq!(read.streams[0][0].size, Some((320, 180)));
        assert_eq!(read.streams[0][1].temporal_layers, 0, "one spatial layer each");
        let without = Allocation::read(&value[..12]).unwrap();
        assert_eq!((without.streams[1][0].kilobits[1], without.streams[1][0].size), (300, None));
        assert_eq!(Allocation::read(&value[..11]), None);
    }

    #[test]
    fn streams_may_differ_and_nothing_may_be_sent() {
        // Two streams: the first with layers 0 and 1, the second with none.
        let read = Allocation::read(&[0b0101_0000, 0b0011_0000, 0, 10, 20]).unwrap();
        assert_eq!(read.streams[0][1].kilobits[0], 20);
        assert_eq!(read.streams[1], [SpatialLayer::default(); MAX]);
        assert_eq!(Allocation::read(&[0]), Some(Allocation::default()));
        assert_eq!(Allocation::read(&[]), None);
    }

    proptest! {
        #[test]
        fn arbitrary_values_never_panic(value in prop::collection::vec(any::<u8>(), 0..100)) {
            Allocation::read(&value);
        }
    }
}
