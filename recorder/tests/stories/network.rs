//! What networks and people do to a stream: loss, wraps, silence, reloads, turned phones.

use recorder::GapReason;
use sfu::{Codec, Source, TapEvent};

use crate::media::{Encoded, decode_cleanly, encode, packet_times};
use crate::stage::{Sender, Stage, padding, perfect, rough, through};

const VIDEO: &str = "testsrc2=size=320x240:rate=30";

fn vp8(seconds: u32) -> Vec<Encoded> {
    encode(Codec::Vp8, VIDEO, seconds)
}

#[tokio::test]
async fn a_lost_picture_is_a_marked_gap_up_to_the_next_key_frame_which_is_asked_for() {
    let sender = Sender::new(Codec::Vp8, vp8(6));
    let mut sends = sender.sends();
    // Frame 75 of 180 loses a packet for good; the key frames are 0, 60 and 120.
    let lost = sends
        .iter()
        .position(|(at, event)| matches!(event, TapEvent::Packet(_)) && *at >= 2_500_000)
        .unwrap();
    sends.remove(lost);
    let stage = Stage::new().await;
    let mut tap = stage.tap(Source::Camera);
    // One at the start, one for the loss.
    let mut wishes = 0;
    for (_, event) in through(perfect, sends) {
        assert!(tap.send(event));
        tokio::task::yield_now().await;
        wishes += u32::from(tap.take_keyframe_wish());
    }
    while wishes < 2 {
        tokio::task::yield_now().await;
        wishes += u32::from(tap.take_keyframe_wish());
    }
    drop(tap);
    let recorded = stage.stop().await;
    let (track, file) = recorded.only();
    assert_eq!(decode_cleanly(&file), 75 + 60, "frames 75 to 119 cannot be decoded and are not there");
    assert_eq!(track.gaps.len(), 1);
    let gap = track.gaps[0];
    assert_eq!(gap.reason, GapReason::Lost);
    assert!(gap.start_ms.abs_diff(2520) < 40 && gap.end_ms.abs_diff(4020) < 5, "{gap:?}");
}

#[tokio::test]
async fn wraps_of_timestamps_and_odd_packets_in_between_change_nothing() {
    let mut sender = Sender::new(Codec::Vp8, vp8(4));
    sender.rtp_start = u32::MAX - 90_000;
    sender.first_sequence = 65_530;
    let mut sends = sender.sends();
    // Probes in between take sequence numbers of their own.
    for (i, (_, event)) in sends.iter_mut().enumerate() {
        if let TapEvent::Packet(packet) = event {
            packet.sequence += i as u64 / 20;
        }
    }
    let highest = sends.len() as u64 + 65_530 + sends.len() as u64 / 20;
    let taken: std::collections::HashSet<u64> = sends
        .iter()
        .filter_map(|(_, event)| match event {
            TapEvent::Packet(packet) => Some(packet.sequence),
            _ => None,
        })
        .collect();
    let last = *taken.iter().max().unwrap();
    let mut probes: Vec<(i64, TapEvent)> = Vec::new();
    for sequence in (65_530..=last.min(highest)).filter(|sequence| !taken.contains(sequence)) {
        let before = sends
            .iter()
            .find(|(_, event)| matches!(event, TapEvent::Packet(packet) if packet.sequence + 1 == sequence));
        probes.push((before.map_or(0, |(at, _)| at + 10), padding(sequence)));
    }
    assert!(!probes.is_empty());
    sends.extend(probes);
    let recorded = Stage::new().await.record(Source::Camera, through(rough, sends)).await;
    let (track, file) = recorded.only();
    assert_eq!(decode_cleanly(&file), 120);
    assert_eq!(track.gaps, []);
    let times = packet_times(&file);
    // By the second half the clocks have settled; the first pictures may lie where jitter put them.
    assert!((times[119] - times[60] - 59.0 / 30.0).abs() < 0.02, "{times:?}");
    assert!((times[119] - times[0] - 119.0 / 30.0).abs() < 0.10, "{times:?}");
}

#[tokio::test]
async fn a_camera_switched_off_for_five_seconds_is_a_silent_gap_and_time_goes_on() {
    let frames = vp8(4)
        .into_iter()
        .map(|mut frame| {
            if frame.at_us >= 2_000_000 {
                frame.at_us += 5_000_000;
            }
            frame
        })
        .collect();
    let sender = Sender::new(Codec::Vp8, frames);
    let recorded = Stage::new().await.record(Source::Camera, through(perfect, sender.sends())).await;
    let (track, file) = recorded.only();
    assert_eq!(decode_cleanly(&file), 120);
    assert_eq!(track.gaps.len(), 1);
    let gap = track.gaps[0];
    assert_eq!(gap.reason, GapReason::Silent);
    assert!(gap.start_ms.abs_diff(2020) < 40 && gap.end_ms.abs_diff(7020) < 40, "{gap:?}");
    let hole = track.fragments.windows(2).find(|pair| pair[1].start_ms > pair[0].end_ms + 1000).unwrap();
    assert!(hole[1].keyframe);
    assert!(recorded.index.duration_ms.abs_diff(9020) < 60);
}

#[tokio::test]
async fn suppressed_silence_is_filled_so_that_sound_stays_in_time() {
    let packets = encode(Codec::Opus, "sine=frequency=440:sample_rate=48000", 6);
    // Between seconds 2 and 4 only every twentieth packet is sent, as with DTX; then a mute of three seconds.
    let packets: Vec<Encoded> = packets
        .into_iter()
        .enumerate()
        .filter(|(i, packet)| !(2_000_000..4_000_000).contains(&packet.at_us) || i % 20 == 0)
        .map(|(_, mut packet)| {
            if packet.at_us >= 5_000_000 {
                packet.at_us += 3_000_000;
            }
            packet
        })
        .collect();
    let sender = Sender::new(Codec::Opus, packets);
    let recorded = Stage::new().await.record(Source::Microphone, through(perfect, sender.sends())).await;
    let (track, file) = recorded.only();
    decode_cleanly(&file);
    let times = packet_times(&file);
    let holes: Vec<_> = times.windows(2).filter(|pair| pair[1] - pair[0] > 0.0201).collect();
    assert_eq!(holes.len(), 1, "the mute: {holes:?}");
    assert!((holes[0][0] - 5.0).abs() < 0.03 && (holes[0][1] - 8.02).abs() < 0.03, "{holes:?}");
    assert_eq!(track.gaps.iter().map(|gap| gap.reason).collect::<Vec<_>>(), [GapReason::Silent]);
}

#[tokio::test]
async fn a_new_stream_on_the_same_line_goes_on_in_the_same_file() {
    let first = Sender::new(Codec::Vp8, vp8(2));
    let mut second = Sender::new(Codec::Vp8, vp8(2));
    second.begins_us = 2_500_000;
    second.rtp_start = 4_000_000_000;
    second.first_sequence = 70;
    let mut arrivals = through(perfect, first.sends());
    arrivals.push((0, TapEvent::Restart));
    arrivals.extend(through(perfect, second.sends()));
    let recorded = Stage::new().await.record(Source::Camera, arrivals).await;
    let (track, file) = recorded.only();
    assert_eq!(decode_cleanly(&file), 120);
    let times = packet_times(&file);
    assert!((times[60] - 2.52).abs() < 0.03, "{}", times[60]);
    assert_eq!(track.gaps.iter().map(|gap| gap.reason).collect::<Vec<_>>(), [GapReason::Restart]);
}

#[tokio::test]
async fn another_codec_begins_another_file() {
    let first = Sender::new(Codec::Vp8, vp8(2));
    let mut second = Sender::new(Codec::H264, encode(Codec::H264, VIDEO, 2));
    second.begins_us = 2_000_000;
    second.first_sequence = 65_536 + first.sends().len() as u64;
    second.rtp_start = 12_345 + 180_000;
    // The reports of the first stream took no sequence numbers.
    let reports =
        first.sends().iter().filter(|(_, event)| matches!(event, TapEvent::SenderReport(_))).count();
    second.first_sequence -= reports as u64;
    let sends = first.sends().into_iter().chain(second.sends()).collect();
    let recorded = Stage::new().await.record(Source::Camera, through(perfect, sends)).await;
    let tracks = &recorded.index.tracks;
    assert_eq!(
        tracks.iter().map(|track| track.id.as_str()).collect::<Vec<_>>(),
        ["buyer-camera-1", "buyer-camera-2"]
    );
    assert!(tracks[0].mime.contains("vp8") && tracks[1].mime.contains("avc3"));
    for track in tracks {
        assert_eq!(decode_cleanly(&recorded.file(&track.id)), 60);
    }
    assert!((packet_times(&recorded.file("buyer-camera-2"))[0] - 2.02).abs() < 0.03);
}

#[tokio::test]
async fn a_phone_that_is_turned_and_a_picture_that_grows_stay_one_track() {
    for codec in [Codec::Vp8, Codec::H264] {
        let mut frames = encode(codec, VIDEO, 2);
        frames.extend(encode(codec, "testsrc2=size=640x480:rate=30", 2).into_iter().map(|mut frame| {
            frame.at_us += 2_000_000;
            frame
        }));
        let mut sender = Sender::new(codec, frames);
        sender.rotation = |n| match n {
            0 => Some(90),
            60 => Some(270),
            _ => None,
        };
        let recorded = Stage::new().await.record(Source::Camera, through(perfect, sender.sends())).await;
        let (track, file) = recorded.only();
        assert_eq!(decode_cleanly(&file), 120);
        assert_eq!((track.rotation, track.size), (90, Some((320, 240))));
        let turns: Vec<_> =
            track.rotations.iter().map(|rotation| (rotation.at_ms / 100, rotation.degrees)).collect();
        assert_eq!(turns, [(0, 90), (20, 270)]);
    }
}
