//! A slot for pictures: puts frames together and shows what a decoder could show.
//!
//! A picture is shown when all its packets are here and the one it needs was shown; the trailers say so. The first packet of a picture
//! may have none (see [`crate::caller::sender::vp8`]): the time in its RTP header tells whose it is. There is no playout
//! buffer: a picture is shown as soon as it can be, so delays are those of the network and the server.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::sequences::{Place, Sequences};
use crate::caller::rtp::Packet;
use crate::caller::trailer::{Kind, Trailer};
use crate::measure::Measures;

/// Pictures whose showing is remembered, for what needs them.
const SHOWN_MAX: usize = 120;
/// Pictures that wait for packets or for others.
const WAITING_MAX: usize = 90;
/// Packets without trailers whose times are remembered.
const BARE_MAX: usize = 8;
/// Nothing to show for this long, and a keyframe is asked for; the first time at once.
const ASK_AFTER: Duration = Duration::from_millis(1000);
const ASK_FIRST: Duration = Duration::from_millis(200);
/// Between two requests.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Freezes by `getStats`: longer than this beyond an average picture, and than three of them.
const FREEZE_BEYOND: Duration = Duration::from_millis(150);
/// Average over so many pictures.
const AVERAGE_OVER: f64 = 30.0;
/// Standing still this long is a stall, which people notice as such.
const STALL: Duration = Duration::from_millis(500);

/// Whose pictures.
type Whose = u16;

#[derive(Debug)]
struct Waiting {
    trailer: Trailer,
    /// RTP time.
    timestamp: u32,
    /// Which packets are here.
    here: Vec<bool>,
    count: usize,
}

impl Waiting {
    /// The packet with this number is here.
    fn take(&mut self, index: usize) {
        if let Some(here) = self.here.get_mut(index)
            && !std::mem::replace(here, true)
        {
            self.count += 1;
        }
    }
}

/// The first picture of somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FirstFrame {
    /// Whose.
    pub person: u16,
    /// When.
    pub at: Instant,
}

/// See the module.
#[derive(Debug)]
pub struct VideoSlot {
    /// Media SSRC and its RTX.
    pub ssrcs: (u32, u32),
    /// Numbers of the stream.
    pub sequences: Sequences,
    /// Somebody's pictures should be here.
    pub watching: bool,
    whose: Option<Whose>,
    waiting: BTreeMap<(u32, u8), Waiting>,
    /// RTP times of packets without trailers.
    bare: VecDeque<u32>,
    shown: VecDeque<(u32, u8)>,
    /// Number and encoding of the picture on the screen.
    last: Option<(u32, u8)>,
    last_at: Option<Instant>,
    counted_until: Option<Instant>,
    frozen_in_gap: Duration,
    average: Option<f64>,
    packets_since: Option<Instant>,
    asked: Option<Instant>,
}

impl VideoSlot {
    /// A slot that shows nothing.
    pub fn new(media: u32, rtx: u32) -> Self {
        Self {
            ssrcs: (media, rtx),
            sequences: Sequences::default(),
            watching: false,
            whose: None,
            waiting: BTreeMap::new(),
            bare: VecDeque::new(),
            shown: VecDeque::new(),
            last: None,
            last_at: None,
            counted_until: None,
            frozen_in_gap: Duration::ZERO,
            average: None,
            packets_since: None,
            asked: None,
        }
    }

    /// The server says that somebody is shown here, or nobody.
    pub fn watch(&mut self, now: Instant, on: bool, measures: &mut Measures) {
        if self.watching && !on {
            self.settle(now, measures);
            self.forget();
        }
        self.watching = on;
    }

    fn forget(&mut self) {
        self.whose = None;
        self.waiting.clear();
        self.shown.clear();
        self.last = None;
        self.last_at = None;
        self.counted_until = None;
        self.frozen_in_gap = Duration::ZERO;
        self.average = None;
        self.packets_since = None;
    }

    /// Takes a packet of the media stream, also one that came as RTX. Gives the first picture of somebody, if it is one.
    pub fn receive(
        &mut self,
        now: Instant,
        arrived_us: u64,
        packet: &Packet<'_>,
        measures: &mut Measures,
    ) -> Option<FirstFrame> {
        let place = self.sequences.arrived(now, packet.header.sequence, measures);
        if place == Place::Known {
            return None;
        }
        measures.count(|it| {
            it.packets += 1;
            it.bytes += packet.payload.len() as u64;
        });
        let timestamp = packet.header.timestamp;
        let Some(trailer) = Trailer::read(packet.payload) else {
            // Padding has no payload.
            if !packet.payload.is_empty() {
                self.take_bare(timestamp);
            }
            return self.show(now, arrived_us, measures);
        };
        if trailer.kind != Kind::Camera {
            return None;
        }
        if matches!(place, Place::New(_)) {
            self.sequences.transit(arrived_us, trailer.captured_us);
        }
        if self.whose != Some(trailer.person) {
            self.forget();
            self.whose = Some(trailer.person);
        }
        self.packets_since.get_or_insert(now);
        let key = (trailer.tick, trailer.encoding);
        // Another encoding may begin with the very picture that was shown in the one before.
        if self.last.is_some_and(|(tick, _)| (trailer.tick.wrapping_sub(tick) as i32) < 0)
            || self.shown.contains(&key)
        {
            return None;
        }
        let count = usize::from(trailer.count).clamp(1, 256);
        let waiting = self.waiting.entry(key).or_insert_with(|| {
            let mut waiting = Waiting { trailer, timestamp, here: vec![false; count], count: 0 };
            if self.bare.contains(&timestamp) {
                waiting.take(0);
            }
            waiting
        });
        waiting.take(trailer.index.into());
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_first();
            measures.count(|it| it.frames_broken += 1);
        }
        self.show(now, arrived_us, measures)
    }

    /// The first packet of a picture, which does not say so itself.
    fn take_bare(&mut self, timestamp: u32) {
        if self.bare.len() == BARE_MAX {
            self.bare.pop_front();
        }
        self.bare.push_back(timestamp);
        for waiting in self.waiting.values_mut().filter(|it| it.timestamp == timestamp) {
            waiting.take(0);
        }
    }

    /// Shows everything that can be shown now, in order.
    fn show(&mut self, now: Instant, arrived_us: u64, measures: &mut Measures) -> Option<FirstFrame> {
        let mut first = None;
        loop {
            let ready = self.waiting.iter().find(|((tick, encoding), waiting)| {
                let needs = (tick.wrapping_sub(waiting.trailer.back.into()), *encoding);
                waiting.count == waiting.here.len()
                    && (waiting.trailer.keyframe || waiting.trailer.back > 0 && self.shown.contains(&needs))
            });
            let Some((&key, _)) = ready else { return first };
            let Some(waiting) = self.waiting.remove(&key) else { return first };
            let (tick, encoding) = key;
            // What is older than what is on the screen is of no use any more.
            let passed = |it: &(u32, u8)| tick.wrapping_sub(it.0) as i32 > 0;
            let before = self.waiting.len();
            self.waiting.retain(|it, _| !passed(it));
            let broken = (before - self.waiting.len()) as u64;
            if self.shown.len() == SHOWN_MAX {
                self.shown.pop_front();
            }
            self.shown.push_back(key);
            let captured = self.last.map_or(1, |(last, _)| u64::from(tick.wrapping_sub(last)));
            let switched = self.last.is_some_and(|(_, last)| last != encoding);
            if self.last.is_none()
                && let Some(person) = self.whose
            {
                first = Some(FirstFrame { person, at: now });
            }
            self.last = Some(key);
            measures.count(|it| {
                it.frames_captured += captured;
                it.frames_shown += 1;
                it.frames_broken += broken;
                it.switches += u64::from(switched);
            });
            measures.video_delay(arrived_us.saturating_sub(waiting.trailer.captured_us));
            self.settle(now, measures);
            if let Some(last) = self.last_at.replace(now) {
                let gap = now.duration_since(last);
                if gap >= STALL {
                    measures.note(|it| &mut it.stalls_us, gap.as_micros() as u64);
                }
                let gap = gap.as_secs_f64();
                let average = self.average.unwrap_or(gap);
                self.average = Some(average + (gap - average) / AVERAGE_OVER);
            }
            self.counted_until = Some(now);
            self.frozen_in_gap = Duration::ZERO;
            self.asked = None;
        }
    }

    /// Counts the time up to now as watched, and as frozen if the picture has been standing for too long.
    pub fn settle(&mut self, now: Instant, measures: &mut Measures) {
        let (Some(last), Some(until)) = (self.last_at, self.counted_until) else { return };
        let watched = now.saturating_duration_since(until);
        let gap = now.saturating_duration_since(last);
        let average = Duration::from_secs_f64(self.average.unwrap_or(1.0 / 30.0));
        let mut frozen = Duration::ZERO;
        let mut begins = false;
        if gap > (average * 3).max(average + FREEZE_BEYOND) {
            frozen = gap.saturating_sub(self.frozen_in_gap);
            begins = self.frozen_in_gap == Duration::ZERO;
            self.frozen_in_gap = gap;
        }
        self.counted_until = Some(now);
        measures.count(|it| {
            it.watched_us += watched.as_micros() as u64;
            it.frozen_us += frozen.as_micros() as u64;
            it.freezes += u64::from(begins);
        });
    }

    /// Whether a keyframe must be asked for now.
    pub fn wants_keyframe(&mut self, now: Instant, measures: &mut Measures) -> bool {
        let overwhelmed = self.sequences.take_overwhelmed();
        // Without packets there is nothing that a keyframe could help.
        let Some(begun) = self.packets_since else { return false };
        let stuck = match self.last_at {
            Some(last) => now.duration_since(last) >= ASK_AFTER && !self.waiting.is_empty(),
            None => now.duration_since(begun) >= ASK_FIRST,
        };
        let again = self.asked.is_none_or(|at| now.duration_since(at) >= ASK_AGAIN);
        if (overwhelmed || stuck) && again {
            self.asked = Some(now);
            measures.count(|it| it.keyframe_requests += 1);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::caller::description::Codec;
    use crate::caller::sender::video::{FRAME, VideoLine, VideoSender};

    /// Seconds of pictures of one encoding, each packet lost or not by a rule; what was counted.
    fn watch(seconds: u32, lost: impl Fn(u32, usize) -> bool) -> Measures {
        let start = Instant::now();
        let line = VideoLine { codec: Codec::Vp8, ssrc: 1, encodings: 1, rtx: false, mid: true, rid: false };
        let mut sender = VideoSender::new(0, line, start);
        sender.active = true;
        sender.allocate(1_000_000);
        let mut slot = VideoSlot::new(1, 2);
        let mut measures = Measures::begun();
        slot.watch(start, true, &mut measures);
        for tick in 0..seconds * 30 {
            let now = start + FRAME * tick;
            let us = 1_000_000 + u64::from(tick) * 33_333;
            let mut recipes = VecDeque::new();
            sender.capture(now, us * 1000, false, &mut recipes);
            for (place, recipe) in recipes.iter().enumerate() {
                let mut bytes = Vec::new();
                sender.write(recipe, false, None, &mut bytes);
                if !lost(tick, place) {
                    let packet = Packet::read(&bytes).expect("RTP");
                    slot.receive(now, us + 5_000, &packet, &mut measures);
                }
            }
            slot.sequences.due(now, Duration::from_millis(50), &mut measures);
        }
        slot.settle(start + FRAME * (seconds * 30), &mut measures);
        measures
    }

    #[test]
    fn a_stream_without_losses_is_shown_whole() {
        let measures = watch(10, |_, _| false);
        let counts = measures.counts;
        assert_eq!((counts.frames_captured, counts.frames_shown, counts.frames_broken), (300, 300, 0));
        assert_eq!((counts.frozen_us, counts.lost), (0, 0));
        assert!((9_900_000..=10_000_000).contains(&counts.watched_us), "{}", counts.watched_us);
        let delay = measures.video_delay_us.value_at_quantile(0.5);
        assert!((4_900..5_100).contains(&delay), "{delay}");
    }

    #[test]
    fn a_caller_that_misses_frames_counts_them() {
        // Of every fourth picture that nothing needs (the upper temporal layer) a packet is missing.
        let counts = watch(10, |tick, place| tick % 4 == 1 && place == 0).counts;
        assert_eq!((counts.frames_captured, counts.frames_shown), (300, 225));
        assert_eq!(counts.missing, 75, "each was noticed");
        assert!(counts.lost > 50, "{} of 75 given up", counts.lost);
        assert_eq!(counts.frozen_us, 0, "22 pictures a second are no freeze");
    }

    #[test]
    fn a_first_packet_without_a_trailer_belongs_to_its_picture_whenever_it_comes() {
        let start = Instant::now();
        let line = VideoLine { codec: Codec::Vp8, ssrc: 1, encodings: 1, rtx: false, mid: true, rid: true };
        for late in [0, 1, 5, usize::MAX] {
            let mut sender = VideoSender::new(0, line, start);
            sender.active = true;
            sender.allocate(1_000_000);
            let mut slot = VideoSlot::new(1, 2);
            let mut measures = Measures::begun();
            for frame in 0..2 {
                sender.on_keyframe_request(start + FRAME * 30 * frame, 1);
                let mut recipes = VecDeque::new();
                sender.capture(start, 1_000_000_000, false, &mut recipes);
                let written = recipes.iter().map(|recipe| {
                    let mut bytes = Vec::new();
                    sender.write(recipe, false, None, &mut bytes);
                    bytes
                });
                let mut packets: Vec<_> = written.collect();
                if frame == 1 {
                    let first = packets.remove(0);
                    assert_eq!(Trailer::read(&first), None, "the keyframe of 720 lines has one");
                    if late < usize::MAX {
                        packets.insert(late, first);
                    }
                }
                for bytes in &packets {
                    let packet = Packet::read(bytes).expect("RTP");
                    slot.receive(start, 1_000_000, &packet, &mut measures);
                }
            }
            let shown = if late < usize::MAX { 2 } else { 1 };
            assert_eq!(measures.counts.frames_shown, shown, "{late} packets late");
        }
    }

    #[test]
    fn a_missing_base_picture_freezes_everything_after_it() {
        let counts = watch(4, |tick, _| tick == 60).counts;
        assert_eq!(counts.freezes, 1);
        // Nobody sends a keyframe here, so it stands until the end.
        assert!((1_900_000..2_100_000).contains(&counts.frozen_us), "{}", counts.frozen_us);
        assert!((0.45..0.55).contains(&counts.freeze_ratio()));
    }
}
