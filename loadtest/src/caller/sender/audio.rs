//! A microphone: Opus every 20 ms with levels in the header, and RED where it was agreed on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::speech::Speech;
use crate::caller::description::{ext, pt};
use crate::caller::rtp::{self, Header};
use crate::caller::trailer::{self, Kind, Trailer};

/// Of one frame.
pub const FRAME: Duration = Duration::from_millis(20);
/// The same in timestamp units.
const FRAME_UNITS: u32 = 960;

/// What the line agreed on.
#[derive(Clone, Copy, Debug)]
pub struct AudioLine {
    /// The stream.
    pub ssrc: u32,
    /// The MID extension was taken.
    pub mid: bool,
    /// The audio level extension was taken.
    pub level: bool,
    /// RED was agreed on.
    pub red: bool,
}

/// See the module.
pub struct AudioSender {
    person: u16,
    line: AudioLine,
    speech: Arc<Speech>,
    /// Place in the speech this caller begins with.
    offset: usize,
    /// Sends at all.
    pub active: bool,
    tick: u32,
    next: Instant,
    sequence: u16,
    timestamp: u32,
    silent: bool,
    /// Timestamp and payload of the last packet, for RED.
    previous: Option<(u32, Vec<u8>)>,
    packets: u32,
    octets: u32,
}

impl AudioSender {
    /// A microphone that is switched off.
    pub fn new(person: u16, line: AudioLine, speech: Arc<Speech>, now: Instant) -> Self {
        let offset = usize::from(person) * 619 % speech.len();
        Self {
            person,
            line,
            speech,
            offset,
            active: false,
            tick: 0,
            next: now,
            sequence: rand::random(),
            timestamp: rand::random(),
            silent: true,
            previous: None,
            packets: 0,
            octets: 0,
        }
    }

    /// When the next frame is complete.
    pub fn deadline(&self) -> Instant {
        self.next
    }

    /// Bits a second it takes at most, headers and redundancy included.
    pub fn budget_bps(&self) -> u64 {
        if self.active { 100_000 } else { 0 }
    }

    /// The plain packet of the frame that is due, if it is one that is sent. `transport` is appended as the extension for
    /// transport-wide numbers.
    pub fn capture(&mut self, now: Instant, unix_ns: u64, transport: Option<[u8; 2]>) -> Option<Vec<u8>> {
        let tick = self.tick;
        self.tick = self.tick.wrapping_add(1);
        // A thread that was put aside for long does not make up for it frame by frame.
        self.next = (self.next + FRAME).max(now.checked_sub(FRAME * 5).unwrap_or(now));
        if !self.active {
            self.previous = None;
            self.silent = true;
            return None;
        }
        let frame = self.speech.frame(self.offset + tick as usize);
        let Some(packet) = &frame.packet else {
            self.previous = None;
            self.silent = true;
            return None;
        };
        let timestamp = self.timestamp.wrapping_add(tick.wrapping_mul(FRAME_UNITS));
        let captured_us = unix_ns / 1000 - FRAME.as_micros() as u64;
        let payload = padded(packet, &self.trailer(tick, captured_us));
        let red = self.line.red;
        let header = Header {
            marker: self.silent,
            payload_type: if red { pt::RED } else { pt::OPUS },
            sequence: self.sequence,
            timestamp,
            ssrc: self.line.ssrc,
        };
        self.silent = false;
        self.sequence = self.sequence.wrapping_add(1);
        let level = [u8::from(frame.voice) << 7 | frame.level];
        let number = transport.unwrap_or_default();
        let mut extensions: [(u8, &[u8]); 3] = [(0, &[]); 3];
        let mut count = 0;
        let mut add = |taken: bool, id: u8, value| {
            if taken {
                extensions[count] = (id, value);
                count += 1;
            }
        };
        add(self.line.mid, ext::MID, super::super::description::MICROPHONE.as_bytes());
        add(transport.is_some(), ext::TRANSPORT_CC, &number);
        add(self.line.level, ext::AUDIO_LEVEL, &level);
        let mut out = Vec::with_capacity(64 + 2 * payload.len());
        rtp::write(&header, &extensions[..count], &mut out);
        if red {
            redundant(timestamp, self.previous.as_ref(), &mut out);
        }
        out.extend_from_slice(&payload);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        self.previous = red.then_some((timestamp, payload));
        Some(out)
    }

    /// SSRC, RTP time now, packets and octets, for a sender report; `None` before the first packet.
    pub fn report(&self, now: Instant) -> Option<(u32, u32, u32, u32)> {
        let until = self.next.saturating_duration_since(now).as_micros() as u32;
        let units = self.tick.wrapping_mul(FRAME_UNITS).wrapping_sub(until * 48 / 1000);
        let timestamp = self.timestamp.wrapping_add(units);
        (self.packets > 0).then_some((self.line.ssrc, timestamp, self.packets, self.octets))
    }

    fn trailer(&self, tick: u32, captured_us: u64) -> Trailer {
        Trailer {
            person: self.person,
            kind: Kind::Microphone,
            keyframe: true,
            count: 1,
            tick,
            captured_us,
            ..Trailer::default()
        }
    }
}

/// A packet of one frame as one of code 3 with padding (RFC 6716 §3.2.5), the trailer in the padding.
fn padded(packet: &[u8], trailer: &Trailer) -> Vec<u8> {
    let mut out = Vec::with_capacity(packet.len() + 2 + trailer::LENGTH);
    let Some((toc, frame)) = packet.split_first() else { return out };
    // One frame, not of varying length, with padding; then how much.
    out.extend_from_slice(&[toc | 3, 0x41, trailer::LENGTH as u8]);
    out.extend_from_slice(frame);
    trailer.write(&mut out);
    out
}

/// Heads and earlier blocks of RED (RFC 2198), one generation, as Chromium sends it. The primary block follows.
fn redundant(timestamp: u32, previous: Option<&(u32, Vec<u8>)>, out: &mut Vec<u8>) {
    let older = previous.map(|(at, payload)| (timestamp.wrapping_sub(*at), payload));
    let older = older.filter(|(age, payload)| *age < 1 << 14 && payload.len() < 1 << 10);
    if let Some((age, payload)) = older {
        out.push(0x80 | pt::OPUS);
        out.extend_from_slice(&(age << 10 | payload.len() as u32).to_be_bytes()[1..]);
        out.push(pt::OPUS);
        out.extend_from_slice(payload);
    } else {
        out.push(pt::OPUS);
    }
}

/// The blocks of a RED payload, the primary one last; `None` for what is none.
pub fn red_blocks(payload: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = payload;
    let mut lengths = Vec::new();
    loop {
        let (&head, tail) = rest.split_first()?;
        if head & 0x80 == 0 {
            rest = tail;
            break;
        }
        let (fields, tail) = tail.split_first_chunk::<3>()?;
        lengths.push(usize::from(fields[1] & 3) << 8 | usize::from(fields[2]));
        rest = tail;
    }
    let mut blocks = Vec::with_capacity(lengths.len() + 1);
    for length in lengths {
        let (block, tail) = rest.split_at_checked(length)?;
        blocks.push(block);
        rest = tail;
    }
    blocks.push(rest);
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::rtp::Packet;

    fn sender(red: bool) -> AudioSender {
        let speech = Arc::new(Speech::new(1).expect("encoded"));
        let line = AudioLine { ssrc: 5, mid: true, level: true, red };
        let mut sender = AudioSender::new(0, line, speech, Instant::now());
        sender.active = true;
        sender
    }

    #[test]
    fn a_packet_with_its_trailer_is_still_opus() {
        let mut sender = sender(false);
        let mut decoder = opus::Decoder::new(48_000, opus::Channels::Mono).expect("a decoder");
        let mut samples = [0i16; 5760];
        let mut sent = 0;
        for tick in 0..100u64 {
            let Some(bytes) = sender.capture(Instant::now(), 1_000_000_000_000 + tick, Some([1, 2])) else {
                continue;
            };
            let packet = Packet::read(&bytes).expect("RTP");
            assert_eq!(packet.header.payload_type, pt::OPUS);
            assert_eq!(decoder.decode(packet.payload, &mut samples, false).expect("Opus"), 960);
            assert_eq!(Trailer::read(packet.payload).map(|it| u64::from(it.tick)), Some(tick));
            sent += 1;
        }
        assert!(sent > 30, "{sent} of 100 frames of talk are sent");
    }

    #[test]
    fn red_carries_the_frame_before_it() {
        let mut sender = sender(true);
        let mut with_two = 0;
        for _ in 0..100 {
            let Some(bytes) = sender.capture(Instant::now(), 1_000_000_000_000, None) else { continue };
            let packet = Packet::read(&bytes).expect("RTP");
            assert_eq!(packet.header.payload_type, pt::RED);
            let blocks = red_blocks(packet.payload).expect("RED");
            let ticks: Vec<_> = blocks.iter().map(|it| Trailer::read(it).expect("a trailer").tick).collect();
            if let [before, now] = ticks[..] {
                assert_eq!(before + 1, now);
                with_two += 1;
            }
        }
        assert!(with_two > 20);
        assert_eq!(red_blocks(&[0x80, 0, 0]), None);
    }
}
