//! `kill -9` at any moment: what was on the disk plays, and at most two seconds are lost.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sfu::{Codec, Source, TapEvent};
use uuid::Uuid;

use crate::media::{decode_cleanly, encode};
use crate::stage::{STARTED, Sender, Stage, file_of, perfect, reopen, spec, through, unseal};

const VIDEO: &str = "testsrc2=size=320x240:rate=30";

/// A finished recording of ten seconds, its last line taken away, so that it looks as if it still ran.
async fn unfinished(codec: Codec, source: Source) -> (tempfile::TempDir, Uuid) {
    let filter = if codec == Codec::Opus { "sine=frequency=440:sample_rate=48000" } else { VIDEO };
    let sender = Sender::new(codec, encode(codec, filter, 10));
    let stage = Stage::new().await.record(source, through(perfect, sender.sends())).await.stage;
    let manifest = stage.dir.path().join(stage.id.to_string()).join("manifest.jsonl");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("\"what\":\"stop\"")).collect();
    std::fs::write(&manifest, kept.join("\n") + "\n").unwrap();
    (stage.dir, stage.id)
}

async fn survives_any_cut(codec: Codec, source: Source) {
    let (dir, id) = unfinished(codec, source).await;
    let folder = dir.path().join(id.to_string());
    let (recorder, _) = reopen(dir.path()).await;
    let index = recorder.index(id).await.unwrap();
    drop(recorder);
    let track = &index.tracks[0];
    let file = file_of(&folder, &track.id);
    let sealed = std::fs::read(&file).unwrap();
    let manifest = std::fs::read(folder.join("manifest.jsonl")).unwrap();
    // Where the lines that announce a fragment end.
    let mut line_ends = Vec::new();
    for line in manifest.split_inclusive(|byte| *byte == b'\n') {
        let end = line_ends.last().map_or(0, |(end, _)| *end) + line.len();
        line_ends.push((end, String::from_utf8_lossy(line).contains("\"what\":\"fragment\"")));
    }
    let line_ends: Vec<usize> =
        line_ends.into_iter().filter_map(|(end, announces)| announces.then_some(end)).collect();
    // Where the chunks of the fragments end, each 16 bytes longer than its media.
    let ends: Vec<usize> = (track.fragments.iter().zip(2..))
        .map(|(fragment, chunks)| (fragment.bytes.offset + fragment.bytes.length) as usize + 16 * chunks)
        .collect();

    // Cuts all over the file, and around every border of two fragments.
    let spread = (0..20).map(|i| ends[0] + (sealed.len() - ends[0]) * i / 19);
    let borders = ends.iter().flat_map(|end| [end - 1, *end, end + 6, end + 90]);
    for (i, cut) in spread.chain(borders).filter(|cut| (ends[0]..=sealed.len()).contains(cut)).enumerate() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        // The manifest may be one line behind (the crash came between media and line) or one ahead (a power failure),
        // and end within a line.
        let announced = (whole + i % 3).saturating_sub(1).clamp(1, ends.len());
        let manifest_end = line_ends[announced - 1] + i * 7 % 60;
        std::fs::write(&file, &sealed[..cut]).unwrap();
        std::fs::write(folder.join("manifest.jsonl"), &manifest[..manifest_end.min(manifest.len() - 1)])
            .unwrap();

        // After the next start, the file is exactly its whole announced fragments and decodes without complaint.
        let (recorder, report) = reopen(dir.path()).await;
        assert_eq!(report.recovered, [id], "cut at {cut}");
        let index = recorder.index(id).await.unwrap();
        assert!(index.complete);
        let length = std::fs::metadata(&file).unwrap().len();
        let kept = whole.min(announced);
        assert_eq!(length as usize, ends[kept - 1], "cut at {cut}, {announced} announced");
        assert_eq!(index.tracks[0].fragments.len(), kept);
        decode_cleanly(&unseal(&recorder, id, &index.tracks[0], dir.path()).await);
    }
}

#[tokio::test]
async fn a_webm_cut_anywhere_plays_and_is_mended() {
    survives_any_cut(Codec::Vp8, Source::Camera).await;
}

#[tokio::test]
async fn an_h264_file_cut_anywhere_plays_and_is_mended() {
    survives_any_cut(Codec::H264, Source::Camera).await;
}

#[tokio::test]
async fn an_opus_file_cut_anywhere_plays_and_is_mended() {
    survives_any_cut(Codec::Opus, Source::Microphone).await;
}

const CHILD_FOLDER: &str = "RECORDER_CRASH_TEST_FOLDER";
const CHILD_RECORDING: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);

/// Not a test of its own: the process that the next test kills. Records in real time until then.
#[tokio::test]
#[ignore = "started by a_killed_process_loses_at_most_two_seconds"]
async fn child_that_records_until_it_is_killed() {
    let Ok(dir) = std::env::var(CHILD_FOLDER) else { return };
    let (recorder, _) = reopen(Path::new(&dir)).await;
    let handle = recorder.start(spec(CHILD_RECORDING)).await.unwrap();
    let party = Uuid::now_v7();
    let mut playing = Vec::new();
    for (codec, filter, source) in [
        (Codec::Vp8, VIDEO, Source::Camera),
        (Codec::Opus, "sine=frequency=440:sample_rate=48000", Source::Microphone),
        (Codec::H264, VIDEO, Source::Screen),
    ] {
        let (sender, receiver) = sfu::tap_channel(4096);
        let track =
            recorder::TrackSpec { party, side: recorder::Side::Agent, name: "Grace".to_owned(), source };
        handle.add_track(track, receiver);
        let arrivals = through(perfect, Sender::new(codec, encode(codec, filter, 12)).sends());
        playing.extend(arrivals.into_iter().map(|(at, event)| (at, sender_index(source), event)));
        SENDERS.with_borrow_mut(|senders| senders.push(sender));
    }
    playing.sort_by_key(|(at, ..)| *at);
    let start = Instant::now();
    for (at, sender, event) in playing {
        let due = Duration::from_micros(at as u64);
        tokio::time::sleep(due.saturating_sub(start.elapsed())).await;
        SENDERS.with_borrow(|senders| senders[sender].send(event));
        std::fs::write(Path::new(&dir).join("progress"), at.to_string()).unwrap();
    }
}

thread_local! {
    static SENDERS: std::cell::RefCell<Vec<sfu::TapSender>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn sender_index(source: Source) -> usize {
    match source {
        Source::Camera => 0,
        Source::Microphone => 1,
        Source::Screen => 2,
    }
}

#[tokio::test]
async fn a_killed_process_loses_at_most_two_seconds() {
    for kill_at_us in [1_800_000, 3_300_000, 5_750_000] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_that_records_until_it_is_killed", "--ignored", "--nocapture"])
            .env(CHILD_FOLDER, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let progress = || {
            let text = std::fs::read_to_string(dir.path().join("progress")).unwrap_or_default();
            text.parse::<i64>().unwrap_or(0)
        };
        while progress() < kill_at_us {
            assert_eq!(child.try_wait().unwrap(), None, "the child died by itself");
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        let sent_ms = progress() as u64 / 1000;

        let (recorder, report) = reopen(dir.path()).await;
        assert_eq!(report.recovered, [CHILD_RECORDING]);
        let index = recorder.index(CHILD_RECORDING).await.unwrap();
        assert!(index.complete && index.started_at == STARTED);
        assert_eq!(index.tracks.len(), if kill_at_us > 2_000_000 { 3 } else { index.tracks.len() });
        for track in &index.tracks {
            let end = track.fragments.last().unwrap().end_ms;
            assert!(end + 2000 >= sent_ms, "{}: {end} of {sent_ms} ms on disk", track.id);
            assert!(decode_cleanly(&unseal(&recorder, CHILD_RECORDING, track, dir.path()).await) > 0);
        }
    }
}

#[tokio::test]
async fn a_recording_that_runs_can_be_watched_and_the_last_picture_is_on_disk_within_two_seconds() {
    let stage = Stage::new().await;
    let tap = stage.tap(Source::Camera);
    let sender = Sender::new(Codec::Vp8, encode(Codec::Vp8, VIDEO, 1));
    let pictures = sender.frames.len();
    for (_, event) in through(perfect, sender.sends()) {
        tap.send(event);
    }
    // Nothing more comes: the camera is off, the tap stays. The clock alone must bring the rest to the disk.
    let start = Instant::now();
    let track = loop {
        let index = stage.recorder.index(stage.id).await.unwrap();
        assert!(!index.complete);
        let track = index.tracks.into_iter().next();
        if let Some(track) = track.filter(|track| track.fragments.last().unwrap().end_ms > 1000) {
            break track;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the last pictures never came to the disk");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let file = unseal(&stage.recorder, stage.id, &track, stage.dir.path()).await;
    assert_eq!(decode_cleanly(&file), pictures);
    tap.send(TapEvent::Restart);
    stage.stop().await;
}
