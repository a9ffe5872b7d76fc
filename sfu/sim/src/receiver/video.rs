//! A viewer's video slot: assembly, decoding order and display as a browser would do it, and a judge who knows the truth.
//!
//! The decoder believes what is on the wire (sequence numbers, picture ids, dependency descriptors). Whatever it then
//! decodes is compared with what the markers say was really sent: a picture whose references are not there would be
//! garbage on a screen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Stream;
use super::display::Display;
use super::missing::Sequences;
use super::wire::{Order, WireFrame, WirePacket};
use crate::clock::ms;
use crate::format::marker::Marker;
use crate::format::rtp::Packet;

/// No keyframe for this long at the beginning, and one is asked for.
const PATIENCE_FIRST: Duration = ms(200);
/// Nothing decodable for this long later on: libwebrtc's `kMaxWaitForFrame`.
const PATIENCE: Duration = ms(3000);
/// A later frame that needs none of what is missing is shown when the missing one is this late.
const SKIP_AFTER: Duration = ms(80);
/// Packets kept until their structure comes.
const STASH_MAX: usize = 200;

/// A picture that was decoded.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// When its last packet came.
    pub arrived: Instant,
    /// When it was on the screen.
    pub shown: Instant,
    /// Whose it is.
    pub stream: Stream,
    /// Its layers.
    pub marker: Marker,
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// By the last sender report, NTP time of its capture on the publisher's clock.
    pub ntp: Option<u64>,
    /// Bytes of payload.
    pub bytes: usize,
}

#[derive(Clone, Debug)]
struct Stored {
    packet: Packet,
    wire: WirePacket,
    marker: Option<Marker>,
}

#[derive(Clone, Debug)]
struct Frame {
    last: u64,
    wire: WireFrame,
    marker: Marker,
    timestamp: u32,
    complete_at: Instant,
    bytes: usize,
    /// The RTP marker bit: the last layer of its picture.
    ends_picture: bool,
}

/// See the module.
pub struct VideoReceiver {
    /// Media SSRC of the slot.
    pub ssrc: u32,
    dependency: Option<u8>,
    playout_delay: Option<u8>,
    sequences: Sequences,
    packets: BTreeMap<u64, Stored>,
    frames: BTreeMap<u64, Frame>,
    order: Order,
    /// Number of the last packet that was decoded or is known to be filling.
    consumed: Option<u64>,
    decoded: BTreeSet<(Stream, u8, u32)>,
    last: Option<Shown>,
    picture_ended: bool,
    /// Since the last frame, padding stood where a packet was missing.
    filled: bool,
    display: Display,
    shown: Vec<Shown>,
    violations: Vec<(Instant, String)>,
    report: Option<(u64, u32)>,
    first_packet: Option<Instant>,
    last_progress: Option<Instant>,
    last_pli: Option<Instant>,
    plis: u64,
    recovered: u64,
    given: BTreeMap<u64, u32>,
    /// Packets whose descriptor cannot be read yet.
    stash: Vec<(Packet, bool)>,
}

impl VideoReceiver {
    /// A slot that has shown nothing yet.
    pub fn new(ssrc: u32, dependency: Option<u8>, playout_delay: Option<u8>) -> Self {
        Self {
            ssrc,
            dependency,
            playout_delay,
            sequences: Sequences::default(),
            packets: BTreeMap::new(),
            frames: BTreeMap::new(),
            order: Order::default(),
            consumed: None,
            decoded: BTreeSet::new(),
            last: None,
            picture_ended: true,
            filled: false,
            display: Display::default(),
            shown: Vec::new(),
            violations: Vec::new(),
            report: None,
            first_packet: None,
            last_progress: None,
            last_pli: None,
            plis: 0,
            recovered: 0,
            given: BTreeMap::new(),
            stash: Vec::new(),
        }
    }

    /// Pictures so far.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// What was wrong with the stream.
    pub fn violations(&self) -> &[(Instant, String)] {
        &self.violations
    }

    /// Keyframes asked for, packets asked for, packets repaired.
    pub fn requests(&self) -> (u64, u64, u64) {
        (self.plis, self.sequences.asked(), self.recovered)
    }

    /// What waits for what, for traces.
    pub fn state(&self) -> String {
        let consumed = self.consumed.map_or(0, |it| it % 65536);
        let frame = self.frames.first_key_value().map(|(first, _)| first % 65536);
        let packet = self.packets.first_key_value().map(|(first, _)| first % 65536);
        format!("decoded up to {consumed}, waiting frames from {frame:?}, packets from {packet:?}")
    }

    /// Highest sequence number without wraps, for receiver reports.
    pub fn highest(&self) -> Option<u64> {
        self.sequences.highest()
    }

    /// The round trip to the server.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.display.set_rtt(rtt);
    }

    /// Pictures are held at least so long.
    pub fn hold(&self) -> Duration {
        self.display.minimum()
    }

    /// Takes a packet; `repaired` if it came as RTX.
    pub fn receive(&mut self, now: Instant, packet: Packet, repaired: bool) {
        let extended = match repaired {
            // Repairs say nothing about what is missing after them.
            true if self.sequences.highest().is_none() => return,
            true => {
                let extended = self.sequences.extend(packet.header.sequence);
                self.sequences.arrived(now, packet.header.sequence);
                self.recovered += 1;
                extended
            }
            false => self.sequences.arrived(now, packet.header.sequence),
        };
        self.first_packet.get_or_insert(now);
        if let Some([a, b, _]) = self.playout_delay.and_then(|id| packet.extension(id)) {
            // 12 bits each of the shortest and longest delay, in 10 ms.
            let shortest = u64::from(*a) << 4 | u64::from(*b) >> 4;
            self.display.set_minimum(ms(10 * shortest));
        }
        self.same_as_before(now, extended, &packet);
        if self.consumed.is_some_and(|consumed| extended <= consumed) || self.packets.contains_key(&extended)
        {
            return;
        }
        let descriptor = self.dependency.and_then(|id| packet.extension(id));
        let Some(wire) = self.order.read(&packet, descriptor) else {
            if descriptor.is_some() && !self.order.knows_structure() && self.stash.len() < STASH_MAX {
                // What its descriptor means is in a packet that is still to come.
                self.stash.push((packet, repaired));
                return;
            }
            self.violate(now, format!("packet {extended} makes no sense to a depacketizer"));
            return;
        };
        let marker = Marker::read(packet.payload.get(wire.content..).unwrap_or_default());
        if marker.is_none() && !wire.filling {
            self.violate(now, format!("packet {extended} is damaged"));
        }
        self.packets.insert(extended, Stored { packet, wire, marker });
        self.assemble(now, extended);
        self.decode(now);
        if self.order.knows_structure() {
            for (packet, repaired) in std::mem::take(&mut self.stash) {
                self.receive(now, packet, repaired);
            }
        }
    }

    /// The server ties the slot's RTP clock to the publisher's wall clock.
    pub fn on_sender_report(&mut self, ntp: u64, rtp_timestamp: u32) {
        self.report = Some((ntp, rtp_timestamp));
    }

    /// Sequence numbers to ask for now.
    pub fn missing(&mut self, now: Instant, rtt: Duration) -> Vec<u16> {
        self.decode(now);
        let due = self.sequences.due(now, rtt);
        if !due.is_empty() {
            self.display.on_nack();
        }
        due
    }

    /// Whether to ask for a keyframe now.
    pub fn wants_keyframe(&mut self, now: Instant) -> bool {
        let overwhelmed = self.sequences.take_overwhelmed();
        let Some(first) = self.first_packet else { return false };
        let patience = if self.last.is_none() { PATIENCE_FIRST } else { PATIENCE };
        let since = self.last_progress.unwrap_or(first);
        // Only while something comes that cannot be decoded; a paused stream is nobody's fault.
        let stuck = !self.packets.is_empty() || !self.frames.is_empty() || !self.stash.is_empty();
        let waited = |at: Instant| now.duration_since(at) >= patience;
        let wants = overwhelmed || (stuck && waited(since) && self.last_pli.is_none_or(waited));
        if wants {
            self.last_pli = Some(now);
            self.plis += 1;
        }
        wants
    }

    /// One number must never stand for two packets.
    fn same_as_before(&mut self, now: Instant, extended: u64, packet: &Packet) {
        let fingerprint = crc32fast::hash(&packet.payload) ^ packet.header.timestamp;
        if let Some(before) = self.given.insert(extended, fingerprint)
            && before != fingerprint
        {
            self.violate(now, format!("number {extended} stands for two different packets"));
        }
        if self.given.len() > 4000 {
            self.given.pop_first();
        }
    }

    /// Joins the packets around a new one into a frame, if they are all there.
    fn assemble(&mut self, now: Instant, extended: u64) {
        let same = |this: &Self, at: u64, timestamp: u32| {
            this.packets
                .get(&at)
                .is_some_and(|it| it.packet.header.timestamp == timestamp && !it.wire.filling)
        };
        let stored = &self.packets[&extended];
        if stored.wire.filling {
            return;
        }
        let timestamp = stored.packet.header.timestamp;
        let mut first = extended;
        while !self.packets[&first].wire.start {
            if !same(self, first - 1, timestamp) {
                return;
            }
            first -= 1;
        }
        let mut last = extended;
        while !self.packets[&last].wire.end {
            if !same(self, last + 1, timestamp) || self.packets[&(last + 1)].wire.start {
                return;
            }
            last += 1;
        }
        let parts: Vec<_> = (first..=last).filter_map(|at| self.packets.remove(&at)).collect();
        let Some(marker) = parts.first().and_then(|part| part.marker) else { return };
        let whole = parts.iter().enumerate().all(|(place, part)| {
            part.marker.is_some_and(|it| {
                (it.tick, it.spatial, it.person) == (marker.tick, marker.spatial, marker.person)
                    && usize::from(it.packet) == place
                    && usize::from(it.packets) == parts.len()
            })
        });
        if !whole {
            let text = format!("packets {first} to {last} look like a frame, but are parts of several");
            self.violate(now, text);
        }
        let bytes = parts.iter().map(|part| part.packet.payload.len()).sum();
        let ends_picture = parts.last().is_some_and(|part| part.packet.header.marker);
        let wire = parts[0].wire.frame;
        let frame = Frame { last, wire, marker, timestamp, complete_at: now, bytes, ends_picture };
        self.frames.insert(first, frame);
    }

    /// Decodes what can be decoded, in order.
    fn decode(&mut self, now: Instant) {
        loop {
            self.consume_filling();
            let next = self.consumed.map(|consumed| consumed + 1);
            let candidate = self.frames.iter().find(|(first, frame)| {
                let contiguous = next == Some(**first);
                self.order.decodable(&frame.wire, contiguous)
                    && (contiguous
                        || frame.wire.keyframe
                        || now.duration_since(frame.complete_at) >= SKIP_AFTER)
            });
            let Some((&first, _)) = candidate else { break };
            let contiguous = next == Some(first);
            let Some(frame) = self.frames.remove(&first) else { break };
            self.frames = self.frames.split_off(&first);
            self.packets = self.packets.split_off(&first);
            self.consumed = Some(frame.last);
            self.sequences.forget_before(frame.last);
            self.judge(now, &frame, contiguous);
        }
    }

    fn consume_filling(&mut self) {
        while let Some(next) = self.consumed.map(|consumed| consumed + 1)
            && self.packets.get(&next).is_some_and(|it| it.wire.filling)
        {
            self.packets.remove(&next);
            self.consumed = Some(next);
            self.filled = true;
        }
    }

    /// Compares what a decoder would do now with the truth.
    fn judge(&mut self, now: Instant, frame: &Frame, contiguous: bool) {
        let Frame { marker, timestamp, .. } = *frame;
        let stream = Stream::of(&marker);
        let name = format!("picture {} of {stream}", marker.tick);
        if marker.keyframe != frame.wire.keyframe && marker.spatial == 0 {
            self.violate(now, format!("{name}: the wire is wrong about its being a key frame"));
        }
        if marker.keyframe && marker.spatial == 0 {
            self.decoded.retain(|(known, _, _)| *known != stream);
        }
        for reference in marker.references() {
            let tick = marker.tick.wrapping_sub(reference.ticks_back.into());
            if !self.decoded.contains(&(stream, reference.spatial, tick)) {
                let text = format!("{name} was predicted from {tick}.{}, unknown here", reference.spatial);
                self.violate(now, text);
            }
        }
        self.decoded.insert((stream, marker.spatial, marker.tick));
        if self.decoded.len() > 400 {
            // What is older, or of another encoding, is referred to no more.
            self.decoded.retain(|(known, _, tick)| *known == stream && marker.tick.wrapping_sub(*tick) < 100);
        }
        // Padding says that nothing is missing any more, not that nothing ever was.
        let whole = contiguous && !std::mem::take(&mut self.filled);
        for complaint in self.order.decode(&frame.wire, whole) {
            let before = self.last.map(|it| (it.marker.tick, it.marker.temporal));
            let text = format!("{name} (temporal layer {}, after {before:?}): {complaint}", marker.temporal);
            self.violate(now, text);
        }
        if let Some(last) = self.last {
            self.judge_time(now, &name, &last, stream, &marker, timestamp);
            if last.stream.person != stream.person || last.stream.source != stream.source {
                // What the last report said was about somebody else.
                self.report = None;
            }
        }
        let ntp = self.report.map(|(ntp, at)| {
            let ahead = i64::from(timestamp.wrapping_sub(at) as i32);
            ntp.wrapping_add_signed(((i128::from(ahead) << 32) / 90_000) as i64)
        });
        let another_layer = self.last.is_some_and(|it| (it.stream, it.marker.tick) == (stream, marker.tick));
        if !another_layer && contiguous && !self.picture_ended {
            self.violate(now, format!("{name} comes before the one before it was ended by a marker bit"));
        }
        self.picture_ended = frame.ends_picture;
        self.last_progress = Some(now);
        let at = self.display.show(now, stream, &marker);
        if let Some(picture) = self.shown.last_mut().filter(|_| another_layer) {
            // A higher layer of the picture that is about to be shown.
            picture.shown = picture.shown.max(at);
            picture.arrived = frame.complete_at;
            picture.bytes += frame.bytes;
            picture.marker = marker;
            self.last = Some(*picture);
            return;
        }
        let shown = Shown {
            arrived: frame.complete_at,
            shown: at,
            stream,
            marker,
            timestamp,
            ntp,
            bytes: frame.bytes,
        };
        self.last = Some(shown);
        self.shown.push(shown);
    }

    fn judge_time(
        &mut self,
        now: Instant,
        name: &str,
        last: &Shown,
        stream: Stream,
        marker: &Marker,
        timestamp: u32,
    ) {
        let ahead = i64::from(timestamp.wrapping_sub(last.timestamp) as i32);
        let same_picture = last.stream == stream && last.marker.tick == marker.tick;
        if ahead < 0 || (ahead == 0) != same_picture {
            self.violate(now, format!("{name}: its timestamp is {ahead} after that of the one before"));
        }
        let captured = marker.captured_us as i64 - last.marker.captured_us as i64;
        let off_us = ahead * 100 / 9 - captured;
        let same_source = (last.stream.person, last.stream.source, last.stream.epoch)
            == (stream.person, stream.source, stream.epoch);
        // Where the server begins anew, after a pause or on another encoding, it can only guess how much time has passed.
        let allowed = match (last.stream == stream && !marker.keyframe, captured > 1_000_000) {
            (_, true) => 100_000,
            (false, false) => 50_000,
            (true, false) => 100,
        };
        if same_source && off_us.abs() > allowed {
            self.violate(now, format!("{name}: its timestamp is {off_us} µs off its sender's clock"));
        }
    }

    fn violate(&mut self, now: Instant, text: String) {
        // The first ones tell the story.
        if self.violations.len() < 50 {
            self.violations.push((now, text));
        }
    }
}
