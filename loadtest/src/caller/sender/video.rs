//! A camera: three simulcast encodings of 180, 360 and 720 lines at 30 pictures a second, as the web client sends them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::clip::{Clip, PAYLOAD_MAX, Place};
use super::frames::FrameSource;
use super::vp8::Descriptor;
use crate::caller::description::{CAMERA, Codec, RIDS, ext};
use crate::caller::rtp::{self, Header};
use crate::caller::trailer::{Kind, Trailer};

/// Ceilings of the encodings, bits a second: the web client's.
pub const CEILINGS: [u64; 3] = [150_000, 500_000, 1_700_000];
const FPS: u32 = 30;
/// Between two pictures.
pub const FRAME: Duration = Duration::from_nanos(1_000_000_000 / FPS as u64);
/// Packets kept for retransmission, as descriptions of 64 bytes: about two seconds.
const HISTORY: usize = 400;
/// Requests for keyframes within this time after one that was granted are part of it, as in libwebrtc.
const REQUEST_INTERVAL: Duration = Duration::from_millis(300);
/// An encoding that is wanted gets at least this, bits a second.
const TARGET_MIN: u64 = 30_000;

/// What the line agreed on.
#[derive(Clone, Copy, Debug)]
pub struct VideoLine {
    /// What is sent.
    pub codec: Codec,
    /// SSRC of the smallest encoding; the others and their retransmissions have the numbers after it.
    pub ssrc: u32,
    /// Encodings that were taken, 1–3.
    pub encodings: u8,
    /// RTX was agreed on.
    pub rtx: bool,
    /// The MID extension was taken.
    pub mid: bool,
    /// The RID extensions were taken.
    pub rid: bool,
}

impl VideoLine {
    fn media_ssrc(&self, encoding: usize) -> u32 {
        self.ssrc + 2 * encoding as u32
    }

    fn rtx_ssrc(&self, encoding: usize) -> u32 {
        self.media_ssrc(encoding) + 1
    }
}

/// A packet as a description: what it is made of is known, so bytes are only written when it leaves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Recipe {
    header: Header,
    /// Which picture of the clip.
    picture: u16,
    descriptor: Descriptor,
    trailer: Trailer,
    /// Bytes of payload.
    length: usize,
}

impl Recipe {
    /// About what it takes on the wire, bytes.
    pub fn size(&self) -> usize {
        self.length + 60
    }

    /// Which encoding it is of.
    pub fn encoding(&self) -> usize {
        self.trailer.encoding.into()
    }
}

struct Encoding {
    clip: &'static Clip,
    source: FrameSource,
    sequence: u16,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    ceiling_bps: u64,
    /// What the server wants: nothing, or at most so much.
    wished: bool,
    cap_bps: Option<u64>,
    target_bps: u64,
    wants_keyframe: bool,
    granted: Option<Instant>,
    history: VecDeque<Recipe>,
    rtx_sequence: u16,
    packets: u32,
    octets: u32,
}

/// See the module.
pub struct VideoSender {
    person: u16,
    line: VideoLine,
    rng: StdRng,
    encodings: Vec<Encoding>,
    /// Switched on.
    pub active: bool,
    tick: u32,
    next: Instant,
}

impl VideoSender {
    /// A camera that is switched off.
    pub fn new(person: u16, line: VideoLine, now: Instant) -> Self {
        let mut rng = StdRng::seed_from_u64(u64::from(person));
        // A server without simulcast leaves a line its first encoding, which must carry the whole picture then.
        let ceilings = if line.encodings == 1 { &CEILINGS[2..] } else { &CEILINGS[..] };
        let clips = (CEILINGS.len() - ceilings.len()..).map(|size| Clip::of(line.codec, size));
        let encodings = ceilings.iter().zip(clips).map(|(ceiling, clip)| Encoding {
            clip,
            source: FrameSource::new(line.codec, clip.pictures()),
            sequence: rng.random(),
            timestamp: rng.random(),
            picture_id: rng.random::<u16>() & 0x7fff,
            tl0: rng.random(),
            ceiling_bps: *ceiling,
            wished: true,
            cap_bps: None,
            target_bps: 0,
            wants_keyframe: true,
            granted: None,
            history: VecDeque::new(),
            rtx_sequence: rng.random(),
            packets: 0,
            octets: 0,
        });
        let encodings = encodings.collect();
        // Cameras of different people do not run in step.
        let phase = FRAME.mul_f64(f64::from(person % 97) / 97.0);
        Self { person, line, rng, encodings, active: false, tick: 0, next: now + phase }
    }

    /// When the next picture is captured.
    pub fn deadline(&self) -> Instant {
        self.next
    }

    /// A keyframe is wanted of this stream.
    pub fn on_keyframe_request(&mut self, now: Instant, ssrc: u32) {
        let Some(place) = self.place_of(ssrc) else { return };
        let encoding = &mut self.encodings[place];
        if encoding.granted.is_none_or(|at| now.duration_since(at) >= REQUEST_INTERVAL) {
            encoding.granted = Some(now);
            encoding.wants_keyframe = true;
        }
    }

    /// What the server wants of an encoding: named by RID, or the only one.
    pub fn wish(&mut self, rid: Option<&str>, active: bool, cap_bps: Option<u64>) {
        let alone = self.encodings.len() == 1;
        for (place, encoding) in self.encodings.iter_mut().enumerate() {
            if alone || rid.is_none() || rid == RIDS.get(place).copied() {
                encoding.wants_keyframe |= active && !encoding.wished;
                (encoding.wished, encoding.cap_bps) = (active, cap_bps);
            }
        }
    }

    /// The most this camera can use, bits a second.
    pub fn ceiling_bps(&self) -> u64 {
        let most =
            |it: &Encoding| if it.wished { it.ceiling_bps.min(it.cap_bps.unwrap_or(u64::MAX)) } else { 0 };
        if self.active { self.encodings.iter().map(most).sum() } else { 0 }
    }

    /// Shares a budget out: lower encodings first, the next one only with a fair part of its maximum, as libwebrtc does.
    pub fn allocate(&mut self, mut budget: u64) {
        let mut first = true;
        for encoding in &mut self.encodings {
            let most = encoding.ceiling_bps.min(encoding.cap_bps.unwrap_or(u64::MAX));
            let share = budget.min(most);
            let worth = first || share * 3 >= most;
            let target = if encoding.wished && worth { share.max(TARGET_MIN) } else { 0 };
            first &= !encoding.wished;
            encoding.wants_keyframe |= target > 0 && encoding.target_bps == 0;
            encoding.target_bps = target;
            budget = budget.saturating_sub(target);
        }
    }

    /// The packets of the picture that is due; none if `skip` (too much waits to be sent already).
    pub fn capture(&mut self, now: Instant, unix_ns: u64, skip: bool, out: &mut VecDeque<Recipe>) {
        let tick = self.tick;
        self.tick = self.tick.wrapping_add(1);
        self.next = (self.next + FRAME).max(now.checked_sub(FRAME * 3).unwrap_or(now));
        if !self.active || skip {
            return;
        }
        for place in 0..self.encodings.len() {
            if self.encodings[place].wished && self.encodings[place].target_bps > 0 {
                self.encode(unix_ns, place, tick, out);
            }
        }
    }

    /// The packet with this number, if it is remembered.
    pub fn remembered(&self, ssrc: u32, sequence: u16) -> Option<Recipe> {
        let encoding = &self.encodings[self.place_of(ssrc)?];
        let ahead = encoding.sequence.wrapping_sub(sequence);
        let place = encoding.history.len().checked_sub(usize::from(ahead))?;
        encoding.history.get(place).filter(|it| it.header.sequence == sequence).copied()
    }

    /// Appends the plain packet of a recipe, as itself or as a retransmission (RFC 4588).
    pub fn write(&mut self, recipe: &Recipe, rtx: bool, transport: Option<[u8; 2]>, out: &mut Vec<u8>) {
        let place = recipe.encoding();
        let mut header = recipe.header;
        if rtx {
            let encoding = &mut self.encodings[place];
            header.ssrc = self.line.rtx_ssrc(place);
            header.payload_type = self.line.codec.payload_types().1;
            header.sequence = encoding.rtx_sequence;
            encoding.rtx_sequence = encoding.rtx_sequence.wrapping_add(1);
        }
        let number = transport.unwrap_or_default();
        let mut extensions: [(u8, &[u8]); 3] = [(0, &[]); 3];
        let mut count = 0;
        let mut add = |taken: bool, id: u8, value| {
            if taken {
                extensions[count] = (id, value);
                count += 1;
            }
        };
        add(self.line.mid, ext::MID, CAMERA.as_bytes());
        let rid = if rtx { ext::REPAIRED_RID } else { ext::RID };
        add(self.line.rid, rid, RIDS[place.min(2)].as_bytes());
        add(transport.is_some(), ext::TRANSPORT_CC, &number);
        rtp::write(&header, &extensions[..count], out);
        if rtx {
            out.extend_from_slice(&recipe.header.sequence.to_be_bytes());
        }
        let Recipe { picture, descriptor, trailer, length, .. } = recipe;
        let part = Place { picture: *picture, index: trailer.index, count: trailer.count };
        self.encodings[place].clip.write(part, *length, *descriptor, trailer, out);
    }

    /// SSRC, RTP time now, packets and octets of each encoding that is being sent, for sender reports.
    pub fn reports(&self, now: Instant) -> Vec<(u32, u32, u32, u32)> {
        let until = self.next.saturating_duration_since(now).as_micros() as u32;
        let live = self.encodings.iter().enumerate().filter(|(_, it)| it.packets > 0 && it.target_bps > 0);
        live.map(|(place, it)| {
            let units = self.tick.wrapping_mul(90_000 / FPS).wrapping_sub(until * 90 / 1000);
            (self.line.media_ssrc(place), it.timestamp.wrapping_add(units), it.packets, it.octets)
        })
        .collect()
    }

    fn place_of(&self, ssrc: u32) -> Option<usize> {
        (0..self.encodings.len()).find(|place| self.line.media_ssrc(*place) == ssrc)
    }

    fn encode(&mut self, unix_ns: u64, place: usize, tick: u32, out: &mut VecDeque<Recipe>) {
        let ssrc = self.line.media_ssrc(place);
        let (payload_type, _) = self.line.codec.payload_types();
        let encoding = &mut self.encodings[place];
        let keyframe = std::mem::take(&mut encoding.wants_keyframe);
        let mean = encoding.target_bps as f64 / 8.0 / f64::from(FPS);
        let frame = encoding.source.next(&mut self.rng, tick, keyframe, mean);
        if frame.temporal == 0 {
            encoding.tl0 = encoding.tl0.wrapping_add(1);
        }
        encoding.picture_id = (encoding.picture_id + 1) & 0x7fff;
        let timestamp = encoding.timestamp.wrapping_add(tick.wrapping_mul(90_000 / FPS));
        let descriptor = Descriptor { picture_id: encoding.picture_id, tl0: encoding.tl0, sync: frame.sync };
        // The picture takes what it takes, even where less was meant for it.
        let pieces = encoding.clip.picture(frame.picture).pieces();
        let count = frame.size.div_ceil(PAYLOAD_MAX).max(pieces);
        let wanted = frame.size / count;
        let mut sent = 0;
        for index in 0..count {
            let part = Place { picture: frame.picture, index: index as u16, count: count as u16 };
            let length = encoding.clip.length(part, wanted);
            sent += length;
            let header = Header {
                marker: index + 1 == count,
                payload_type,
                sequence: encoding.sequence,
                timestamp,
                ssrc,
            };
            let trailer = Trailer {
                person: self.person,
                kind: Kind::Camera,
                keyframe: frame.keyframe,
                encoding: place as u8,
                temporal: frame.temporal,
                index: index as u16,
                count: count as u16,
                back: frame.back,
                tick,
                captured_us: unix_ns / 1000,
                sent_ns: 0,
            };
            let recipe = Recipe { header, picture: frame.picture, descriptor, trailer, length };
            encoding.sequence = encoding.sequence.wrapping_add(1);
            encoding.packets = encoding.packets.wrapping_add(1);
            encoding.octets = encoding.octets.wrapping_add(length as u32);
            if encoding.history.len() == HISTORY {
                encoding.history.pop_front();
            }
            encoding.history.push_back(recipe);
            out.push_back(recipe);
        }
        encoding.source.owe(sent.saturating_sub(frame.size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::rtp::Packet;

    fn sender(codec: Codec) -> VideoSender {
        let line = VideoLine { codec, ssrc: 100, encodings: 3, rtx: true, mid: true, rid: true };
        let mut sender = VideoSender::new(3, line, Instant::now());
        sender.active = true;
        sender
    }

    #[test]
    fn a_small_budget_goes_to_the_small_encodings_and_wishes_are_obeyed() {
        let mut sender = sender(Codec::Vp8);
        let targets =
            |sender: &VideoSender| sender.encodings.iter().map(|it| it.target_bps).collect::<Vec<_>>();
        sender.allocate(3_000_000);
        assert_eq!(targets(&sender), CEILINGS);
        sender.allocate(400_000);
        assert_eq!(targets(&sender), [150_000, 250_000, 0]);
        for (rid, active) in [("q", false), ("h", false), ("f", true)] {
            sender.wish(Some(rid), active, Some(1_000_000));
        }
        assert_eq!(sender.ceiling_bps(), 1_000_000);
        sender.allocate(400_000);
        assert_eq!(targets(&sender), [0, 0, 400_000]);
    }

    #[test]
    fn frames_are_cut_into_packets_that_can_be_asked_for_again() {
        for codec in [Codec::Vp8, Codec::H264] {
            let mut sender = sender(codec);
            sender.allocate(3_000_000);
            let mut recipes = VecDeque::new();
            sender.capture(Instant::now(), 1_000_000_000_000, false, &mut recipes);
            assert!(recipes.iter().any(|it| it.encoding() == 2 && it.trailer.count > 10));
            for recipe in recipes {
                let mut bytes = Vec::new();
                sender.write(&recipe, false, Some([0, 7]), &mut bytes);
                assert!(bytes.len() < 1_200, "{} bytes", bytes.len());
                let packet = Packet::read(&bytes).expect("RTP");
                // The keyframe of 720 lines begins with a packet that has no room for one.
                let bare = codec == Codec::Vp8 && recipe.encoding() == 2 && recipe.trailer.index == 0;
                assert_eq!(Trailer::read(packet.payload), (!bare).then_some(recipe.trailer));
                assert_eq!(packet.extension(ext::RID), Some(RIDS[recipe.encoding()].as_bytes()));
                let again = sender.remembered(packet.header.ssrc, packet.header.sequence).expect("kept");
                assert_eq!(again, recipe);
                let mut bytes = Vec::new();
                sender.write(&again, true, None, &mut bytes);
                let repair = Packet::read(&bytes).expect("RTP");
                assert_eq!(repair.header.ssrc, packet.header.ssrc + 1);
                assert_eq!(repair.payload[..2], packet.header.sequence.to_be_bytes());
                assert_eq!(repair.payload[2..], packet.payload[..]);
            }
            assert!(sender.remembered(100, 0).is_none() || sender.remembered(100, 1).is_none());
        }
    }
}
