//! Laying VP8 pictures into packets (RFC 7741).
//!
//! ```text
//!  | descriptor | frame tag, header, first partition, token partition | filling | trailer |
//!  | descriptor | filling | trailer |   as many as the size asks for
//! ```
//!
//! The token partition is the only one and runs to the end of the picture (RFC 6386 §9.5). What its boolean decoder finds behind
//! the coded data it never asks for, so filling and trailers are part of it, and no size has to be changed.
//!
//! A picture that is too large for one packet begins with a packet **without a trailer**: it ends within coded data, where nothing
//! may stand that is not. That is the keyframe of 720 lines, whose prediction modes alone are 3.4 bits for each of 3,600 macroblocks.

use super::clip::{PAYLOAD_MAX, Picture};
use crate::caller::trailer::{self, Trailer};

/// Bytes in front of coded data: X and S; I, L and T; picture id of 15 bits; TL0PICIDX; TID and Y.
const DESCRIPTOR: usize = 6;

/// What the payload descriptor says of a picture (RFC 7741 §4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Descriptor {
    /// Running number of the picture, 15 bits.
    pub picture_id: u16,
    /// Running number of base layer pictures.
    pub tl0: u8,
    /// Needs only the base layer.
    pub sync: bool,
}

/// Cuts a frame into pieces.
pub fn cut(data: Vec<u8>) -> Picture {
    let mut ends = Vec::new();
    let mut at = 0;
    while data.len() - at > PAYLOAD_MAX - DESCRIPTOR - trailer::LENGTH {
        // Something is left for the packet that has the trailer.
        at = (at + PAYLOAD_MAX - DESCRIPTOR).min(data.len() - 1);
        ends.push(at);
    }
    ends.push(data.len());
    Picture { data, ends }
}

/// Bytes of the packet with this number, see [`super::clip::Clip::length`].
pub fn length(picture: &Picture, index: usize, wanted: usize) -> usize {
    let piece = picture.piece(index).unwrap_or_default();
    if index + 1 < picture.pieces() {
        DESCRIPTOR + piece.len()
    } else {
        wanted.max(DESCRIPTOR + piece.len() + trailer::LENGTH)
    }
}

/// Appends that packet.
pub fn write(
    picture: &Picture,
    index: usize,
    length: usize,
    descriptor: Descriptor,
    trailer: &Trailer,
    out: &mut Vec<u8>,
) {
    let end = out.len() + length;
    let begins = index == 0;
    out.extend_from_slice(&[0x80 | u8::from(begins) << 4, 0xe0]);
    out.extend_from_slice(&(descriptor.picture_id | 0x8000).to_be_bytes());
    out.extend_from_slice(&[descriptor.tl0, trailer.temporal << 6 | u8::from(descriptor.sync) << 5]);
    out.extend_from_slice(picture.piece(index).unwrap_or_default());
    if index + 1 >= picture.pieces() {
        out.resize(end - trailer::LENGTH, 0);
        trailer.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_picture_is_filled_up_behind_its_data() {
        let picture = cut(vec![7; 100]);
        let descriptor = Descriptor { picture_id: 5, tl0: 9, sync: true };
        let trailer = Trailer { temporal: 2, ..Trailer::default() };
        assert_eq!(length(&picture, 0, 0), 100 + DESCRIPTOR + trailer::LENGTH);
        assert_eq!(length(&picture, 0, 700), 700);
        let mut out = vec![1];
        write(&picture, 0, 700, descriptor, &trailer, &mut out);
        assert_eq!(out.len(), 701);
        assert_eq!(out[1..8], [0x90, 0xe0, 0x80, 5, 9, 0xa0, 7]);
        assert_eq!(Trailer::read(&out), Some(trailer));
        let mut out = Vec::new();
        write(&picture, 1, 700, descriptor, &trailer, &mut out);
        assert_eq!((out[0], out.len()), (0x80, 700), "the second packet begins no picture and is filling");
    }

    #[test]
    fn a_packet_that_ends_within_coded_data_has_no_trailer() {
        for bytes in [1078, 1079, 1114, 1115, 1850] {
            let picture = cut(vec![7; bytes]);
            assert_eq!(picture.pieces(), if bytes > 1078 { 2 } else { 1 });
            let mut coded = 0;
            for index in 0..picture.pieces() {
                let length = length(&picture, index, 0);
                assert!(length <= PAYLOAD_MAX);
                let mut out = Vec::new();
                write(&picture, index, length, Descriptor::default(), &Trailer::default(), &mut out);
                assert_eq!(out.len(), length);
                let last = index + 1 == picture.pieces();
                assert_eq!(Trailer::read(&out).is_some(), last);
                coded += length - DESCRIPTOR - if last { trailer::LENGTH } else { 0 };
            }
            assert_eq!(coded, bytes);
        }
    }
}
