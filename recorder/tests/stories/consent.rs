//! Consent: without it nothing is written; withdrawn, nothing is left.

use std::path::Path;

use recorder::{OpenError, Receipt, Recorder, StartError};
use sfu::{Codec, Source, TapEvent};
use uuid::Uuid;

use crate::media::encode;
use crate::stage::{STARTED, Sender, Stage, config, perfect, reopen, spec, through};

fn arrivals(seconds: u32) -> Vec<(i64, TapEvent)> {
    let frames = encode(Codec::Vp8, "testsrc2=size=320x240:rate=30", seconds);
    through(perfect, Sender::new(Codec::Vp8, frames).sends())
}

fn receipt(recording: bool) -> Receipt {
    Receipt {
        side: Some(recorder::Side::Buyer),
        subject: "buyer-7".to_owned(),
        recording,
        text_version: "3".to_owned(),
        text_sha256: "ab".repeat(32),
        language: "de".to_owned(),
        purpose: "quality_review".to_owned(),
        at: STARTED,
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Waits until a fragment of the running recording is on the disk.
async fn until_on_disk(stage: &Stage) {
    while stage.recorder.index(stage.id).await.unwrap().tracks.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn withdrawal_in_the_middle_deletes_what_was_recorded_and_keeps_the_evidence() {
    let stage = Stage::new().await;
    stage.handle.add_receipt(receipt(true)).await;
    let tap = stage.tap(Source::Camera);
    for (_, event) in arrivals(5) {
        tap.send(event);
    }
    until_on_disk(&stage).await;
    let figures = serde_json::json!([{ "link": "poor" }]);
    stage.handle.add_quality(figures.clone()).await;
    assert_eq!(stage.recorder.index(stage.id).await.unwrap().quality, [figures]);
    let folder = stage.dir.path().join(stage.id.to_string());
    assert_eq!(files(&folder), ["buyer-camera-1.webm", "manifest.jsonl"]);

    let erased = stage.handle.erase("consent withdrawn").await.unwrap();
    assert_eq!(erased.files, 1);
    assert!(erased.bytes > 10_000);
    assert_eq!(files(&folder), ["manifest.jsonl"]);
    assert!(!tap.send(TapEvent::Restart), "the tap is gone");

    // The receipt of the withdrawal may come after the deed.
    stage.handle.add_receipt(receipt(false)).await;
    let index = stage.recorder.index(stage.id).await.unwrap();
    assert_eq!(index.erased.unwrap().reason, "consent withdrawn");
    assert_eq!((index.tracks.len(), index.duration_ms, index.complete), (0, 0, true));
    assert_eq!(index.receipts, [receipt(true), receipt(false)]);
    assert!(index.quality.is_empty());
    assert!(stage.recorder.open_track(stage.id, "buyer-camera-1").await.is_err());

    // Nothing comes back: not by new tracks, not by stopping, not by starting again.
    let late = stage.tap(Source::Microphone);
    assert!(!late.send(TapEvent::Restart));
    assert_eq!(stage.handle.stop().await.bytes, 0);
    assert!(matches!(stage.recorder.start(spec(stage.id)).await, Err(StartError::Erased(_))));
    assert_eq!(files(&folder), ["manifest.jsonl"]);
}

#[tokio::test]
async fn a_withdrawal_that_overtakes_the_start_wins() {
    let stage = Stage::new().await;
    let id = Uuid::now_v7();
    stage.recorder.erase(id, "withdrawn before the first packet").await.unwrap();
    assert!(matches!(stage.recorder.start(spec(id)).await, Err(StartError::Erased(_))));

    // And when both are on their way at once, no media is written whichever comes first.
    for _ in 0..20 {
        let id = Uuid::now_v7();
        let (started, erased) =
            tokio::join!(stage.recorder.start(spec(id)), stage.recorder.erase(id, "withdrawn at once"));
        erased.unwrap();
        if let Ok(handle) = started {
            let (sender, receiver) = sfu::tap_channel(16);
            handle.add_track(stage.track(Source::Camera), receiver);
            assert!(!sender.send(TapEvent::Restart));
        }
        assert_eq!(files(&stage.dir.path().join(id.to_string())), ["manifest.jsonl"]);
    }
}

#[tokio::test]
async fn an_erasure_works_after_the_end_too_and_twice() {
    let recorded = Stage::new().await.record(Source::Camera, arrivals(2)).await;
    let erased = recorded.stage.recorder.erase(recorded.stage.id, "retention").await.unwrap();
    assert_eq!(erased.files, 1);
    let again = recorded.stage.recorder.erase(recorded.stage.id, "retention").await.unwrap();
    assert_eq!((again.files, again.bytes), (0, 0));
    assert_eq!(files(&recorded.sealed), ["manifest.jsonl"]);
    let manifest = std::fs::read_to_string(recorded.sealed.join("manifest.jsonl")).unwrap();
    assert!(!manifest.contains("\"key\""), "copies of the files are noise without the key: {manifest}");
}

#[tokio::test]
async fn nothing_on_the_disk_can_be_read_without_the_recordings_own_key() {
    let recorded = Stage::new().await.record(Source::Camera, arrivals(2)).await;
    let media = std::fs::read(recorded.file("buyer-camera-1")).unwrap();
    let file = recorded.sealed.join("buyer-camera-1.webm");
    let sealed = std::fs::read(&file).unwrap();
    let has = |piece: &[u8]| sealed.windows(piece.len()).any(|window| window == piece);
    assert!(media.chunks_exact(16).take(50).all(|piece| !has(piece)));

    // An altered byte is an error to whoever reads there, never a picture.
    let (recorder, id) = (&recorded.stage.recorder, recorded.stage.id);
    let last = recorded.index.tracks[0].fragments.last().unwrap().bytes;
    let mut altered = sealed.clone();
    *altered.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &altered).unwrap();
    let mut reader = recorder.open_track(id, "buyer-camera-1").await.unwrap();
    assert!(reader.read(0).await.is_ok());
    assert_eq!(reader.read(last.offset).await.unwrap_err().kind(), std::io::ErrorKind::InvalidData);

    // A stretch in the middle opens the chunk it lies in.
    std::fs::write(&file, &sealed).unwrap();
    let mut reader = recorder.open_track(id, "buyer-camera-1").await.unwrap();
    let bytes = reader.read(last.offset + 5).await.unwrap();
    assert_eq!(&bytes[..], &media[last.offset as usize + 5..]);
}

#[tokio::test]
async fn an_erasure_that_a_crash_interrupted_is_finished_at_the_next_start() {
    let stage = Stage::new().await.record(Source::Camera, arrivals(2)).await.stage;
    let folder = stage.dir.path().join(stage.id.to_string());
    let media = std::fs::read(folder.join("buyer-camera-1.webm")).unwrap();
    stage.recorder.erase(stage.id, "withdrawn").await.unwrap();
    std::fs::write(folder.join("buyer-camera-1.webm"), media).unwrap();
    let Stage { dir, recorder, handle, id, .. } = stage;
    drop((recorder, handle));
    let (_, report) = reopen(dir.path()).await;
    assert_eq!(report.erased, [id]);
    assert_eq!(files(&folder), ["manifest.jsonl"]);
}

#[tokio::test]
async fn track_names_from_outside_never_become_paths() {
    let recorded = Stage::new().await.record(Source::Camera, arrivals(2)).await;
    std::fs::write(recorded.stage.dir.path().join("secret"), "s").unwrap();
    for name in [
        "../secret",
        "manifest.jsonl",
        "manifest",
        "",
        "/etc/passwd",
        "buyer-camera-1.webm",
        "buyer-camera-9",
    ] {
        assert!(recorded.stage.recorder.open_track(recorded.stage.id, name).await.is_err(), "{name:?}");
    }
    assert!(recorded.stage.recorder.open_track(recorded.stage.id, "buyer-camera-1").await.is_ok());
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = Recorder::open(config(file.join("recordings"))).await.unwrap_err();
    assert!(refused.to_string().contains("file/recordings"), "{refused}");

    let _first = reopen(dir.path()).await;
    let second = Recorder::open(config(dir.path())).await.unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");

    let mut config = config(dir.path().join("other"));
    config.fragment_max = std::time::Duration::from_secs(5);
    assert!(matches!(Recorder::open(config).await, Err(OpenError::Setting { setting: "fragment_max", .. })));
}

#[tokio::test]
async fn a_disk_that_refuses_stops_the_recording_loudly_and_never_the_tap() {
    let stage = Stage::new().await;
    let mut failed = stage.handle.failed();
    // The folder disappears under the recording: the first file cannot be made.
    std::fs::remove_dir_all(stage.dir.path().join(stage.id.to_string())).unwrap();
    let tap = stage.tap(Source::Camera);
    for (_, event) in arrivals(2) {
        tap.send(event);
    }
    let why = failed.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert!(why.contains("cannot write media"), "{why}");
    assert_eq!(stage.handle.stop().await.bytes, 0);
}
