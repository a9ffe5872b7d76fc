//! VP8: payload descriptor of RFC 7741 §4.2, frame header of RFC 6386 §9.1.
//!
//! ```text
//!      0 1 2 3 4 5 6 7
//!     +-+-+-+-+-+-+-+-+
//!     |X|R|N|S|R| PID |   S: start of a partition, PID: its index
//!     +-+-+-+-+-+-+-+-+
//!  X: |I|L|T|K| RSV   |   which of the following are there
//!  I: |M| PictureID   |   one byte, or two when M
//!  L: |   TL0PICIDX   |
//! T/K:|TID|Y| KEYIDX  |
//!     +-+-+-+-+-+-+-+-+
//! ```

use bytes::Bytes;

use super::{Config, KeyFrame, Malformed};

/// Length of the descriptor at the front of `payload`.
fn descriptor_length(payload: &[u8]) -> Option<usize> {
    let mut length = 1;
    if payload.first()? & 0x80 != 0 {
        let extension = payload.get(1)?;
        length += 1;
        if extension & 0x80 != 0 {
            length += if payload.get(length)? & 0x80 != 0 { 2 } else { 1 };
        }
        if extension & 0x40 != 0 {
            length += 1;
        }
        if extension & 0x30 != 0 {
            length += 1;
        }
    }
    Some(length)
}

pub(super) fn begins_frame(payload: &[u8]) -> bool {
    payload.first().is_some_and(|first| first & 0x17 == 0x10)
}

pub(super) fn frame(payloads: &[Bytes]) -> Result<Vec<u8>, Malformed> {
    if !payloads.first().is_some_and(|first| begins_frame(first)) {
        return Err(Malformed);
    }
    let mut data = Vec::with_capacity(payloads.iter().map(Bytes::len).sum());
    for payload in payloads {
        let start = descriptor_length(payload).ok_or(Malformed)?;
        data.extend_from_slice(payload.get(start..).ok_or(Malformed)?);
    }
    Ok(data)
}

pub(super) fn key_frame(frame: &[u8]) -> Result<Option<KeyFrame>, Malformed> {
    let first = frame.first().ok_or(Malformed)?;
    if first & 1 != 0 {
        return Ok(None);
    }
    // Frame tag (3 bytes), start code, then width and height with two bits of scaling each.
    let header = frame.get(3..10).ok_or(Malformed)?;
    if header[..3] != [0x9d, 0x01, 0x2a] {
        return Err(Malformed);
    }
    let width = u16::from_le_bytes([header[3], header[4]]) & 0x3fff;
    let height = u16::from_le_bytes([header[5], header[6]]) & 0x3fff;
    Ok(Some(KeyFrame { width, height, config: Config::Vp8 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_optional_field_of_the_descriptor_is_passed_over() {
        for (descriptor, length) in [
            (&[0x10][..], 1),
            (&[0x90, 0x80, 0x11], 3),
            (&[0x90, 0x80, 0x91, 0x11], 4),
            (&[0x90, 0xf0, 0x91, 0x11, 0x22, 0x33], 6),
            (&[0x90, 0x10, 0x33], 3),
        ] {
            assert_eq!(descriptor_length(descriptor), Some(length), "{descriptor:x?}");
        }
    }

    #[test]
    fn a_key_frame_tells_its_size() {
        let frame = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0xe0, 0x01];
        let key = key_frame(&frame).unwrap().unwrap();
        assert_eq!((key.width, key.height), (640, 480));
        assert_eq!(key_frame(&[0x11, 0, 0]), Ok(None));
        assert_eq!(key_frame(&[0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7]), Err(Malformed));
    }
}
