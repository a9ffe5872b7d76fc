//! Which picture comes next and how large it should be: sizes and layers are those of a real-time encoder.
//!
//! Sizes follow the bitrate with a log-normal spread, keyframes take five times the average and are paid back by the
//! pictures after them, as real-time encoders do it. What is in a picture comes from a [`clip`](super::clip): it is played from its
//! keyframe on, and again from there at its end.

use rand::Rng;
use rand::rngs::StdRng;

use crate::caller::description::Codec;

/// A keyframe's size in average frames.
const KEYFRAME_FACTOR: f64 = 5.0;
/// Spread of the logarithm of sizes.
const SPREAD: f64 = 0.3;
/// Share of the bitrate and of the pictures of each temporal layer: libwebrtc's 40/20/40 for three.
const TEMPORAL_WEIGHT: [f64; 3] = [0.4 / 0.25, 0.2 / 0.25, 0.4 / 0.5];

/// What was sent too much is owed at most for so many average pictures, a second.
const DEBT_MAX: f64 = 30.0;

/// One picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Frame {
    /// Which picture of the clip.
    pub picture: u16,
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
    /// How many pictures the clip has.
    pictures: u16,
    /// Pictures since the keyframe.
    position: u16,
    /// Numbers of the last picture of each temporal layer.
    last: [Option<u32>; 3],
    /// Bytes that were sent beyond the rate, and an average picture.
    debt: f64,
    mean: f64,
}

impl FrameSource {
    /// Pictures of a clip with so many of them: VP8 has three temporal layers, H.264 one.
    pub fn new(codec: Codec, pictures: u16) -> Self {
        let temporal_layers = if codec == Codec::Vp8 { 3 } else { 1 };
        Self { temporal_layers, pictures, position: 0, last: [None; 3], debt: 0.0, mean: 0.0 }
    }

    /// The next picture, at this number and this many bytes on average; a keyframe is wanted, or not.
    pub fn next(&mut self, rng: &mut StdRng, tick: u32, wanted: bool, mean: f64) -> Frame {
        let keyframe = wanted || self.position >= self.pictures;
        if keyframe {
            self.position = 0;
            self.last = [None; 3];
        }
        self.mean = mean;
        let picture = self.position;
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
        // A camera sends no keyframes that nobody wants: that of a clip's end is no larger than other pictures.
        if wanted {
            size = mean * KEYFRAME_FACTOR;
            self.debt += size - mean;
        } else {
            let paid = (self.debt * 0.1).min(size * 0.5);
            self.debt -= paid;
            size -= paid;
        }
        Frame { picture, temporal, keyframe, sync, back, size: size as usize }
    }

    /// The last picture took so many bytes more than it should: the next ones take less.
    pub fn owe(&mut self, bytes: usize) {
        self.debt = (self.debt + bytes as f64).min(DEBT_MAX * self.mean);
    }
}

/// A normally distributed number, by Box and Muller.
fn normal(rng: &mut StdRng) -> f64 {
    let (a, b): (f64, f64) = (rng.random::<f64>().max(1e-12), rng.random());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn sizes_follow_the_bitrate_keyframes_included() {
        for codec in [Codec::Vp8, Codec::H264] {
            let mut rng = StdRng::seed_from_u64(3);
            let mut source = FrameSource::new(codec, 480);
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
        let mut source = FrameSource::new(Codec::Vp8, 480);
        let frames: Vec<_> = (0..8).map(|tick| source.next(&mut rng, tick, tick == 0, 1000.0)).collect();
        let shape: Vec<_> = frames.iter().map(|it| (it.temporal, it.back, it.sync)).collect();
        let first = [(0, 0, false), (2, 1, true), (1, 2, true), (2, 1, false)];
        let then = [(0, 4, false), (2, 1, true), (1, 2, true), (2, 1, false)];
        assert_eq!(shape, [first, then].concat());
    }

    #[test]
    fn a_clip_begins_again_with_a_keyframe_when_one_is_wanted_and_at_its_end() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut source = FrameSource::new(Codec::Vp8, 10);
        let frames: Vec<_> =
            (0..16).map(|tick| source.next(&mut rng, tick, tick % 13 == 0, 1000.0)).collect();
        let pictures: Vec<_> = frames.iter().map(|it| it.picture).collect();
        assert_eq!(pictures, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 0, 1, 2]);
        assert!(frames.iter().all(|it| it.keyframe == (it.picture == 0)));
        assert!([0, 13].iter().all(|tick| frames[*tick].size == 5_000) && frames[10].size < 5_000);
    }

    #[test]
    fn what_pictures_take_too_much_is_paid_back() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut source = FrameSource::new(Codec::H264, 480);
        let mut sent = 0;
        for tick in 0..3000 {
            let least = if tick % 10 == 0 { 3000 } else { 50 };
            let size = source.next(&mut rng, tick, tick == 0, 1000.0).size;
            source.owe(least.max(size) - size);
            sent += least.max(size);
        }
        assert!((950..1_060).contains(&(sent / 3000)), "{} of 1000", sent / 3000);
    }
}
