//! A viewer's audio slot: what NetEQ would play and what it would have to make up.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::Stream;
use crate::clock::ms;
use crate::format::marker::Marker;
use crate::format::red;
use crate::format::rtp::Packet;
use crate::peer::description::pt;
use crate::sender::audio::FRAME_UNITS;

const FRAME: Duration = ms(20);
/// The shortest and longest playout delay: on a calm network browsers play some 60 ms late.
const DELAY_MIN_MS: f64 = 60.0;
const DELAY_MAX_MS: f64 = 500.0;
/// Where pictures are held, the sound of the same person is delayed along with them, up to this much less …
const LIPS_MS: f64 = 90.0;
/// … and by this much in a second.
const LIPS_MS_PER_S: f64 = 80.0;

/// 20 ms of sound that should have been played.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// When.
    pub at: Instant,
    /// It was not there in time and had to be made up.
    pub concealed: bool,
    /// Whose, if it was there.
    pub stream: Option<Stream>,
    /// The packet it came in carried earlier sound too.
    pub redundant: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sound {
    arrived: Instant,
    marker: Option<Marker>,
    redundant: bool,
}

#[derive(Clone, Copy, Debug)]
struct Arrived {
    sequence: i64,
    timestamp: i64,
    first: Instant,
}

/// See the module.
pub struct AudioReceiver {
    /// Media SSRC of the slot.
    pub ssrc: u32,
    start: Instant,
    highest: Option<(i64, i64)>,
    packets: BTreeMap<i64, Arrived>,
    sounds: BTreeMap<i64, Sound>,
    violations: Vec<(Instant, String)>,
    redundant: u64,
    last: Option<(Stream, Marker, i64)>,
    report: Option<(u64, i64)>,
    sync: Vec<(Instant, Stream, u64, u64)>,
    /// Since when pictures are held for how long.
    held: Vec<(Instant, Duration)>,
}

impl AudioReceiver {
    /// A slot that has played nothing yet.
    pub fn new(ssrc: u32, start: Instant) -> Self {
        Self {
            ssrc,
            start,
            highest: None,
            packets: BTreeMap::new(),
            sounds: BTreeMap::new(),
            violations: Vec::new(),
            redundant: 0,
            last: None,
            report: None,
            sync: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Pictures are held at least so long from now on.
    pub fn hold(&mut self, now: Instant, hold: Duration) {
        if self.held.last().map_or(Duration::ZERO, |(_, last)| *last) != hold {
            self.held.push((now, hold));
        }
    }

    /// What was wrong with the stream.
    pub fn violations(&self) -> &[(Instant, String)] {
        &self.violations
    }

    /// Packets so far.
    pub fn packets(&self) -> usize {
        self.packets.len()
    }

    /// Blocks of RED that were of use.
    pub fn redundant(&self) -> u64 {
        self.redundant
    }

    /// Highest sequence number without wraps, for receiver reports.
    pub fn highest(&self) -> Option<u64> {
        self.highest.map(|(sequence, _)| sequence as u64)
    }

    /// Frames by stream with arrival: who could be heard when.
    pub fn sources(&self) -> impl Iterator<Item = (Instant, Stream)> + '_ {
        self.sounds.values().filter_map(|it| it.marker.map(|marker| (it.arrived, Stream::of(&marker))))
    }

    /// For each frame after a sender report: what the report says of its capture (NTP) and the truth (µs).
    pub fn sync(&self) -> &[(Instant, Stream, u64, u64)] {
        &self.sync
    }

    /// The server ties the slot's RTP clock to the publisher's wall clock.
    pub fn on_sender_report(&mut self, ntp: u64, rtp_timestamp: u32) {
        if let Some((_, highest)) = self.highest {
            self.report = Some((ntp, near(highest, rtp_timestamp)));
        }
    }

    /// Takes a packet.
    pub fn receive(&mut self, now: Instant, packet: &Packet) {
        let header = packet.header;
        let (before, at) = self.highest.unwrap_or((1 << 20 | i64::from(header.sequence), 1 << 40));
        let sequence = before + i64::from(header.sequence.wrapping_sub(before as u16) as i16);
        let timestamp = if self.highest.is_some() {
            near(at, header.timestamp)
        } else {
            1 << 40 | i64::from(header.timestamp)
        };
        if self.highest.is_none_or(|(highest, _)| sequence >= highest) {
            self.highest = Some((sequence, timestamp));
        }
        if let Some(known) = self.packets.get(&sequence) {
            if known.timestamp != timestamp {
                self.violate(now, format!("number {sequence} stands for two different packets"));
            }
            return;
        }
        self.packets.insert(sequence, Arrived { sequence, timestamp, first: now });
        let blocks = match header.payload_type {
            pt::OPUS => Some(vec![red::Block { older_by: 0, payload: packet.payload.clone() }]),
            pt::RED => red::read(&packet.payload),
            _ => None,
        };
        let Some(blocks) = blocks else {
            return self.violate(now, format!("packet {sequence} is neither Opus nor RED"));
        };
        let redundant = blocks.len() > 1;
        for block in blocks {
            let at = timestamp - i64::from(block.older_by);
            let marker = block.payload.get(1..).filter(|rest| !rest.is_empty()).map(Marker::read);
            if marker == Some(None) {
                self.violate(now, format!("sound in packet {sequence} is damaged"));
            }
            let marker = marker.flatten();
            if !self.sounds.contains_key(&at) {
                self.redundant += u64::from(block.older_by > 0);
                self.sounds.insert(at, Sound { arrived: now, marker, redundant });
            }
            if let Some(marker) = marker {
                self.judge(now, at, &marker);
            }
        }
    }

    /// Timestamps must follow the sender's clock for as long as one person is heard.
    fn judge(&mut self, now: Instant, timestamp: i64, marker: &Marker) {
        let stream = Stream::of(marker);
        if let Some((last_stream, last, last_at)) = self.last
            && last_stream == stream
        {
            let passed = (i64::from(marker.tick) - i64::from(last.tick)) * i64::from(FRAME_UNITS);
            let off = timestamp - last_at - passed;
            // After a pause the server can only guess how long it was.
            let allowed = if passed > 48_000 { 4800 } else { 0 };
            if off.abs() > allowed {
                self.violate(now, format!("sound {} of {stream} is {off} units off its clock", marker.tick));
            }
        } else {
            self.report = None;
        }
        if let Some((ntp, at)) = self.report {
            let ahead = i128::from(timestamp - at);
            let implied = ntp.wrapping_add_signed(((ahead << 32) / 48_000) as i64);
            self.sync.push((now, stream, implied, marker.captured_us));
        }
        self.last = Some((stream, *marker, timestamp));
    }

    /// What was played up to `end`: one entry for each 20 ms in which somebody was or should have been heard.
    pub fn playout(&self, end: Instant) -> Vec<Heard> {
        let mut heard = Vec::new();
        let mut jitter = PlayoutDelay::new(self.start);
        let mut arrivals: Vec<Arrived> = self.packets.values().copied().collect();
        arrivals.sort_by_key(|it| (it.first, it.sequence));
        let mut upcoming = arrivals.into_iter().peekable();
        let mut previous: Option<Arrived> = None;
        for packet in self.packets.values() {
            let mut expected = vec![packet.timestamp];
            if let Some(before) = previous {
                let lost = packet.sequence - before.sequence - 1;
                let step = i64::from(FRAME_UNITS);
                let absent = (packet.timestamp - before.timestamp) / step - 1;
                // More time than packets is missing: silence, which nobody has to make up.
                if lost > 0 && absent <= 2 * lost {
                    let fill = (1..=absent).map(|place| before.timestamp + place * step);
                    expected.splice(0..0, fill);
                }
            }
            previous = Some(*packet);
            for timestamp in expected {
                let mut due = jitter.due(timestamp);
                while upcoming.peek().is_some_and(|it| it.first <= due) {
                    if let Some(it) = upcoming.next() {
                        let held = self.held.iter().rev().find(|(since, _)| *since <= it.first);
                        jitter.on_arrival(it.first, it.timestamp, held.map_or(Duration::ZERO, |held| held.1));
                        due = jitter.due(timestamp);
                    }
                }
                let sound = self.sounds.get(&timestamp).filter(|it| it.arrived <= due);
                let stream = sound.and_then(|it| it.marker).map(|marker| Stream::of(&marker));
                let redundant = sound.is_some_and(|it| it.redundant);
                heard.push(Heard { at: due, concealed: sound.is_none(), stream, redundant });
            }
        }
        heard.retain(|it| it.at <= end);
        heard
    }

    fn violate(&mut self, now: Instant, text: String) {
        if self.violations.len() < 50 {
            self.violations.push((now, text));
        }
    }
}

/// The timestamp nearest to a known one.
fn near(known: i64, timestamp: u32) -> i64 {
    known + i64::from(timestamp.wrapping_sub(known as u32) as i32)
}

/// NetEQ's adaptive delay, roughly: what 95 % of the packets need, quick to grow, slow to shrink.
struct PlayoutDelay {
    start: Instant,
    /// Arrival minus timestamp, ms, of recent packets.
    transit: VecDeque<f64>,
    delay_ms: f64,
    fastest_ms: f64,
    /// What keeps the lips in sync.
    lips_ms: f64,
    last: Instant,
}

impl PlayoutDelay {
    fn new(start: Instant) -> Self {
        Self {
            start,
            transit: VecDeque::new(),
            delay_ms: DELAY_MIN_MS,
            fastest_ms: 0.0,
            lips_ms: 0.0,
            last: start,
        }
    }

    fn on_arrival(&mut self, at: Instant, timestamp: i64, held: Duration) {
        let step = LIPS_MS_PER_S * at.saturating_duration_since(self.last).as_secs_f64();
        self.lips_ms += (held.as_secs_f64() * 1e3 - LIPS_MS - self.lips_ms).clamp(-step, step);
        self.last = at;
        let transit = self.media_ms(at) - timestamp as f64 / 48.0;
        // Another source, another clock: what was learned is void.
        if self.transit.back().is_some_and(|last| (last - transit).abs() > 2000.0) {
            self.transit.clear();
        }
        self.transit.push_back(transit);
        if self.transit.len() > 200 {
            self.transit.pop_front();
        }
        let mut sorted: Vec<f64> = self.transit.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        self.fastest_ms = sorted[0];
        let usual = sorted[(sorted.len() * 19 / 20).min(sorted.len() - 1)] - sorted[0];
        let wanted = (usual + FRAME.as_secs_f64() * 1e3).clamp(DELAY_MIN_MS, DELAY_MAX_MS);
        self.delay_ms = if wanted > self.delay_ms { wanted } else { (self.delay_ms - 0.2).max(wanted) };
    }

    /// When the sound with this timestamp is played.
    fn due(&self, timestamp: i64) -> Instant {
        if self.transit.is_empty() {
            // Nothing is known: the first packet is waited for.
            return self.start + Duration::from_secs(3600);
        }
        let ms = timestamp as f64 / 48.0 + self.fastest_ms + self.delay_ms.max(self.lips_ms);
        self.start + Duration::from_secs_f64((ms / 1e3).max(0.0))
    }

    fn media_ms(&self, at: Instant) -> f64 {
        at.duration_since(self.start).as_secs_f64() * 1e3
    }
}
