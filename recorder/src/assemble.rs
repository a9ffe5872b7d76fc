//! Packets in arrival order to frames in order.
//!
//! Two steps. The reorder buffer releases packets by sequence number and waits for a missing one as long as a
//! retransmission may take. The frame builder joins the packets of a frame. After a loss no frame leaves before the
//! next key frame: what depends on a lost picture would show as smear, and a file that decodes cleanly with a marked
//! gap is worth more.

use std::collections::BTreeMap;

use bytes::Bytes;
use sfu::{Codec, Kind, NodeTime, TapPacket};

use crate::codec::{Depacketizer, KeyFrame, begins_frame};

/// Packets held at most while one is missing: four seconds of 720p.
const HELD_MAX: usize = 2048;

/// So many packets in a row from behind mean that the sequence numbers began anew.
const STALE_RUN_MAX: u32 = 100;

/// Larger frames are hostile: 8 MB is a key frame of 4K at its worst.
const FRAME_BYTES_MAX: usize = 8 << 20;

/// A frame of video or a packet of audio.
#[derive(Clone, Debug)]
pub(crate) struct MediaFrame {
    pub(crate) codec: Codec,
    pub(crate) timestamp: u32,
    /// Earliest arrival of its packets.
    pub(crate) arrival: NodeTime,
    pub(crate) data: Vec<u8>,
    pub(crate) key: Option<KeyFrame>,
    /// Rotation, if one of its packets said.
    pub(crate) rotation: Option<u16>,
}

/// What comes out, in order.
#[derive(Debug)]
pub(crate) enum Assembled {
    Frame(MediaFrame),
    /// Something is missing here; video frames follow from the next key frame on.
    Broken,
    /// Sequence numbers began anew without notice.
    Restart,
}

/// Counters for the manifest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct AssemblerStats {
    /// Packets that never came.
    pub(crate) lost: u64,
    /// Packets that came after they had been given up, or twice.
    pub(crate) late: u64,
    /// Frames that did not follow their payload format.
    pub(crate) malformed: u64,
    /// Whole frames left out because what they depend on is missing.
    pub(crate) undecodable: u64,
}

/// Both steps for one track.
#[derive(Debug)]
pub(crate) struct Assembler {
    wait_us: u64,
    /// The sequence number to release next.
    next: Option<u64>,
    held: BTreeMap<u64, TapPacket>,
    stale_run: u32,
    codec: Option<Codec>,
    depacketizer: Depacketizer,
    /// Packets of the frame under construction; all of one timestamp.
    frame: Vec<TapPacket>,
    frame_bytes: usize,
    /// The packet before was the last of its frame, so the next one begins another.
    at_boundary: bool,
    needs_key: bool,
    ready: std::collections::VecDeque<Assembled>,
    pub(crate) stats: AssemblerStats,
}

impl Assembler {
    pub(crate) fn new(wait_us: u64) -> Self {
        Self {
            wait_us,
            next: None,
            held: BTreeMap::new(),
            stale_run: 0,
            codec: None,
            depacketizer: Depacketizer::default(),
            frame: Vec::new(),
            frame_bytes: 0,
            at_boundary: false,
            needs_key: true,
            ready: std::collections::VecDeque::new(),
            stats: AssemblerStats::default(),
        }
    }

    /// Whether video waits for a key frame: somebody should ask for one.
    pub(crate) fn needs_key(&self) -> bool {
        self.needs_key && self.codec.is_none_or(|codec| codec.kind() == Kind::Video)
    }

    /// Takes in a packet.
    pub(crate) fn push(&mut self, packet: TapPacket) {
        let next = *self.next.get_or_insert(packet.sequence);
        if packet.sequence < next || self.held.contains_key(&packet.sequence) {
            self.stats.late += 1;
            self.stale_run += 1;
            if self.stale_run > STALE_RUN_MAX {
                self.restart();
                self.ready.push_back(Assembled::Restart);
                self.push(packet);
            }
            return;
        }
        self.stale_run = 0;
        let arrival = packet.arrival;
        self.held.insert(packet.sequence, packet);
        self.release(arrival, false);
    }

    /// Gives up what has been waited for long enough.
    pub(crate) fn tick(&mut self, now: NodeTime) {
        self.release(now, false);
    }

    /// When [`Assembler::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<NodeTime> {
        // What is held is always behind a missing packet: its first packet has waited longest for it.
        self.held.values().next().map(|packet| NodeTime(packet.arrival.0 + self.wait_us))
    }

    /// Releases everything without waiting: the stream ends here.
    pub(crate) fn flush(&mut self) {
        self.release(NodeTime(u64::MAX), true);
        // What is left never got its end, and a decoder would take the beginning for all of it.
        self.frame.clear();
        self.frame_bytes = 0;
    }

    /// Begins anew with unrelated sequence numbers, after a [`Assembler::flush`].
    pub(crate) fn restart(&mut self) {
        self.flush();
        self.next = None;
        self.stale_run = 0;
        self.at_boundary = false;
        self.needs_key = true;
    }

    /// The next result.
    pub(crate) fn pop(&mut self) -> Option<Assembled> {
        self.ready.pop_front()
    }

    fn release(&mut self, now: NodeTime, all: bool) {
        while let Some((&sequence, packet)) = self.held.first_key_value() {
            let next = self.next.unwrap_or(sequence);
            if sequence != next {
                let overdue = now.0 >= packet.arrival.0.saturating_add(self.wait_us);
                if !(all || overdue || self.held.len() > HELD_MAX) {
                    return;
                }
                self.stats.lost += sequence - next;
                self.broken();
            }
            self.next = Some(sequence + 1);
            if let Some(packet) = self.held.remove(&sequence) {
                self.in_order(packet);
            }
        }
    }

    fn broken(&mut self) {
        self.frame.clear();
        self.frame_bytes = 0;
        self.at_boundary = false;
        self.needs_key = true;
        self.ready.push_back(Assembled::Broken);
    }

    fn in_order(&mut self, packet: TapPacket) {
        if packet.payload.is_empty() {
            return; // Padding: probes of the sender's bandwidth estimator.
        }
        if self.codec != Some(packet.codec) {
            self.finish_frame();
            self.codec = Some(packet.codec);
            self.depacketizer = Depacketizer::default();
            self.needs_key = true;
            self.at_boundary = false;
        }
        if packet.codec.kind() == Kind::Audio {
            self.frame.push(packet);
            self.finish_frame();
            return;
        }
        if self.frame.first().is_some_and(|first| first.timestamp != packet.timestamp) {
            // Contiguous, so the frame before was complete although its last packet had no marker.
            self.finish_frame();
            self.at_boundary = true;
        }
        if self.frame.is_empty() && !self.at_boundary && !begins_frame(packet.codec, &packet.payload) {
            self.at_boundary = packet.marker;
            return;
        }
        let last = packet.marker;
        self.frame_bytes += packet.payload.len();
        self.frame.push(packet);
        if self.frame_bytes > FRAME_BYTES_MAX {
            self.stats.malformed += 1;
            self.broken();
        } else if last {
            self.finish_frame();
            self.at_boundary = true;
        }
    }

    fn finish_frame(&mut self) {
        let packets = std::mem::take(&mut self.frame);
        self.frame_bytes = 0;
        let Some(first) = packets.first() else { return };
        let (codec, timestamp) = (first.codec, first.timestamp);
        let payloads: Vec<Bytes> = packets.iter().map(|packet| packet.payload.clone()).collect();
        let Ok((data, key)) = self.depacketizer.frame(codec, &payloads) else {
            self.stats.malformed += 1;
            if codec.kind() == Kind::Video {
                self.broken();
            }
            return;
        };
        if codec.kind() == Kind::Video {
            if self.needs_key && key.is_none() {
                self.stats.undecodable += 1;
                return;
            }
            self.needs_key = false;
        }
        let arrival = packets.iter().map(|packet| packet.arrival).min().unwrap_or_default();
        let rotation = packets.iter().rev().find_map(|packet| packet.rotation);
        self.ready.push_back(Assembled::Frame(MediaFrame { codec, timestamp, arrival, data, key, rotation }));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WAIT_US: u64 = 500_000;

    /// VP8 packets: frame `n` has `parts` packets; every tenth is a key frame of 16×16.
    fn stream(frames: u64, parts: u64) -> Vec<TapPacket> {
        let mut packets = Vec::new();
        for frame in 0..frames {
            for part in 0..parts {
                let mut payload = vec![if part == 0 { 0x10 } else { 0x00 }];
                if part == 0 && frame % 10 == 0 {
                    payload.extend([0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0]);
                } else if part == 0 {
                    payload.extend([0x11, 0, 0]);
                }
                payload.extend([frame as u8, part as u8]);
                packets.push(TapPacket {
                    arrival: NodeTime(frame * 33_000 + part * 100),
                    codec: Codec::Vp8,
                    sequence: 65_530 + frame * parts + part,
                    timestamp: (frame * 3000) as u32,
                    marker: part == parts - 1,
                    rotation: None,
                    payload: payload.into(),
                });
            }
        }
        packets
    }

    /// Pushes everything and lists the frames that come out by number, and where it broke as -1.
    fn assemble(packets: impl IntoIterator<Item = TapPacket>) -> (Vec<i64>, AssemblerStats) {
        let mut assembler = Assembler::new(WAIT_US);
        for packet in packets {
            assembler.push(packet);
        }
        assembler.flush();
        let out = std::iter::from_fn(|| assembler.pop())
            .map(|assembled| match assembled {
                Assembled::Frame(frame) => i64::from(frame.timestamp / 3000),
                Assembled::Broken => -1,
                Assembled::Restart => -2,
            })
            .collect();
        (out, assembler.stats)
    }

    #[test]
    fn reordered_and_repeated_packets_make_no_difference() {
        let mut packets = stream(20, 3);
        packets.swap(4, 7);
        packets.swap(30, 31);
        packets.insert(20, packets[18].clone());
        let (frames, stats) = assemble(packets);
        assert_eq!(frames, (0..20).collect::<Vec<_>>());
        assert_eq!(stats.lost, 0);
    }

    #[test]
    fn a_lost_packet_leaves_a_marked_gap_until_the_next_key_frame() {
        let mut packets = stream(25, 3);
        packets.remove(3 * 4 + 1);
        let (frames, stats) = assemble(packets);
        let expected: Vec<i64> = (0..4).chain([-1]).chain(10..25).collect();
        assert_eq!(frames, expected);
        assert_eq!((stats.lost, stats.undecodable), (1, 5));
    }

    #[test]
    fn a_frame_whose_end_never_came_is_not_kept() {
        let mut packets = stream(5, 3);
        packets.pop();
        assert_eq!(assemble(packets.clone()).0, [0, 1, 2, 3]);
        packets.pop();
        assert_eq!(assemble(packets).0, [0, 1, 2, 3]);
    }

    #[test]
    fn a_retransmission_within_the_wait_repairs_and_one_after_it_does_not() {
        let mut packets = stream(40, 2);
        let mut repaired = packets.remove(9);
        repaired.arrival = NodeTime(500_000);
        packets.insert(25, repaired.clone());
        assert_eq!(assemble(packets.clone()).0, (0..40).collect::<Vec<_>>());

        packets.retain(|packet| packet.sequence != repaired.sequence);
        repaired.arrival = NodeTime(1_200_000);
        packets.insert(75, repaired);
        let (frames, stats) = assemble(packets);
        assert_eq!(frames, (0..4).chain([-1]).chain(10..40).collect::<Vec<_>>());
        assert_eq!((stats.lost, stats.late), (1, 1));
    }

    #[test]
    fn a_tap_that_begins_within_a_frame_waits_for_a_key_frame() {
        let packets = stream(25, 3).split_off(3 * 3 + 1);
        assert_eq!(assemble(packets).0, (10..25).collect::<Vec<_>>());
    }

    #[test]
    fn the_wait_ends_by_the_clock_when_nothing_more_arrives() {
        let mut packets = stream(11, 1);
        packets.remove(8);
        let mut assembler = Assembler::new(WAIT_US);
        packets.into_iter().for_each(|packet| assembler.push(packet));
        let deadline = assembler.deadline().unwrap();
        assert_eq!(deadline, NodeTime(9 * 33_000 + WAIT_US));
        assembler.tick(NodeTime(deadline.0 - 1));
        assert_eq!(assembler.deadline(), Some(deadline));
        assembler.tick(deadline);
        assert_eq!(assembler.deadline(), None);
        assert!(!assembler.needs_key(), "frame 10 is a key frame");
    }

    #[test]
    fn sequence_numbers_that_begin_anew_without_notice_are_followed() {
        let mut packets = stream(20, 3);
        packets.extend(stream(60, 3).into_iter().map(|mut packet| {
            packet.sequence -= 40_000;
            packet
        }));
        let (frames, _) = assemble(packets);
        assert!(frames.contains(&-2));
        assert_eq!(frames.last(), Some(&59));
    }

    proptest! {
        #[test]
        fn frames_leave_in_order_and_only_from_key_frames_on_whatever_is_lost(
            lost in prop::collection::btree_set(0_usize..300, 0..40),
            seed in any::<u64>(),
        ) {
            let mut packets: Vec<TapPacket> = stream(100, 3)
                .into_iter()
                .enumerate()
                .filter(|(i, _)| !lost.contains(i))
                .map(|(_, packet)| packet)
                .collect();
            for i in 1..packets.len() {
                if (seed >> (i % 60)) & 1 == 1 {
                    packets.swap(i - 1, i);
                }
            }
            let (out, _) = assemble(packets);
            let mut previous = -1;
            let mut decodable = false;
            for frame in out {
                if frame == -1 {
                    decodable = false;
                    continue;
                }
                prop_assert!(frame > previous);
                prop_assert!(decodable || frame % 10 == 0, "frame {} follows a loss", frame);
                decodable = true;
                previous = frame;
            }
        }
    }
}
