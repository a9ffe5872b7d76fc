//! VP9 (RFC 9628 §4.2) and AV1 (AV1 RTP specification §4) payloads, as far as a forwarder may look into them.

/// One packet of a layer of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// First packet of the layer's frame.
    pub start: bool,
    /// Last packet of the layer's frame.
    pub end: bool,
    /// A decoder can start with this picture.
    pub keyframe: bool,
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// Running number of the picture, 15 bits (VP9).
    pub picture_id: u16,
    /// Running number of base layer pictures (VP9).
    pub tl0: u8,
    /// Spatial layers of the stream.
    pub layers: u8,
}

/// `I=1 P L=1 F=0 B E V Z`, picture id, layer indices, TL0PICIDX, and with a key frame the scalability structure.
pub fn write_vp9(part: &Part) -> Vec<u8> {
    let structure = part.keyframe && part.start && part.spatial == 0;
    let flag = |set: bool, place: u32| u8::from(set) << place;
    let first =
        0x80 | flag(!part.keyframe, 6) | 0x20 | flag(part.start, 3) | flag(part.end, 2) | flag(structure, 1);
    let mut out = vec![first];
    out.extend((part.picture_id | 0x8000).to_be_bytes());
    // D: predicted from the layer below in the same picture, which in the _KEY modes happens on key frames only.
    let below = part.keyframe && part.spatial > 0;
    out.push(part.temporal << 5 | part.spatial << 1 | u8::from(below));
    out.push(part.tl0);
    if structure {
        out.push((part.layers - 1) << 5);
    }
    out
}

/// Picture id, TL0PICIDX and where the content begins.
pub fn read_vp9(payload: &[u8]) -> Option<(u16, u8, usize)> {
    let (&first, rest) = payload.split_first()?;
    if first & 0xb0 != 0xa0 {
        return None;
    }
    let id = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
    let tl0 = *rest.get(3)?;
    let structure = usize::from(first & 0x02 != 0);
    (id & 0x8000 != 0).then_some((id & 0x7fff, tl0, 5 + structure))
}

/// A sequence header that says nothing: its OBU header, then filling.
const SEQUENCE_HEADER: [u8; 4] = [0x08, 0, 0, 0];

/// The aggregation header `Z Y W W N`, a sequence header where a key frame begins, and the head of the frame's OBU.
pub fn write_av1(part: &Part) -> Vec<u8> {
    let begins = part.keyframe && part.start && part.spatial == 0;
    let elements = if begins { 2 } else { 1 };
    let first = u8::from(!part.start) << 7 | u8::from(!part.end) << 6 | elements << 4 | u8::from(begins) << 3;
    let mut out = vec![first];
    if begins {
        out.push(SEQUENCE_HEADER.len() as u8);
        out.extend(SEQUENCE_HEADER);
    }
    if part.start {
        // OBU_FRAME with an extension that names the layers (AV1 specification 5.3.2, 5.3.3).
        out.extend([6 << 3 | 0x04, part.temporal << 5 | part.spatial << 3]);
    }
    out
}

/// Where the content begins.
pub fn read_av1(payload: &[u8]) -> Option<usize> {
    let first = *payload.first()?;
    let sequence_header = if first >> 4 & 3 == 2 { 1 + usize::from(*payload.get(1)?) } else { 0 };
    let head = if first & 0x80 == 0 { 2 } else { 0 };
    Some(1 + sequence_header + head)
}
