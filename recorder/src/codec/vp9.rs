//! VP9: payload descriptor of RFC 9628 §4.2, uncompressed header of the VP9 bitstream specification §6.2.
//!
//! ```text
//!      0 1 2 3 4 5 6 7
//!     +-+-+-+-+-+-+-+-+
//!     |I|P|L|F|B|E|V|Z|
//!     +-+-+-+-+-+-+-+-+
//!  I: |M| PICTURE ID  |  one byte, or two when M
//!  L: | TID |U| SID |D|  then TL0PICIDX unless F
//! P,F:| P_DIFF      |N|  up to three
//!  V: | scalability structure
//!     +-+-+-+-+-+-+-+-+
//! ```
//! All spatial layers of a picture share the RTP timestamp and are stored as one sample, lowest layer first.

use bytes::Bytes;

use super::{Config, KeyFrame, Malformed};
use crate::bits::BitReader;

/// What `vpcC` needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// 0–3.
    pub(crate) profile: u8,
    /// 8, 10 or 12.
    pub(crate) bit_depth: u8,
    /// As in `vpcC`: 1 = 4:2:0 colocated, 2 = 4:2:2, 3 = 4:4:4.
    pub(crate) chroma_subsampling: u8,
    /// Full range rather than studio range.
    pub(crate) full_range: bool,
}

/// Splits the descriptor off: (begins a picture, rest of the payload).
fn parse(payload: &[u8]) -> Option<(bool, &[u8])> {
    let flags = *payload.first()?;
    let [i, p, l, f, b, _e, v, _z] = [7, 6, 5, 4, 3, 2, 1, 0].map(|bit| flags >> bit & 1 == 1);
    let mut at = 1;
    let mut spatial_layer = 0;
    if i {
        at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
    }
    if l {
        spatial_layer = payload.get(at)? >> 1 & 7;
        at += if f { 1 } else { 2 };
    }
    if f && p {
        for reference in 0.. {
            let more = payload.get(at)? & 1 == 1;
            at += 1;
            if !more {
                break;
            }
            if reference == 2 {
                return None;
            }
        }
    }
    if v {
        let structure = *payload.get(at)?;
        at += 1;
        if structure & 0x10 != 0 {
            at += 4 * (usize::from(structure >> 5) + 1);
        }
        if structure & 0x08 != 0 {
            let pictures = *payload.get(at)?;
            at += 1;
            for _ in 0..pictures {
                at += 1 + usize::from(*payload.get(at)? >> 2 & 3);
            }
        }
    }
    Some((b && spatial_layer == 0, payload.get(at..)?))
}

pub(super) fn begins_frame(payload: &[u8]) -> bool {
    parse(payload).is_some_and(|(begins, _)| begins)
}

pub(super) fn frame(payloads: &[Bytes]) -> Result<Vec<u8>, Malformed> {
    let mut data = Vec::with_capacity(payloads.iter().map(Bytes::len).sum());
    for (i, payload) in payloads.iter().enumerate() {
        let (begins, rest) = parse(payload).ok_or(Malformed)?;
        if i == 0 && !begins {
            return Err(Malformed);
        }
        data.extend_from_slice(rest);
    }
    Ok(data)
}

pub(super) fn key_frame(frame: &[u8]) -> Result<Option<KeyFrame>, Malformed> {
    uncompressed_header(frame).ok_or(Malformed)
}

fn uncompressed_header(frame: &[u8]) -> Option<Option<KeyFrame>> {
    let mut bits = BitReader::new(frame);
    if bits.bits(2)? != 2 {
        return None;
    }
    let profile = bits.bits(1)? | bits.bits(1)? << 1;
    if profile == 3 {
        bits.skip(1)?;
    }
    let show_existing_frame = bits.flag()?;
    let inter = show_existing_frame || bits.flag()?;
    if inter {
        return Some(None);
    }
    bits.skip(2)?; // show_frame, error_resilient_mode
    if bits.bits(24)? != 0x49_8342 {
        return None;
    }
    let bit_depth = if profile >= 2 { 10 + 2 * bits.bits(1)? as u8 } else { 8 };
    const RGB: u32 = 7;
    let (full_range, chroma_subsampling) = if bits.bits(3)? == RGB {
        if profile & 1 == 1 {
            bits.skip(1)?;
        }
        (true, 3)
    } else {
        let full_range = bits.flag()?;
        let (x, y) = if profile & 1 == 1 {
            let subsampling = (bits.flag()?, bits.flag()?);
            bits.skip(1)?;
            subsampling
        } else {
            (true, true)
        };
        (
            full_range,
            if x && y {
                1
            } else if x {
                2
            } else {
                3
            },
        )
    };
    // Sixteen bits hold "minus one", so the largest size does not fit: no camera sends it.
    let width = u16::try_from(bits.bits(16)? + 1).ok()?;
    let height = u16::try_from(bits.bits(16)? + 1).ok()?;
    let header = Header { profile: profile as u8, bit_depth, chroma_subsampling, full_range };
    Some(Some(KeyFrame { width, height, config: Config::Vp9(header) }))
}

impl Header {
    /// Lowest level (×10) whose picture size limit the size keeps (VP9 levels, annex A); the bitstream does not say.
    pub(crate) fn level(width: u16, height: u16) -> u8 {
        let luma_samples = u32::from(width) * u32::from(height);
        [
            (36_864, 10),
            (73_728, 11),
            (122_880, 20),
            (245_760, 21),
            (552_960, 30),
            (983_040, 31),
            (2_228_224, 40),
        ]
        .into_iter()
        .find(|(limit, _)| luma_samples <= *limit)
        .map_or(50, |(_, level)| level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_of_both_modes_are_passed_over() {
        // Flexible: I with 15 bits, P with two references.
        assert_eq!(parse(&[0xd8, 0x81, 0x02, 0x03, 0x02, 0xaa]), Some((true, &[0xaa][..])));
        // Non-flexible with layers and a scalability structure of one size and one picture.
        let ss = [0xaa, 0x01, 0x00, 0x05, 0x18, 1, 64, 0, 240, 1, 0x04, 1, 0xbb];
        assert_eq!(parse(&ss), Some((true, &[0xbb][..])));
        // Spatial layer 1 continues the picture.
        assert_eq!(parse(&[0xa8, 0x01, 0x02, 0x05, 0xcc]).map(|parsed| parsed.0), Some(false));
        // Four references are one too many.
        assert_eq!(parse(&[0x58, 1, 1, 1, 1, 0xaa]), None);
    }
}
