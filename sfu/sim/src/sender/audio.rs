//! A microphone: Opus every 20 ms, DTX while nobody speaks, levels in the header, RED where it was agreed on.

use std::collections::VecDeque;
use std::time::Instant;

use rand::Rng;
use rand::rngs::StdRng;

use super::Unsent;
use crate::clock::DeviceClock;
use crate::format::marker::{MARKER_LEN, Marker};
use crate::format::red;
use crate::format::rtp::Header;
use crate::peer::description::pt;

/// Of one frame.
pub const FRAME_US: u64 = 20_000;
/// The same in timestamp units.
pub const FRAME_UNITS: u32 = 960;
/// Frames between two comfort frames in DTX: 400 ms, as in libopus.
const COMFORT_EVERY: u32 = 20;

/// Who speaks when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Talk {
    /// Without a pause: every frame is sent, so every loss is heard.
    #[default]
    Always,
    /// A few seconds of talk, a few of silence.
    Turns,
    /// Not at all.
    Never,
}

/// What the line agreed on.
#[derive(Clone, Copy, Debug)]
pub struct AudioLine {
    /// The stream.
    pub ssrc: u32,
    /// Id of the MID extension and the line's MID.
    pub mid: Option<(u8, &'static str)>,
    /// Id of the audio level extension.
    pub level: Option<u8>,
    /// RED was agreed on.
    pub red: bool,
}

/// See the module.
#[derive(Debug)]
pub struct AudioSender {
    person: u8,
    line: AudioLine,
    clock: DeviceClock,
    rng: StdRng,
    /// Somebody may speak into it at all.
    pub talk: Talk,
    /// Muted: nothing is sent.
    pub active: bool,
    epoch: u8,
    tick: u32,
    first_tick: u32,
    sequence: u16,
    timestamp: u32,
    speaking: bool,
    turn_ends: u32,
    silent_for: u32,
    previous: VecDeque<(u32, Vec<u8>)>,
    packets: u32,
    octets: u32,
}

impl AudioSender {
    /// A microphone that begins with the next whole frame of its clock.
    pub fn new(person: u8, line: AudioLine, clock: DeviceClock, now: Instant, mut rng: StdRng) -> Self {
        let tick = (clock.elapsed_us(now) / FRAME_US) as u32 + 1;
        Self {
            person,
            line,
            clock,
            talk: Talk::Always,
            active: true,
            epoch: 0,
            tick,
            first_tick: tick,
            sequence: rng.random(),
            timestamp: rng.random(),
            speaking: true,
            turn_ends: tick + 100,
            silent_for: 0,
            previous: VecDeque::new(),
            packets: 0,
            octets: 0,
            rng,
        }
    }

    /// The stream begins anew with another SSRC and unrelated numbers.
    pub fn restart(&mut self, ssrc: u32) {
        self.line.ssrc = ssrc;
        self.epoch += 1;
        self.first_tick = self.tick;
        (self.sequence, self.timestamp) = (self.rng.random(), self.rng.random());
        self.previous.clear();
        (self.packets, self.octets) = (0, 0);
    }

    /// The numbers the stream begins with.
    pub fn begin_at(&mut self, sequence: u16, timestamp: u32) {
        (self.sequence, self.timestamp) = (sequence, timestamp);
    }

    /// The stream.
    pub fn ssrc(&self) -> u32 {
        self.line.ssrc
    }

    /// Captured frames so far, spoken or not.
    pub fn tick(&self) -> u32 {
        self.tick
    }

    /// When the next frame is complete.
    pub fn deadline(&self) -> Instant {
        self.clock.when(u64::from(self.tick + 1) * FRAME_US)
    }

    /// The packet of the frame that is due, if it is one that is sent.
    pub fn capture(&mut self) -> Option<Unsent> {
        let tick = self.tick;
        self.tick += 1;
        if !self.active {
            self.silent_for += 1;
            return None;
        }
        let speaks = self.speaks(tick);
        let begins = speaks && self.silent_for > 0;
        self.silent_for = if speaks { 0 } else { self.silent_for + 1 };
        if !speaks && self.silent_for % COMFORT_EVERY != 1 {
            return None;
        }
        let timestamp = self.timestamp_of(tick);
        let frame = if speaks { self.frame(tick) } else { vec![0xfc] };
        let level = if speaks { 0x80 | self.rng.random_range(18..40) } else { 120 };
        let (payload_type, payload) = if self.line.red {
            // One generation of redundancy, as Chromium sends.
            let earlier = self.previous.iter().filter(|_| speaks);
            let blocks: Vec<_> = earlier
                .map(|(at, payload)| red::Block {
                    older_by: timestamp.wrapping_sub(*at),
                    payload: payload.clone(),
                })
                .collect();
            (pt::RED, red::write(pt::OPUS, &blocks, &frame))
        } else {
            (pt::OPUS, frame.clone())
        };
        self.previous.clear();
        if speaks {
            self.previous.push_back((timestamp, frame));
        }
        let mut extensions = Vec::new();
        extensions.extend(self.line.mid.map(|(id, mid)| (id, mid.as_bytes().to_vec())));
        extensions.extend(self.line.level.map(|id| (id, vec![level])));
        let header =
            Header { marker: begins, payload_type, sequence: self.sequence, timestamp, ssrc: self.line.ssrc };
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += payload.len() as u32;
        Some(Unsent { header, extensions, payload, rtx: None, source: 0 })
    }

    /// RTP time, packets and octets for a sender report at this moment; `None` before the first packet.
    pub fn report(&self, elapsed_us: u64) -> Option<(u32, u32, u32)> {
        let since = elapsed_us as i64 - i64::from(self.first_tick) * FRAME_US as i64;
        let units = (since * 48 / 1000) as u32;
        (self.packets > 0).then_some((self.timestamp.wrapping_add(units), self.packets, self.octets))
    }

    fn timestamp_of(&self, tick: u32) -> u32 {
        self.timestamp.wrapping_add((tick - self.first_tick).wrapping_mul(FRAME_UNITS))
    }

    fn speaks(&mut self, tick: u32) -> bool {
        match self.talk {
            Talk::Always => true,
            Talk::Never => false,
            Talk::Turns => {
                if tick >= self.turn_ends {
                    self.speaking = !self.speaking;
                    self.turn_ends = tick + self.rng.random_range(50..200);
                }
                self.speaking
            }
        }
    }

    /// An Opus frame of some 26 kbit/s.
    fn frame(&mut self, tick: u32) -> Vec<u8> {
        let marker = Marker {
            person: self.person,
            encoding: self.epoch << 4,
            keyframe: true,
            tick,
            captured_us: u64::from(tick) * FRAME_US,
            packets: 1,
            ..Marker::default()
        };
        // The TOC byte: CELT, 20 ms, one frame, stereo (RFC 6716 §3.1).
        let mut frame = vec![0xfc];
        marker.write(self.rng.random_range(MARKER_LEN + 5..MARKER_LEN + 45), &mut frame);
        frame
    }
}
