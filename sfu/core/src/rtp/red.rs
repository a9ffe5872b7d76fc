//! Redundant audio (RFC 2198), as browsers speak it for Opus: each packet carries earlier ones again.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |1|  block PT   |     timestamp offset      |   block length    |  one a redundant block, oldest first
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0|  block PT   |                                                  the primary block: the rest of the packet
//! +-+-+-+-+-+-+-+-+
//! |  redundant payloads, in the order of their headers, then the primary payload …
//! ```
//!
//! The format has no sequence numbers. Senders repeat the packets directly before, without leaving one out (libwebrtc
//! does), so the block in front of the primary of packet n is packet n − 1, and so on.

use bytes::BufMut;

use crate::ids::Pt;

/// The timestamp offset has 14 bits: 341 ms at 48 kHz.
pub const OFFSET_MAX: u32 = (1 << 14) - 1;

/// The block length has 10 bits.
pub const BLOCK_MAX: usize = (1 << 10) - 1;

/// Redundant blocks read of one packet; the newest ones count. libwebrtc writes one, at most nine.
pub const REDUNDANT_MAX: usize = 9;

/// Bytes of a redundant block's header.
const HEADER: usize = 4;

/// The bit that says that another header follows.
const MORE: u8 = 0x80;

/// Why a payload is not RED.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RedError {
    /// It ends within the headers.
    #[error("the payload ends within its block headers")]
    Truncated,
    /// The redundant blocks are longer than the payload.
    #[error("the redundant blocks claim {0} bytes, more than there are")]
    Overrun(usize),
}

/// One block: an Opus packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Block<'a> {
    /// Payload type inside; the same number space as that of packets.
    pub payload_type: Pt,
    /// How much earlier than the packet's timestamp it was sampled, 0 to [`OFFSET_MAX`].
    pub offset: u32,
    /// Coded audio, at most [`BLOCK_MAX`] bytes in redundant blocks.
    pub payload: &'a [u8],
}

/// The blocks of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Red<'a> {
    /// What the packet itself is about.
    pub primary: Block<'a>,
    redundant: [Block<'a>; REDUNDANT_MAX],
    count: usize,
}

impl<'a> Red<'a> {
    /// Finds the blocks of a payload. Nothing is copied; lengths that lie are refused.
    pub fn parse(payload: &'a [u8]) -> Result<Self, RedError> {
        let mut headers = 0;
        let mut claimed = 0;
        let mut rest = payload;
        // Each turn takes four bytes off, so hostile chains end with the packet.
        while let [first, _, high, low, after @ ..] = rest
            && first & MORE != 0
        {
            headers += 1;
            claimed += block_length(*high, *low);
            rest = after;
        }
        let Some((&last, blocks)) = rest.split_first().filter(|(first, _)| **first & MORE == 0) else {
            return Err(RedError::Truncated);
        };
        let (mut redundant_bytes, primary) =
            blocks.split_at_checked(claimed).ok_or(RedError::Overrun(claimed))?;
        let mut red = Self {
            primary: Block { payload_type: Pt(last & 0x7f), offset: 0, payload: primary },
            redundant: [Block::default(); REDUNDANT_MAX],
            count: 0,
        };
        for (place, header) in payload.chunks_exact(HEADER).take(headers).enumerate() {
            let &[pt, offset, high, low] = header else { break };
            let (bytes, after) = redundant_bytes.split_at(block_length(high, low));
            redundant_bytes = after;
            if headers - place <= REDUNDANT_MAX {
                red.redundant[red.count] = Block {
                    payload_type: Pt(pt & 0x7f),
                    offset: u32::from(offset) << 6 | u32::from(high >> 2),
                    payload: bytes,
                };
                red.count += 1;
            }
        }
        red.leave_out_nonsense();
        Ok(red)
    }

    /// Empties blocks of another payload type than the primary's, and those whose time is not before that of all later
    /// ones.
    fn leave_out_nonsense(&mut self) {
        let mut later = 0;
        for block in self.redundant[..self.count].iter_mut().rev() {
            if block.payload_type == self.primary.payload_type
                && block.offset > later
                && !block.payload.is_empty()
            {
                later = block.offset;
            } else {
                block.payload = &[];
            }
        }
    }

    /// Earlier packets with their distance in sequence numbers (the one directly before has 1), oldest first. Blocks that
    /// make no sense are left out; the others keep their distance.
    pub fn earlier(&self) -> impl Iterator<Item = (u64, Block<'a>)> + use<'a> {
        let Self { redundant, count, .. } = *self;
        let numbered = (0..count).map(move |place| ((count - place) as u64, redundant[place]));
        numbered.filter(|(_, block)| !block.payload.is_empty())
    }
}

/// Ten bits across the last two bytes of a header.
fn block_length(high: u8, low: u8) -> usize {
    usize::from(high & 0x03) << 8 | usize::from(low)
}

/// Whether a payload can be a redundant block at this distance in time.
pub fn fits(offset: u32, payload: &[u8]) -> bool {
    (1..=OFFSET_MAX).contains(&offset) && (1..=BLOCK_MAX).contains(&payload.len())
}

/// Bytes that a redundant block adds to a packet.
pub fn block_cost(payload: &[u8]) -> usize {
    HEADER + payload.len()
}

/// Appends a payload: the redundant blocks, oldest first, then the primary. Blocks that do not [fit](fits) must not be
/// given; their lengths would be cut.
pub fn write(redundant: &[Block<'_>], primary: Pt, payload: &[u8], out: &mut impl BufMut) {
    for block in redundant {
        debug_assert!(fits(block.offset, block.payload), "a block that does not fit");
        let tail = (block.offset & OFFSET_MAX) << 10 | (block.payload.len() & BLOCK_MAX) as u32;
        out.put_u32(u32::from(MORE | block.payload_type.0) << 24 | tail);
    }
    out.put_u8(primary.0 & !MORE);
    for block in redundant {
        out.put_slice(block.payload);
    }
    out.put_slice(payload);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPUS: Pt = Pt(111);

    fn block(offset: u32, payload: &[u8]) -> Block<'_> {
        Block { payload_type: OPUS, offset, payload }
    }

    #[test]
    fn a_packet_of_a_browser_is_read_byte_by_byte() {
        // One redundant block of three bytes, 960 samples earlier, then the primary.
        let bytes = [0x80 | 111, 0x0f, 0x00, 0x03, 111, b'o', b'l', b'd', b'n', b'e', b'w'];
        let red = Red::parse(&bytes).unwrap();
        assert_eq!(red.primary, block(0, b"new"));
        assert_eq!(red.earlier().collect::<Vec<_>>(), [(1, block(960, b"old"))]);
        let mut written = Vec::new();
        write(&[block(960, b"old")], OPUS, b"new", &mut written);
        assert_eq!(written, bytes);
    }

    #[test]
    fn a_primary_alone_is_red_too() {
        let red = Red::parse(&[111, b'x']).unwrap();
        assert_eq!(red.primary.payload, b"x");
        assert_eq!(red.earlier().count(), 0);
        assert_eq!(Red::parse(&[111]).unwrap().primary.payload, b"");
    }

    #[test]
    fn lies_about_lengths_are_refused() {
        assert_eq!(Red::parse(&[]), Err(RedError::Truncated));
        assert_eq!(Red::parse(&[0xef, 0, 0, 1]), Err(RedError::Truncated), "no primary header");
        assert_eq!(Red::parse(&[0xef, 0, 0]), Err(RedError::Truncated));
        assert_eq!(Red::parse(&[0xef, 0, 4, 9, 111, 1, 2]), Err(RedError::Overrun(9)));
        assert_eq!(Red::parse(&[0xff; 1200]), Err(RedError::Truncated), "headers without end");
    }

    #[test]
    fn blocks_that_make_no_sense_are_left_out_and_the_others_keep_their_place() {
        let other = Block { payload_type: Pt(96), offset: 2880, payload: b"video?" };
        let mut bytes = Vec::new();
        write(&[other, block(1920, b"two"), block(960, b"one")], OPUS, b"now", &mut bytes);
        let red = Red::parse(&bytes).unwrap();
        let earlier: Vec<_> = red.earlier().map(|(distance, block)| (distance, block.payload)).collect();
        assert_eq!(earlier, [(2, &b"two"[..]), (1, b"one")]);

        // Time that runs backwards, with a block of something else in between.
        bytes.clear();
        write(&[block(960, b"three"), other, block(1920, b"one")], OPUS, b"now", &mut bytes);
        let red = Red::parse(&bytes).unwrap();
        assert_eq!(red.earlier().map(|(distance, _)| distance).collect::<Vec<_>>(), [1]);

        // Time that stands still.
        bytes.clear();
        write(&[block(960, b"two"), block(960, b"one")], OPUS, b"now", &mut bytes);
        let red = Red::parse(&bytes).unwrap();
        assert_eq!(red.earlier().map(|(distance, _)| distance).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn of_a_long_chain_the_newest_blocks_count() {
        let offsets: Vec<u32> = (1..=14).rev().map(|step| step * 960).collect();
        let blocks: Vec<_> = offsets.iter().map(|offset| block(*offset, b"x")).collect();
        let mut bytes = Vec::new();
        write(&blocks, OPUS, b"now", &mut bytes);
        let red = Red::parse(&bytes).unwrap();
        let distances: Vec<_> = red.earlier().map(|(distance, block)| (distance, block.offset)).collect();
        assert_eq!(distances.len(), REDUNDANT_MAX);
        assert_eq!((distances[0], distances[8]), ((9, 9 * 960), (1, 960)));
        assert_eq!(red.primary.payload, b"now");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            steps in prop::collection::vec((1..1800u32, prop::collection::vec(any::<u8>(), 1..200)), 0..9),
            payload in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut offset = 0;
            let mut blocks: Vec<Block<'_>> = Vec::new();
            for (step, bytes) in &steps {
                offset += step;
                blocks.insert(0, block(offset, bytes));
            }
            let mut bytes = Vec::new();
            write(&blocks, OPUS, &payload, &mut bytes);
            prop_assert_eq!(bytes.len(), 1 + payload.len() + blocks.iter().map(|it| block_cost(it.payload)).sum::<usize>());
            let red = Red::parse(&bytes).unwrap();
            prop_assert_eq!(red.primary.payload, &payload[..]);
            let read: Vec<_> = red.earlier().map(|(_, block)| block).collect();
            prop_assert_eq!(read, blocks);
        }

        #[test]
        fn whatever_arrives_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(red) = Red::parse(&bytes) {
                let read: usize = red.earlier().map(|(_, block)| block_cost(block.payload)).sum();
                prop_assert!(read + red.primary.payload.len() < bytes.len());
                prop_assert!(red.earlier().all(|(distance, block)| distance >= 1 && fits(block.offset, block.payload)));
            }
        }
    }
}
