//! VP8 in RTP as libwebrtc writes it (RFC 7741 §4.2), and the first bytes of a frame (RFC 6386 §9.1).

/// The payload descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Descriptor {
    /// First packet of a frame.
    pub start: bool,
    /// Running number of the picture, 15 bits.
    pub picture_id: Option<u16>,
    /// Running number of base layer pictures; present when the stream has temporal layers.
    pub tl0: Option<u8>,
    /// Temporal layer; present with `tl0`.
    pub temporal: u8,
    /// The picture needs only the base layer.
    pub sync: bool,
}

/// The descriptor, then the frame's tag where the packet begins a frame.
pub fn write(descriptor: &Descriptor, keyframe: bool, (width, height): (u16, u16)) -> Vec<u8> {
    let mut out = vec![0x80 | u8::from(descriptor.start) << 4, 0];
    if let Some(id) = descriptor.picture_id {
        out[1] |= 0x80;
        out.extend((id | 0x8000).to_be_bytes());
    }
    if let Some(tl0) = descriptor.tl0 {
        out[1] |= 0x60;
        out.push(tl0);
        out.push(descriptor.temporal << 6 | u8::from(descriptor.sync) << 5);
    }
    if descriptor.start {
        // Frame tag: bit 0 clear for a key frame; then its start code and the size.
        out.extend([u8::from(!keyframe) | 0x10, 0, 0]);
        if keyframe {
            out.extend([0x9d, 0x01, 0x2a]);
            out.extend(width.to_le_bytes());
            out.extend(height.to_le_bytes());
        }
    }
    out
}

/// Reads a descriptor: it, whether a key frame begins here, and where the model's marker stands.
pub fn read(payload: &[u8]) -> Option<(Descriptor, bool, usize)> {
    let byte = |at: usize| payload.get(at).copied();
    let first = byte(0)?;
    let mut descriptor = Descriptor { start: first & 0x17 == 0x10, ..Descriptor::default() };
    let mut at = 1;
    if first & 0x80 != 0 {
        let flags = byte(1)?;
        at = 2;
        if flags & 0x80 != 0 {
            let high = byte(at)?;
            // A browser's picture ids are long ones; a short one would be another stream.
            let low = byte(at + 1).filter(|_| high & 0x80 != 0)?;
            descriptor.picture_id = Some(u16::from_be_bytes([high & 0x7f, low]));
            at += 2;
        }
        if flags & 0x40 != 0 {
            descriptor.tl0 = Some(byte(at)?);
            at += 1;
        }
        if flags & 0x30 != 0 {
            descriptor.temporal = byte(at)? >> 6;
            descriptor.sync = byte(at)? & 0x20 != 0;
            at += 1;
        }
    }
    let mut keyframe = false;
    if descriptor.start {
        keyframe = byte(at)? & 1 == 0;
        at += if keyframe { 10 } else { 3 };
    }
    Some((descriptor, keyframe, at))
}
