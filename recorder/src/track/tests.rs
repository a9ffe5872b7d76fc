use bytes::Bytes;
use proptest::prelude::*;
use sfu::{SenderReport, TapPacket};

use super::*;

const SETTINGS: Settings =
    Settings { fragment_max_us: 1_000_000, reorder_wait_us: 600_000, keyframe_every_us: 10_000_000 };
const STARTED: u64 = 1_790_000_000_000_000;
const PATH_US: i64 = 25_000;

fn node(session_us: i64) -> NodeTime {
    NodeTime((STARTED as i64 + session_us) as u64)
}

/// A publisher of one track whose clocks are off.
struct Publisher {
    track: Track,
    codec: Codec,
    /// RTP clock against true time, parts per million.
    ppm: i64,
    sequence: u64,
    sent_us: i64,
    /// Largest distance of a fragment's end from the truth, milliseconds.
    worst_ms: i64,
}

impl Publisher {
    fn new(source: Source, codec: Codec, ppm: i64) -> Self {
        Self {
            track: Track::new(SETTINGS, source, NodeTime(STARTED)),
            codec,
            ppm,
            sequence: 65_536,
            sent_us: 0,
            worst_ms: 0,
        }
    }

    fn timestamp(&self, true_us: i64) -> u32 {
        let rtp_us = i128::from(true_us) * i128::from(1_000_000 + self.ppm) / 1_000_000;
        (rtp_us * i128::from(self.codec.clock_rate()) / 1_000_000) as u32
    }

    fn report(&mut self, true_us: i64, jitter_us: i64, wall_ppm: i64, party: &mut PartyClock) {
        let wall_us = i128::from(true_us) * i128::from(1_000_000 + wall_ppm) / 1_000_000;
        let ntp = ((4_000_000_000_i128 << 32) + (wall_us << 32) / 1_000_000) as u64;
        let rtp_timestamp = self.timestamp(true_us);
        let arrival = node(true_us + PATH_US + jitter_us);
        self.track.event(TapEvent::SenderReport(SenderReport { arrival, ntp, rtp_timestamp }), party);
    }

    /// Sends a packet; when that completes a fragment, its end is compared with where it ought to be.
    fn send(&mut self, true_us: i64, jitter_us: i64, payload: Bytes, lasts_us: i64, party: &mut PartyClock) {
        let packet = TapPacket {
            arrival: node(true_us + PATH_US + jitter_us),
            codec: self.codec,
            sequence: self.sequence,
            timestamp: self.timestamp(true_us),
            marker: true,
            rotation: None,
            payload,
        };
        self.sequence += 1;
        // After a pause a fragment may end within the filling, which has no truth to compare with.
        let fluent = true_us - self.sent_us <= 100_000;
        self.sent_us = true_us;
        self.track.event(TapEvent::Packet(packet), party);
        while let Some(output) = self.track.pop() {
            if let Output::Fragment { end_ms, .. } = output
                && fluent
                && true_us > 10_000_000
            {
                let truth = (true_us + PATH_US + lasts_us) / 1000;
                self.worst_ms = self.worst_ms.max((end_ms as i64 - truth).abs());
            }
        }
    }
}

#[test]
fn two_hours_with_skewed_clocks_silence_and_jitter_end_as_aligned_as_they_began() {
    let key = Bytes::from_static(&[0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0, 1]);
    let delta = Bytes::from_static(&[0x10, 0x11, 0, 0, 1]);
    let voice = Bytes::from_static(&[31 << 3 | 4; 30]);
    for (wall_ppm, audio_ppm, video_ppm) in [(100, 100, -100), (-100, -100, 100)] {
        let mut party = PartyClock::default();
        let mut audio = Publisher::new(Source::Microphone, Codec::Opus, audio_ppm);
        let mut video = Publisher::new(Source::Camera, Codec::Vp8, video_ppm);
        for step in 0..2 * 3600 * 50_i64 {
            let true_us = step * 20_000;
            let jitter = step * 7_919 % 30_011;
            // Nine of every twenty minutes are silent: a packet every 400 ms.
            let silent = true_us / 60_000_000 % 20 > 10;
            if step % 250 == 0 {
                audio.report(true_us, jitter, wall_ppm, &mut party);
            }
            if step % 50 == 0 {
                video.report(true_us, jitter, wall_ppm, &mut party);
            }
            if !silent || step % 20 == 0 {
                audio.send(true_us, jitter, voice.clone(), 20_000, &mut party);
            }
            if step % 5 == 0 {
                let payload = if step % 500 == 0 { &key } else { &delta };
                video.send(true_us, jitter, payload.clone(), 0, &mut party);
            }
        }
        let worst = (audio.worst_ms, video.worst_ms);
        assert!(worst.0 < 20 && worst.1 < 20, "sound {} ms, picture {} ms from the truth", worst.0, worst.1);
    }
}

/// Anything a publisher could make a tap deliver: shapes that get far, with values that ought not.
fn hostile_event() -> impl Strategy<Value = (i64, TapEvent)> {
    let payload = prop_oneof![
        3 => Just(vec![0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0, 1]),
        3 => Just(vec![0x10, 0x11, 0, 0, 1]),
        2 => Just(vec![0x78, 0, 4, 0x67, 0x42, 0, 0x1f, 0, 2, 0x68, 1, 0, 2, 0x65, 1]),
        2 => prop::collection::vec(any::<u8>(), 0..60),
    ];
    let codec = prop_oneof![
        Just(Codec::Vp8),
        Just(Codec::H264),
        Just(Codec::Vp9),
        Just(Codec::Av1),
        Just(Codec::Opus)
    ];
    let near = 0_u64..400;
    let packet = (payload, codec, near, any::<u32>(), any::<bool>(), prop::option::of(0_u16..400)).prop_map(
        |(payload, codec, sequence, timestamp, marker, rotation)| {
            let (arrival, payload) = (NodeTime(0), payload.into());
            TapEvent::Packet(TapPacket { arrival, codec, sequence, timestamp, marker, rotation, payload })
        },
    );
    let report = (any::<u64>(), any::<u32>()).prop_map(|(ntp, rtp_timestamp)| {
        TapEvent::SenderReport(SenderReport { arrival: NodeTime(0), ntp, rtp_timestamp })
    });
    let event = prop_oneof![20 => packet, 3 => report, 1 => Just(TapEvent::Restart)];
    (prop_oneof![9 => 0_i64..40_000, 1 => 0_i64..5_000_000], event)
}

proptest! {
    #[test]
    fn whatever_is_sent_files_are_opened_filled_in_order_of_time_and_closed(
        source in prop_oneof![Just(Source::Camera), Just(Source::Microphone)],
        events in prop::collection::vec(hostile_event(), 1..300),
    ) {
        let mut party = PartyClock::default();
        let mut track = Track::new(SETTINGS, source, NodeTime(STARTED));
        let mut now_us = 0;
        for (step_us, mut event) in events {
            now_us += step_us;
            match &mut event {
                TapEvent::Packet(packet) => {
                    packet.arrival = node(now_us);
                    if source == Source::Microphone {
                        packet.codec = Codec::Opus;
                    }
                }
                TapEvent::SenderReport(report) => report.arrival = node(now_us),
                TapEvent::Restart => {}
            }
            track.event(event, &mut party);
            if let Some(deadline) = track.deadline() {
                prop_assert!(deadline.0 as i64 <= STARTED as i64 + now_us + 1_600_000, "nothing waits for ever");
            }
        }
        track.finish(&party);
        let (mut open, mut end) = (false, 0);
        while let Some(output) = track.pop() {
            match output {
                Output::Open(new) => {
                    prop_assert!(!open && !new.init.is_empty());
                    (open, end) = (true, 0);
                }
                Output::Fragment { bytes, start_ms, end_ms, .. } => {
                    prop_assert!(open && !bytes.is_empty());
                    prop_assert!(start_ms + 1 >= end && end_ms > start_ms, "{start_ms}–{end_ms} after {end}");
                    prop_assert!(end_ms - start_ms <= 4000, "{start_ms}–{end_ms}");
                    end = end_ms;
                }
                Output::Gap { start_ms, end_ms, .. } => prop_assert!(open && start_ms <= end_ms),
                Output::Rotation { .. } | Output::Sound(_) => prop_assert!(open),
                Output::Close(_) => {
                    prop_assert!(open);
                    open = false;
                }
            }
        }
        prop_assert!(!open);
        prop_assert_eq!(track.deadline(), None);
    }
}
