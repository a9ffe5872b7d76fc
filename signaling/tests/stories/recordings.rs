//! Reviewers find recordings and read them in parts; nobody else does.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use protocol::call::Role;
use protocol::ids::{CallId, RecordingId, UserId};
use recorder::{ByteRange, Fragment, IndexTrack, RecordingIndex, Side};

use crate::world::{Answer, World};

/// A recording of a call with one track of 1000 known bytes.
pub(crate) async fn recorded(world: &World, dir: &std::path::Path, call: CallId) -> RecordingId {
    let id = RecordingId::new();
    world.store.recording_started(id, call, world.now()).await.unwrap();
    world.store.recording_finished(id, 61_000).await.unwrap();
    let file = dir.join(id.to_string());
    std::fs::write(&file, (0..1000u32).map(|n| n as u8).collect::<Vec<u8>>()).unwrap();
    world.archive.files.lock().unwrap().insert((id, "buyer-camera-1".into()), file);
    world.archive.recordings.lock().unwrap().insert(id, index(id));
    id
}

/// What the recorder says of a recording with one track.
pub(crate) fn index(id: RecordingId) -> RecordingIndex {
    let track = IndexTrack {
        id: "buyer-camera-1".into(),
        party: uuid::Uuid::now_v7(),
        side: Side::Buyer,
        name: "Jana".into(),
        source: sfu::Source::Camera,
        mime: "video/webm; codecs=\"vp8\"".into(),
        length: 1000,
        init: ByteRange { offset: 0, length: 100 },
        fragments: vec![Fragment {
            bytes: ByteRange { offset: 100, length: 900 },
            start_ms: 250,
            end_ms: 61_000,
            keyframe: true,
        }],
        gaps: Vec::new(),
        rotation: 0,
        rotations: Vec::new(),
        size: Some((640, 480)),
        dropped: 0,
        sound: Vec::new(),
    };
    RecordingIndex {
        id: id.0,
        started_at: sfu::NodeTime(0),
        duration_ms: 61_000,
        complete: true,
        erased: None,
        labels: serde_json::Value::Null,
        receipts: Vec::new(),
        quality: Vec::new(),
        pauses: Vec::new(),
        tracks: vec![track],
    }
}

async fn part(world: &World, cookie: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path).header("cookie", cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

struct Scene {
    world: World,
    _dir: tempfile::TempDir,
    agent: UserId,
    call: CallId,
    recording: RecordingId,
    reviewer: String,
}

async fn scene() -> Scene {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let (agent, _) = world.staff("Mina Berg", Role::Agent).await;
    let (_, reviewer) = world.staff("Rita", Role::Reviewer).await;
    let call = world.call(agent, "AUR-3", "Aurora Stehleuchte").await;
    let recording = recorded(&world, dir.path(), call).await;
    Scene { world, _dir: dir, agent, call, recording, reviewer }
}

#[tokio::test]
async fn a_reviewer_gets_all_that_a_player_needs() {
    let Scene { world, recording, reviewer, .. } = scene().await;
    let answer = world.get(&format!("/api/v1/recordings/{recording}"), &reviewer).await.ok().json();
    assert_eq!(answer["summary"]["ticket_number"], "V-1001");
    assert_eq!(answer["summary"]["agent"], "Mina Berg");
    assert_eq!(answer["summary"]["duration_ms"], 61_000);
    let track = &answer["tracks"][0];
    assert_eq!(track["url"], format!("/api/v1/recordings/{recording}/tracks/buyer-camera-1"));
    assert_eq!((&track["side"], &track["source"]), (&"buyer".into(), &"camera".into()));
    assert_eq!(track["fragments"][0]["start_ms"], 250);
}

#[tokio::test]
async fn recordings_are_found_by_ticket_agent_and_product_together() {
    let Scene { world, _dir, recording, reviewer, .. } = scene().await;
    let (omar, _) = world.staff("Omar", Role::Agent).await;
    let call = world.call(omar, "KIT-1", "Kitchen lamp").await;
    let other = recorded(&world, _dir.path(), call).await;
    for (query, ids) in [
        ("", vec![other, recording]),
        ("ticket=1001", vec![recording]),
        ("ticket=V-1002", vec![other]),
        ("ticket=V-1", vec![other, recording]),
        ("agent=berg", vec![recording]),
        ("agent=v", vec![]),
        ("product=lamp", vec![other]),
        ("product=aur-3&agent=mina", vec![recording]),
        ("product=aur-3&agent=omar", vec![]),
        ("limit=1", vec![other]),
    ] {
        let page = world.get(&format!("/api/v1/recordings?{query}"), &reviewer).await.ok().json();
        let found: Vec<&str> =
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids.iter().map(ToString::to_string).collect::<Vec<_>>(), "for {query:?}");
    }
}

#[tokio::test]
async fn a_track_is_read_in_parts() {
    let Scene { world, _dir, recording, reviewer, .. } = scene().await;
    let path = format!("/api/v1/recordings/{recording}/tracks/buyer-camera-1");
    let whole = part(&world, &reviewer, &path, &[]).await;
    assert_eq!((whole.status, whole.bytes.len()), (StatusCode::OK, 1000));
    assert_eq!(whole.header(header::ACCEPT_RANGES), "bytes");
    assert_eq!(whole.header(header::CACHE_CONTROL), "no-store");
    let etag = whole.header(header::ETAG).to_owned();

    let piece = part(&world, &reviewer, &path, &[("range", "bytes=100-199"), ("if-range", &etag)]).await;
    assert_eq!(piece.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(piece.header(header::CONTENT_RANGE), "bytes 100-199/1000");
    assert_eq!(piece.bytes, whole.bytes[100..200]);
    let last = part(&world, &reviewer, &path, &[("range", "bytes=-5")]).await;
    assert_eq!(last.bytes, whole.bytes[995..]);

    let outside = part(&world, &reviewer, &path, &[("range", "bytes=1000-")]).await;
    assert_eq!(outside.refused("range_not_satisfiable"), "Range");
    assert_eq!(outside.header(header::CONTENT_RANGE), "bytes */1000");
    let changed = part(&world, &reviewer, &path, &[("range", "bytes=0-1"), ("if-range", "\"older\"")]).await;
    assert_eq!((changed.status, changed.bytes.len()), (StatusCode::OK, 1000));
}

#[tokio::test]
async fn nobody_without_the_role_gets_a_byte() {
    let Scene { world, _dir, recording, agent, .. } = scene().await;
    let path = format!("/api/v1/recordings/{recording}/tracks/buyer-camera-1");
    world.get(&path, "").await.refused("not_logged_in");
    let token = signaling::auth::secret::token();
    let until = world.now() + jiff::SignedDuration::from_hours(1);
    world.store.open_staff_session(&token, agent, until).await.unwrap();
    world.get(&path, &format!("vitrine_session={token}")).await.refused("not_allowed");
}

#[tokio::test]
async fn a_name_that_is_no_track_leads_nowhere() {
    let Scene { world, _dir, recording, reviewer, .. } = scene().await;
    for name in ["nobody", "..", "%2e%2e%2fmanifest", "a%2fb", "%00"] {
        let answer = world.get(&format!("/api/v1/recordings/{recording}/tracks/{name}"), &reviewer).await;
        answer.refused("not_found");
    }
    assert_eq!(world.get("/api/v1/recordings/x/tracks/y", &reviewer).await.refused("id_malformed"), "id");
}

#[tokio::test]
async fn a_deleted_recording_is_nowhere_to_be_found_and_its_ticket_stays() {
    let Scene { world, _dir, recording, reviewer, call, .. } = scene().await;
    let path = format!("/api/v1/calls/{call}");
    assert_eq!(world.get(&path, &reviewer).await.ok().json()["recording"], recording.to_string());
    world.store.recording_deleted(recording, world.now(), "consent_withdrawn").await.unwrap();
    world.get(&format!("/api/v1/recordings/{recording}"), &reviewer).await.refused("not_found");
    let tracks = format!("/api/v1/recordings/{recording}/tracks/buyer-camera-1");
    world.get(&tracks, &reviewer).await.refused("not_found");
    let call = world.get(&path, &reviewer).await.ok().json();
    assert!(call.get("recording").is_none_or(serde_json::Value::is_null));
    let ticket = world.get(&format!("/api/v1/tickets/{}", call["ticket"].as_str().unwrap()), &reviewer).await;
    assert!(ticket.ok().json().get("recording").is_none_or(serde_json::Value::is_null));
}
