//! Which layers a picture has and what each is predicted from: L1T1 … L3T3_KEY of the W3C's scalability modes.

use crate::format::marker::Reference;

/// What the highest of so many spatial layers takes of the rate, and how much it is not made below: as libwebrtc's VP9 at
/// 180, 360 and 720 lines.
const TOP_SHARE: [f64; 3] = [1.0, 0.645, 0.54];
const TOP_LEAST: [f64; 3] = [0.0, 193_000.0, 481_000.0];
/// One that is made is kept down to this part of that.
const KEPT: f64 = 0.8;

/// One layer of one picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LayerFrame {
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// A decoder can start with this picture.
    pub keyframe: bool,
    /// Needs only the base layer in time: a decoder of fewer temporal layers may go up here.
    pub sync: bool,
    /// How many of `references` are meant.
    pub reference_count: u8,
    /// What it is predicted from.
    pub references: [Reference; 3],
    /// Place in the pattern of temporal layers since the keyframe: 0 for a keyframe, then 0–3.
    pub phase: u8,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Structure {
    spatial_layers: u8,
    temporal_layers: u8,
    /// Pictures since the keyframe.
    position: u32,
    /// Tick of the last picture of each temporal layer.
    last: [Option<u32>; 3],
}

impl Structure {
    /// 1–3 layers in space and time.
    pub fn new(spatial_layers: u8, temporal_layers: u8) -> Self {
        Self {
            spatial_layers: spatial_layers.clamp(1, 3),
            temporal_layers: temporal_layers.clamp(1, 3),
            position: 0,
            last: [None; 3],
        }
    }

    /// The `layers` lowest layers of the next picture in space, lowest first.
    pub fn next(&mut self, tick: u32, keyframe: bool, layers: u8) -> Vec<LayerFrame> {
        if keyframe {
            self.position = 0;
            self.last = [None; 3];
        }
        let period = 1 << (self.temporal_layers - 1);
        let phase = (self.position % period) as u8;
        let temporal = match (self.temporal_layers, phase) {
            (1, _) | (_, 0) => 0,
            (2, _) | (3, 2) => 1,
            _ => 2,
        };
        // The last picture of this or a lower layer, which with this pattern is the newest one that may be used.
        let before = match (temporal, phase) {
            (0, _) => self.last[0],
            (1, _) | (2, 1) => self.last[0],
            _ => self.last[1],
        };
        let mut frames = Vec::new();
        for spatial in 0..self.spatial_layers.min(layers) {
            let mut references = [Reference::default(); 3];
            let mut count = 0;
            if let Some(before) = before.filter(|_| !keyframe) {
                references[0] = Reference { ticks_back: (tick - before).min(0xffff) as u16, spatial };
                count = 1;
            }
            // In the _KEY modes spatial layers meet on keyframes only.
            if keyframe && spatial > 0 {
                references[0] = Reference { ticks_back: 0, spatial: spatial - 1 };
                count = 1;
            }
            frames.push(LayerFrame {
                spatial,
                temporal,
                keyframe,
                sync: temporal > 0 && before == self.last[0],
                reference_count: count,
                references,
                phase,
            });
        }
        self.last[usize::from(temporal)] = Some(tick);
        self.position += 1;
        frames
    }
}

/// How many of `all` spatial layers a rate is enough for; a little less keeps those that are made `now`.
pub fn layers_for(bps: u64, now: u8, all: u8) -> u8 {
    let enough = |layers: &u8| {
        let top = usize::from(layers - 1).min(TOP_SHARE.len() - 1);
        let least = TOP_LEAST[top] * if *layers <= now { KEPT } else { 1.0 };
        bps as f64 * TOP_SHARE[top] >= least
    };
    (1..=all).rev().find(enough).unwrap_or(1)
}
