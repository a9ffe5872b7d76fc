//! Pictures as a forwarder sees them: their sizes, layers and headers are those of an encoder, their insides are not.
//!
//! Sizes follow the bitrate with a log-normal spread, keyframes take five times the average and are paid back by the
//! pictures after them, as real-time encoders do it. The first bytes are what VP8 (RFC 6386 §9.1) and H.264 (RFC 6184) have
//! there, with the true resolution; behind them is filling, so nobody can decode them.

use rand::Rng;
use rand::rngs::StdRng;

use crate::caller::description::Codec;

/// A keyframe's size in average frames.
const KEYFRAME_FACTOR: f64 = 5.0;
/// Spread of the logarithm of sizes.
const SPREAD: f64 = 0.3;
/// Share of the bitrate and of the pictures of each temporal layer: libwebrtc's 40/20/40 for three.
const TEMPORAL_WEIGHT: [f64; 3] = [0.4 / 0.25, 0.2 / 0.25, 0.4 / 0.5];

/// Sequence and picture parameter sets of 320×180, 640×360 and 1280×720, constrained baseline, as x264 writes them.
const H264_PARAMETERS: [(&[u8], &[u8]); 3] = [
    (
        &[
            0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x06, 0x7e, 0x7c, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40,
            0x00, 0x00, 0x0f, 0x23, 0xc5, 0x0a, 0xa8,
        ],
        &[0x68, 0xce, 0x0f, 0xc8],
    ),
    (
        &[
            0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
            0x00, 0x00, 0x03, 0x00, 0xf2, 0x3c, 0x58, 0xba, 0x80,
        ],
        &[0x68, 0xce, 0x0f, 0xc8],
    ),
    (
        &[
            0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xec, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40,
            0x00, 0x00, 0x0f, 0x23, 0xc6, 0x0c, 0xa8,
        ],
        &[0x68, 0xce, 0x0f, 0xc8],
    ),
];

/// One picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Frame {
    /// Temporal layer.
    pub temporal: u8,
    /// A decoder can start here.
    pub keyframe: bool,
    /// Needs only the base layer.
    pub sync: bool,
    /// How many frames ago the one was that it needs; 0 for none.
    pub back: u16,
    /// Bytes.
    pub size: usize,
}

/// The layers and sizes of one encoding.
#[derive(Debug)]
pub struct FrameSource {
    temporal_layers: u8,
    /// Pictures since the keyframe.
    position: u32,
    /// Numbers of the last picture of each temporal layer.
    last: [Option<u32>; 3],
    debt: f64,
}

impl FrameSource {
    /// One or three temporal layers.
    pub fn new(codec: Codec) -> Self {
        let temporal_layers = if codec == Codec::Vp8 { 3 } else { 1 };
        Self { temporal_layers, position: 0, last: [None; 3], debt: 0.0 }
    }

    /// The next picture, at this number and this many bytes on average.
    pub fn next(&mut self, rng: &mut StdRng, tick: u32, keyframe: bool, mean: f64) -> Frame {
        if keyframe {
            self.position = 0;
            self.last = [None; 3];
        }
        let phase = self.position % 4;
        let temporal = match (self.temporal_layers, phase) {
            (1, _) | (_, 0) => 0,
            (_, 2) => 1,
            _ => 2,
        };
        let needs = match (temporal, phase) {
            (0 | 1, _) | (2, 1) => self.last[0],
            _ => self.last[1],
        };
        let back = needs.map_or(0, |before| tick.wrapping_sub(before).min(0xffff) as u16);
        let sync = temporal > 0 && needs == self.last[0];
        self.last[usize::from(temporal)] = Some(tick);
        self.position += 1;
        let weight = if self.temporal_layers == 1 { 1.0 } else { TEMPORAL_WEIGHT[usize::from(temporal)] };
        let mut size = mean * weight * (normal(rng) * SPREAD).exp();
        if keyframe {
            size = mean * KEYFRAME_FACTOR;
            self.debt += size - mean;
        } else {
            let paid = (self.debt * 0.1).min(size * 0.5);
            self.debt -= paid;
            size -= paid;
        }
        Frame { temporal, keyframe, sync, back, size: size as usize }
    }
}

/// A normally distributed number, by Box and Muller.
fn normal(rng: &mut StdRng) -> f64 {
    let (a, b): (f64, f64) = (rng.random::<f64>().max(1e-12), rng.random());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// What stands at the beginning of each packet of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketHead {
    /// Which codec.
    pub codec: Codec,
    /// Which of the three sizes, 0–2.
    pub size: u8,
    /// Which packet of the frame, from 0.
    pub index: u16,
    /// How many packets the frame has.
    pub count: u16,
    /// The frame is a keyframe.
    pub keyframe: bool,
    /// Temporal layer.
    pub temporal: u8,
    /// Needs only the base layer.
    pub sync: bool,
    /// Running number of the picture, 15 bits.
    pub picture_id: u16,
    /// Running number of base layer pictures.
    pub tl0: u8,
}

impl PacketHead {
    /// Appends it; `rest` is how many bytes follow.
    pub fn write(&self, rest: usize, out: &mut Vec<u8>) {
        match self.codec {
            Codec::Vp8 => self.write_vp8(out),
            Codec::H264 => self.write_h264(rest, out),
        }
    }

    /// RFC 7741 §4.2: X, S; I L T; picture id of 15 bits, TL0PICIDX, TID and Y. Then the frame tag, where a frame begins.
    fn write_vp8(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0x80 | u8::from(self.index == 0) << 4, 0xe0]);
        out.extend_from_slice(&(self.picture_id | 0x8000).to_be_bytes());
        out.extend_from_slice(&[self.tl0, self.temporal << 6 | u8::from(self.sync) << 5]);
        if self.index == 0 {
            // Bit 0 is clear for a keyframe; then come its start code and its size.
            out.extend_from_slice(&[u8::from(!self.keyframe) | 0x10, 0, 0]);
            if self.keyframe {
                let (width, height) = dimensions(self.size);
                out.extend_from_slice(&[0x9d, 0x01, 0x2a]);
                out.extend_from_slice(&width.to_le_bytes());
                out.extend_from_slice(&height.to_le_bytes());
            }
        }
    }

    /// RFC 6184 §5.8: FU-A, also where one packet would do; §5.7.1: a keyframe's first packet is a STAP-A with the parameter
    /// sets and a slice, its others are fragments of a second slice.
    fn write_h264(&self, rest: usize, out: &mut Vec<u8>) {
        if self.keyframe && self.index == 0 {
            let (sequence, picture) = H264_PARAMETERS[usize::from(self.size.min(2))];
            out.push(0x78);
            for unit in [sequence, picture] {
                out.extend_from_slice(&(unit.len() as u16).to_be_bytes());
                out.extend_from_slice(unit);
            }
            out.extend_from_slice(&((rest + 1) as u16).to_be_bytes());
            out.push(0x65);
            return;
        }
        let kind = if self.keyframe { 5 } else { 1 };
        let begins = self.index == u16::from(self.keyframe);
        let ends = self.index + 1 == self.count;
        out.extend_from_slice(&[0x60 | 28, u8::from(begins) << 7 | u8::from(ends) << 6 | kind]);
    }
}

/// Width and height of an encoding.
pub fn dimensions(size: u8) -> (u16, u16) {
    let down = 2 - size.min(2);
    (1280 >> down, 720 >> down)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn sizes_follow_the_bitrate_keyframes_included() {
        for codec in [Codec::Vp8, Codec::H264] {
            let mut rng = StdRng::seed_from_u64(3);
            let mut source = FrameSource::new(codec);
            let frames: Vec<_> =
                (0..3000).map(|tick| source.next(&mut rng, tick, tick % 300 == 0, 5000.0)).collect();
            let mean = frames.iter().map(|it| it.size).sum::<usize>() as f64 / 3000.0;
            assert!((4500.0..5700.0).contains(&mean), "{codec:?}: {mean}");
            assert!(frames.iter().filter(|it| it.keyframe).all(|it| it.size == 25_000));
        }
    }

    #[test]
    fn three_temporal_layers_need_only_what_lies_below_them() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut source = FrameSource::new(Codec::Vp8);
        let frames: Vec<_> = (0..8).map(|tick| source.next(&mut rng, tick, tick == 0, 1000.0)).collect();
        let shape: Vec<_> = frames.iter().map(|it| (it.temporal, it.back, it.sync)).collect();
        let first = [(0, 0, false), (2, 1, true), (1, 2, true), (2, 1, false)];
        let then = [(0, 4, false), (2, 1, true), (1, 2, true), (2, 1, false)];
        assert_eq!(shape, [first, then].concat());
    }

    #[test]
    fn heads_are_what_a_forwarder_looks_for() {
        let head = PacketHead {
            codec: Codec::Vp8,
            size: 1,
            index: 0,
            count: 2,
            keyframe: true,
            temporal: 0,
            sync: false,
            picture_id: 5,
            tl0: 9,
        };
        let mut out = Vec::new();
        head.write(100, &mut out);
        assert_eq!(out[..6], [0x90, 0xe0, 0x80, 5, 9, 0]);
        assert_eq!(out[6] & 1, 0, "a keyframe");
        assert_eq!(out[9..], [0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01], "640 x 360");
        let mut out = Vec::new();
        PacketHead { codec: Codec::H264, ..head }.write(100, &mut out);
        assert_eq!(
            (out[0] & 0x1f, out[3] & 0x1f),
            (24, 7),
            "a STAP-A that begins with a sequence parameter set"
        );
        let mut out = Vec::new();
        PacketHead { codec: Codec::H264, index: 1, ..head }.write(100, &mut out);
        assert_eq!(out, [0x7c, 0xc5], "first and last fragment of the second slice");
    }
}
