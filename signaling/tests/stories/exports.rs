//! A recording leaves the house as one file: what is in it, what is not, and what becomes of it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use jiff::SignedDuration;
use protocol::audit::AuditEvent;
use protocol::call::Role;
use protocol::ids::RecordingId;
use recorder::{PauseSpec, Side};
use serde_json::{Value, json};
use signaling::auth::MasterKey;
use signaling::exports::ffmpeg::Ffmpeg;
use signaling::exports::{Exporter, ExporterConfig};
use signaling::store::{AuditFilter, RowState};

use crate::studio::{Studio, brightness, channel, counter, film, probe, run, share_at};
use crate::world::{Answer, World};

/// Panels in an export: the agent's, the buyer's; a little smaller than they are, and with nothing written in them.
const LEFT: &str = "300:200:170:150";
const RIGHT: &str = "300:200:810:150";

impl World {
    /// A recording of a new call that the store knows to be complete.
    async fn studio(&self) -> Studio {
        let (agent, _) = self.staff(&format!("A{}", uuid::Uuid::now_v7()), Role::Agent).await;
        let call = self.call(agent, "LAMP-01", "Aurora").await;
        Studio::new(&self.recorder, call, self.now()).await
    }

    async fn recorded(&self, studio: Studio) -> RecordingId {
        let call = self.recorder.index(studio.id.0).await.unwrap().labels["call"].as_str().unwrap().parse();
        let duration_ms = studio.handle.stop().await.duration_ms as u32;
        let state = RowState::Complete { duration_ms };
        self.store.recording_linked(studio.id, call.unwrap(), self.now(), &state).await.unwrap();
        studio.id
    }

    /// Two seconds of the buyer's voice.
    async fn short(&self) -> RecordingId {
        let studio = self.studio().await;
        studio.voice(Side::Buyer, 0, 2_000, |_| 440);
        self.recorded(studio).await
    }

    /// The export once it is no longer queued or being made.
    async fn ended(&self, export: &Value, cookie: &str) -> Value {
        let path = format!("/api/v1/exports/{}", export["id"].as_str().unwrap());
        for _ in 0..6_000 {
            let export = self.get(&path, cookie).await.ok().json();
            if export["status"] != "queued" && export["status"] != "running" {
                return export;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("an export is never made");
    }

    /// Asks for an export and waits for its file.
    async fn exported(&self, recording: RecordingId, cookie: &str, asked: Value) -> (Value, PathBuf) {
        let answer = self.ask(recording, cookie, asked).await.ok();
        assert_eq!(answer.status, StatusCode::CREATED);
        let export = self.ended(&answer.json(), cookie).await;
        assert_eq!(export["status"], "done", "{export}");
        let file = self.get_file(export["url"].as_str().unwrap(), cookie).await;
        let path = self.dir.path().join(format!("{}.mp4", export["id"].as_str().unwrap()));
        std::fs::write(&path, file).unwrap();
        (export, path)
    }

    async fn ask(&self, recording: RecordingId, cookie: &str, asked: Value) -> Answer {
        self.json(Method::POST, &format!("/api/v1/recordings/{recording}/exports"), cookie, asked).await
    }

    async fn get_file(&self, path: &str, cookie: &str) -> Vec<u8> {
        let answer = self.get(path, cookie).await.ok();
        assert_eq!(answer.header(header::CONTENT_TYPE), "video/mp4");
        assert!(answer.header(header::CONTENT_DISPOSITION).starts_with("attachment; filename=\"V-10"));
        answer.bytes
    }
}

/// The brightness in the middle of a second of what is shown.
fn at(levels: &[u8], second: f64) -> i32 {
    i32::from(levels[(second * 25.0) as usize])
}

#[track_caller]
fn is_near(found: i32, wanted: i32) {
    assert!((found - wanted).abs() <= 4, "{found}, not {wanted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_left_the_buyer_right_and_what_was_redacted_is_nowhere() {
    let world = World::new().await;
    let (_, cookie) = world.staff("Rena", Role::Supervisor).await;
    let studio = world.studio().await;
    studio.camera(Side::Agent, 0, &counter(40, 12, 8), |_| 0);
    studio.camera(Side::Buyer, 0, &counter(220, -12, 8), |_| 0);
    // From 2 to 4 s the buyer reads out a card, at 1320 Hz.
    let secret = 2_000..4_000;
    studio.voice(Side::Agent, 0, 8_000, |_| 440);
    studio.voice(Side::Buyer, 0, 8_000, |at| if secret.contains(&at) { 1_320 } else { 880 });
    let recording = world.recorded(studio).await;
    let redactions = json!([{ "start_ms": 1_990, "end_ms": 4_010 }]);
    let asked = json!({ "reason": "Claim 4711", "redactions": redactions, "timestamps": true });
    let (export, file) = world.exported(recording, &cookie, asked).await;
    assert_eq!((export["by_name"].as_str(), export["reason"].as_str()), (Some("Rena"), Some("Claim 4711")));

    let log = world.store.audit(&AuditFilter::default(), None, None).await.unwrap();
    let told: Vec<_> = log.items.iter().map(|entry| (entry.event, entry.why.as_str())).collect();
    assert!(told.contains(&(AuditEvent::Exported, "Claim 4711")), "{told:?}");
    assert!(told.contains(&(AuditEvent::ExportDownloaded, "Claim 4711")), "{told:?}");

    assert_eq!(probe(&file, "stream=codec_name,width,height,channels"), "h264,1280,720\naac,2");
    // 1.96 to 4.04: cuts grow to whole pictures.
    let length: f64 = probe(&file, "format=duration").parse().unwrap();
    assert!((length - 5.92).abs() < 0.05, "{length} s");
    assert_eq!(export["duration_ms"], 5_920);

    let (left, right) = (brightness(&file, LEFT), brightness(&file, RIGHT));
    assert_eq!(left.len(), 148, "pictures");
    for (second, shown) in [(0.5, 0), (1.5, 1), (2.5, 4), (3.5, 5), (5.5, 7)] {
        is_near(at(&left, second), 40 + 12 * shown);
        is_near(at(&right, second), 220 - 12 * shown);
    }
    for level in left.iter().map(|level| i32::from(*level)) {
        for secret in [40 + 12 * 2, 40 + 12 * 3] {
            assert!((level - secret).abs() > 4, "a picture of second {} is shown", (secret - 40) / 12);
        }
    }

    let (agent, buyer) = (channel(&file, 0), channel(&file, 1));
    // Before and after the cut, where the wave is whole.
    for part in [4_800..90_000, 100_000..280_000] {
        let (agent, buyer) = (&agent[part.clone()], &buyer[part]);
        assert!(share_at(agent, 440.0) > 0.8 && share_at(agent, 880.0) < 0.01);
        assert!(share_at(buyer, 880.0) > 0.8 && share_at(buyer, 440.0) < 0.01);
    }
    // In every tenth of a second: an average would hide a word.
    for (tenth, piece) in buyer.chunks_exact(4_800).enumerate() {
        assert!(share_at(piece, 1_320.0) < 0.05, "the card is heard at {} ms", tenth * 100);
    }
    // The time is burnt in: white letters in the middle of the bar, and they change.
    let letters = |second: &str| {
        let path = file.to_str().unwrap();
        let crop = "crop=460:36:410:648,format=gray";
        run(
            "ffmpeg",
            &["-v", "error", "-ss", second, "-i", path, "-vf", crop, "-frames:v", "1", "-f", "rawvideo", "-"],
        )
    };
    let (early, late) = (letters("0.5"), letters("5.5"));
    assert!(early.iter().any(|pixel| *pixel > 200) && late.iter().any(|pixel| *pixel > 200));
    assert_ne!(early, late);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_camera_a_turned_phone_a_new_size_a_late_voice_and_a_pause_are_shown_as_they_were() {
    let world = World::new().await;
    let (_, cookie) = world.staff("Rena", Role::Supervisor).await;
    let studio = world.studio().await;
    // White above black, in two sizes; the phone is turned upside down after two seconds.
    let halves = |size: &str| {
        film(&format!("color=black:size={size}:rate=15,drawbox=x=0:y=0:w=iw:h=ih/2:color=white:t=fill"), 2)
    };
    let pictures = [halves("320x240"), halves("240x320")].concat();
    studio.camera(Side::Buyer, 1_000, &pictures, |n| if n < 30 { 0 } else { 180 });
    studio.voice(Side::Buyer, 0, 5_000, |_| 880);
    studio.voice(Side::Agent, 3_000, 5_000, |_| 440);
    let recording = world.recorded(studio).await;
    let (_, file) = world.exported(recording, &cookie, json!({ "reason": "QA" })).await;

    // Panels of 640: the picture is 640 × 480 first, then 480 × 640 and upside down.
    let (above, below) = (brightness(&file, "200:100:860:180"), brightness(&file, "200:100:860:400"));
    let seen = |second| (at(&above, second) > 128, at(&below, second) > 128);
    assert_eq!(seen(0.5), (false, false), "no camera yet");
    assert_eq!(seen(2.0), (true, false));
    assert_eq!(seen(4.0), (false, true));
    let top = brightness(&file, "200:30:860:10");
    assert!(
        at(&top, 2.0) < 40 && at(&brightness(&file, "200:30:860:600"), 4.0) > 200,
        "high pictures fill the height"
    );
    // The agent has no camera: a panel that is not black, with a name on it.
    let frame = run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-ss",
            "2",
            "-i",
            file.to_str().unwrap(),
            "-vf",
            "crop=640:640:0:0,format=gray",
            "-frames:v",
            "1",
            "-f",
            "rawvideo",
            "-",
        ],
    );
    let white = frame.iter().filter(|pixel| **pixel > 200).count();
    assert!((200..20_000).contains(&white), "{white} white pixels of a name");
    assert!(frame[0] > 20, "a panel, not nothing");
    // The agent's voice begins where it began.
    let agent = channel(&file, 0);
    assert!(agent[..2_900 * 48].iter().all(|sample| sample.abs() < 200.0));
    assert!(share_at(&agent[3_200 * 48..4_800 * 48], 440.0) > 0.8);
    let length: f64 = probe(&file, "format=duration").parse().unwrap();
    assert!((length - 5.0).abs() < 0.1, "{length} s");

    // A pause is a still with words: nothing of it is there.
    let studio = world.studio().await;
    let pause = PauseSpec { reason: "card_data".into(), by: "x".into(), at_most: Duration::from_secs(60) };
    studio.voice(Side::Buyer, 0, 3_000, |_| 880);
    studio.camera(Side::Buyer, 0, &counter(150, 0, 1), |_| 0);
    studio.handle.pause(pause).await;
    studio.handle.resume().await;
    let recording = world.recorded(studio).await;
    world.exported(recording, &cookie, json!({ "reason": "QA" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_export_asks_and_every_mistake_is_named() {
    let world = World::new().await;
    let (_, agent) = world.staff("Mina", Role::Agent).await;
    let (_, cookie) = world.staff("Rena", Role::Supervisor).await;
    let recording = world.short().await;
    world.ask(recording, &agent, json!({ "reason": "curious" })).await.refused("not_allowed");
    for (asked, field) in [
        (json!({ "reason": "  " }), "reason"),
        (json!({ "reason": "x".repeat(501) }), "reason"),
        (json!({ "reason": "x", "redactions": [{ "start_ms": 5, "end_ms": 5 }] }), "redactions[0].end_ms"),
        (
            json!({ "reason": "x", "redactions": [{ "start_ms": 9000, "end_ms": 9001 }] }),
            "redactions[0].start_ms",
        ),
    ] {
        assert_eq!(world.ask(recording, &cookie, asked).await.refused("field_invalid"), field);
    }
    world.ask(RecordingId::new(), &cookie, json!({ "reason": "x" })).await.refused("not_found");
    let whole = json!({ "reason": "x", "redactions": [{ "start_ms": 0, "end_ms": 9_000 }] });
    let export = world.ended(&world.ask(recording, &cookie, whole).await.ok().json(), &cookie).await;
    assert_eq!(export["status"], "failed", "nothing is left of it");
    world.get(&format!("/api/v1/exports/{}", RecordingId::new()), &cookie).await.refused("not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sealed_read_in_parts_and_goes_with_its_time_and_with_its_recording() {
    let world = World::new().await;
    let (_, cookie) = world.staff("Rena", Role::Supervisor).await;
    let recording = world.short().await;
    let (export, file) = world.exported(recording, &cookie, json!({ "reason": "x" })).await;
    let plain = std::fs::read(file).unwrap();
    let kept = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(world.dir.path().join("exports")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    assert_eq!(kept().len(), 1, "nothing unsealed stays: {:?}", kept());
    let sealed = std::fs::read(&kept()[0]).unwrap();
    assert!(!sealed.windows(8).any(|window| window == b"ftypisom"));
    assert_eq!(std::fs::metadata(&kept()[0]).unwrap().permissions().mode() & 0o077, 0);

    let url = export["url"].as_str().unwrap();
    let request = Request::get(url).header("cookie", &cookie).header("range", "bytes=100-199");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, &answer.bytes[..]), (StatusCode::PARTIAL_CONTENT, &plain[100..200]));

    // Its time is up.
    world.pass(SignedDuration::from_hours(73));
    let (_, cookie) = world.staff("Ruth", Role::Supervisor).await;
    world.exporter.sweep().await.unwrap();
    assert!(kept().is_empty());
    world.get(url, &cookie).await.refused("export_not_ready");
    let path = format!("/api/v1/exports/{}", export["id"].as_str().unwrap());
    assert_eq!(world.get(&path, &cookie).await.json()["status"], "deleted");
    // Made again, then deleted by hand, then again, and then the recording goes.
    for by_hand in [true, false] {
        let again = world.json(Method::POST, &format!("{path}/retry"), &cookie, json!({})).await.ok().json();
        assert_eq!(world.ended(&again, &cookie).await["status"], "done");
        assert_eq!(kept().len(), 1);
        if by_hand {
            let answer = world.json(Method::DELETE, &path, &cookie, json!({})).await.ok();
            assert_eq!(answer.json()["status"], "deleted");
        }
    }
    world.recorder.erase(recording.0, "asked").await.unwrap();
    while !kept().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.store.recording_deleted(recording, world.now(), "asked").await.unwrap();
    world.json(Method::POST, &format!("{path}/retry"), &cookie, json!({})).await.refused("not_found");
}

/// A program in place of `ffmpeg`.
fn script(dir: &Path, text: &str) -> Ffmpeg {
    let path = dir.join("ffmpeg");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Ffmpeg::new(path)
}

fn config(dir: &Path, ffmpeg: Ffmpeg) -> ExporterConfig {
    let keep = SignedDuration::from_hours(1);
    ExporterConfig { dir: dir.join("exports"), ffmpeg, at_once: 1, keep, min_free: 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_after_the_other_with_progress_and_cancelling_ends_the_process() {
    let world = World::new().await;
    let (user, _) = world.staff("Rena", Role::Supervisor).await;
    let recording = world.short().await;
    let dir = tempfile::tempdir().unwrap();
    // Says that it is half done, and where it works; then works for ever.
    let endless = script(dir.path(), "echo $$ > ../working; echo out_time_us=1000000; exec sleep 1000");
    let keys = Arc::new(MasterKey::generate());
    let config = config(dir.path(), endless);
    let (exporter, task) =
        Exporter::start(config, world.store.clone(), world.recorder.clone(), keys).await.unwrap();
    let new = |reason: &str| protocol::exports::NewExport {
        reason: reason.into(),
        timestamps: false,
        redactions: Vec::new(),
    };
    let first = exporter.ask(recording, new("first"), user, "Rena").await.unwrap();
    let second = exporter.ask(recording, new("second"), user, "Rena").await.unwrap();
    let until = async |id, wanted: fn(&protocol::exports::Export) -> bool| loop {
        let export = exporter.get(id).await.unwrap();
        if wanted(&export) {
            return export;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    use protocol::exports::ExportStatus::{Cancelled, Queued, Running};
    until(first.id, |export| export.status == Running && export.progress == 50).await;
    assert_eq!(exporter.get(second.id).await.unwrap().status, Queued, "one at a time");
    let pid: i32 =
        std::fs::read_to_string(dir.path().join("exports/working")).unwrap().trim().parse().unwrap();
    let runs = || Path::new(&format!("/proc/{pid}/cwd")).read_link().is_ok();
    assert!(runs());
    assert_eq!(exporter.remove(first.id).await.unwrap().status, Cancelled);
    until(second.id, |export| export.status == Running).await;
    while runs() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!dir.path().join(format!("exports/{}", first.id)).exists(), "its unsealed media is gone");
    assert!(exporter.retry(second.id).await.is_err(), "it is being made");
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_makes_what_was_being_made_and_gives_up_what_it_never_survives() {
    let world = World::new().await;
    let (user, _) = world.staff("Rena", Role::Supervisor).await;
    let recording = world.short().await;
    let dir = tempfile::tempdir().unwrap();
    let keys: Arc<MasterKey> = Arc::new(MasterKey::generate());
    let new = protocol::exports::NewExport { reason: "x".into(), timestamps: false, redactions: Vec::new() };
    use protocol::exports::ExportStatus::{Done, Failed, Queued, Running};
    let begin = async |ffmpeg: Ffmpeg| {
        let config = config(dir.path(), ffmpeg);
        Exporter::start(config, world.store.clone(), world.recorder.clone(), keys.clone()).await.unwrap()
    };
    // Killed in the middle: the process goes on, and the store says that it is being made.
    let endless = || script(dir.path(), "exec sleep 1000");
    let (exporter, task) = begin(endless()).await;
    let id = exporter.ask(recording, new, user, "Rena").await.unwrap().id;
    let status = async || world.store.export(id).await.unwrap().unwrap().status;
    while status().await != Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    task.abort();
    let _ = task.await;
    drop(exporter);
    std::fs::create_dir_all(dir.path().join("exports/left-over")).unwrap();
    std::fs::write(dir.path().join("exports/left-over/track-0"), b"media").unwrap();
    let (exporter, task) = begin(Ffmpeg::new("ffmpeg")).await;
    while status().await != Done {
        assert!(matches!(status().await, Queued | Running | Done));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!dir.path().join("exports/left-over").exists(), "unsealed media of before is gone");
    task.abort();
    let _ = task.await;

    // One that never survives is given up with the reason; a program that fails is told with its last words.
    exporter.remove(id).await.unwrap();
    exporter.retry(id).await.unwrap();
    for _ in 0..3 {
        let (_, task) = begin(endless()).await;
        while status().await != Running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        task.abort();
        let _ = task.await;
    }
    let (exporter, task) = begin(script(dir.path(), "echo 'no such codec' >&2; exit 3")).await;
    let export = exporter.get(id).await.unwrap();
    assert_eq!(export.status, Failed);
    assert!(export.error.unwrap().contains("3 times"));
    exporter.retry(id).await.unwrap();
    while status().await != Failed {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(exporter.get(id).await.unwrap().error.unwrap().contains("no such codec"));
    task.abort();
}
