//! A camera or a screen with its encoders: simulcast encodings, spatial and temporal layers, and the packets of each
//! picture.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;

use super::Unsent;
use super::layers::{LayerFrame, Structure, layers_for};
use crate::clock::{DeviceClock, ms};
use crate::format::dependency::{self, Structure as Dependencies};
use crate::format::marker::{MARKER_LEN, Marker, Reference};
use crate::format::rtp::Header;
use crate::format::{svc, vp8};
use crate::peer::description::{RIDS, VideoCodec};

/// Payload bytes of a packet, descriptor and all; libwebrtc fills them to about this.
const PACKET_MAX: usize = 1150;
/// More frames than lie between one and what it needs.
const FRAMES_KEPT: usize = 16;
/// An encoder does not make keyframes more often than this.
const KEYFRAME_INTERVAL: Duration = ms(300);
/// A keyframe is this many times as large as an average picture.
const KEYFRAME_FACTOR: f64 = 5.0;

/// Of awkward encoders: the least a keyframe takes, bytes a pixel.
const KEYFRAME_LEAST: f64 = 0.03;
/// The part of the way to a lower rate that they go from picture to picture.
const FOLLOWS: f64 = 0.15;
/// Bits a pixel below which the picture gets smaller, and above which it gets larger again, and after how long.
const STRAINED: f64 = 0.022;
const RELAXED: f64 = 0.075;
const STRAINED_FOR: Duration = ms(2000);
const RELAXED_FOR: Duration = ms(4000);

/// What the line agreed on.
#[derive(Clone, Debug)]
pub struct VideoLine {
    /// Codec of everything on it.
    pub codec: VideoCodec,
    /// RTX was agreed on.
    pub rtx: bool,
    /// Id of the MID extension and the line's MID.
    pub mid: Option<(u8, &'static str)>,
    /// Ids of RID and repaired RID; only simulcast encodings carry them.
    pub rid: Option<(u8, u8)>,
    /// Id of the dependency descriptor.
    pub dependency: Option<u8>,
}

/// One encoder.
#[derive(Debug)]
struct Encoding {
    ssrc: u32,
    rtx_ssrc: u32,
    sequence: u16,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    /// Number of the next frame for the dependency descriptor.
    frame_number: u16,
    structure: Structure,
    /// Spatial layers that are made now, and whether it has to be said that they are fewer.
    layers: u8,
    fewer: bool,
    /// Tick, spatial layer and number of the last frames.
    numbers: VecDeque<(u32, u8, u16)>,
    max_bps: u64,
    /// What the server wants: nothing, or at most so much.
    wished: bool,
    cap_bps: Option<u64>,
    target_bps: u64,
    /// What it makes: encoders take a while to follow downwards.
    coded_bps: f64,
    /// The picture is this many times halved, because there are too few bits for more …
    shrunk: u32,
    /// … and since when there have been too few, or enough for a larger one.
    strained_since: Option<Instant>,
    relaxed_since: Option<Instant>,
    wants_keyframe: bool,
    last_keyframe: Option<Instant>,
    /// Bytes a keyframe took beyond its share, paid back by the pictures after it.
    debt: f64,
    packets: u32,
    octets: u32,
    keyframes: u32,
    requests: u32,
}

impl Encoding {
    /// How far back the frames lie that one needs, in frame numbers.
    fn distances(&self, frame: &LayerFrame, tick: u32) -> Vec<u16> {
        let references = frame.references.iter().take(frame.reference_count.into());
        let number = |reference: &Reference| {
            let wanted = (tick - u32::from(reference.ticks_back), reference.spatial);
            let found = self.numbers.iter().find(|(tick, spatial, _)| (*tick, *spatial) == wanted);
            found.map(|(_, _, number)| self.frame_number.wrapping_sub(*number))
        };
        references.filter_map(number).collect()
    }
}

/// What a source looks like.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scene {
    /// Pictures a second.
    pub fps: u32,
    /// The most the whole source is sent with.
    pub max_bps: u64,
    /// Temporal layers of each encoding.
    pub temporal_layers: u8,
    /// Spatial layers in the one encoding (VP9 and AV1).
    pub spatial_layers: u8,
    /// Its encoder is as awkward as Chromium's: it follows downwards slowly, needs so many bytes for a keyframe of a size, and a
    /// single encoding that has too few bits for its size is made smaller, with a keyframe.
    pub awkward: bool,
}

impl Default for Scene {
    /// 720p at 30 pictures a second.
    fn default() -> Self {
        Self { fps: 30, max_bps: 1_700_000, temporal_layers: 1, spatial_layers: 1, awkward: false }
    }
}

/// See the module.
#[derive(Debug)]
pub struct VideoSender {
    person: u8,
    source: u8,
    line: VideoLine,
    clock: DeviceClock,
    rng: StdRng,
    scene: Scene,
    dependencies: Dependencies,
    encodings: Vec<Encoding>,
    /// Switched on.
    pub active: bool,
    epoch: u8,
    tick: u32,
    first_tick: u32,
}

impl VideoSender {
    /// A source that begins with the next picture of its clock. One SSRC pair an encoding, lowest first.
    pub fn new(
        (person, source): (u8, u8),
        line: VideoLine,
        scene: Scene,
        ssrcs: &[(u32, u32)],
        clock: DeviceClock,
        now: Instant,
        mut rng: StdRng,
    ) -> Self {
        let tick = (clock.elapsed_us(now) * u64::from(scene.fps) / 1_000_000) as u32 + 1;
        let simulcast = ssrcs.len() > 1;
        let encodings = ssrcs.iter().enumerate().map(|(place, (ssrc, rtx_ssrc))| Encoding {
            ssrc: *ssrc,
            rtx_ssrc: *rtx_ssrc,
            sequence: rng.random(),
            timestamp: rng.random(),
            picture_id: rng.random::<u16>() & 0x7fff,
            tl0: rng.random(),
            frame_number: rng.random(),
            structure: Structure::new(scene.spatial_layers, scene.temporal_layers),
            layers: scene.spatial_layers,
            fewer: false,
            numbers: VecDeque::new(),
            max_bps: match (simulcast, place) {
                (false, _) => scene.max_bps,
                (true, 0) => 150_000,
                (true, 1) => 500_000,
                (true, _) => scene.max_bps,
            },
            wished: true,
            cap_bps: None,
            target_bps: 0,
            coded_bps: 0.0,
            shrunk: 0,
            strained_since: None,
            relaxed_since: None,
            wants_keyframe: true,
            last_keyframe: None,
            debt: 0.0,
            packets: 0,
            octets: 0,
            keyframes: 0,
            requests: 0,
        });
        Self {
            person,
            source,
            line,
            clock,
            scene,
            dependencies: Dependencies::key_mode(scene.spatial_layers, scene.temporal_layers),
            encodings: encodings.collect(),
            active: true,
            epoch: 0,
            tick,
            first_tick: tick,
            rng,
        }
    }

    /// The streams begin anew with other SSRCs and unrelated numbers.
    pub fn restart(&mut self, ssrcs: &[(u32, u32)]) {
        self.epoch += 1;
        self.first_tick = self.tick;
        for (encoding, (ssrc, rtx_ssrc)) in self.encodings.iter_mut().zip(ssrcs) {
            (encoding.ssrc, encoding.rtx_ssrc) = (*ssrc, *rtx_ssrc);
            (encoding.sequence, encoding.timestamp) = (self.rng.random(), self.rng.random());
            encoding.picture_id = self.rng.random::<u16>() & 0x7fff;
            encoding.tl0 = self.rng.random();
            encoding.frame_number = self.rng.random();
            encoding.wants_keyframe = true;
            (encoding.packets, encoding.octets) = (0, 0);
        }
    }

    /// The numbers every encoding begins with.
    pub fn begin_at(&mut self, sequence: u16, timestamp: u32, picture_id: u16, tl0: u8) {
        for encoding in &mut self.encodings {
            (encoding.sequence, encoding.timestamp) = (sequence, timestamp);
            (encoding.picture_id, encoding.tl0) = (picture_id & 0x7fff, tl0);
            encoding.frame_number = sequence;
        }
    }

    /// When the next picture is captured.
    pub fn deadline(&self) -> Instant {
        self.clock.when(self.captured_us(self.tick + 1))
    }

    /// Its media stream belongs to this source.
    pub fn has(&self, ssrc: u32) -> bool {
        self.encodings.iter().any(|encoding| encoding.ssrc == ssrc)
    }

    /// RTX stream of a media stream.
    pub fn rtx_of(&self, ssrc: u32) -> Option<u32> {
        let found = self.encodings.iter().find(|encoding| encoding.ssrc == ssrc);
        found.map(|encoding| encoding.rtx_ssrc).filter(|_| self.line.rtx)
    }

    /// PLI or FIR for a stream.
    pub fn on_keyframe_request(&mut self, ssrc: u32) {
        if let Some(encoding) = self.encodings.iter_mut().find(|encoding| encoding.ssrc == ssrc) {
            encoding.wants_keyframe = true;
            encoding.requests += 1;
        }
    }

    /// Keyframes made and asked for so far.
    pub fn keyframes(&self) -> (u32, u32) {
        let sum = |of: fn(&Encoding) -> u32| self.encodings.iter().map(of).sum();
        (sum(|it| it.keyframes), sum(|it| it.requests))
    }

    /// What the server wants of an encoding: named by RID, or the only one.
    pub fn wish(&mut self, rid: Option<&str>, active: bool, cap_bps: Option<u64>) {
        let simulcast = self.encodings.len() > 1;
        for (place, encoding) in self.encodings.iter_mut().enumerate() {
            if !simulcast || rid.is_none() || rid == RIDS.get(place).copied() {
                if active && !encoding.wished {
                    encoding.wants_keyframe = true;
                }
                (encoding.wished, encoding.cap_bps) = (active, cap_bps);
            }
        }
    }

    /// Encodings being sent, lowest first.
    pub fn sending(&self) -> Vec<bool> {
        self.encodings.iter().map(|it| self.active && it.wished && it.target_bps > 0).collect()
    }

    /// The most this source can use.
    pub fn max_bps(&self) -> u64 {
        let most = |it: &Encoding| if it.wished { it.max_bps.min(it.cap_bps.unwrap_or(u64::MAX)) } else { 0 };
        if self.active { self.encodings.iter().map(most).sum() } else { 0 }
    }

    /// Shares a budget out: lower encodings first, the next one only with a fair part of its maximum, as libwebrtc does.
    pub fn allocate(&mut self, mut budget: u64) {
        let mut first = true;
        for encoding in &mut self.encodings {
            let most = encoding.max_bps.min(encoding.cap_bps.unwrap_or(u64::MAX));
            let share = budget.min(most);
            let worth = first || share * 3 >= encoding.max_bps.min(most);
            let target = if encoding.wished && worth { share.max(30_000) } else { 0 };
            if encoding.wished {
                first = false;
            }
            if target > 0 && encoding.target_bps == 0 {
                encoding.wants_keyframe = true;
                (encoding.coded_bps, encoding.shrunk, encoding.debt) = (target as f64, 0, 0.0);
            }
            encoding.target_bps = target;
            budget = budget.saturating_sub(target);
        }
    }

    /// The packets of the picture that is due; none if `skip` (too much waits to be sent).
    pub fn capture(&mut self, now: Instant, skip: bool) -> Vec<Unsent> {
        let tick = self.tick;
        self.tick += 1;
        if !self.active || skip {
            return Vec::new();
        }
        let mut packets = Vec::new();
        for place in 0..self.encodings.len() {
            if self.encodings[place].wished && self.encodings[place].target_bps > 0 {
                self.encode(now, place, tick, &mut packets);
            }
        }
        packets
    }

    /// Stream, RTP time, packets and octets of each encoding for sender reports at this moment.
    pub fn reports(&self, elapsed_us: u64) -> Vec<(u32, u32, u32, u32)> {
        let since = elapsed_us as i64 - self.captured_us(self.first_tick) as i64;
        let units = (since * 90 / 1000) as u32;
        let live = self.encodings.iter().filter(|it| it.packets > 0);
        live.map(|it| (it.ssrc, it.timestamp.wrapping_add(units), it.packets, it.octets)).collect()
    }

    fn captured_us(&self, tick: u32) -> u64 {
        u64::from(tick) * 1_000_000 / u64::from(self.scene.fps)
    }

    fn encode(&mut self, now: Instant, place: usize, tick: u32, out: &mut Vec<Unsent>) {
        let captured_us = self.captured_us(tick);
        let timestamp = {
            let since = captured_us - self.captured_us(self.first_tick);
            self.encodings[place].timestamp.wrapping_add((since * 90 / 1000) as u32)
        };
        let size = self.adapt(now, place);
        let all = self.scene.spatial_layers;
        let encoding = &mut self.encodings[place];
        let fit = layers_for(encoding.target_bps, encoding.layers, all);
        if fit < encoding.layers {
            (encoding.layers, encoding.fewer) = (fit, true);
        }
        encoding.wants_keyframe |= fit > encoding.layers;
        let ready = encoding.last_keyframe.is_none_or(|at| now.duration_since(at) >= KEYFRAME_INTERVAL);
        let keyframe = encoding.wants_keyframe && ready;
        if keyframe {
            encoding.wants_keyframe = false;
            encoding.last_keyframe = Some(now);
            encoding.keyframes += 1;
            (encoding.layers, encoding.fewer) = (fit, fit < all);
        }
        let frames = encoding.structure.next(tick, keyframe, encoding.layers);
        let told = frames.iter().any(|frame| frame.temporal == 0);
        if frames.iter().any(|frame| frame.temporal == 0) {
            encoding.tl0 = encoding.tl0.wrapping_add(1);
        }
        encoding.picture_id = (encoding.picture_id + 1) & 0x7fff;
        let average = encoding.coded_bps / 8.0 / f64::from(self.scene.fps);
        let pixels = f64::from(size.0) * f64::from(size.1);
        let least = if keyframe && self.scene.awkward { pixels * KEYFRAME_LEAST } else { 0.0 };
        let layers = frames.len();
        for (index, frame) in frames.into_iter().enumerate() {
            // Sizes of real pictures are about log-normal; each spatial layer takes about three times the one below.
            let share =
                3f64.powi(frame.spatial.into()) / (0..layers as i32).map(|s| 3f64.powi(s)).sum::<f64>();
            let spread = (normal(&mut self.rng) * 0.3).exp();
            let encoding = &mut self.encodings[place];
            let mean = average * share;
            let mut size = mean * spread;
            if keyframe {
                size = (size * KEYFRAME_FACTOR).max(least * share);
                encoding.debt += size - mean;
            } else {
                let paid = (encoding.debt * 0.1).min(size * 0.7);
                encoding.debt -= paid;
                size -= paid;
            }
            let last = index + 1 == layers;
            self.packetize(place, tick, timestamp, &frame, size as usize, last, out);
        }
        self.encodings[place].fewer &= !told;
    }

    /// Lets an encoder follow its target; the size of its picture.
    fn adapt(&mut self, now: Instant, place: usize) -> (u16, u16) {
        // Each simulcast encoding is half as wide as the next.
        let down = (self.encodings.len() - 1 - place) as u32;
        let alone = self.encodings.iter().filter(|it| it.wished && it.target_bps > 0).count() == 1;
        let Scene { awkward, fps, .. } = self.scene;
        let encoding = &mut self.encodings[place];
        let target = encoding.target_bps as f64;
        let slowly = awkward && target < encoding.coded_bps;
        encoding.coded_bps += (target - encoding.coded_bps) * if slowly { FOLLOWS } else { 1.0 };
        let size = |shrunk: u32| (1280u16 >> (down + shrunk), 720u16 >> (down + shrunk));
        let (width, height) = size(encoding.shrunk);
        let bits = target / f64::from(fps) / f64::from(width) / f64::from(height);
        let since = |at: &mut Option<Instant>, holds: bool| {
            *at = at.or(Some(now)).filter(|_| holds);
            at.map_or(Duration::ZERO, |at| now.duration_since(at))
        };
        let strained = since(&mut encoding.strained_since, bits < STRAINED && width > 160);
        let relaxed = since(&mut encoding.relaxed_since, bits > RELAXED && encoding.shrunk > 0);
        if awkward && alone && (strained >= STRAINED_FOR || relaxed >= RELAXED_FOR) {
            encoding.shrunk =
                if strained >= STRAINED_FOR { encoding.shrunk + 1 } else { encoding.shrunk - 1 };
            (encoding.strained_since, encoding.relaxed_since) = (None, None);
            encoding.wants_keyframe = true;
        }
        size(encoding.shrunk)
    }

    #[allow(clippy::too_many_arguments)]
    fn packetize(
        &mut self,
        place: usize,
        tick: u32,
        timestamp: u32,
        frame: &LayerFrame,
        size: usize,
        last_layer: bool,
        out: &mut Vec<Unsent>,
    ) {
        let size = size.max(MARKER_LEN);
        let count = size.div_ceil(PACKET_MAX - MARKER_LEN).max(1);
        let captured_us = self.captured_us(tick);
        let simulcast = self.encodings.len() > 1;
        // Each simulcast encoding is half as wide as the next.
        let down = (self.encodings.len() - 1 - place) as u32;
        let encoding = &mut self.encodings[place];
        let shrunk = encoding.shrunk;
        let (payload_type, rtx_type) = self.line.codec.payload_types();
        for packet in 0..count {
            let marker = Marker {
                person: self.person,
                source: self.source,
                encoding: place as u8 | self.epoch << 4,
                spatial: frame.spatial,
                temporal: frame.temporal,
                keyframe: frame.keyframe && frame.spatial == 0,
                tick,
                captured_us,
                packet: packet as u16,
                packets: count as u16,
                reference_count: frame.reference_count,
                references: frame.references,
            };
            let (start, end) = (packet == 0, packet + 1 == count);
            let part = svc::Part {
                start,
                end,
                keyframe: frame.keyframe,
                spatial: frame.spatial,
                temporal: frame.temporal,
                picture_id: encoding.picture_id,
                tl0: encoding.tl0,
                layers: encoding.layers,
            };
            let mut payload = match self.line.codec {
                VideoCodec::Vp8 => vp8::write(
                    &vp8::Descriptor {
                        start,
                        picture_id: Some(encoding.picture_id),
                        tl0: (self.scene.temporal_layers > 1).then_some(encoding.tl0),
                        temporal: frame.temporal,
                        sync: frame.sync,
                    },
                    frame.keyframe,
                    (1280 >> (down + shrunk), 720 >> (down + shrunk)),
                ),
                VideoCodec::Vp9 => svc::write_vp9(&part),
                VideoCodec::Av1 => svc::write_av1(&part),
            };
            // The last packet takes what is left.
            let len = if end { size - (count - 1) * (size / count) } else { size / count };
            marker.write(len.min(PACKET_MAX), &mut payload);
            let mut extensions = Vec::new();
            extensions.extend(self.line.mid.map(|(id, mid)| (id, mid.as_bytes().to_vec())));
            if let Some((rid, _)) = self.line.rid.filter(|_| simulcast) {
                extensions.push((rid, RIDS[place].as_bytes().to_vec()));
            }
            if let Some(id) = self.line.dependency.filter(|_| self.line.codec != VideoCodec::Vp8) {
                let (spatial, temporal) = (self.scene.spatial_layers, self.scene.temporal_layers);
                let first = frame.keyframe && start && frame.spatial == 0;
                let template =
                    Dependencies::template_of(temporal, frame.spatial, frame.keyframe, frame.phase);
                let usual = &self.dependencies.templates[usize::from(template)].differences;
                let needed = encoding.distances(frame, tick);
                let active = (1 << (encoding.layers * temporal)) - 1;
                let descriptor = dependency::Descriptor {
                    start,
                    end,
                    template,
                    number: encoding.frame_number,
                    structure: first.then(|| self.dependencies.clone()),
                    active_targets: encoding.fewer.then_some((active, spatial * temporal)),
                    differences: Some(needed).filter(|needed| needed != usual),
                };
                extensions.push((id, dependency::write(&descriptor)));
            }
            let header = Header {
                marker: end && last_layer,
                payload_type,
                sequence: encoding.sequence,
                timestamp,
                ssrc: encoding.ssrc,
            };
            encoding.sequence = encoding.sequence.wrapping_add(1);
            encoding.packets += 1;
            encoding.octets = encoding.octets.wrapping_add(payload.len() as u32);
            let rtx = self.line.rtx.then_some((encoding.rtx_ssrc, rtx_type));
            out.push(Unsent { header, extensions, payload, rtx, source: self.source });
        }
        let encoding = &mut self.encodings[place];
        encoding.numbers.push_back((tick, frame.spatial, encoding.frame_number));
        if encoding.numbers.len() > FRAMES_KEPT {
            encoding.numbers.pop_front();
        }
        encoding.frame_number = encoding.frame_number.wrapping_add(1);
    }
}

/// A normally distributed number, by Box and Muller.
fn normal(rng: &mut StdRng) -> f64 {
    let (a, b): (f64, f64) = (rng.random::<f64>().max(1e-12), rng.random());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}
