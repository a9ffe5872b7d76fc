//! Laying H.264 pictures into packets: every packet is a STAP-A (RFC 6184 §5.7.1).
//!
//! ```text
//!  | SPS | PPS | SEI: filling, trailer |             the first packet of a keyframe of several
//!  | SEI: filling, trailer |                         as many as the size asks for
//!  | SEI: filling | slices | filler data: trailer |  the first with slices, at the end of the picture
//!  | slices | filler data: filling, trailer |        the others
//! ```
//!
//! Supplemental information (H.264 §7.3.2.3, user data of our own) stands in front of the slices and filler data (§7.3.2.7) behind them,
//! where the order of units in an access unit allows them (§7.4.1.2.3); decoders skip both. Most of the filling is
//! supplemental information because recorders keep that, and leave filler data out. No byte of either is zero, so nothing has to be escaped.

use super::clip::{Clip, PAYLOAD_MAX, Picture, Place};
use crate::caller::trailer::{self, Trailer};

/// NAL unit types (H.264 table 7-1).
const IDR: u8 = 5;
const SEI: u8 = 6;
const SPS: u8 = 7;
const PPS: u8 = 8;
const FILLER: u8 = 12;
/// The octet in front of aggregated units: type 24, of the highest importance.
const STAP_A: u8 = 0x60 | 24;
/// User data that is registered nowhere (§D.2.7) begins with a UUID: ours, made for this.
const USER_DATA: u8 = 5;
const UUID: [u8; 16] = *b"\x8a\x3f\x5c\xd1\x27\x9e\x4b\x66\x91\x0d\xc4\x7b\x52\xe8\x13\xfa";
/// A unit's length in a STAP-A.
const PREFIX: usize = 2;
/// Everything of a unit of user data but the data: prefix, head, kind, one byte of size, UUID, stop bit.
const SEI_LEAST: usize = PREFIX + 1 + 1 + 1 + UUID.len() + 1;
/// A unit of filler data with nothing but a trailer.
const FILLER_LEAST: usize = PREFIX + 1 + trailer::LENGTH;

/// The parameter sets as they stand in a STAP-A, and the pictures of an Annex B stream, whose pieces are slices as they stand there.
pub fn cut(stream: &[u8]) -> (Vec<u8>, Vec<Picture>) {
    let mut parameters = Vec::new();
    let mut pictures: Vec<Picture> = Vec::new();
    for unit in units(stream) {
        match unit {
            [head, ..] if matches!(head & 0x1f, SPS | PPS) => put(unit, &mut parameters),
            [head, first, ..] if matches!(head & 0x1f, 1 | IDR) => {
                // `first_mb_in_slice` is an Exp-Golomb 0, one set bit, where a picture begins (§7.3.3).
                if first & 0x80 != 0 {
                    pictures.push(Picture::default());
                }
                let Some(Picture { data, ends }) = pictures.last_mut() else { continue };
                let before = ends.len().checked_sub(2).map_or(0, |place| ends[place]);
                let room = PAYLOAD_MAX - 1 - parameters.len() - FILLER_LEAST;
                let joins = !ends.is_empty() && data.len() - before + PREFIX + unit.len() <= room;
                put(unit, data);
                match ends.last_mut().filter(|_| joins) {
                    Some(end) => *end = data.len(),
                    None => ends.push(data.len()),
                }
            }
            _ => {}
        }
    }
    (parameters, pictures)
}

/// The units of an Annex B stream, without start codes and the zeros around them.
fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let begin = rest.windows(3).position(|it| it == [0, 0, 1])? + 3;
        let after = &rest[begin..];
        let end = after.windows(3).position(|it| it == [0, 0, 1]).unwrap_or(after.len());
        let unit = &after[..end];
        rest = &after[end..];
        Some(&unit[..unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)])
    })
}

fn put(unit: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(unit.len() as u16).to_be_bytes());
    out.extend_from_slice(unit);
}

/// The parameter sets that this packet carries, the piece of the picture, and whether it is the first piece.
fn contents(clip: &Clip, place: Place) -> (&[u8], Option<&[u8]>, bool) {
    let begins = place.picture == 0 && place.index == 0;
    let parameters = if begins { &clip.parameters[..] } else { &[] };
    let picture = clip.picture(place.picture);
    let before = usize::from(place.count).saturating_sub(picture.pieces());
    let number = usize::from(place.index).checked_sub(before);
    (parameters, number.and_then(|number| picture.piece(number)), number == Some(0))
}

/// Bytes of a packet, see [`Clip::length`].
pub fn length(clip: &Clip, place: Place, wanted: usize) -> usize {
    let (parameters, piece, _) = contents(clip, place);
    let rest = piece.map_or(SEI_LEAST + trailer::LENGTH, |it| it.len() + FILLER_LEAST);
    wanted.max(1 + parameters.len() + rest)
}

/// Appends that packet; it may come out a byte shorter, because not every length of user data can be written.
pub fn write(clip: &Clip, place: Place, length: usize, trailer: &Trailer, out: &mut Vec<u8>) {
    let (parameters, piece, is_first) = contents(clip, place);
    let end = out.len() + length;
    out.push(STAP_A);
    out.extend_from_slice(parameters);
    let Some(piece) = piece else {
        user_data(end - out.len(), Some(trailer), out);
        return;
    };
    let room = end - out.len() - piece.len() - FILLER_LEAST;
    if is_first && room >= SEI_LEAST {
        user_data(room, None, out);
    }
    out.extend_from_slice(piece);
    let unit = end - out.len() - PREFIX;
    out.extend_from_slice(&(unit as u16).to_be_bytes());
    out.push(FILLER);
    out.resize(end - trailer::LENGTH, 0xff);
    trailer.write(out);
}

/// A unit of user data in so many bytes with its prefix, at least [`SEI_LEAST`] and a trailer; a byte less where the coding of its
/// size, a byte for each 255 and one for the rest, leaves no other way.
fn user_data(space: usize, trailer: Option<&Trailer>, out: &mut Vec<u8>) {
    // What is left for the size and what it is the size of.
    let left = space - PREFIX - 1 - 1 - 1;
    let size = left - 1 - left / 256;
    let unit = 1 + 1 + size / 255 + 1 + size + 1;
    let end = out.len() + PREFIX + unit;
    out.extend_from_slice(&(unit as u16).to_be_bytes());
    out.extend_from_slice(&[SEI, USER_DATA]);
    out.resize(out.len() + size / 255, 0xff);
    out.push((size % 255) as u8);
    out.extend_from_slice(&UUID);
    match trailer {
        // Its last byte is the unit's stop bit.
        Some(trailer) => {
            out.resize(end - trailer::LENGTH, 0x55);
            trailer.write(out);
        }
        None => {
            out.resize(end - 1, 0x55);
            out.push(0x80);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::description::Codec;

    /// Types of the units of a STAP-A, whose lengths must add up.
    fn types(payload: &[u8]) -> Vec<u8> {
        let (head, mut rest) = payload.split_first().expect("an octet");
        assert_eq!(*head, STAP_A);
        let mut types = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (unit, after) = after.split_at(u16::from_be_bytes(*length).into());
            let filling = matches!(unit[0], SEI | FILLER);
            assert!(!filling || !unit.windows(2).any(|it| it == [0, 0]), "nothing to escape");
            assert!(!filling || unit.last() == Some(&0x80), "it ends with a stop bit");
            types.push(unit[0] & 0x1f);
            rest = after;
        }
        assert!(rest.is_empty());
        types
    }

    fn written(clip: &Clip, picture: u16, wanted: &[usize]) -> Vec<Vec<u8>> {
        let count = wanted.len() as u16;
        let packets = wanted.iter().zip(0..).map(|(wanted, index)| {
            let place = Place { picture, index, count };
            let length = clip.length(place, *wanted);
            let mut out = Vec::new();
            write(clip, place, length, &Trailer::default(), &mut out);
            assert!(out.len() == length || out.len() + 1 == length, "{} of {length}", out.len());
            assert_eq!(Trailer::read(&out), Some(Trailer::default()));
            out
        });
        packets.collect()
    }

    #[test]
    fn units_stand_where_an_access_unit_may_have_them() {
        let clip = Clip::of(Codec::H264, 2);
        let packets = written(clip, 0, &[1_120; 5]);
        let all: Vec<_> = packets.iter().map(|it| types(it)).collect();
        assert_eq!(all, [&[SPS, PPS, SEI][..], &[SEI], &[SEI, IDR, FILLER], &[IDR, FILLER], &[IDR, FILLER]]);
        let packets = written(clip, 1, &[1_000; 2]);
        assert_eq!(types(&packets[0]), [SEI]);
        assert_eq!(types(&packets[1]), [SEI, 1, FILLER]);
        let small = Clip::of(Codec::H264, 0);
        assert_eq!(types(&written(small, 0, &[0])[0]), [SPS, PPS, IDR, FILLER], "nothing to fill");
        assert_eq!(types(&written(small, 0, &[1_000])[0]), [SPS, PPS, SEI, IDR, FILLER]);
    }

    #[test]
    fn every_length_can_be_written() {
        let clip = Clip::of(Codec::H264, 1);
        for wanted in 0..=PAYLOAD_MAX {
            for packet in written(clip, 1, &[wanted, wanted]) {
                types(&packet);
            }
        }
    }
}
