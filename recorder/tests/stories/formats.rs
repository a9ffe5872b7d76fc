//! Every codec, over a network that reorders and repairs, makes a file that strangers play.

use sfu::{Codec, Source};

use crate::media::{decode_cleanly, encode, packet_times, stream};
use crate::stage::{Sender, Stage, rough, through};

const VIDEO: &str = "testsrc2=size=320x240:rate=30";

async fn video_round_trip(codec: Codec, expected_stream: &str, mime_pattern: &str) {
    let frames = encode(codec, VIDEO, 6);
    let mut sender = Sender::new(codec, frames.clone());
    sender.begins_us = 3_000_000;
    let recorded = Stage::new().await.record(Source::Camera, through(rough, sender.sends())).await;
    let (track, file) = recorded.only();

    assert!(track.mime.starts_with(mime_pattern), "{}", track.mime);
    assert_eq!(stream(&file), expected_stream);
    assert_eq!(track.size, Some((320, 240)));
    assert_eq!(decode_cleanly(&file), frames.len(), "every frame is there");

    // The first frame lies where it was captured plus the path's least delay; the others follow as captured.
    let times = packet_times(&file);
    for (i, time) in times.iter().enumerate() {
        let captured = 3.0 + i as f64 / 30.0;
        assert!((time - captured - 0.020).abs() < 0.040, "frame {i} is at {time}, captured at {captured}");
    }
    let steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| *step > 0.0), "time never runs back");

    // A seek: the init segment and any fragment that begins with a key frame play by themselves.
    let bytes = std::fs::read(&file).unwrap();
    let keyed: Vec<_> = track.fragments.iter().filter(|fragment| fragment.keyframe).collect();
    assert!(keyed.len() >= 3, "key frames every two seconds: {keyed:?}");
    for fragment in keyed {
        let range = fragment.bytes.offset as usize..(fragment.bytes.offset + fragment.bytes.length) as usize;
        let seek = recorded.folder.path().join("seek");
        std::fs::write(&seek, [&bytes[..track.init.length as usize], &bytes[range]].concat()).unwrap();
        assert!(decode_cleanly(&seek) > 0);
        let start = packet_times(&seek)[0];
        assert!((start - fragment.start_ms as f64 / 1000.0).abs() < 0.002, "{start} against {fragment:?}");
    }
}

#[tokio::test]
async fn vp8_becomes_webm() {
    video_round_trip(Codec::Vp8, "vp8,320,240", "video/webm; codecs=\"vp8\"").await;
}

#[tokio::test]
async fn h264_becomes_mp4_with_parameter_sets_in_band() {
    video_round_trip(Codec::H264, "h264,320,240", "video/mp4; codecs=\"avc3.42c0").await;
}

#[tokio::test]
async fn vp9_becomes_mp4() {
    video_round_trip(Codec::Vp9, "vp9,320,240", "video/mp4; codecs=\"vp09.00.20.08\"").await;
}

#[tokio::test]
async fn av1_becomes_mp4() {
    video_round_trip(Codec::Av1, "av1,320,240", "video/mp4; codecs=\"av01.0.").await;
}

#[tokio::test]
async fn opus_becomes_mp4_and_lies_end_to_end() {
    let packets = encode(Codec::Opus, "sine=frequency=440:sample_rate=48000", 6);
    let mut sender = Sender::new(Codec::Opus, packets.clone());
    sender.begins_us = 2_000_000;
    let recorded = Stage::new().await.record(Source::Microphone, through(rough, sender.sends())).await;
    let (track, file) = recorded.only();
    assert_eq!(track.mime, "audio/mp4; codecs=\"opus\"");
    assert_eq!(stream(&file), "opus,48000,2");
    assert_eq!(track.size, None);
    decode_cleanly(&file);
    let times = packet_times(&file);
    assert!((times[0] - 2.020).abs() < 0.045, "begins at {}", times[0]);
    for pair in times.windows(2) {
        let step = pair[1] - pair[0];
        assert!(
            (step - 0.020).abs() < 0.0001 || (step - 0.010).abs() < 0.0001,
            "{pair:?}: a packet or a filler"
        );
    }
    assert!(
        (times.len() as f64 - packets.len() as f64).abs() <= 4.0,
        "hardly any filler, hardly any packet left out"
    );
    assert!((times[times.len() - 1] - times[0] + 0.020 - packets.len() as f64 * 0.020).abs() < 0.045);
    assert!(track.fragments.iter().all(|fragment| fragment.keyframe));
}
