//! Card data is read out: nothing of it meets the disk, and the reviewer sees why.

use std::time::Duration;

use recorder::{GapReason, PauseSpec};
use sfu::{Codec, Source, TapSender};

use crate::media::{decode_cleanly, encode};
use crate::stage::{Recorded, Sender, Stage, perfect, through};

fn pause(at_most: Duration) -> PauseSpec {
    PauseSpec { reason: "card_data".to_owned(), by: "u-1".to_owned(), at_most }
}

/// Lets the recorder read everything it was sent.
async fn read(tap: &TapSender) {
    while tap.waiting() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn holds(recorded: &Recorded, track: &str, piece: &[u8]) -> bool {
    let media = std::fs::read(recorded.file(track)).unwrap();
    media.windows(piece.len()).any(|window| window == piece)
}

async fn leaves_no_byte_of_the_pause(codec: Codec, source: Source, filter: &str) {
    // A key frame every second; the pause is seconds 3 to 6.
    let sender = Sender::new(codec, encode(codec, filter, 9));
    let stage = Stage::new().await;
    let tap = stage.tap(source);
    let mut arrivals = through(perfect, sender.sends()).into_iter().peekable();
    while let Some((_, event)) = arrivals.next_if(|(at, _)| *at < 3_000_000) {
        tap.send(event);
    }
    read(&tap).await;
    stage.handle.pause(pause(Duration::from_secs(600))).await;
    assert_eq!(stage.handle.paused().borrow().as_ref().unwrap().reason, "card_data");
    while let Some((_, event)) = arrivals.next_if(|(at, _)| *at < 6_000_000) {
        tap.send(event);
    }
    read(&tap).await;
    let running = stage.recorder.index(stage.id).await.unwrap();
    assert_eq!(running.pauses.len(), 1);
    assert_eq!((running.pauses[0].end_ms, running.pauses[0].by.as_str()), (None, "u-1"));
    stage.handle.resume().await;
    for (_, event) in arrivals {
        tap.send(event);
    }
    drop(tap);
    let recorded = stage.stop().await;

    let track = &recorded.index.tracks[0];
    decode_cleanly(&recorded.file(&track.id));
    for frame in &sender.frames {
        let piece = &frame.data[frame.data.len() / 2..];
        if piece.len() >= 16 {
            let inside = (3_000_000..5_950_000).contains(&frame.at_us);
            let outside = frame.at_us < 2_900_000 || frame.at_us > 7_100_000;
            let held = holds(&recorded, &track.id, piece);
            assert!(!(inside && held), "media of second {} is on the disk", frame.at_us / 1_000_000);
            assert!(held || !outside, "media of second {} is missing", frame.at_us / 1_000_000);
        }
    }
    let gap = track.gaps.iter().find(|gap| gap.reason == GapReason::Paused).expect("a marked gap");
    assert!(gap.start_ms.abs_diff(3000) < 120 && gap.end_ms.abs_diff(6000) < 1200, "{gap:?}");
    let pause = &recorded.index.pauses[0];
    assert!(pause.end_ms.is_some() && !pause.timed_out && pause.reason == "card_data", "{pause:?}");
}

#[tokio::test]
async fn not_a_byte_of_picture_from_a_pause_is_on_the_disk() {
    leaves_no_byte_of_the_pause(Codec::Vp8, Source::Camera, "testsrc2=size=320x240:rate=30").await;
}

#[tokio::test]
async fn not_a_byte_of_sound_from_a_pause_is_on_the_disk() {
    leaves_no_byte_of_the_pause(Codec::Opus, Source::Microphone, "anoisesrc=sample_rate=48000").await;
}

#[tokio::test]
async fn a_forgotten_pause_ends_by_itself_and_a_later_one_is_not_ended_by_its_timer() {
    let stage = Stage::new().await;
    let mut paused = stage.handle.paused();
    stage.handle.pause(pause(Duration::from_millis(300))).await;
    stage.handle.resume().await;
    stage.handle.pause(pause(Duration::from_millis(900))).await;
    paused.wait_for(Option::is_none).await.unwrap();
    let recorded = stage.stop().await;
    let pauses = recorded.index.pauses;
    assert_eq!(pauses.iter().map(|pause| pause.timed_out).collect::<Vec<_>>(), [false, true]);
    let length = pauses[1].end_ms.unwrap() - pauses[1].start_ms;
    assert!(length >= 890, "the first pause's timer did not end the second: {length} ms");
}

#[tokio::test]
async fn not_a_byte_is_written_between_two_pauses_that_follow_each_other() {
    let sender = Sender::new(Codec::Opus, encode(Codec::Opus, "anoisesrc=sample_rate=48000", 4));
    let stage = Stage::new().await;
    let tap = stage.tap(Source::Microphone);
    let mut arrivals = through(perfect, sender.sends()).into_iter().peekable();
    let hold = PauseSpec { reason: "hold".to_owned(), ..pause(Duration::from_secs(600)) };
    // Every tenth of a second the reason is another one.
    stage.handle.pause(pause(Duration::from_secs(600))).await;
    for turn in 1..=30i64 {
        while let Some((_, event)) = arrivals.next_if(|(at, _)| *at < turn * 100_000) {
            tap.send(event);
        }
        let next = if turn % 2 == 0 { pause(Duration::from_secs(600)) } else { hold.clone() };
        stage.handle.pause(next).await;
        read(&tap).await;
    }
    stage.handle.resume().await;
    for (_, event) in arrivals {
        tap.send(event);
    }
    drop(tap);
    let recorded = stage.stop().await;
    let track = &recorded.index.tracks[0];
    for frame in sender.frames.iter().filter(|frame| frame.at_us < 2_950_000) {
        let piece = &frame.data[frame.data.len() / 2..];
        assert!(piece.len() < 16 || !holds(&recorded, &track.id, piece), "media at {} µs", frame.at_us);
    }
    let pauses = &recorded.index.pauses;
    assert_eq!(pauses.len(), 31);
    assert!(pauses.windows(2).all(|pair| pair[0].end_ms == Some(pair[1].start_ms)), "{pauses:?}");
}

#[tokio::test]
async fn the_same_pause_asked_for_again_lasts_longer_and_stays_one() {
    let stage = Stage::new().await;
    let mut paused = stage.handle.paused();
    stage.handle.pause(pause(Duration::from_millis(300))).await;
    stage.handle.pause(pause(Duration::from_millis(900))).await;
    paused.wait_for(Option::is_none).await.unwrap();
    let recorded = stage.stop().await;
    let pauses = recorded.index.pauses;
    assert_eq!(pauses.len(), 1);
    let length = pauses[0].end_ms.unwrap() - pauses[0].start_ms;
    assert!(length >= 890 && pauses[0].timed_out, "{pauses:?}");
}

#[tokio::test]
async fn a_track_that_begins_in_a_pause_waits_for_its_end() {
    let stage = Stage::new().await;
    stage.handle.pause(pause(Duration::from_secs(600))).await;
    let tap = stage.tap(Source::Camera);
    let sender = Sender::new(Codec::Vp8, encode(Codec::Vp8, "testsrc2=size=320x240:rate=30", 2));
    for (_, event) in through(perfect, sender.sends()) {
        tap.send(event);
    }
    drop(tap);
    let recorded = stage.stop().await;
    assert!(recorded.index.tracks.is_empty());
    assert_eq!(std::fs::read_dir(&recorded.sealed).unwrap().count(), 1, "the manifest only");
}
