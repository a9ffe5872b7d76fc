//! How large a picture is, from the first packet of its keyframe.

use super::bits::BitReader;
use super::{vp8, vp9};
use crate::media::Codec;

/// Width and height in pixels.
pub type Size = (u16, u16);

/// The size that a keyframe's first packet tells; `None` where the codec tells it elsewhere or the packet is cut off.
///
/// AV1 and SVC streams tell it in the dependency descriptor, or announce it with their layers.
pub fn of_keyframe(codec: Codec, payload: &[u8]) -> Option<Size> {
    match codec {
        Codec::Vp8 => vp8_size(payload),
        Codec::Vp9 => vp9_size(payload),
        Codec::H264 => h264_size(payload),
        Codec::Opus | Codec::Av1 => None,
    }
    .filter(|(width, height)| *width > 0 && *height > 0)
}

/// RFC 6386 §9.1: after the frame tag the start code, then two times 14 bits and a scale.
fn vp8_size(payload: &[u8]) -> Option<Size> {
    let frame = payload.get(vp8::Descriptor::parse(payload)?.len()..)?;
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = *frame.first_chunk()? else { return None };
    Some((u16::from_le_bytes([w0, w1]) & 0x3fff, u16::from_le_bytes([h0, h1]) & 0x3fff))
}

/// VP9 bitstream §6.2: the uncompressed header of a keyframe in profile 0.
fn vp9_size(payload: &[u8]) -> Option<Size> {
    let read = vp9::Descriptor::parse(payload)?;
    if let Some(structure) = read.structure
        && structure.sizes[0] != (0, 0)
    {
        return Some(structure.sizes[0]);
    }
    let mut bits = BitReader::new(payload.get(read.len()..)?);
    let [marker, profile, shows_existing] = [bits.bits(2)?, bits.bits(2)?, bits.bits(1)?];
    let is_inter = bits.bit()?;
    bits.skip(2)?;
    if marker != 2 || profile != 0 || shows_existing == 1 || is_inter || bits.bits(24)? != 0x49_83_42 {
        return None;
    }
    // Colour space 7 is RGB, which profile 0 does not have; the others have a range bit.
    if bits.bits(3)? == 7 {
        return None;
    }
    bits.skip(1)?;
    let mut side = || bits.bits(16).map(|it| it.saturating_add(1).min(65_535) as u16);
    Some((side()?, side()?))
}

/// RFC 6184: the sequence parameter set, alone or first in a STAP-A.
fn h264_size(payload: &[u8]) -> Option<Size> {
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    match payload.first()? & 0x1f {
        SPS => parameter_set(payload),
        STAP_A => {
            let mut rest = payload.get(1..)?;
            while let Some((len, tail)) = rest.split_first_chunk() {
                let (unit, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
                if unit.first()? & 0x1f == SPS {
                    return parameter_set(unit);
                }
                rest = tail;
            }
            None
        }
        _ => None,
    }
}

/// H.264 §7.3.2.1.1, of baseline profiles: the fields before the size are few there.
fn parameter_set(unit: &[u8]) -> Option<Size> {
    // Emulation prevention: a 3 after two zeros is not part of the bits.
    let mut plain = [0; 64];
    let mut len = 0;
    let mut zeros = 0;
    for byte in unit.iter().skip(1) {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        let Some(place) = plain.get_mut(len) else { break };
        *place = *byte;
        len += 1;
    }
    let mut bits = BitReader::new(&plain[..len]);
    let profile = bits.bits(8)?;
    bits.skip(16)?;
    bits.golomb()?;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        return None;
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => {
            bits.golomb()?;
        }
        1 => {
            bits.skip(1)?;
            bits.golomb()?;
            bits.golomb()?;
            for _ in 0..bits.golomb()?.min(255) {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.skip(1)?;
    let width = (u64::from(bits.golomb()?) + 1) * 16;
    let units = u64::from(bits.golomb()?) + 1;
    let frames_only = bits.bit()?;
    if !frames_only {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    let mut crop = [0u64; 4];
    if bits.bit()? {
        for side in &mut crop {
            *side = bits.golomb()?.into();
        }
    }
    let vertical = if frames_only { 1 } else { 2 };
    // 4:2:0, as all baseline video: cropping counts chroma samples.
    let width = width.checked_sub(2 * (crop[0] + crop[1]))?;
    let height = (units * 16 * vertical).checked_sub(2 * vertical * (crop[2] + crop[3]))?;
    Some((u16::try_from(width).ok()?, u16::try_from(height).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vp8_keyframes_tell_their_size() {
        let payload = [0x90, 0x80, 0x81, 0x02, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41];
        assert_eq!(of_keyframe(Codec::Vp8, &payload), Some((640, 360)), "the scale is not part of it");
        assert_eq!(of_keyframe(Codec::Vp8, &payload[..13]), None);
    }

    #[test]
    fn vp9_keyframes_tell_their_size() {
        let mut header = vec![0x08];
        // Marker 2, profile 0, shown keyframe; sync code; colour space 1, range 0; 1279 × 719.
        let text = format!("10 00 0 0 1 0 {:024b} 001 0 {:016b} {:016b} 0000", 0x498342, 1279, 719);
        let bits: Vec<u8> = text.bytes().filter(|b| *b != b' ').map(|b| b - b'0').collect();
        header.extend(bits.chunks(8).map(|chunk| chunk.iter().fold(0, |byte, bit| byte << 1 | bit)));
        assert_eq!(of_keyframe(Codec::Vp9, &header), Some((1280, 720)));
        header[0] = 0x48;
        header[1] |= 0x04;
        assert_eq!(of_keyframe(Codec::Vp9, &header), None, "an inter frame");
    }

    #[test]
    fn h264_parameter_sets_tell_their_size() {
        // Constrained baseline: 640 × 360 is 40 × 23 macroblocks, cropped by 8 lines.
        let text = "01000010 11100000 00011110 1 1 1 1 011 0 00000101000 000010111 1 0 1 1 1 1 00101 1000";
        let bits: Vec<u8> = text.bytes().filter(|b| *b != b' ').map(|b| b - b'0').collect();
        let mut unit = vec![0x67];
        unit.extend(bits.chunks(8).map(|chunk| chunk.iter().fold(0, |byte, bit| byte << 1 | bit)));
        assert_eq!(of_keyframe(Codec::H264, &unit), Some((640, 360)));
        let aggregated = [&[0x78, 0, unit.len() as u8][..], &unit].concat();
        assert_eq!(of_keyframe(Codec::H264, &aggregated), Some((640, 360)));
    }

    proptest! {
        #[test]
        fn arbitrary_payloads_never_panic(mut payload in prop::collection::vec(any::<u8>(), 0..90), sps in any::<bool>()) {
            if let Some(first) = payload.first_mut().filter(|_| sps) {
                *first = 0x67;
            }
            for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
                of_keyframe(codec, &payload);
            }
        }
    }
}
