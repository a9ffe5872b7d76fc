//! Where a decoder can start: spotting the first packet of a keyframe.

use crate::media::Codec;

/// Whether a packet begins a picture that needs no other one. Audio can start anywhere.
pub fn is_keyframe(codec: Codec, payload: &[u8]) -> bool {
    let start = match codec {
        Codec::Opus => Some(true),
        Codec::Vp8 => vp8(payload),
        Codec::H264 => h264(payload),
        Codec::Vp9 => vp9(payload),
        Codec::Av1 => av1(payload),
    };
    // Truncated payloads begin nothing.
    start.unwrap_or(false)
}

/// RFC 7741 §4.2, §4.3: first packet of the first partition, and the P bit of the frame header clear.
fn vp8(payload: &[u8]) -> Option<bool> {
    let descriptor = super::vp8::Descriptor::parse(payload)?;
    let frame = payload.get(descriptor.len())?;
    Some(descriptor.starts_frame() && frame & 0x01 == 0)
}

/// RFC 6184 §5.2: a sequence parameter set or the first slice of an IDR picture, alone, aggregated or fragmented.
///
/// Encoders in browsers put the parameter sets in front of every IDR picture, so the sequence parameter set comes first.
fn h264(payload: &[u8]) -> Option<bool> {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    // `first_mb_in_slice` is an Exp-Golomb 0 in the first slice: one set bit.
    let begins = |kind: u8, body: &[u8]| match kind {
        SPS => true,
        IDR => body.first().is_some_and(|byte| byte & 0x80 != 0),
        _ => false,
    };
    let (&head, body) = payload.split_first()?;
    match head & 0x1f {
        STAP_A => {
            let mut rest = body;
            while let Some((len, tail)) = rest.split_first_chunk() {
                let (unit, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
                let (&head, body) = unit.split_first()?;
                if begins(head & 0x1f, body) {
                    return Some(true);
                }
                rest = tail;
            }
            Some(false)
        }
        FU_A => {
            let (&fragment, body) = body.split_first()?;
            Some(fragment & 0x80 != 0 && begins(fragment & 0x1f, body))
        }
        kind => Some(begins(kind, body)),
    }
}

/// RFC 9628 §4.2: not inter-predicted (P), start of frame (B), and of the lowest spatial layer.
///
/// ```text
/// |I|P|L|F|B|E|V|Z|
/// |M| PICTURE ID  |  if I; a second byte if M
/// | TID |U| SID |D|  if L
/// ```
fn vp9(payload: &[u8]) -> Option<bool> {
    let (&flags, mut rest) = payload.split_first()?;
    if flags & 0x80 != 0 {
        let (&picture_id, tail) = rest.split_first()?;
        rest = if picture_id & 0x80 != 0 { tail.split_first()?.1 } else { tail };
    }
    let spatial_layer = if flags & 0x20 != 0 { (rest.first()? >> 1) & 0x07 } else { 0 };
    Some(flags & 0x40 == 0 && flags & 0x08 != 0 && spatial_layer == 0)
}

/// AV1 RTP specification §4.4: the packet starts a coded video sequence (N), does not continue an OBU (Z), and brings
/// the sequence header.
///
/// ```text
/// |Z|Y| W |N|-|-|-|   aggregation header, then W OBU elements (any number if 0)
/// ```
fn av1(payload: &[u8]) -> Option<bool> {
    const SEQUENCE_HEADER: u8 = 1;
    let (&aggregation, mut rest) = payload.split_first()?;
    if aggregation & 0x88 != 0x08 {
        return Some(false);
    }
    let count = (aggregation >> 4) & 0x03;
    let mut element = 1;
    while !rest.is_empty() {
        // The last of a stated number of elements carries no length.
        let unit = if element == count {
            std::mem::take(&mut rest)
        } else {
            let (len, tail) = leb128(rest)?;
            let (unit, tail) = tail.split_at_checked(len)?;
            rest = tail;
            unit
        };
        if unit.first().is_some_and(|head| (head >> 3) & 0x0f == SEQUENCE_HEADER) {
            return Some(true);
        }
        element += u8::from(count != 0);
    }
    Some(false)
}

/// A length of at most 28 bits: more cannot be in a packet.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vp8_keyframes_start_with_the_first_partition_and_a_clear_p_bit() {
        let key = |payload: &[u8]| is_keyframe(Codec::Vp8, payload);
        assert!(key(&[0x10, 0x00, 1, 2]));
        assert!(!key(&[0x10, 0x01]), "inter frame");
        assert!(!key(&[0x00, 0x00]), "not the start of a partition");
        assert!(!key(&[0x11, 0x00]), "second partition");
        assert!(key(&[0x90, 0x80, 0x81, 0x02, 0x00]), "15-bit picture id");
        assert!(key(&[0x90, 0xf0, 0x01, 0x05, 0x20, 0x00]), "7-bit picture id, TL0PICIDX, TID and KEYIDX");
        assert!(!key(&[0x90, 0x80, 0x81]), "cut off");
    }

    #[test]
    fn h264_keyframes_start_with_parameter_sets_or_the_first_idr_slice() {
        let key = |payload: &[u8]| is_keyframe(Codec::H264, payload);
        assert!(key(&[0x67, 0x42, 0xe0, 0x1f]), "SPS");
        assert!(key(&[0x65, 0x88]), "IDR");
        assert!(!key(&[0x65, 0x08]), "second slice of an IDR picture");
        assert!(!key(&[0x61, 0x88]), "other slice");
        assert!(!key(&[0x68, 0x88]), "PPS alone");
        assert!(key(&[0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce]), "STAP-A of SPS and PPS");
        assert!(key(&[0x78, 0, 2, 0x09, 0xf0, 0, 2, 0x65, 0x88]), "STAP-A: delimiter, IDR");
        assert!(!key(&[0x78, 0, 2, 0x61, 0x88]));
        assert!(!key(&[0x78, 0, 9, 0x61, 0x88]), "STAP-A with a lie about its length");
        assert!(key(&[0x7c, 0x85, 0x88]), "FU-A, start of IDR");
        assert!(!key(&[0x7c, 0x05, 0x88]), "FU-A, middle of IDR");
        assert!(!key(&[0x7c, 0x81, 0x88]), "FU-A, start of another slice");
    }

    #[test]
    fn vp9_keyframes_are_not_predicted_and_begin_in_the_lowest_layer() {
        let key = |payload: &[u8]| is_keyframe(Codec::Vp9, payload);
        assert!(key(&[0x08, 0]));
        assert!(!key(&[0x48, 0]), "inter-predicted");
        assert!(!key(&[0x00, 0]), "not the start of the frame");
        assert!(key(&[0xa8, 0x81, 0x02, 0x01, 0]), "picture id, layer 0");
        assert!(!key(&[0xa8, 0x81, 0x02, 0x03, 0]), "spatial layer 1");
        assert!(!key(&[0xa8, 0x81, 0x02]), "cut off");
    }

    #[test]
    fn av1_keyframes_start_a_sequence_and_bring_its_header() {
        let key = |payload: &[u8]| is_keyframe(Codec::Av1, payload);
        assert!(key(&[0x18, 0x08, 1, 2]), "one element without length");
        assert!(key(&[0x28, 2, 0x10, 0, 0x08, 1]), "two elements, the header second");
        assert!(key(&[0x08, 1, 0x30, 2, 0x08, 1]), "any number of elements");
        assert!(!key(&[0x10, 0x08, 1]), "N is clear");
        assert!(!key(&[0x98, 0x08, 1]), "continues an OBU");
        assert!(!key(&[0x18, 0x30, 1]), "no sequence header");
        assert!(!key(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff]), "a length without end");
    }

    #[test]
    fn audio_starts_anywhere() {
        assert!(is_keyframe(Codec::Opus, &[]));
    }

    proptest! {
        #[test]
        fn arbitrary_payloads_never_panic(payload in prop::collection::vec(any::<u8>(), 0..60)) {
            for codec in [Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
                is_keyframe(codec, &payload);
                for cut in 0..payload.len() {
                    is_keyframe(codec, &payload[..cut]);
                }
            }
        }
    }
}
