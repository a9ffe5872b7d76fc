//! AV1: RTP payloads of the AOMedia AV1 RTP specification §4 to the low-overhead format with size fields (what ISO
//! files store), and the sequence header (AV1 bitstream §5.5).
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! +-+-+-+-+-+-+-+-+
//! |Z|Y| W |N|-|-|-|   Z: first element continues, Y: last one will, W: elements (0: each has a length)
//! +-+-+-+-+-+-+-+-+
//! ```

use bytes::Bytes;

use super::{Config, KeyFrame, Malformed};
use crate::bits::{BitReader, leb128, put_leb128};

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;

/// What `av1C` needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SequenceHeader {
    pub(crate) profile: u8,
    pub(crate) level: u8,
    pub(crate) tier: bool,
    pub(crate) high_bitdepth: bool,
    pub(crate) twelve_bit: bool,
    pub(crate) monochrome: bool,
    pub(crate) subsampling_x: bool,
    pub(crate) subsampling_y: bool,
    pub(crate) chroma_sample_position: u8,
    /// The whole OBU with its size field.
    pub(crate) obu: Vec<u8>,
}

pub(super) fn begins_frame(payload: &[u8]) -> bool {
    payload.first().is_some_and(|header| header & 0x80 == 0)
}

pub(super) fn frame(payloads: &[Bytes]) -> Result<(Vec<u8>, Option<KeyFrame>), Malformed> {
    let mut data = Vec::with_capacity(payloads.iter().map(|payload| payload.len() + 2).sum());
    let mut key = None;
    for obu in obus(payloads)? {
        let (header, body) = split(&obu).ok_or(Malformed)?;
        let kind = header[0] >> 3 & 0x0f;
        if [TEMPORAL_DELIMITER, TILE_LIST, PADDING].contains(&kind) {
            continue;
        }
        let start = data.len();
        data.push(header[0] | 0x02);
        data.extend_from_slice(&header[1..]);
        put_leb128(&mut data, body.len());
        data.extend_from_slice(body);
        if kind == SEQUENCE_HEADER {
            let (mut sequence, width, height) = sequence_header(body).ok_or(Malformed)?;
            sequence.obu = data[start..].to_vec();
            key = Some(KeyFrame { width, height, config: Config::Av1(sequence) });
        }
    }
    Ok((data, key))
}

/// Header (one byte, two with an extension) and body of an OBU, with or without a size field.
fn split(obu: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = *obu.first()?;
    let (header, rest) = obu.split_at_checked(if first & 0x04 != 0 { 2 } else { 1 })?;
    if first & 0x02 == 0 {
        return Some((header, rest));
    }
    let (length, taken) = leb128(rest)?;
    Some((header, rest.get(taken..)?.get(..length)?))
}

/// Puts the OBU elements of all payloads together again.
fn obus(payloads: &[Bytes]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut obus: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    for payload in payloads {
        let (&header, mut rest) = payload.split_first().ok_or(Malformed)?;
        let (continues, continued) = (header & 0x80 != 0, header & 0x40 != 0);
        let count = usize::from(header >> 4 & 3);
        if continues != open {
            return Err(Malformed);
        }
        let mut element = 0usize;
        while !rest.is_empty() {
            element += 1;
            let length = if count != 0 && element == count {
                rest.len()
            } else {
                let (length, taken) = leb128(rest).ok_or(Malformed)?;
                rest = &rest[taken..];
                length
            };
            let (bytes, after) = rest.split_at_checked(length).ok_or(Malformed)?;
            rest = after;
            match obus.last_mut() {
                Some(last) if element == 1 && continues => last.extend_from_slice(bytes),
                _ => obus.push(bytes.to_vec()),
            }
        }
        if element == 0 {
            return Err(Malformed);
        }
        open = continued;
    }
    if open { Err(Malformed) } else { Ok(obus) }
}

/// §5.5.1: header, maximum width and height.
fn sequence_header(body: &[u8]) -> Option<(SequenceHeader, u16, u16)> {
    let mut bits = BitReader::new(body);
    let profile = bits.bits(3)? as u8;
    bits.skip(1)?; // still_picture
    let reduced = bits.flag()?;
    let (mut level, mut tier) = (0, false);
    if reduced {
        level = bits.bits(5)? as u8;
    } else {
        let mut buffer_delay_bits = None;
        if bits.flag()? {
            bits.skip(64)?;
            if bits.flag()? {
                bits.exp_golomb()?;
            }
            if bits.flag()? {
                buffer_delay_bits = Some(bits.bits(5)? as usize + 1);
                bits.skip(32 + 5 + 5)?;
            }
        }
        let display_delay = bits.flag()?;
        for point in 0..=bits.bits(5)? {
            bits.skip(12)?;
            let point_level = bits.bits(5)? as u8;
            let point_tier = point_level > 7 && bits.flag()?;
            if point == 0 {
                (level, tier) = (point_level, point_tier);
            }
            if let Some(length) = buffer_delay_bits
                && bits.flag()?
            {
                bits.skip(2 * length + 1)?;
            }
            if display_delay && bits.flag()? {
                bits.skip(4)?;
            }
        }
    }
    let (width_bits, height_bits) = (bits.bits(4)? + 1, bits.bits(4)? + 1);
    let width = u16::try_from(bits.bits(width_bits)? + 1).ok()?;
    let height = u16::try_from(bits.bits(height_bits)? + 1).ok()?;
    if !reduced && bits.flag()? {
        bits.skip(7)?; // lengths of frame ids
    }
    bits.skip(3)?; // 128×128 superblocks, filter intra, intra edge filter
    if !reduced {
        bits.skip(4)?; // interintra and masked compound, warped motion, dual filter
        let order_hint = bits.flag()?;
        if order_hint {
            bits.skip(2)?;
        }
        let screen_content_tools = bits.flag()? || bits.flag()?;
        if screen_content_tools && !bits.flag()? {
            bits.skip(1)?; // seq_force_integer_mv
        }
        if order_hint {
            bits.skip(3)?;
        }
    }
    bits.skip(3)?; // superres, cdef, restoration
    let high_bitdepth = bits.flag()?;
    let twelve_bit = profile == 2 && high_bitdepth && bits.flag()?;
    let monochrome = profile != 1 && bits.flag()?;
    const SRGB_IDENTITY: (u32, u32, u32) = (1, 13, 0);
    let colour = if bits.flag()? { (bits.bits(8)?, bits.bits(8)?, bits.bits(8)?) } else { (2, 2, 2) };
    let mut chroma_sample_position = 0;
    let (subsampling_x, subsampling_y) = if monochrome {
        (true, true)
    } else if colour == SRGB_IDENTITY {
        (false, false)
    } else {
        bits.skip(1)?; // color_range
        let subsampling = match profile {
            0 => (true, true),
            1 => (false, false),
            _ if twelve_bit => {
                let x = bits.flag()?;
                (x, x && bits.flag()?)
            }
            _ => (true, false),
        };
        if subsampling == (true, true) {
            chroma_sample_position = bits.bits(2)? as u8;
        }
        subsampling
    };
    let header = SequenceHeader {
        profile,
        level,
        tier,
        high_bitdepth,
        twelve_bit,
        monochrome,
        subsampling_x,
        subsampling_y,
        chroma_sample_position,
        obu: Vec::new(),
    };
    Some((header, width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_with_and_without_lengths_across_packets_become_whole_obus() {
        let payloads = [
            // W=2: an OBU of two bytes with its length, then the start of a frame without.
            Bytes::from_static(&[0x60, 2, 0x28, 0xaa, 0x30, 1, 2]),
            Bytes::from_static(&[0xd0, 3]),
            // W=0: every element has a length.
            Bytes::from_static(&[0x80, 1, 4, 2, 0x20, 0xbb]),
        ];
        assert_eq!(obus(&payloads).unwrap(), [vec![0x28, 0xaa], vec![0x30, 1, 2, 3, 4], vec![0x20, 0xbb]]);
        let (data, key) = frame(&payloads).unwrap();
        assert_eq!(data, [0x2a, 1, 0xaa, 0x32, 4, 1, 2, 3, 4, 0x22, 1, 0xbb], "size fields are added");
        assert_eq!(key, None);
        assert_eq!(obus(&payloads[1..]), Err(Malformed), "the start is missing");
        assert_eq!(obus(&payloads[..2]), Err(Malformed), "the end is missing");
    }

    #[test]
    fn a_packet_may_have_more_elements_than_a_byte_counts() {
        let mut payload = vec![0x00];
        // 300 elements of one byte each, every one with its length.
        payload.extend([1, 0x10].repeat(300));
        let obus = obus(&[Bytes::from(payload)]).unwrap();
        assert_eq!((obus.len(), obus.iter().all(|obu| obu == &[0x10])), (300, true));
    }
}
