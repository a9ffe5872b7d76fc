//! WebM for VP8, written as a live stream: a segment of unknown size, clusters of known size.
//!
//! Why our own writer: of the EBML crates in Rust, `webm-iterable` (the one that writes) buffers whole masters to learn
//! their sizes and pulls in a parser with a specification macro, others only read or wrap C++. What a live WebM needs
//! is the fifteen elements below.
//!
//! ```text
//! EBML header
//! Segment (unknown size)
//! ├ Info: timestamps are milliseconds
//! ├ Tracks: one VP8 track
//! └ Cluster* (known size): Timestamp, SimpleBlock*, BlockGroup
//! ```
//! A cluster's last frame is a BlockGroup because only that carries a duration, and without it nobody knows where a
//! fragment ends. Element ids: RFC 9559 §5.

use super::Sample;

const EBML: u32 = 0x1a45_dfa3;
const EBML_VERSION: u32 = 0x4286;
const EBML_READ_VERSION: u32 = 0x42f7;
const EBML_MAX_ID_LENGTH: u32 = 0x42f2;
const EBML_MAX_SIZE_LENGTH: u32 = 0x42f3;
const DOC_TYPE: u32 = 0x4282;
const DOC_TYPE_VERSION: u32 = 0x4287;
const DOC_TYPE_READ_VERSION: u32 = 0x4285;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const MUXING_APP: u32 = 0x4d80;
const WRITING_APP: u32 = 0x5741;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_UID: u32 = 0x73c5;
const TRACK_TYPE: u32 = 0x83;
const FLAG_LACING: u32 = 0x9c;
const CODEC_ID: u32 = 0x86;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;
pub(crate) const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const BLOCK_DURATION: u32 = 0x9b;
const REFERENCE_BLOCK: u32 = 0xfb;

const NANOSECONDS_A_TICK: u64 = 1_000_000;
const TYPE_VIDEO: u64 = 1;

/// Everything before the first cluster.
pub(crate) fn init(width: u16, height: u16) -> Vec<u8> {
    let mut header = Vec::new();
    uint(&mut header, EBML_VERSION, 1);
    uint(&mut header, EBML_READ_VERSION, 1);
    uint(&mut header, EBML_MAX_ID_LENGTH, 4);
    uint(&mut header, EBML_MAX_SIZE_LENGTH, 8);
    element(&mut header, DOC_TYPE, b"webm");
    uint(&mut header, DOC_TYPE_VERSION, 4);
    uint(&mut header, DOC_TYPE_READ_VERSION, 2);

    let mut info = Vec::new();
    uint(&mut info, TIMESTAMP_SCALE, NANOSECONDS_A_TICK);
    element(&mut info, MUXING_APP, b"vitrine");
    element(&mut info, WRITING_APP, b"vitrine");

    let mut video = Vec::new();
    uint(&mut video, PIXEL_WIDTH, u64::from(width));
    uint(&mut video, PIXEL_HEIGHT, u64::from(height));
    let mut entry = Vec::new();
    uint(&mut entry, TRACK_NUMBER, 1);
    uint(&mut entry, TRACK_UID, 1);
    uint(&mut entry, TRACK_TYPE, TYPE_VIDEO);
    uint(&mut entry, FLAG_LACING, 0);
    element(&mut entry, CODEC_ID, b"V_VP8");
    element(&mut entry, VIDEO, &video);
    let mut tracks = Vec::new();
    element(&mut tracks, TRACK_ENTRY, &entry);

    let mut out = Vec::new();
    element(&mut out, EBML, &header);
    id(&mut out, SEGMENT);
    out.extend_from_slice(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]); // all ones: size unknown
    element(&mut out, INFO, &info);
    element(&mut out, TRACKS, &tracks);
    out
}

/// One cluster. The samples span less than 32 s: a block's time is 16 bits after its cluster's.
pub(crate) fn cluster(samples: &[Sample]) -> Vec<u8> {
    let start = samples.first().map_or(0, |sample| sample.at);
    let mut body = Vec::with_capacity(samples.iter().map(|sample| sample.data.len() + 16).sum());
    uint(&mut body, TIMESTAMP, start.max(0) as u64);
    for (i, sample) in samples.iter().enumerate() {
        let relative = i16::try_from(sample.at - start).unwrap_or(i16::MAX);
        if i + 1 < samples.len() {
            block(&mut body, SIMPLE_BLOCK, relative, if sample.key { 0x80 } else { 0 }, &sample.data);
            continue;
        }
        let mut group = Vec::with_capacity(sample.data.len() + 32);
        block(&mut group, BLOCK, relative, 0, &sample.data);
        uint(&mut group, BLOCK_DURATION, u64::from(sample.duration));
        if !sample.key {
            // Its presence is what says "not a key frame"; the value is the distance to the frame before.
            let distance = if i > 0 { samples[i - 1].at - sample.at } else { -1 };
            element(&mut group, REFERENCE_BLOCK, &(distance.max(i64::from(i16::MIN)) as i16).to_be_bytes());
        }
        element(&mut body, BLOCK_GROUP, &group);
    }
    let mut out = Vec::with_capacity(body.len() + 12);
    element(&mut out, CLUSTER, &body);
    out
}

fn block(out: &mut Vec<u8>, kind: u32, relative: i16, flags: u8, data: &[u8]) {
    id(out, kind);
    size(out, data.len() + 4);
    out.push(0x81); // track 1
    out.extend_from_slice(&relative.to_be_bytes());
    out.push(flags);
    out.extend_from_slice(data);
}

fn id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    out.extend_from_slice(&bytes[id.leading_zeros() as usize / 8..]);
}

/// Sizes take eight bytes throughout: no case to get wrong, seven bytes lost a frame.
fn size(out: &mut Vec<u8>, size: usize) {
    out.extend_from_slice(&(size as u64 | 1 << 56).to_be_bytes());
}

fn element(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    id(out, kind);
    size(out, body.len());
    out.extend_from_slice(body);
}

fn uint(out: &mut Vec<u8>, kind: u32, value: u64) {
    let bytes = value.to_be_bytes();
    element(out, kind, &bytes[(value.leading_zeros() as usize / 8).min(7)..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_says_its_size_its_time_and_how_long_its_last_frame_lasts() {
        let sample = |at, key| Sample { at, duration: 40, key, data: vec![7; 3] };
        let bytes = cluster(&[sample(5000, true), sample(5040, false)]);
        assert_eq!(bytes[..4], CLUSTER.to_be_bytes());
        let length = u64::from_be_bytes(bytes[4..12].try_into().unwrap()) & !(1 << 56);
        assert_eq!(length as usize, bytes.len() - 12);
        let contains = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(contains(&[0xe7, 1, 0, 0, 0, 0, 0, 0, 2, 0x13, 0x88]), "timestamp 5000");
        assert!(contains(&[0x81, 0, 0, 0x80, 7, 7, 7]), "key frame at 0");
        assert!(contains(&[0x81, 0, 40, 0, 7, 7, 7]), "frame at 40");
        assert!(contains(&[0x9b, 1, 0, 0, 0, 0, 0, 0, 1, 40]), "lasting 40");
    }
}
