//! What cameras see: clips of our own, coded once (`clips/make.sh`) and shared by all callers of this process.
//!
//! A coded picture is much smaller than what a rate has room for. It is cut into *pieces* that fit into a packet each; when it is sent
//! ([`vp8`], [`h264`]), every packet gets what decoders skip, up to the length that was wanted, and a trailer at its end.

use std::sync::LazyLock;

use super::{h264, vp8};
use crate::caller::description::Codec;
use crate::caller::trailer::Trailer;
use crate::ivf;

/// Payload of a packet at most: with all headers it stays below 1,200 bytes.
pub const PAYLOAD_MAX: usize = 1_120;

/// By size: 180, 360 and 720 lines.
static VP8: LazyLock<[Clip; 3]> = LazyLock::new(|| {
    [
        vp8_clip(include_bytes!("../../../clips/vp8-180.ivf")),
        vp8_clip(include_bytes!("../../../clips/vp8-360.ivf")),
        vp8_clip(include_bytes!("../../../clips/vp8-720.ivf")),
    ]
});
static H264: LazyLock<[Clip; 3]> = LazyLock::new(|| {
    [
        h264_clip(include_bytes!("../../../clips/h264-180.264")),
        h264_clip(include_bytes!("../../../clips/h264-360.264")),
        h264_clip(include_bytes!("../../../clips/h264-720.264")),
    ]
});

/// A coded picture.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Picture {
    /// All pieces, one behind the other.
    pub data: Vec<u8>,
    /// Where each ends.
    pub ends: Vec<usize>,
}

impl Picture {
    /// How many pieces it has: so many packets it takes at least.
    pub fn pieces(&self) -> usize {
        self.ends.len()
    }

    /// A piece; `None` behind the last one.
    pub fn piece(&self, number: usize) -> Option<&[u8]> {
        let from = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.data.get(from..*self.ends.get(number)?)
    }
}

/// A clip of one codec and size. Its first picture is its only keyframe.
#[derive(Debug)]
pub struct Clip {
    codec: Codec,
    /// H.264: the parameter sets, as they stand in a STAP-A.
    pub parameters: Vec<u8>,
    pictures: Vec<Picture>,
}

/// Which packet of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which picture of the clip.
    pub picture: u16,
    /// Which of its packets, from 0.
    pub index: u16,
    /// How many it has.
    pub count: u16,
}

impl Clip {
    /// The clip of a size, 0–2.
    pub fn of(codec: Codec, size: usize) -> &'static Self {
        let clips = match codec {
            Codec::Vp8 => &*VP8,
            Codec::H264 => &*H264,
        };
        &clips[size.min(2)]
    }

    /// How many pictures it has.
    pub fn pictures(&self) -> u16 {
        self.pictures.len() as u16
    }

    /// A picture.
    pub fn picture(&self, number: u16) -> &Picture {
        &self.pictures[usize::from(number)]
    }

    /// How long the payload of a packet is that should have so many bytes: what is in it may need more.
    pub fn length(&self, place: Place, wanted: usize) -> usize {
        match self.codec {
            Codec::Vp8 => vp8::length(self.picture(place.picture), place.index.into(), wanted),
            Codec::H264 => h264::length(self, place, wanted),
        }
    }

    /// Appends the payload of a packet; `length` is what [`Self::length`] said.
    pub fn write(
        &self,
        place: Place,
        length: usize,
        descriptor: vp8::Descriptor,
        trailer: &Trailer,
        out: &mut Vec<u8>,
    ) {
        match self.codec {
            Codec::Vp8 => {
                vp8::write(self.picture(place.picture), place.index.into(), length, descriptor, trailer, out);
            }
            Codec::H264 => h264::write(self, place, length, trailer, out),
        }
    }
}

fn vp8_clip(file: &[u8]) -> Clip {
    // The files are part of the program, and tests decode all of them.
    let frames = ivf::frames(file).unwrap_or_default();
    let pictures = frames.into_iter().map(|(_, frame)| vp8::cut(frame)).collect();
    Clip { codec: Codec::Vp8, parameters: Vec::new(), pictures }
}

fn h264_clip(file: &[u8]) -> Clip {
    let (parameters, pictures) = h264::cut(file);
    Clip { codec: Codec::H264, parameters, pictures }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_of_every_clip_fits_into_packets_with_its_trailer() {
        for codec in [Codec::Vp8, Codec::H264] {
            for size in 0..3 {
                let clip = Clip::of(codec, size);
                assert_eq!(clip.pictures(), 480, "16 seconds");
                for number in 0..clip.pictures() {
                    let count = clip.picture(number).pieces() as u16;
                    assert!(count > 0 && (codec == Codec::H264 || count <= 2), "{codec:?} {size} {number}");
                    for index in 0..count {
                        let place = Place { picture: number, index, count };
                        let length = clip.length(place, 0);
                        assert!(length <= PAYLOAD_MAX, "{codec:?} {size} {number}: {length}");
                    }
                    assert!(number == 0 || count == 1, "only keyframes may need more than one packet");
                }
            }
        }
    }
}
